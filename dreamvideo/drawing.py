"""What all charts have in common: ink, sizes of type, headings, and how they are written."""

import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamvideo.errors import ConfigError
from dreamvideo.media.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LARGE, MEDIUM, SMALL = 13, 9.5, 8  # points
INK, GREY, PALE = "#1f2933", "#6b7785", "#e3e7ec"


def require_matplotlib() -> None:
    """Raise a ``ConfigError`` that says what to install if matplotlib is missing."""
    if find_spec("matplotlib") is None:
        raise ConfigError("plots need matplotlib; install it with `pip install 'dreamvideo[plots]'`")


def save(figure: "Figure", output: str) -> None:
    """Write to a .png, .svg or .pdf. Raises ``OutputError``."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")  # in the names of files
        with replacing(output) as temporary:
            figure.savefig(temporary, format=Path(output).suffix[1:].lower())


def head(axes: "Axes", words: list[tuple[str, str]]) -> None:
    """A heading above a row: words in their colours, one after another, the first one bold."""
    (first, color), *others = words
    bold = {"fontsize": MEDIUM, "fontweight": "bold", "va": "bottom", "parse_math": False}
    before: Any = axes.text(0, 1.04, first, transform=axes.transAxes, color=color, **bold)
    for word, ink in others:
        place = {"xycoords": before, "xytext": (9, 0), "textcoords": "offset points"}
        before = axes.annotate(word, (1, 0), color=ink, fontsize=SMALL + 0.5, va="bottom", parse_math=False, **place)


def shortened(text: str, most: int) -> str:
    """``text``, at most so many characters of it."""
    return text if len(text) <= max(most, 12) else f"{text[: max(most, 12) - 1]}…"
