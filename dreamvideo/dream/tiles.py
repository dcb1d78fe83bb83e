"""Where the tiles of a frame lie, as index arithmetic: one axis at a time, in plain numpy.

The frame is placed at a random offset in a slightly larger canvas whose rest is the frame's own reflection, so that
no pattern can lock to the network's stride grid and every pixel is dreamed. The canvas is covered by
tiles of one shape that overlap; in an overlap the cut runs down the middle, half an overlap (the halo) away from the
border of both. A frame that fits in one tile is a canvas with one tile.
"""

from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np

GRID = 32  # pixels: tiles begin at multiples of it, so that a network's strides meet all tiles at the same phase
TILE_COST = 16384  # pixels: about what the network takes longer for one tile more, on a processor


@dataclass(frozen=True)
class Axis:
    """One axis of a layout, for one offset.

    ``take``: ``int32 [tiles, tile size]``, which frame pixel each tile pixel shows. ``pick``: ``int32 [frame size]``,
    which pixel of the tiles laid end to end each frame pixel's gradient comes from.
    """

    take: np.ndarray
    pick: np.ndarray


@dataclass(frozen=True)
class Grid:
    """What decides where tiles may lie along both axes.

    Tiles have at most ``pixels``. There are at least ``jitter`` offsets of the frame in its canvas, unless one is
    enough. Neighbours overlap by at least ``2 * halo``. A side is never smaller than ``smallest``, which the network
    needs, and where it is of ``phase`` modulo ``stride`` the network sees a tile whole: other sizes leave a strip at
    the far end that no activation looks at. The canvas is padded up to such a size.
    """

    pixels: int
    jitter: int
    halo: int
    smallest: int
    stride: int = 1
    phase: int = 0

    def side(self, size: int, tiles: int) -> int:
        """The side of each of ``tiles`` tiles along an axis of ``size`` pixels."""
        canvas = self._whole(size + self.jitter - 1)
        return canvas if tiles == 1 else self._whole(self._spacing(canvas, tiles) + 2 * self.halo)

    def axis(self, size: int, tiles: int, place: float) -> Axis:
        """Lay ``tiles`` tiles along an axis of ``size`` pixels.

        ``place`` in [0, 1) says where among the possible offsets the axis begins: among all that the canvas has room
        for.
        """
        canvas, length = self._whole(size + self.jitter - 1), self.side(size, tiles)
        starts = np.arange(tiles) * self._spacing(canvas, tiles)
        offset = int(place * (starts[-1] + length - size + 1)) if self.jitter > 1 else 0
        cuts = (starts[1:] + starts[:-1] + length) // 2
        take = reflect(starts[:, None] + np.arange(length) - offset, size)
        positions = np.arange(size) + offset
        owner = np.searchsorted(cuts, positions, side="right")
        pick = owner * length + positions - starts[owner]
        return Axis(take.astype(np.int32), pick.astype(np.int32))

    def counts(self, height: int, width: int) -> tuple[int, int]:
        """How many tiles down and across: those that together cost least, which have few pixels in halos."""
        return _counts(self, height, width)

    def _whole(self, side: int) -> int:
        return round_up(max(side, self.smallest), self.stride, self.phase)

    def _spacing(self, canvas: int, tiles: int) -> int:
        return max(GRID, round_up(-(-(canvas - 2 * self.halo) // tiles), GRID, 0))


@cache
def _counts(grid: Grid, height: int, width: int) -> tuple[int, int]:
    down, across = (
        [(tiles, grid.side(size, tiles)) for tiles in range(1, grid.side(size, 1) // GRID + 2)]
        for size in (height, width)
    )

    def cost(pair: tuple[tuple[int, int], tuple[int, int]]) -> tuple[int, int]:
        (rows, tall), (columns, wide) = pair
        return max(0, tall * wide - grid.pixels), rows * columns * (tall * wide + TILE_COST)

    (rows, _), (columns, _) = min(product(down, across), key=cost)
    return rows, columns


def round_up(side: int, stride: int, phase: int) -> int:
    """The first side from ``side`` on that is ``phase`` modulo ``stride``."""
    return side + (phase - side) % stride


def reflect(positions: np.ndarray, size: int) -> np.ndarray:
    """Fold integer positions into [0, size) by mirroring at both ends, without repeating the end pixel."""
    if size == 1:
        return np.zeros_like(positions)
    period = 2 * (size - 1)
    folded = np.mod(positions, period)
    return np.minimum(folded, period - folded)
