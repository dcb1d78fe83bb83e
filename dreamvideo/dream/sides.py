"""Which sides of a picture a network takes and sees whole, found by asking it how large its activations would be."""

from collections.abc import Callable
from functools import cached_property
from math import lcm

from dreamvideo.dream.tiles import round_up
from dreamvideo.errors import NetworkError

LARGE = 1024  # pixels: borders matter little there
MOST_STRIDE = 128  # pixels between sides that fit
LARGEST = 4096  # pixels at which every layer should have an activation

Grid = tuple[int, int]
"""(stride, phase): the sides that are ``phase`` modulo ``stride``; (1, 0) is all of them."""


class Sides:
    """A picture's side to the sides of some layers' activations; none at all for a picture that does not fit."""

    def __init__(self, measure: Callable[[int, int], list[tuple[int, int]]]) -> None:
        """``measure`` takes the (height, width) of a picture, as ``Graph.sizes`` says."""
        self._measure = measure
        self._known: dict[int, list[int]] = {}

    def __call__(self, side: int) -> list[int]:
        if side not in self._known:
            try:
                self._known[side] = [min(size) for size in self._measure(side, side)]
            except ValueError:
                self._known[side] = []
        return self._known[side]

    @cached_property
    def fitting(self) -> Grid:
        """Sides that fit, unless they are too small.

        There are others where branches meet that halve an odd side in different ways, as those of NASNet do. Of
        neighbours that fit this is the smallest, since the others may leave pixels at the far end out. Raises
        ``NetworkError`` if there are none.
        """
        first = next((side for side in range(LARGE, LARGE + MOST_STRIDE) if self(side)), 0)
        strides = range(1, MOST_STRIDE + 1) if first else ()
        stride = next((stride for stride in strides if all(self(first + stride * 2**k) for k in range(7))), None)
        if stride is None:
            raise NetworkError(f"the layers take no pictures with a side from {LARGE} to {LARGE + MOST_STRIDE} pixels")
        if stride > 1:
            first = next(side + 1 for side in range(first - 1, 0, -1) if not self(side))
        return stride, first % stride

    @cached_property
    def whole(self) -> Grid:
        """Sides that fit and are looked at to the last pixel.

        For others the layer with the largest stride leaves a strip at the far end out. (1, 0) if none does: with
        "same" padding as many activations are begun as it takes.
        """
        step, phase = self.fitting
        side = round_up(LARGE, step, phase)
        strides = [
            max(1, round(LARGE * step / (b - a))) for a, b in zip(self(side), self(side + LARGE * step), strict=True)
        ]
        stride = max(strides)
        layer, base = strides.index(stride), round_up(64 * stride, step, phase)
        before, most = self(base)[layer], lcm(stride, step)
        first = base + step * bisect(1, most // step, lambda k: self(base + step * k)[layer] > before)
        return (1, 0) if step == 1 and before * stride >= first - 1 else (most, first % most)

    def smallest(self, border: int) -> int:
        """The smallest side that fits for which each layer has an activation inside ``border`` cells."""
        step, phase = self.fitting
        first = phase or step
        return first + step * bisect(
            0, LARGEST // step - 1, lambda k: min(self(first + step * k), default=0) > 2 * border
        )


def bisect(low: int, high: int, fits: Callable[[int], bool]) -> int:
    """The smallest number from ``low`` to ``high`` that fits, where all larger ones fit, too."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low
