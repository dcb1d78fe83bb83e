"""What goes where: results to stdout, everything else to stderr."""

import json
import os
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from dreamvideo.errors import OutputError

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def result(text: str) -> None:
    """Print a result to stdout. A reader that has left, such as ``head``, is no error.

    File names that are no text come out as the bytes that they are.
    """
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="surrogateescape")
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def note(text: str) -> None:
    """Say something to the person at the terminal, which obeys no name of a file."""
    print(f"dreamvideo: {_CONTROL.sub(_escaped, text)}", file=sys.stderr, flush=True)


def _escaped(control: re.Match[str]) -> str:
    return control[0].encode("unicode_escape").decode()


def error(text: str) -> None:
    """Say what went wrong."""
    note(f"error: {text}")


def as_json(value: Any, **more: Any) -> str:
    """A dataclass or a dictionary as one JSON object; paths and fractions as text."""
    plain = {**(value if isinstance(value, dict) else asdict(value)), **more}
    text = json.dumps(plain, indent=2, default=str, ensure_ascii=False)
    is_text = re.search("[\ud800-\udfff]", text) is None  # some names of files are not
    return text if is_text else json.dumps(plain, indent=2, default=str)


def table(rows: list[tuple[str, ...]]) -> str:
    """Rows as lines with their columns one under the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(line.rstrip() for line in lines)


def duration(seconds: float) -> str:
    """A time that people read at a glance: ``0.4 s``, ``45 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 10:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def check_free(output: str, kinds: str, inputs: Sequence[str | None], *, overwrite: bool) -> None:
    """Refuse early what could not, or should not, be written in the end. ``kinds`` tells the extensions.

    Raises ``OutputError``.
    """
    path = Path(output)
    if path.suffix.lower() not in re.findall(r"\.\w+", kinds):
        raise OutputError(f"{output}: {kinds}; give it such a name")
    if path.is_dir():
        raise OutputError(f"{output} is a folder; choose another name")
    if (path.exists() or path.is_symlink()) and not overwrite:
        raise OutputError(f"{output} exists already; choose another name or overwrite it with -y")
    if not path.absolute().parent.is_dir():
        raise OutputError(f"{output}: the folder {path.absolute().parent} does not exist; make it first")
    for each in [Path(name) for name in inputs if name is not None]:
        if each.exists() and any(place.exists() and place.samefile(each) for place in (path, path.parent)):
            raise OutputError(f"{output} is the input's own; choose another name")
