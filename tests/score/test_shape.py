"""Two sizes: cut, scaled, or of another shape."""

from fractions import Fraction

import numpy as np
import pytest

from dreamvideo.media.frames import StillSource
from dreamvideo.media.source import Source
from dreamvideo.score.shape import common_size, fitted, scaling_note
from tests.score.conftest import pan

SQUARE = Fraction(1)
PAL = Fraction(64, 45)
STRETCHED = "so that what its frames say is of a picture stretched to fit"


def source(name: str, width: int, height: int, aspect: Fraction = SQUARE) -> Source:
    found = StillSource.__new__(StillSource)
    found.name, found.width, found.height, found.sample_aspect = name, width, height, aspect
    return found


def told(first: tuple[int, int], second: tuple[int, int], *, aspects: tuple[Fraction, Fraction] = (SQUARE, SQUARE)):
    return scaling_note(source("in", *first, aspects[0]), source("out", *second, aspects[1]))


@pytest.mark.parametrize(("height", "width"), [(48, 64), (46, 62), (48, 62)])
def test_a_row_or_column_more_or_less_is_cut_off(height: int, width: int) -> None:
    whole = pan(1, height=48, width=64)[0]
    frame, dreamed = whole[:47, :63], whole[:height, :width]
    size = common_size(source("in", 63, 47), source("out", width, height))
    assert size == (min(63, width), min(47, height))
    assert np.array_equal(fitted(frame, size[::-1]), fitted(dreamed, size[::-1]))


def test_another_size_is_that_of_the_input() -> None:
    assert common_size(source("in", 64, 48), source("out", 62, 48)) == (64, 48)
    assert fitted(pan(1)[0], (30, 40)).shape == (30, 40, 3)


def test_sizes_that_are_near_are_not_scaled() -> None:
    assert told((641, 361), (640, 360)) is None
    assert told((640, 360), (641, 361)) is None


@pytest.mark.parametrize("second", [(640, 360), (1280, 720), (426, 240), (100, 56), (40, 22)])
def test_the_same_shape_is_taken_for_another_width(second: tuple[int, int]) -> None:
    note = told((1920, 1080), second)
    size = f"{second[0]}x{second[1]}"
    assert note == f"out is {size} and was scaled to 1920x1080; give --width {second[0]} if it was dreamed at that size"


def test_padded_to_whole_macroblocks_it_has_its_width() -> None:
    assert told((1920, 1080), (1920, 1088)) == "out is 1920x1088 and was scaled to 1920x1080"


@pytest.mark.parametrize("second", [(1080, 1920), (540, 960), (404, 720)])
def test_a_lost_rotation_is_told(second: tuple[int, int]) -> None:
    note = told((1920, 1080), second)
    assert note is not None
    assert note.endswith(f"was scaled to 1920x1080: it is turned, {STRETCHED}")


@pytest.mark.parametrize("second", [(704, 480), (640, 640), (1920, 800)])
def test_another_shape_is_told(second: tuple[int, int]) -> None:
    note = told((720, 480), second)
    assert note is not None
    assert note.endswith(f"to 720x480: it has another shape (turned, cropped or stretched), {STRETCHED}")


def test_pixels_may_have_another_shape() -> None:
    note = told((720, 576), (1024, 576), aspects=(PAL, SQUARE))
    assert note == "out is 1024x576 and was scaled to 720x576: its pixels have another shape"
    note = told((720, 576), (360, 288), aspects=(PAL, SQUARE))
    assert note is not None
    assert "give --width 360" in note
    note = told((720, 576), (576, 720), aspects=(PAL, 1 / PAL))
    assert note is not None
    assert "it is turned" in note
