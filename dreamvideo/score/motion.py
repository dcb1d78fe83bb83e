"""How frames follow from earlier ones along the input's motion, and the warp error: what doesn't follow."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from dreamvideo.config import Shots
from dreamvideo.motion.carry import watch
from dreamvideo.motion.flow import Along, along, estimate
from dreamvideo.motion.shots import CutFinder, in_shots

LONG_TERM = 10  # frames
_WHITE = 65535
_SUM = np.ones((1, 3), np.float32)


def change(motion: Along, earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    """``later - warp(earlier)``: what is new in it, ``float32 [height, width, 3]``."""
    moved = motion.move(earlier)
    return np.subtract(later, moved, out=moved)


def error(motion: Along, change: np.ndarray) -> float | None:
    """The mean square of a change over trusted pixels and RGB, times 1e4; ``None`` where no pixel is trusted.

    ``sum(trust * change^2) / (3 * sum(trust))`` (Lai et al. 2018, with trust in place of their mask).
    """
    trusted = float(np.sum(motion.trust, dtype=np.float64))
    if trusted < 1:
        return None
    squares = cv2.transform(change * change, _SUM)[..., None] * motion.trust
    return 1e4 * float(np.sum(squares, dtype=np.float64)) / (3 * trusted)


def motion_between(earlier: np.ndarray, later: np.ndarray, size: tuple[int, int]) -> Along:
    """The motion between two ``luma`` pictures, for frames of ``size`` (height, width)."""
    return along(*estimate(earlier, later), size)


def motions(inputs: Iterable[np.ndarray], rate: Fraction = Fraction(25)) -> dict[int, Along]:
    """How each frame follows from the one before, by the number of each that doesn't begin a shot."""
    seen = watch(in_shots(inputs, CutFinder(Shots(), rate)))
    return {each.index: each.follow() for each in seen if each.flow is not None}


def warp_errors(
    frames: Sequence[np.ndarray], inputs: Sequence[np.ndarray], known: Mapping[int, Along] | None = None
) -> dict[int, float]:
    """Mean squared difference of ``frames`` from the one before, along the inputs' flow on trusted pixels, times 1e4.

    By the number of each frame that doesn't begin a shot. Both are ``float32 [height, width, 3]`` in [0, 1]. ``known``
    is what ``motions`` said of the inputs, where several clips have the same.
    """
    known = motions(inputs) if known is None else known
    errors = {index: error(each, change(each, frames[index - 1], frames[index])) for index, each in known.items()}
    return {index: found for index, found in errors.items() if found is not None}


@dataclass(frozen=True)
class Past:
    """A pair of frames that is kept: ``luma`` of the input, both frames as ``uint16 [height, width, 3]``."""

    luma: np.ndarray
    words: tuple[np.ndarray, np.ndarray]

    def frames(self) -> Iterator[np.ndarray]:
        """The input's frame, then the output's, ``float32`` in [0, 1]."""
        for words in self.words:
            frame = words.astype(np.float32)
            frame /= _WHITE
            yield frame


class History:
    """The last ``LONG_TERM`` pairs of frames of a shot: 12 bytes a pixel each."""

    def __init__(self) -> None:
        self._past: deque[Past] = deque(maxlen=LONG_TERM)

    def clear(self) -> None:
        """Forget a shot."""
        self._past.clear()

    def back(self, frames: int) -> Past | None:
        """The pair so many frames ago, ``None`` before the shot's begin."""
        return self._past[-frames] if frames <= len(self._past) else None

    def add(self, gray: np.ndarray, frame: np.ndarray, dreamed: np.ndarray) -> None:
        self._past.append(Past(gray, (_to_words(frame), _to_words(dreamed))))


def _to_words(frame: np.ndarray) -> np.ndarray:
    return (frame * np.float32(_WHITE) + np.float32(0.5)).astype(np.uint16)
