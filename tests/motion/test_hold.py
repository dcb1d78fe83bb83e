"""Sharpness is held: what was blurred is restored, and what is resampled two hundred times keeps its detail."""

import cv2
import numpy as np
import pytest

from dreamvideo.motion.camera import sample
from dreamvideo.motion.hold import BANDS, MOST_GAIN, hold_sharpness, sharpness

HEIGHT, WIDTH = 96, 128


def detailed(seed: int = 0) -> np.ndarray:
    """A frame with as much detail in every octave, ``float32 [96, 128, 3]`` around 0.5."""
    rng = np.random.default_rng(seed)
    sizes = [(WIDTH >> level, HEIGHT >> level) for level in range(BANDS)]
    layers = [cv2.resize(rng.normal(size=(h, w, 3)), (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC) for w, h in sizes]
    return (0.5 + 0.04 * np.sum(layers, axis=0)).astype(np.float32)


def repeated(frame: np.ndarray, steps: int, firmness: float) -> np.ndarray:
    """``frame`` shifted by half a pixel and turned, back and forth, and held each time."""
    wanted = sharpness(frame)
    there = np.vstack([cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), 0.5, 1.0), [0, 0, 1]])
    there[:2, 2] += 0.37
    for step in range(steps):
        frame = sample(frame, there if step % 2 else np.linalg.inv(there), WIDTH, HEIGHT)
        frame = np.clip(hold_sharpness(frame, wanted, firmness), 0, 1)
    return frame


@pytest.mark.parametrize("firmness", [0.3, 1.0])
def test_what_is_as_sharp_as_wanted_stays_as_it_is(firmness: float) -> None:
    frame = detailed()
    assert hold_sharpness(frame, sharpness(frame), firmness) == pytest.approx(frame, abs=1e-6)


def test_without_firmness_nothing_is_held() -> None:
    frame = detailed()
    assert hold_sharpness(frame, [1.0] * BANDS, 0) is frame


def test_another_picture_as_sharp_stays_nearly_as_it_is() -> None:
    """What is held is how much detail there is, never which."""
    frame = detailed(1)
    assert np.abs(hold_sharpness(frame, sharpness(detailed(0)), 1.0) - frame).mean() < 0.005


def test_a_blurred_picture_is_as_sharp_again() -> None:
    frame = detailed()
    wanted = np.array(sharpness(frame))
    blurred = cv2.GaussianBlur(frame, (0, 0), 0.45)
    assert sharpness(blurred)[0] < 0.9 * wanted[0]
    held = blurred
    for _ in range(3):
        held = hold_sharpness(held, sharpness(frame), 1.0)
    assert sharpness(held) == pytest.approx(wanted, rel=0.06)
    assert np.abs(held - frame).mean() < np.abs(blurred - frame).mean()


def test_a_hardened_picture_is_as_soft_again() -> None:
    frame = detailed()
    hard = frame + 0.3 * (frame - cv2.GaussianBlur(frame, (0, 0), 1.0))
    held = hold_sharpness(hard, sharpness(frame), 1.0)
    assert abs(sharpness(held)[0] / sharpness(frame)[0] - 1) < 0.4 * abs(sharpness(hard)[0] / sharpness(frame)[0] - 1)


def test_firmness_says_how_far_it_goes() -> None:
    frame = detailed()
    blurred = cv2.GaussianBlur(frame, (0, 0), 0.45)
    finest = [sharpness(hold_sharpness(blurred, sharpness(frame), firmness))[0] for firmness in (0, 0.25, 0.5, 1)]
    assert finest == sorted(finest)
    assert finest[3] > finest[2] > finest[1] > finest[0]


def test_nothing_is_amplified_out_of_hand() -> None:
    frame = detailed()
    held = hold_sharpness(frame, [100 * value for value in sharpness(frame)], 1.0)
    assert max(np.divide(sharpness(held), sharpness(frame))) < 1.1 * MOST_GAIN
    flat = np.full((HEIGHT, WIDTH, 3), 0.5, np.float32)
    assert hold_sharpness(flat, sharpness(frame), 1.0) == pytest.approx(0.5, abs=1e-4)


def test_two_hundred_resamplings_leave_the_detail_only_where_it_is_held() -> None:
    frame = detailed()
    before = np.array(sharpness(frame))
    held, loose = (np.array(sharpness(repeated(frame, 200, firmness))) for firmness in (1.0, 0.0))
    assert held == pytest.approx(before, rel=0.1)
    assert np.abs(loose[:2] / before[:2] - 1).min() > 0.3


@pytest.mark.parametrize("size", [(1, 1), (15, 90), (16, 16), (17, 33)])
def test_frames_of_any_size_are_held(size: tuple[int, int]) -> None:
    frame = np.random.default_rng(0).random((*size, 3), np.float32)
    held = hold_sharpness(frame, sharpness(frame), 1.0)
    assert held == pytest.approx(frame, abs=1e-6)
