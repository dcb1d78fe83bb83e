"""Which frames of an output show the frame before once more while the input goes on."""

from collections.abc import Sequence

import cv2
import numpy as np

CELL = 8  # pixels along a side: an encoder may drop noise, and averages have little of it
SHARE = 0.01  # of the cells differ by more than CLEAR where the input goes on
CLEAR = 2 / 255  # the averaged noise that x264 drops from a still makes up to 1.4, a slow pan 4 and more
MOST_NAMED = 10


class Repeats:
    """Takes pairs of frames, one after another; ``frames`` are the numbers of those that repeat."""

    def __init__(self) -> None:
        self.frames: list[int] = []
        self._count = 0
        self._last: tuple[np.ndarray, np.ndarray] | None = None

    def add(self, frame: np.ndarray, dreamed: np.ndarray) -> None:
        """``float32 [height, width, 3]`` in [0, 1], both; ``dreamed`` is kept until the next and must not change."""
        seen = _averaged(frame)
        if self._last is not None:
            before, shown = self._last
            if _goes_on(before, seen) and np.array_equal(dreamed, shown):
                self.frames.append(self._count)
        self._last = seen, dreamed
        self._count += 1


def named(frames: Sequence[int]) -> str:
    """The first of them in words."""
    numbers = ", ".join(map(str, frames[:MOST_NAMED]))
    more = " and more" if len(frames) > MOST_NAMED else ""
    return f"as the one before: frame{'s' * (len(frames) > 1)} {numbers}{more}"


def _averaged(frame: np.ndarray) -> np.ndarray:
    """The grey level of each cell."""
    height, width = frame.shape[:2]
    gray, size = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (max(1, width // CELL), max(1, height // CELL))
    return cv2.resize(gray, size, interpolation=cv2.INTER_AREA)


def _goes_on(before: np.ndarray, after: np.ndarray) -> bool:
    return float(np.quantile(cv2.absdiff(before, after), 1 - SHARE)) > CLEAR
