"""Pictures and clips beside the input: which of their frames goes with which of its own."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.errors import ConfigError, InputError
from dreamvideo.media.source import Source, open_source
from dreamvideo.media.still import write_image
from dreamvideo.render.companions import Companions

MakeFrames = Callable[..., Path]


@pytest.fixture
def frames(tmp_path: Path) -> MakeFrames:
    """``frames(name, count)``: a folder of so many pictures, each of another brightness."""

    def build(name: str, count: int, *, height: int = 12, width: int = 16) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        for index in range(count):
            write_image(str(folder / f"{index}.png"), np.full((height, width, 3), index / 10, np.float32))
        return folder

    return build


def brightness(companions: Companions, index: int, name: str = "sea") -> float:
    return round(10 * float(companions.at(index)[name].mean()), 1)


def opened(path: Path, rate: Fraction | None = None) -> Source:
    return open_source(str(path), rate=rate)


def test_frame_t_goes_with_frame_t_and_the_last_with_all_after_it(frames: MakeFrames) -> None:
    paths = {"sea": str(frames("sea", 3)), "sky": str(frames("sky", 5))}
    with opened(frames("input", 6)) as source, Companions(paths, source) as companions:
        assert [brightness(companions, index) for index in range(6)] == [0, 1, 2, 2, 2, 2]
        assert brightness(companions, 6, "sky") == 4


def test_frames_can_be_passed_over(frames: MakeFrames) -> None:
    with opened(frames("input", 6)) as source, Companions({"sea": str(frames("sea", 5))}, source) as companions:
        assert [brightness(companions, index) for index in (0, 3, 3, 4, 9)] == [0, 3, 3, 4, 4]


def test_what_has_not_changed_is_the_very_same_array(frames: MakeFrames) -> None:
    """So that it need not be looked at again."""
    still = frames("still", 1) / "0.png"
    paths = {"sea": str(still), "sky": str(frames("sky", 2))}
    with opened(frames("input", 4)) as source, Companions(paths, source) as companions:
        first, second, third = (companions.at(index) for index in range(3))
        assert first["sea"] is second["sea"] is third["sea"]
        assert first["sky"] is not second["sky"]
        assert second["sky"] is third["sky"]
        assert first["sea"].dtype == np.float32


def test_a_clip_of_another_rate_keeps_its_time(clip: str, frames: MakeFrames) -> None:
    """At half the rate every other frame is shown."""
    with open_source(clip) as source:
        every = list(source.frames())
    half = Fraction(15000, 1001)
    with opened(frames("input", 4), half) as source, Companions({"sea": clip}, source) as companions:
        shown = [companions.at(index)["sea"] for index in range(4)]
    for index, frame in enumerate(shown):
        distances = np.array([np.abs(frame - other).mean() for other in every])
        assert distances[max(0, 2 * index - 1) : 2 * index + 2].min() == distances.min()
    assert not np.array_equal(shown[0], shown[3])


def test_no_pictures_are_none(frames: MakeFrames) -> None:
    with opened(frames("input", 2)) as source, Companions({}, source) as companions:
        assert companions.at(1) == {}
        assert companions.identity() == {}
        assert companions.notes([], source) == []


def test_a_name_without_a_file_is_refused_and_a_file_that_is_not_there_too(frames: MakeFrames, tmp_path: Path) -> None:
    with opened(frames("input", 2)) as source:
        with pytest.raises(ConfigError, match="the picture 'sea'; give it with --picture sea=FILE"):
            Companions({"sea": "sea"}, source)
        for name, path in (("sea", "nothing.png"), ("nothing.png", "nothing.png"), ("sea", str(tmp_path / "gone.mp4"))):
            with pytest.raises(InputError, match=Path(path).name):
                Companions({name: path}, source)


def test_what_was_opened_is_closed_when_another_cannot_be(
    frames: MakeFrames, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(Source, "close", lambda self: closed.append(self.name))
    sea = str(frames("sea", 2))
    with opened(frames("input", 2)) as source:
        with pytest.raises(InputError):
            Companions({"sea": sea, "sky": str(tmp_path / "gone.png")}, source)
        assert closed == [sea]


def test_a_mask_of_another_size_is_told(frames: MakeFrames) -> None:
    paths = {"face": str(frames("face", 1, height=20, width=10)), "same": str(frames("same", 1))}
    with opened(frames("input", 2)) as source, Companions(paths, source) as companions:
        assert companions.notes(["face", "same"], source) == [
            "the mask face is 10x20; it is scaled to the frame's 16x12"
        ]
        assert companions.notes(["same"], source) == []


def test_each_file_is_identified(frames: MakeFrames) -> None:
    sea, sky = frames("sea", 1) / "0.png", frames("sky", 2) / "0.png"
    with opened(frames("input", 1)) as source:
        with Companions({"sea": str(sea), "sky": str(sky)}, source) as companions:
            before = companions.identity()
        sea.write_bytes(sky.with_name("1.png").read_bytes())
        with Companions({"sea": str(sea), "sky": str(sky)}, source) as companions:
            after = companions.identity()
    assert before["sky"] == after["sky"]
    assert before["sea"] != after["sea"]
