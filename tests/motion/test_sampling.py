"""Sampling between pixels: ramps stay ramps, pixels stay pixels."""

import cv2
import numpy as np
import pytest

from dreamvideo.motion.sampling import Sampler
from tests.tiny import picture


@pytest.mark.parametrize("offset", [0.0, 0.01, 0.1, 0.25, 0.5, 0.77, 0.99])
def test_a_ramp_is_where_it_should_be(offset: float) -> None:
    columns, rows = np.meshgrid(np.arange(40, dtype=np.float32), np.arange(30, dtype=np.float32))
    ramp = np.stack([columns, rows, columns - 2 * rows], axis=-1)
    seen = Sampler(columns + np.float32(offset), rows - np.float32(offset), cv2.BORDER_REPLICATE).bicubic(ramp)
    expected = ramp + np.array([offset, -offset, 3 * offset])
    assert np.abs(seen - expected)[4:-4, 4:-4].max() < 0.07  # a 32nd of a pixel in OpenCV 4, thrice, at most


def test_pixels_themselves_are_left_alone() -> None:
    values = np.concatenate([picture(30, 40, seed) for seed in range(2)], axis=-1)
    columns, rows = np.meshgrid(np.arange(40, dtype=np.float32), np.arange(30, dtype=np.float32))
    assert np.abs(Sampler(columns, rows, cv2.BORDER_REPLICATE).bicubic(values) - values).max() < 2e-4


@pytest.mark.parametrize("offset", [0.0, 0.1, 0.25, 0.5, 0.77])
def test_what_is_sampled_sooner_is_a_twentieth_of_a_pixel_off_at_most(offset: float) -> None:
    columns, rows = np.meshgrid(np.arange(40, dtype=np.float32), np.arange(30, dtype=np.float32))
    sampler = Sampler(columns + np.float32(offset), rows, cv2.BORDER_REPLICATE)
    seen = sampler.bilinear(np.repeat(columns[..., None], 5, axis=2))
    assert seen.shape == (30, 40, 5)
    assert np.abs(seen - columns[..., None] - offset)[:, 4:-4].max() < 0.05 + 1 / 64
