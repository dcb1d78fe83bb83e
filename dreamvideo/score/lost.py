"""Which frames are missing in an output, or too many."""

import cv2
import numpy as np

SIZE = 32, 18  # pixels, width and height: what a frame is known by
MOST = 10  # frames that are looked for


class Thumbnails:
    """What both clips look like from afar: 1.2 kB for each pair of frames."""

    def __init__(self) -> None:
        self._kept: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, frame: np.ndarray, dreamed: np.ndarray) -> None:
        """``float32 [height, width, 3]`` in [0, 1], both."""
        self._kept.append((_thumbnail(frame), _thumbnail(dreamed)))

    def lost(self, inputs: int, outputs: int) -> str:
        """Where so many frames became so many, in words; empty where they are as many, or it can't be told.

        The output is taken to run beside the input up to one frame, and ``inputs - outputs`` frames ahead of it from
        there on: the frame where its pictures then differ least from the input's.
        """
        missing = inputs - outputs
        if missing == 0 or abs(missing) > MOST or len(self._kept) <= 2 * abs(missing):
            return ""
        place = self._parting(missing)
        if missing > 0:
            return f"missing: {_span(place, missing)}"
        return f"too many: frame {place}" if missing == -1 else f"too many: {-missing}, about frame {place}"

    def _parting(self, ahead: int) -> int:
        """The first frame from which the output's frame t shows the input's frame ``t + ahead``."""
        shown = [frame for frame, _ in self._kept]
        count, before, after = len(shown), [0.0], [0.0]
        for index, (frame, dreamed) in enumerate(self._kept):
            other = index + ahead
            beside = _unlikeness(dreamed, frame)
            beyond = _unlikeness(dreamed, shown[max(other, 0)]) if other < count else beside  # it was not kept
            before.append(before[-1] + beside)
            after.append(after[-1] + beyond)
        costs = np.array(before) + after[-1] - np.array(after)
        return count - int(np.argmin(costs[::-1]))


def _unlikeness(first: np.ndarray, second: np.ndarray) -> float:
    return cv2.norm(first, second, cv2.NORM_L2SQR)


def _thumbnail(frame: np.ndarray) -> np.ndarray:
    """``uint8 [height, width]``."""
    small = cv2.resize(frame, SIZE, interpolation=cv2.INTER_AREA)
    return (cv2.cvtColor(small, cv2.COLOR_RGB2GRAY) * 255 + 0.5).astype(np.uint8)


def _span(first: int, count: int) -> str:
    return f"frame {first}" if count == 1 else f"frames {first} to {first + count - 1}"
