"""Frames of an output that show the one before once more."""

import pytest

from dreamvideo.score.repeats import Repeats
from tests.score.conftest import Frames, lifted, noisy, pan, still


def repeated(inputs: Frames, dreamed: Frames) -> list[int]:
    repeats = Repeats()
    for pair in zip(inputs, dreamed, strict=True):
        repeats.add(*pair)
    return repeats.frames


def held(frames: Frames, *numbers: int) -> Frames:
    """The frames, of which those with ``numbers`` show the one before."""
    return [frames[index - 1] if index in numbers else frame for index, frame in enumerate(frames)]


def test_a_frame_that_was_filled_in_is_found() -> None:
    dreamed = noisy(pan(20), 0.02)
    assert repeated(pan(20), held(dreamed, 7, 12)) == [7, 12]
    assert repeated(pan(20), dreamed) == []


def test_what_differs_in_the_least_is_no_repeat() -> None:
    dreamed = held(pan(20), 7)
    dreamed[7] = dreamed[7].copy()
    dreamed[7][0, 0, 0] += 1e-6
    assert repeated(pan(20), dreamed) == []


def test_what_the_input_repeats_itself_may_repeat() -> None:
    animated = held(pan(20), *range(1, 20, 2))
    assert repeated(animated, noisy(pan(20), 0.02)) == []
    assert repeated(animated, held(noisy(pan(20), 0.02), *range(1, 20, 2))) == []


@pytest.mark.parametrize("inputs", [still(20), lifted(still(20), [0.001 * n for n in range(20)])])
def test_an_encoder_may_skip_noise_and_what_nobody_sees(inputs: Frames) -> None:
    assert repeated(noisy(inputs, 0.01), still(20, seed=1)) == []


def test_a_part_that_moves_is_enough() -> None:
    inputs = [frame.copy() for frame in still(20, height=160, width=240)]
    for index, frame in enumerate(inputs):
        frame[40:72, 2 * index : 2 * index + 24] = 1
    assert repeated(inputs, still(20, seed=1)) == list(range(1, 20))
