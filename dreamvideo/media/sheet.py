"""Contact sheets: labelled pictures in an even grid under a title; and two pictures side by side."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from dreamvideo.media.still import resize, to_bytes

BACKGROUND, BRIGHT, DIM = (17, 18, 22), (228, 229, 233), (134, 137, 147)
SEAM = 1.0  # white: the line between two pictures side by side
ASPECT = 1.4  # of a whole sheet, where the number of cells allows it
SMALLEST_TEXT, LARGEST_TEXT = 11, 18  # pixels
LARGEST_SIDE = {".jpg": 65500, ".jpeg": 65500, ".webp": 16383}  # pixels that these kinds of file can hold


@dataclass(frozen=True)
class Label:
    """What stands under a cell: its name at the left and, where there is room, a figure at the right."""

    name: str
    figure: str = ""


@dataclass(frozen=True)
class Layout:
    """Where everything lies on a sheet of ``count`` cells, each ``cell`` (width, height) pixels and a line of text."""

    count: int
    cell: tuple[int, int]
    title: str = ""
    subtitle: str = ""

    @property
    def text(self) -> int:
        """The size of a label's text, in pixels."""
        return min(max(round(self.cell[0] / 9.5), SMALLEST_TEXT), LARGEST_TEXT)

    @property
    def gutter(self) -> int:
        return max(6, round(min(self.cell) / 14))

    @property
    def margin(self) -> int:
        return 3 * self.gutter

    @property
    def pitch(self) -> tuple[int, int]:
        """From one cell to the next, across and down."""
        return self.cell[0] + self.gutter, self.cell[1] + round(1.6 * self.text) + self.gutter

    @cached_property
    def columns(self) -> int:
        """The number that brings the grid near ``ASPECT`` and leaves few places empty in its last row."""
        across, down = self.pitch

        def misfit(columns: int) -> float:
            rows = math.ceil(self.count / columns)
            return abs(math.log(columns * across / (rows * down) / ASPECT)) + 2 * (columns * rows / self.count - 1)

        return min(range(1, self.count + 1), key=misfit)

    @property
    def header(self) -> int:
        """The height of title and subtitle, in pixels."""
        return round(sum(1.5 * size for text, size in self.headings if text)) + (
            round(1.5 * self.gutter) if self.title else 0
        )

    @property
    def headings(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Title and subtitle, each with the size of its text."""
        return (self.title, round(1.6 * self.text)), (self.subtitle, self.text)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the sheet, in pixels; no narrower than its title."""
        across, down = self.pitch
        grid = self.columns * across - self.gutter
        widest = max([math.ceil(_font(size).getlength(_drawable(text))) for text, size in self.headings])
        rows = math.ceil(self.count / self.columns)
        return max(grid, widest) + 2 * self.margin, self.header + rows * down - self.gutter + 2 * self.margin

    def place(self, index: int) -> tuple[int, int]:
        """Left and top of a cell's picture."""
        row, column = divmod(index, self.columns)
        return self.margin + column * self.pitch[0], self.margin + self.header + row * self.pitch[1]


def contact_sheet(layout: Layout, labels: Sequence[Label], pictures: Iterable[np.ndarray]) -> np.ndarray:
    """Draw a sheet, ``float32 [height, width, 3]`` in [0, 1].

    ``pictures`` are frames of any size, one for each of the layout's cells; each is scaled to fill its cell.
    """
    canvas = Image.new("RGB", layout.size, BACKGROUND)
    draw = ImageDraw.Draw(canvas)
    top = layout.margin
    for (text, size), color in zip(layout.headings, (BRIGHT, DIM), strict=True):
        _write(draw, (layout.margin, top), text, size, color)
        top += round(1.5 * size)
    for index, (label, picture) in enumerate(zip(labels, pictures, strict=True)):
        left, top = layout.place(index)
        canvas.paste(Image.fromarray(to_bytes(resize(picture, *layout.cell))), (left, top))
        _caption(draw, layout, label, (left, top + layout.cell[1] + round(0.3 * layout.text)))
    return np.asarray(canvas, np.float32) / np.float32(255)


def side_by_side(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Two frames of one size as one, a thin white line between them."""
    height, width = left.shape[:2]
    seam = np.full((height, max(2, round(width / 150)), 3), SEAM, np.float32)
    return np.concatenate([left, seam, right], axis=1)


def _caption(draw: Any, layout: Layout, label: Label, place: tuple[int, int]) -> None:
    """The name at the left and the figure at the right of a cell, which is left out where the name needs its room."""
    width, font = layout.cell[0], _font(layout.text)
    name = shorten(label.name, layout.text, width)
    _write(draw, place, name, layout.text, BRIGHT)
    figure = font.getlength(_drawable(label.figure))
    if font.getlength(name) + layout.text / 2 + figure <= width:
        _write(draw, (round(place[0] + width - figure), place[1]), label.figure, layout.text, DIM)


def shorten(text: str, size: int, width: int) -> str:
    """``text`` as it can be drawn, its middle left out if it is wider than ``width`` pixels at ``size``."""
    text, keep = _drawable(text), len(text)
    whole = text
    while _font(size).getlength(text) > width and keep > 2:
        keep -= 1
        text = f"{whole[: (keep + 1) // 2]}..{whole[len(whole) - keep // 2 :]}"
    return text


def _write(draw: Any, place: tuple[int, int], text: str, size: int, color: tuple[int, int, int]) -> None:
    draw.text(place, _drawable(text), font=_font(size), fill=color)


def _drawable(text: str) -> str:
    """``text`` in the characters that the font has: those of ASCII."""
    return text.encode("ascii", "replace").decode()


@cache
def _font(size: int) -> Any:
    """Pillow's own font, so that a sheet looks the same on every machine."""
    return ImageFont.load_default(size)
