"""Curves of numbers: the easings from one keyframe to the next, and the waves and noise of schedules.

All take and give float64 arrays of any shape, or single numbers.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from dreamvideo.names import nearest
from dreamvideo.typed import LARGEST, SHOWN

Array = Any  # float64, of any shape or a single number: all that is done to it is numpy's
Easing = Callable[[Array], Array]

_OVERSHOOT = 1.70158  # makes "back" swing a tenth of the way beyond (Robert Penner's easing functions)


def _cubic(x: Array) -> Array:
    return x**3


def _sine(x: Array) -> Array:
    return 1 - np.cos(x * np.pi / 2)


def _expo(x: Array) -> Array:
    return (np.exp2(10 * x) - 1) / 1023


def _back(x: Array) -> Array:
    return (_OVERSHOOT + 1) * x**3 - _OVERSHOOT * x**2


def _out(ease_in: Easing) -> Easing:
    return lambda x: 1 - ease_in(1 - x)


def _in_out(ease_in: Easing) -> Easing:
    return lambda x: np.where(x < 0.5, ease_in(2 * x) / 2, 1 - ease_in(2 - 2 * x) / 2)


def _pinned(easing: Easing) -> Easing:
    """``easing``, at exactly 0 until 0 and 1 from 1 on, so that keyframes are hit exactly."""
    return lambda x: np.where(x <= 0, 0.0, np.where(x >= 1, 1.0, easing(np.clip(x, 0, 1))))


def _named() -> dict[str, Easing]:
    easings: dict[str, Easing] = {"linear": _pinned(lambda x: x), "step": _pinned(np.zeros_like)}
    for name, curve in {"ease": _cubic, "cubic": _cubic, "sine": _sine, "expo": _expo, "back": _back}.items():
        easings |= {
            f"{name}-in": _pinned(curve),
            f"{name}-out": _pinned(_out(curve)),
            f"{name}-in-out": _pinned(_in_out(curve)),
        }
        easings |= {} if name == "ease" else {name: easings[f"{name}-in-out"]}
    return easings


EASINGS = _named()


def bezier(x1: float, y1: float, x2: float, y2: float) -> Easing:
    """The easing ``cubic-bezier(x1, y1, x2, y2)`` of CSS. ``x1`` and ``x2`` must be in 0..1, so that it is a function.

    The curve from (0, 0) to (1, 1) is solved for x by bisection, which no slope can lead astray.
    """

    def along(s: Array, first: float, second: float) -> Array:
        return s * (3 * first * (1 - s) ** 2 + s * (3 * second * (1 - s) + s))

    def easing(x: Array) -> Array:
        low, high = np.zeros_like(x), np.ones_like(x)
        for _ in range(48):
            middle = (low + high) / 2
            beyond = along(middle, x1, x2) > x
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        return along((low + high) / 2, y1, y2)

    return _pinned(easing)


def read_easing(text: str) -> Easing:
    """The easing of a name such as ``ease-in``, or of ``bezier(x1, y1, x2, y2)``. Raises ``ValueError``."""
    if not re.match(r"bezier\b", text):
        known = (*EASINGS, "bezier(x1, y1, x2, y2)")
        if text not in EASINGS:
            raise ValueError(
                f"there is no easing called '{text[:SHOWN]}'{nearest(text, EASINGS)} (known: {', '.join(known)})"
            )
        return EASINGS[text]
    numbers = re.fullmatch(r"bezier\s*\((.*)\)", text)
    try:
        x1, y1, x2, y2 = map(float, numbers[1].split(",") if numbers else [])
    except ValueError:
        raise ValueError("bezier takes four numbers: bezier(x1, y1, x2, y2)") from None
    if not (0 <= x1 <= 1 and 0 <= x2 <= 1):
        raise ValueError("x1 and x2 of bezier(x1, y1, x2, y2) are from 0 to 1")
    if not (abs(y1) <= LARGEST and abs(y2) <= LARGEST):
        raise ValueError("y1 or y2 of bezier(x1, y1, x2, y2) is too large")
    return bezier(x1, y1, x2, y2)


def saw(x: Array) -> Array:
    """0 to 1 over each period of 1, then down at once."""
    return x - np.floor(x)


def tri(x: Array) -> Array:
    """0 to 1 over the first half of each period of 1, and back over the second."""
    return 1 - np.abs(2 * saw(x) - 1)


def square(x: Array) -> Array:
    """1 in the first half of each period of 1, 0 in the second."""
    return np.where(np.isfinite(x), saw(x) < 0.5, np.nan)


def smoothstep(low: Array, high: Array, x: Array) -> Array:
    """0 until ``low``, 1 from ``high`` on, level at both ends; where they are equal, a step."""
    part = np.where(low == high, x >= low, (x - low) / (high - low))
    part = np.clip(part, 0, 1)
    return part * part * (3 - 2 * part)


def noise(seed: int, x: Array) -> Array:
    """Smooth value noise in 0..1, drawn anew at each whole ``x``: a pure function of ``seed`` and ``x``."""
    cell = np.floor(x)
    part = x - cell  # not finite where x isn't, and so is the result
    before, after = _drawn(seed, cell), _drawn(seed, cell + 1)
    return before + (after - before) * part * part * (3 - 2 * part)


def _drawn(seed: int, cell: Array) -> Array:
    """A number in 0..1 for each whole number: the mixing of splitmix64 (Steele, Lea and Flood 2014)."""
    start = np.uint64((seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64)
    bits = np.nan_to_num(np.mod(cell, 2.0**53)).astype(np.uint64) * np.uint64(0xD1342543DE82EF95) + start
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    return ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)) / 2.0**53
