"""Pictures at points between their pixels: OpenCV's interpolation, the bicubic one put right."""

import cv2
import numpy as np

FINENESS = 4096  # parts of a pixel that are told apart

# OpenCV interpolates by Keys' kernel with a = -0.75, which is sharp, but takes a ramp at d to lie at
# d + d (1 - d) (1 - 2d) / 2: what moves by a hundredth of a pixel, again and again, would arrive half as far again
# (Keys 1981 has a = -0.5 for that reason). With u = d - 1/2 that is u^3 + 3/4 u, whose inverse is below.
_WANTED = np.arange(FINENESS + 1) / FINENESS - 0.5
_ASKED = (np.sinh(np.arcsinh(4 * _WANTED) / 3) + 0.5).astype(np.float32)


class Sampler:
    """Takes pictures, ``float32 [h, w, channels]``, at points (x, y) that are worked out once."""

    def __init__(self, x: np.ndarray, y: np.ndarray, border: int) -> None:
        """``x`` and ``y``, ``float32``, are together [height, width] and count from the middle of the first pixel.

        ``border`` is OpenCV's name for what lies outside.
        """
        self._x, self._y = map(np.ascontiguousarray, np.broadcast_arrays(_put_right(x), _put_right(y)))
        self._border = border

    def bicubic(self, values: np.ndarray) -> np.ndarray:
        """Sharp, and not clipped."""
        return self._sample(values, cv2.INTER_CUBIC)

    def bilinear(self, values: np.ndarray) -> np.ndarray:
        """In a third of the time, for what need be neither sharp nor placed to better than a twentieth of a pixel.

        That far off are the points which are put right for the other kernel.
        """
        return self._sample(values, cv2.INTER_LINEAR)

    def _sample(self, values: np.ndarray, interpolation: int) -> np.ndarray:
        parts = [values[..., i : i + 4] for i in range(0, values.shape[2], 4)]  # as many as OpenCV takes at once
        sampled = [cv2.remap(part, self._x, self._y, interpolation, borderMode=self._border) for part in parts]
        shaped = [each.reshape(*self._x.shape, -1) for each in sampled]
        return shaped[0] if len(shaped) == 1 else np.concatenate(shaped, axis=-1)


def _put_right(positions: np.ndarray) -> np.ndarray:
    """Where to ask OpenCV so that it answers for ``positions``."""
    whole = np.floor(positions)
    part = np.subtract(positions, whole)
    part *= FINENESS
    part += 0.5
    whole += _ASKED.take(part.astype(np.int32))
    return whole
