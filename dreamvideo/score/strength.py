"""How strong a dream is: how much more it excites a network than its input does."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from dreamvideo.errors import ConfigError

if TYPE_CHECKING:
    from dreamvideo.dream.networks import Network

OFFSETS = [(0, 0), (3, 13), (5, 6), (10, 3), (13, 9)]  # pixels; patterns locked to the stride grid gain at one only
PLACES = [(0.0, 0.0), (0.0, 1.0), (0.5, 0.5), (1.0, 0.0), (1.0, 1.0)]  # of a frame larger than a crop: (y, x)
LARGEST_SIDE = 640  # pixels of a crop: memory for its activations does not grow with the frame
STRIDE = 32  # pixels: crops lie apart by whole strides of the usual networks, so that only OFFSETS shift their grid

_EDGE = max(max(offset) for offset in OFFSETS)


class Strength:
    """The objective of dreamed frames over that of their inputs, in float32, averaged over crops at pixel offsets.

    ``layers``: names, or names with weights; empty for those that the network dreams on by itself. Raises
    ``ConfigError`` for an unknown network, layer or measure, and ``NetworkError`` for weights.
    """

    def __init__(
        self,
        network: "str | Network" = "inceptionv3",
        layers: Mapping[str, float] | Sequence[str] = (),
        measure: str = "mean_square",
    ) -> None:
        from dreamvideo.dream.strength import Excitation

        weights = layers if isinstance(layers, Mapping) else dict.fromkeys(layers, 1.0)
        self._excitation = Excitation(network, weights, measure)
        self.network, self.layers = self._excitation.network, self._excitation.layers

    def of(self, dreamed: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> float:
        """``float32 [height, width, 3]`` frames; 1 is an untouched input. Raises as ``at``."""
        return float(np.mean([self.at(d) for d in dreamed]) / np.mean([self.at(i) for i in inputs]))

    def require(self, size: tuple[int, int]) -> None:
        """Raises ``ConfigError`` for frames of ``size`` (width, height) that are too small for the network."""
        for side in size:
            self._side(side, size[::-1])

    def at(self, frame: np.ndarray) -> float:
        """The objective of one frame. Raises ``ConfigError`` for one that is too small for the network."""
        height, width = (self._side(side, frame.shape) for side in frame.shape[:2])
        crops = (frame[y : y + height, x : x + width] for y, x in corners(frame.shape, (height, width)))
        return float(np.mean([self._excitation(crop) for crop in crops]))

    def _side(self, side: int, shape: tuple[int, ...]) -> int:
        """The longest side of a crop that fits the network and leaves room for the offsets."""
        stride, phase = self._excitation.fitting
        room = min(side - _EDGE, LARGEST_SIDE)
        fitting = room - (room - phase) % stride
        if fitting < self._excitation.smallest:
            least = self._excitation.smallest + _EDGE
            raise ConfigError(
                f"frames of {shape[1]}x{shape[0]} are too small to measure strength with {', '.join(self.layers)} of "
                f"{self.network}: that takes {least}x{least}; name earlier layers or a network with smaller ones"
            )
        return fitting


def corners(shape: tuple[int, ...], crop: tuple[int, int]) -> list[tuple[int, int]]:
    """The upper left corner (y, x) of each crop: one at each offset, in frames larger than that also spread out."""
    found = []
    for offset, place in zip(OFFSETS, PLACES, strict=True):
        room = [full - _EDGE - part for full, part in zip(shape, crop, strict=False)]
        y, x = (o + int(p * r) // STRIDE * STRIDE for o, p, r in zip(offset, place, room, strict=True))
        found.append((y, x))
    return found
