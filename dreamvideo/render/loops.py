"""How the end of a dive leads back to its beginning: which of its dreamed frames are shown, and when."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from dreamvideo.errors import ConfigError
from dreamvideo.motion.hold import hold_sharpness, sharpness

JOIN = 0.2  # share of the last frame in the first, for a thirtieth of a second
HALF_FADED = 2**0.5  # how much softer the mean of two textures is that have nothing in common
Frames = Callable[[int], np.ndarray]


@dataclass(frozen=True)
class Loop:
    """``count`` frames to be shown, made from ``dreamed`` ones; ``fade`` of these come after the end, for a crossfade.

    ``backwards``: a droste dive that goes outwards is dreamed inwards and shown from its end.
    """

    kind: str
    count: int
    fade: int = 0
    backwards: bool = False

    @property
    def dreamed(self) -> int:
        """How many frames have to be dreamed."""
        return self.count // 2 + 1 if self.kind == "pingpong" else self.count + self.fade

    def when(self, index: int) -> int:
        """The frame, among those shown, that a dreamed frame stands for: whose settings it takes."""
        return (-index if self.backwards else index) % self.count

    def shown(self, dreamed: Frames) -> Iterator[np.ndarray]:
        """Every frame to be shown, made from the ``dreamed`` ones, ``float32 [height, width, 3]``.

        A loop's first frame has something of its last in it, so that the join is calmer than any other step.
        """
        first = self._shown(0, dreamed)
        if self.kind != "none":
            first = first + np.float32(JOIN) * (self._shown(self.count - 1, dreamed) - first)
        yield first
        for index in range(1, self.count):
            yield self._shown(index, dreamed)

    def _shown(self, index: int, dreamed: Frames) -> np.ndarray:
        if self.kind == "pingpong":
            return dreamed(min(index, self.count - index))
        if index < self.fade:
            return _mixed(dreamed(self.count + index), dreamed(index), (index + 1) / (self.fade + 1))
        return dreamed(self.when(index))


def _mixed(before: np.ndarray, after: np.ndarray, share: float) -> np.ndarray:
    """Two frames as one, as sharp as they are: the mean of two textures would be a blur."""
    wanted = [(1 - share) * a + share * b for a, b in zip(sharpness(before), sharpness(after), strict=True)]
    mixed = (1 - np.float32(share)) * before + np.float32(share) * after
    for _ in range(2):  # octaves overlap, so that once is not quite enough
        mixed = hold_sharpness(mixed, wanted, 1.0, most=HALF_FADED)
    return mixed


def plan_loop(kind: str, count: int, fade: float, rate: float) -> Loop:
    """The loop of ``count`` frames. ``fade``: the length of a crossfade, in seconds. Raises ``ConfigError``."""
    if kind == "pingpong" and count < 2:
        raise ConfigError("a pingpong loop has at least 2 frames; raise zoom.seconds")
    if kind != "crossfade":
        return Loop(kind, count)
    frames = max(1, round(fade * rate))
    if frames >= count:
        raise ConfigError(
            f"the loop has {count} frames, and its crossfade {frames}: raise zoom.seconds, or lower zoom.fade"
        )
    return Loop(kind, count, frames)
