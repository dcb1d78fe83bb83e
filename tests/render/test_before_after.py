"""The input and its dream side by side."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvideo.config import Config
from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.still import read_image, write_image
from dreamvideo.render.job import Listener
from dreamvideo.render.picture import render_image
from tests.render.conftest import Studio
from tests.tiny import picture


@pytest.fixture
def still(tmp_path: Path, out: Path) -> Studio:
    path = tmp_path / "still.png"
    write_image(str(path), picture(45, 61))
    return Studio(out, str(path))


def test_the_input_is_left_and_its_dream_right(still: Studio) -> None:
    render_image(still.job("both.png"), Listener(still.progress.append), before_after=True)
    render_image(still.job("dream.png"), Listener())
    both, dream = (read_image(str(still.folder / name)) for name in ("both.png", "dream.png"))
    assert np.array_equal(both[:, :61], read_image(still.input))
    assert np.array_equal(both[:, -61:], dream)
    assert both.shape[1] < 2 * 61 + 8
    assert [(step.done, step.total) for step in still.progress] == [(0, 1), (1, 1)]


def test_it_holds_the_settings(still: Studio) -> None:
    render_image(still.job("both.png"), Listener(), before_after=True)
    with Image.open(still.folder / "both.png") as image:
        text = str(image.info["Comment"])
    assert Config.model_validate(tomllib.loads(text)) == still.config


def test_what_is_no_picture_or_there_already_is_refused(still: Studio, clip: str) -> None:
    with pytest.raises(ConfigError, match="is not a picture"):
        render_image(still.job("both.mp4"), Listener(), before_after=True)
    (still.folder / "both.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        render_image(still.job("both.png"), Listener(), before_after=True)
    still.input = clip
    with pytest.raises(ConfigError, match="not a single picture"):
        render_image(still.job("other.png"), Listener(), before_after=True)
