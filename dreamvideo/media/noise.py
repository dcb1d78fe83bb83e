"""Seeded noise around grey: what to dream on when there is no picture."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from dreamvideo.media.source import STILL_RATE, Part, Source, scaled_size
from dreamvideo.media.still import resize

VARIANTS = 32
LARGEST = 512  # pixels on the longer side at which noise is drawn: detail finer than its grain is for the dream
_SLOPES = (0.0, 0.5, 1.0, 1.5)  # of the spectrum: white noise, and ever larger clouds
_CONTRASTS = (0.02, 0.05, 0.1, 0.2)
_TINT = 0.35  # how much of the noise is colour; the rest is common to red, green and blue


def grey_noise(height: int, width: int, seed: int, variant: int = 0) -> np.ndarray:
    """Noise of mean 0.5, ``float32 [height, width, 3]`` in [0, 1]; the same for the same arguments.

    Variant 0 is faint and white. Others, up to ``VARIANTS``, differ in grain and contrast, because many channels of
    a network see nothing at all in faint white noise, and what sees nothing has no gradient to follow.
    """
    scale = min(1.0, LARGEST / max(height, width))
    drawn = max(1, round(height * scale)), max(1, round(width * scale))
    rng = np.random.default_rng([seed, variant])
    slope, contrast = _SLOPES[variant % 4], _CONTRASTS[variant // 4 % 4]
    grey, color = rng.standard_normal((*drawn, 1)), rng.standard_normal((*drawn, 3))
    frame = 0.5 + contrast * _clouds((1 - _TINT) * grey + _TINT * color, slope)
    frame = np.clip(frame, 0, 1).astype(np.float32)
    if drawn == (height, width):
        return frame
    return np.clip(cv2.resize(frame, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)


def even_noise(height: int, width: int, seed: int, amplitude: float) -> np.ndarray:
    """White noise, even over a range of ``amplitude`` around mid-grey: ``float32 [height, width, 3]``."""
    values = np.random.default_rng([seed, height, width]).random((height, width, 3), np.float32)
    return 0.5 + np.float32(amplitude) * (values - np.float32(0.5))


def _clouds(noise: np.ndarray, slope: float) -> np.ndarray:
    """White ``noise``, ``[height, width, 3]``, with its spectrum divided by frequency to the power ``slope``.

    Each colour of the result has mean 0 and standard deviation 1.
    """
    height, width = noise.shape[:2]
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width))
    frequency = np.maximum(frequency, 1 / max(height, width)) ** slope
    shaped = np.fft.irfft2(np.fft.rfft2(noise, axes=(0, 1)) / frequency[..., None], s=(height, width), axes=(0, 1))
    shaped -= shaped.mean(axis=(0, 1))
    return shaped / np.maximum(shaped.std(axis=(0, 1)), 1e-9)


class NoiseSource(Source):
    """One frame of noise, ``width`` x ``height``, scaled as ``part`` asks for; it lies on no disk."""

    still = True
    one_shot = True

    def __init__(self, width: int, height: int, seed: int, part: Part, amplitude: float | None = None) -> None:
        """``amplitude``: the height of plain even noise; None is one of the variants of ``grey_noise``."""
        self.name = f"{width}x{height} of grey noise"
        self.warnings = []
        self.rate, self.frame_count = STILL_RATE, 1
        self.width, self.height = scaled_size(self.name, width, height, part.width, part.max_pixels)
        self.full_width = width
        self.seed, self.variant, self.amplitude, self._drawn = seed, 0, amplitude, (height, width)

    @property
    def files(self) -> list[Path]:
        return []

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        if first:
            return
        drawn = (
            grey_noise(*self._drawn, self.seed, self.variant)
            if self.amplitude is None
            else even_noise(*self._drawn, self.seed, self.amplitude)
        )
        yield resize(drawn, self.width, self.height)

    def identity(self) -> dict[str, str | int]:
        return {
            "noise": f"{self._drawn[1]}x{self._drawn[0]}",
            "seed": self.seed,
            "variant": self.variant,
            "amplitude": str(self.amplitude),
        }
