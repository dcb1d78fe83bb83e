"""How the frames of two clips go together: cut to what both have, scaled, or of another shape."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from dreamvideo.media.source import Source
from dreamvideo.media.still import resize

SIZE_SLACK = 1  # pixels: H.264 players need even sides
ASPECT_SLACK = Fraction(1, 100)  # of a pixel's aspect: MKV and GIF round it
SHAPE_SLACK = Fraction(1, 50)  # of a frame's aspect


def common_size(source: Source, dream: Source) -> tuple[int, int]:
    """Width and height at which both are compared: what both have where sizes are near, else the input's."""
    if near((source.width, source.height), (dream.width, dream.height)):
        return min(source.width, dream.width), min(source.height, dream.height)
    return source.width, source.height


def near(first: tuple[int, int], second: tuple[int, int]) -> bool:
    """Whether two sizes are the same but for a row or column by which odd sides are padded or cut."""
    return all(abs(a - b) <= SIZE_SLACK for a, b in zip(first, second, strict=True))


def fitted(frame: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A frame at the height and width of ``shape``: cut where it is a pixel larger, else scaled.

    From and to ``float32 [height, width, 3]``.
    """
    height, width = shape[:2]
    if 0 <= frame.shape[0] - height <= SIZE_SLACK and 0 <= frame.shape[1] - width <= SIZE_SLACK:
        return np.ascontiguousarray(frame[:height, :width])
    return resize(frame, width, height)


def scaling_note(source: Source, dream: Source) -> str | None:
    """How the output was scaled to the input's size, and what that means; ``None`` where it wasn't."""
    sizes = (source.width, source.height), (dream.width, dream.height)
    if near(*sizes):
        return None
    scaled = f"{dream.name} is {written(sizes[1])} and was scaled to {written(sizes[0])}"
    # What rounding to even sides may do to an aspect.
    slack = max(SHAPE_SLACK, *(Fraction(1, width) + Fraction(1, height) for width, height in sizes))
    stored = [Fraction(width, height) for width, height in sizes]
    if _alike(stored, slack) and source.width == dream.width:
        return scaled
    if _alike(stored, slack):
        return f"{scaled}; give --width {dream.width} if it was dreamed at that size"
    shown = [aspect * clip.sample_aspect for aspect, clip in zip(stored, (source, dream), strict=True)]
    if _alike(shown, slack):
        return f"{scaled}: its pixels have another shape"
    turned = _alike((shown[0], 1 / shown[1]), slack)
    how = "it is turned" if turned else "it has another shape (turned, cropped or stretched)"
    return f"{scaled}: {how}, so that what its frames say is of a picture stretched to fit"


def _alike(aspects: Sequence[Fraction], slack: Fraction) -> bool:
    return max(aspects) <= (1 + slack) * min(aspects)


def written(size: tuple[int, int]) -> str:
    """Width and height as people write them."""
    return f"{size[0]}x{size[1]}"
