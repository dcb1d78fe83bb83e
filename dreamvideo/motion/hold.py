"""Keeping a picture's sharpness while it is resampled and dreamed on a thousand times over."""

from collections.abc import Sequence

import cv2
import numpy as np

BANDS = 4  # octaves of detail, the finest first
MOST_GAIN = 1.25  # in one frame
BINOMIAL = np.array([1, 4, 6, 4, 1], np.float32) / 16
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
        coarser = np.zeros_like(band) if correction is None else cv2.pyrUp(correction, dstsize=band.shape[1::-1])
        correction = cv2.scaleAdd(band, float(gain - 1), coarser, dst=coarser)
    return frame if correction is None else cv2.add(frame, correction, dst=correction)


def _split(frame: np.ndarray) -> list[np.ndarray]:
    """The octaves of detail of a Laplacian pyramid (Burt and Adelson 1983), the finest first.

    Each is what blurring takes away at its own size. The usual way, what shrinking and enlarging takes away, depends on
    where the shrunk picture's pixels lie, and in the middle of a dive, where nothing moves, that becomes visible.
    """
    bands, current = [], frame
    while len(bands) < BANDS and min(current.shape[:2]) >= 2 * SMALLEST:
        blurred = cv2.sepFilter2D(current, -1, BINOMIAL, BINOMIAL, borderType=cv2.BORDER_REFLECT_101)
        bands.append(cv2.subtract(current, blurred, dst=blurred))
        current = cv2.pyrDown(current, borderType=cv2.BORDER_REFLECT_101)  # every other pixel of what was blurred
    return bands


def _rms(values: np.ndarray) -> float:
    return float(cv2.norm(values) / np.sqrt(values.size))
