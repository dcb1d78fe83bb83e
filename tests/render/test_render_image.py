"""One picture: what the first frame of a shot would be, with its settings inside."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvideo.config import Carry, Config
from dreamvideo.errors import ConfigError, InputError, OutputError
from dreamvideo.media.still import read_image, write_image
from dreamvideo.render.job import Listener
from dreamvideo.render.picture import render_image
from tests.media.conftest import pixels
from tests.render.conftest import Studio
from tests.tiny import picture, tiny_config


@pytest.fixture
def still(tmp_path: Path, out: Path) -> Studio:
    path = tmp_path / "still.png"
    write_image(str(path), picture(45, 61))
    return Studio(out, str(path))


def test_a_picture_is_the_first_frame_of_a_clip_that_carries_nothing(still: Studio) -> None:
    render_image(still.job("out.png"), Listener())
    still.render("carried/")
    still.config = still.config.model_copy(update={"carry": Carry(strength=0)})
    still.render("alone/")
    one, carried, alone = (
        read_image(str(still.folder / name)) for name in ("out.png", "carried/000000.png", "alone/000000.png")
    )
    assert one.shape == (45, 61, 3)
    assert np.array_equal(one, alone)
    assert not np.array_equal(one, carried)
    assert np.abs(one - read_image(still.input)).mean() > 0.01


def test_a_picture_in_which_nothing_can_be_raised_is_told(still: Studio) -> None:
    still.config = tiny_config(dream={"objective": "temporal()", "layers": {}})
    report = render_image(still.job("out.png"), Listener())
    assert [note for note in report.notes if note.startswith("nothing was dreamed")]


def test_rendering_a_still_to_a_picture_is_the_same(still: Studio) -> None:
    assert still.render("a.png").frames == 1
    render_image(still.job("b.png"), Listener())
    assert (still.folder / "a.png").read_bytes() == (still.folder / "b.png").read_bytes()
    assert still.files() == ["a.png", "b.png"]


def test_a_still_can_be_a_clip_of_one_frame(still: Studio) -> None:
    report = still.render("out.mp4")
    assert report.frames == 1
    assert len(pixels(report.output)) == 1


def test_the_picture_holds_the_settings_that_made_it(still: Studio) -> None:
    still.config = tiny_config(seed=7, dream={"steps": 2})
    render_image(still.job("out.png"), Listener())
    with Image.open(still.folder / "out.png") as image:
        text = str(image.info["Comment"])
    assert Config.model_validate(tomllib.loads(text)) == still.config


def test_seeds_give_different_dreams(still: Studio) -> None:
    for seed in (0, 1):
        still.config = tiny_config(seed=seed)
        render_image(still.job(f"{seed}.png"), Listener())
    one, other = (read_image(str(still.folder / f"{seed}.png")) for seed in (0, 1))
    assert not np.array_equal(one, other)


def test_progress_and_notes_are_told(still: Studio) -> None:
    still.config = tiny_config(dream={"octaves": 12})
    render_image(still.job("out.png"), Listener(still.progress.append, still.notes.append))
    assert [(step.done, step.total) for step in still.progress] == [(0, 1), (1, 1)]
    assert len(still.notes) == 1


def test_a_clip_is_no_picture(studio: Studio) -> None:
    with pytest.raises(ConfigError, match="dreamvideo render"):
        render_image(studio.job("out.png"), Listener())
    assert studio.files() == []


def test_an_image_cannot_be_written_as_a_clip(still: Studio) -> None:
    with pytest.raises(ConfigError, match="is not a picture"):
        render_image(still.job("out.mp4"), Listener())


def test_what_is_there_is_not_overwritten_unasked(still: Studio) -> None:
    (still.folder / "out.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        render_image(still.job("out.png"), Listener())
    assert (still.folder / "out.png").read_bytes() == b"mine"


def test_a_missing_input_is_said(still: Studio) -> None:
    still.input = str(still.folder / "nothing.png")
    with pytest.raises(InputError, match=r"nothing\.png"):
        render_image(still.job("out.png"), Listener())
