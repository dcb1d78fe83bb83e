"""Noise to dream on: grey on the whole, seeded, and of any size."""

import numpy as np
import pytest

from dreamvideo.errors import InputError
from dreamvideo.media.noise import VARIANTS, NoiseSource, grey_noise
from dreamvideo.media.source import Part


@pytest.mark.parametrize("variant", range(VARIANTS))
def test_it_is_grey_on_the_whole(variant: int) -> None:
    frame = grey_noise(40, 64, 0, variant)
    assert frame.shape == (40, 64, 3)
    assert frame.dtype == np.float32
    assert frame.min() >= 0
    assert frame.max() <= 1
    assert np.abs(frame.mean(axis=(0, 1)) - 0.5).max() < 0.01
    assert 0.01 < frame.std() < 0.25
    assert (frame - frame.mean(axis=2, keepdims=True)).std() < frame.std()


def test_the_seed_decides() -> None:
    assert np.array_equal(grey_noise(32, 32, 7), grey_noise(32, 32, 7))
    others = [grey_noise(32, 32, 8), *(grey_noise(32, 32, 7, variant) for variant in range(1, VARIANTS))]
    assert not any(np.array_equal(grey_noise(32, 32, 7), other) for other in others)


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (33, 7), (600, 1100)])
def test_any_size(size: tuple[int, int]) -> None:
    frame = grey_noise(*size, 0, 5)
    assert frame.shape == (*size, 3)
    assert np.isfinite(frame).all()


def part(width: int | None = None, max_pixels: int = 10**6) -> Part:
    return Part(None, None, width, None, max_pixels)


def test_as_a_source_it_is_one_still_frame() -> None:
    source = NoiseSource(64, 32, 3, part())
    (frame,) = source.frames()
    assert np.array_equal(frame, grey_noise(32, 64, 3))
    assert (source.still, source.frame_count, source.files) == (True, 1, [])


def test_a_source_is_scaled_and_bounded() -> None:
    source = NoiseSource(64, 32, 3, part(width=32))
    assert next(source.frames()).shape == (source.height, source.width, 3) == (16, 32, 3)
    with pytest.raises(InputError, match="max_pixels"):
        NoiseSource(64, 32, 3, part(max_pixels=2000))
