"""Where the tiles of a frame lie, as index arithmetic: one axis at a time, in plain numpy.

The frame is placed at a random offset in a slightly larger canvas whose rest is the frame's own reflection, so that
no pattern can lock to the network's stride grid and every pixel is dreamed. The canvas is covered by
tiles of one shape that overlap; in an overlap the cut runs down the middle, half an overlap (the halo) away from the
border of both. A frame that fits in one tile is a canvas with one tile.
"""

from dataclasses import dataclass

import numpy as np

GRID = 32  # pixels: tiles begin at multiples of it, so that a network's strides meet all tiles at the same phase


@dataclass(frozen=True)
class Axis:
    """One axis of a layout, for one offset.

    ``take``: ``int32 [tiles, tile size]``, which frame pixel each tile pixel shows. ``pick``: ``int32 [frame size]``,
    which pixel of the tiles laid end to end each frame pixel's gradient comes from.
    """

    take: np.ndarray
    pick: np.ndarray


def tile_axis(
    size: int, *, place: float, jitter: int, tile: int, halo: int, smallest: int, stride: int = 1, phase: int = 0
) -> Axis:
    """Lay tiles of at most ``tile`` pixels along an axis of ``size`` pixels on a canvas of a few more.

    ``place`` in [0, 1) says where among the possible offsets the axis begins: there are at least ``jitter`` of them,
    and all that the canvas has room for, unless one is enough.
    Neighbours overlap by at least ``2 * halo``. A tile is never smaller than ``smallest``, which the network needs,
    and where it is of ``phase`` modulo ``stride`` the network sees it whole: other sizes leave a strip at the far end
    that no activation looks at. The canvas is padded up to such a size.
    """
    canvas = round_up(max(size + jitter - 1, smallest), stride, phase)
    tile = max(tile, smallest, 2 * halo + GRID)
    if canvas <= tile:
        length, starts = canvas, np.zeros(1, int)
    else:
        inner = canvas - 2 * halo
        tiles = -(-inner // _on_grid(tile - 2 * halo))
        spacing = _on_grid(-(-inner // tiles) + GRID - 1)
        length = round_up(max(spacing + 2 * halo, smallest), stride, phase)
        starts = np.arange(tiles) * spacing
    offset = int(place * (starts[-1] + length - size + 1)) if jitter > 1 else 0
    cuts = (starts[1:] + starts[:-1] + length) // 2
    take = reflect(starts[:, None] + np.arange(length) - offset, size)
    positions = np.arange(size) + offset
    owner = np.searchsorted(cuts, positions, side="right")
    pick = owner * length + positions - starts[owner]
    return Axis(take.astype(np.int32), pick.astype(np.int32))


def round_up(side: int, stride: int, phase: int) -> int:
    """The first side from ``side`` on that is ``phase`` modulo ``stride``."""
    return side + (phase - side) % stride


def _on_grid(length: int) -> int:
    return length // GRID * GRID


def reflect(positions: np.ndarray, size: int) -> np.ndarray:
    """Fold integer positions into [0, size) by mirroring at both ends, without repeating the end pixel."""
    if size == 1:
        return np.zeros_like(positions)
    period = 2 * (size - 1)
    folded = np.mod(positions, period)
    return np.minimum(folded, period - folded)
