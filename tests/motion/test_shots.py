"""Cuts are found exactly where they are, and nowhere else."""

from fractions import Fraction

import numpy as np
import pytest

from dreamvideo.config import Shots
from dreamvideo.motion.shots import CutFinder
from tests.tiny import picture

LOOKS = [(0, 0.0, 0.4), (1, 0.6, 1.0), (2, 0.1, 0.6), (3, 0.5, 1.0), (4, 0.0, 0.3), (5, 0.4, 1.0)]


def shot(number: int, frames: int, height: int = 72, width: int = 96) -> list[np.ndarray]:
    """A slow pan over one picture; neighbouring numbers look quite different."""
    seed, low, high = LOOKS[number % len(LOOKS)]
    large = picture(height, width + 2 * frames, seed, low=low, high=high)
    return [np.ascontiguousarray(large[:, 2 * i : 2 * i + width]) for i in range(frames)]


def found(frames: list[np.ndarray], *, rate: Fraction = Fraction(25), **settings: object) -> list[int]:
    finder = CutFinder(Shots(**settings), rate)  # pyright: ignore[reportArgumentType]
    return [index for index, frame in enumerate(frames) if finder.begins_shot(frame)]


def joined(lengths: list[int], **size: int) -> list[np.ndarray]:
    return [frame for number, length in enumerate(lengths) for frame in shot(number, length, **size)]


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30000, 1001), Fraction(1, 2), Fraction(240)])
def test_hard_cuts_are_found_exactly(rate: Fraction) -> None:
    assert found(joined([12, 7, 15, 3]), rate=rate) == [0, 12, 19, 34]


def test_smooth_motion_has_none() -> None:
    assert found(shot(1, 40)) == [0]


def test_a_slow_fade_has_none() -> None:
    frame = picture(72, 96)
    assert found([frame * np.float32(1 - i / 60) for i in range(60)]) == [0]


def test_detection_can_be_left_off() -> None:
    assert found(joined([6, 6, 6]), detect=False) == [0]


def test_the_threshold_decides_how_much_change_is_a_cut() -> None:
    frames = [picture(72, 96) * np.float32(0.5)] * 5 + [picture(72, 96) * np.float32(0.5) + np.float32(0.1)] * 5
    assert found(frames) == [0]
    assert found(frames, threshold=5.0) == [0, 5]


def test_cuts_closer_than_the_shortest_shot_are_one() -> None:
    frames = joined([10, 3, 10])
    assert found(frames) == [0, 10, 13]
    assert found(frames, min_frames=5) == [0, 10]
    assert found(joined([10, 3, 3, 10]), min_frames=5) == [0, 10, 16]


def test_a_cut_after_every_frame_can_be_asked_for() -> None:
    assert found(joined([1, 1, 1, 1, 1, 1]), min_frames=1) == [0, 1, 2, 3, 4, 5]


def test_a_cut_is_known_as_soon_as_its_frame_is() -> None:
    """Feeding less of the clip changes nothing about what has been said."""
    frames = joined([8, 8, 8])
    for length in range(1, len(frames)):
        assert found(frames[:length]) == [cut for cut in (0, 8, 16) if cut < length]


@pytest.mark.parametrize("size", [(1, 1), (1, 40), (7, 300), (400, 3)])
def test_frames_of_any_size_are_fine(size: tuple[int, int]) -> None:
    dark, light = np.zeros((*size, 3), np.float32), np.ones((*size, 3), np.float32)
    assert found([dark] * 4 + [light] * 4) == [0, 4]


def test_frames_are_left_as_they_were() -> None:
    frame = picture(400, 500)
    before = frame.copy()
    found([frame, frame])
    assert np.array_equal(frame, before)
