"""How a dream changes by itself while a shot goes on."""

from collections.abc import Sequence

import cv2
import numpy as np

from dreamvideo.score.result import Curves, Drift

SHORTEST = 16  # frames of a shot: a slope a second says nothing about less
FEWEST = 3  # frames on which strength was measured


def appearance(frame: np.ndarray) -> np.ndarray:
    """Mean, standard deviation and saturation of ``float32 [height, width, 3]`` in [0, 1]: ``float64 [3]``.

    The first two are over all values; saturation is the mean over the pixels of max(R, G, B) - min(R, G, B).
    """
    mean, deviation = cv2.meanStdDev(frame.reshape(len(frame), -1))
    red, green, blue = cv2.split(frame)
    chroma = cv2.max(cv2.max(red, green), blue) - cv2.min(cv2.min(red, green), blue)
    return np.array([mean[0, 0], deviation[0, 0], cv2.mean(chroma)[0]])


def drifts(curves: Curves, shots: Sequence[int], frames: int, rate: float) -> list[Drift]:
    """The drift of each shot, whose first frames are ``shots``; ``rate`` is in frames a second."""
    ends = [*shots[1:], frames]
    return [_drift(curves, shot, first, end, rate) for shot, (first, end) in enumerate(zip(shots, ends, strict=True))]


def _drift(curves: Curves, shot: int, first: int, end: int, rate: float) -> Drift:
    if end - first < SHORTEST:
        return Drift(shot, first, end, None, None, None, None)
    known = zip(curves.strength_frames, curves.strength, strict=True)
    strength = {frame: value for frame, value in known if first <= frame < end and value is not None}
    numbers = range(first, end)
    return Drift(
        shot,
        first,
        end,
        strength=slope(list(strength), list(strength.values()), rate) if len(strength) >= FEWEST else None,
        mean=slope(numbers, curves.mean[first:end], rate),
        deviation=slope(numbers, curves.deviation[first:end], rate),
        saturation=slope(numbers, curves.saturation[first:end], rate),
    )


def slope(frames: Sequence[int], values: Sequence[float], rate: float) -> float:
    """The least-squares slope of ``values`` a second."""
    seconds = np.array(frames) / rate
    seconds -= seconds.mean()
    return float(seconds @ np.array(values) / (seconds @ seconds))


def steepest(found: Sequence[Drift], name: str) -> Drift | None:
    """The shot in which ``name`` changes fastest; ``None`` if none tells."""
    known = [drift for drift in found if getattr(drift, name) is not None]
    return max(known, key=lambda drift: abs(getattr(drift, name)), default=None)
