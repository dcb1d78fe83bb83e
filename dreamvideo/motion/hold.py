"""Keeping a picture's sharpness while it is resampled and dreamed on a thousand times over."""

from collections.abc import Sequence

import cv2
import numpy as np

BANDS = 4  # octaves of detail, the finest first
MOST_GAIN = 1.25  # in one frame
SMALLEST = 8  # pixels on the shorter side, of a band


def sharpness(frame: np.ndarray) -> list[float]:
    """The RMS of each octave of detail of ``frame`` (``float32 [height, width, 3]``), the finest first."""
    return [_rms(band) for band in _split(frame)]


def hold_sharpness(
    frame: np.ndarray, wanted: Sequence[float], firmness: float, *, most: float = MOST_GAIN
) -> np.ndarray:
    """``frame`` with each octave of detail amplified, or softened, towards ``wanted``, as ``sharpness`` measures it.

    ``firmness`` from 0 (as it is) to 1; no octave is amplified by more than ``most``. It is not clipped.
    """
    if firmness == 0:
        return frame
    bands = _split(frame)
    correction = None
    for band, aim in reversed(list(zip(bands, wanted, strict=False))):
        gain = np.clip((aim / max(_rms(band), 1e-6)) ** firmness, 1 / most, most)
        coarser = np.zeros_like(band) if correction is None else _larger(correction, band)
        correction = cv2.scaleAdd(band, float(gain - 1), coarser)
    return frame if correction is None else cv2.add(frame, correction)


def _split(frame: np.ndarray) -> list[np.ndarray]:
    """The octaves of detail of a Laplacian pyramid, the finest first."""
    bands, current = [], frame
    while len(bands) < BANDS and min(current.shape[:2]) >= 2 * SMALLEST:
        height, width = current.shape[:2]
        smaller = cv2.resize(current, ((width + 1) // 2, (height + 1) // 2), interpolation=cv2.INTER_AREA)
        bands.append(cv2.subtract(current, _larger(smaller, current)))
        current = smaller
    return bands


def _larger(values: np.ndarray, like: np.ndarray) -> np.ndarray:
    return cv2.resize(values, like.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def _rms(values: np.ndarray) -> float:
    return float(cv2.norm(values) / np.sqrt(values.size))
