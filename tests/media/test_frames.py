"""Stills, folders and patterns of frames as sources."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvideo.errors import InputError
from dreamvideo.media.source import open_source


def grey(path: Path, value: int, size: tuple[int, int] = (6, 4)) -> None:
    Image.new("RGB", size, (value, value, value)).save(path)


def values(path: str, **options: float | Fraction) -> list[int]:
    with open_source(path, **options) as source:  # pyright: ignore[reportArgumentType]
        return [round(float(frame.mean()) * 255) for frame in source.frames()]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "frames"
    place.mkdir()
    for index in (1, 2, 9, 10, 11):
        grey(place / f"f{index}.png", index)
    (place / ".hidden.png").write_text("x")
    return place


def test_frames_are_in_natural_order(folder: Path) -> None:
    assert values(str(folder)) == [1, 2, 9, 10, 11]
    assert values(str(folder / "f1*.png")) == [1, 10, 11]


def test_rate_and_cut(folder: Path) -> None:
    assert open_source(str(folder)).rate == 25
    assert open_source(str(folder), rate=Fraction(10)).rate == 10
    assert values(str(folder), rate=Fraction(10), start=0.1, end=0.3) == [2, 9]
    with pytest.raises(InputError, match=r"only 0\.500 s long"):
        open_source(str(folder), rate=Fraction(10), start=0.5)


def test_frames_from_any_number_are_the_same_and_no_others_are_read(folder: Path) -> None:
    with open_source(str(folder), rate=Fraction(10), start=0.1) as source:
        (folder / "f2.png").write_text("damaged")
        assert [round(float(frame.mean()) * 255) for frame in source.frames(1)] == [9, 10, 11]
        assert list(source.frames(4)) == list(source.frames(9)) == []


def test_the_first_odd_frame_is_named(folder: Path) -> None:
    grey(folder / "f3.png", 3, size=(7, 4))
    with pytest.raises(InputError, match=r"f3\.png is 7x4, but f1\.png is 6x4"):
        open_source(str(folder))


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no frames are in this folder"):
        open_source(str(tmp_path))
    with pytest.raises(InputError, match="no frames match"):
        open_source(str(tmp_path / "*.png"))
    with pytest.raises(InputError, match="no such file"):
        open_source(str(tmp_path / "a.png"))


def test_other_files_are_left_out_and_named(folder: Path) -> None:
    (folder / "notes.txt").write_text("x")
    source = open_source(str(folder))
    assert source.frame_count == 5
    assert "notes.txt" in source.warnings[0]


def test_a_damaged_frame_is_named(folder: Path) -> None:
    data = (folder / "f9.png").read_bytes()
    (folder / "f9.png").write_bytes(data[:45])
    with pytest.raises(InputError, match=r"f9\.png"):
        values(str(folder))


def test_identity_is_over_the_listing(folder: Path) -> None:
    before = open_source(str(folder)).identity()
    assert before == open_source(str(folder)).identity()
    grey(folder / "f12.png", 12)
    assert open_source(str(folder)).identity() != before


def test_a_still_is_one_frame(tmp_path: Path) -> None:
    grey(tmp_path / "[a] *.png", 9, size=(1, 1))
    with open_source(str(tmp_path / "[a] *.png")) as source:
        frames = list(source.frames())
        assert (source.still, source.frame_count, source.sound) == (True, 1, None)
    assert frames[0].shape == (1, 1, 3)
    with pytest.raises(InputError, match="no time"):
        open_source(str(tmp_path / "[a] *.png"), start=1)


def test_a_still_is_shown_for_as_long_as_is_asked(tmp_path: Path) -> None:
    grey(tmp_path / "a.png", 9)
    with open_source(str(tmp_path / "a.png"), frames=3) as source:
        frames = list(source.frames())
        assert [len(list(source.frames(first))) for first in (1, 2, 3, 9)] == [2, 1, 0, 0]
    assert (source.still, source.frame_count, len(frames)) == (True, 3, 3)
    assert np.array_equal(frames[0], frames[2])
    frames[0][:] = 0
    assert frames[2].mean() > 0


def test_only_a_still_can_be_given_a_number_of_frames(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no still"):
        open_source(str(tmp_path), frames=2)


def test_width_scales_a_still(tmp_path: Path) -> None:
    grey(tmp_path / "a.png", 9, size=(10, 7))
    with open_source(str(tmp_path / "a.png"), width=5) as source:
        assert next(source.frames()).shape == (source.height, source.width, 3) == (4, 5, 3)


def test_further_pictures_in_a_file_are_not_lost_in_silence(tmp_path: Path) -> None:
    pages = [Image.fromarray(np.full((4, 6, 3), value, np.uint8)) for value in (10, 90)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert "2 pictures" in open_source(str(tmp_path / "a.tif")).warnings[0]
