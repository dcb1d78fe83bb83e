"""Names that people type: find the one they meant."""

import difflib
from collections.abc import Iterable

from dreamvideo.errors import ConfigError


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest of ``known``, or nothing when none is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else ""


def expect_name(name: str, known: Iterable[str], what: str) -> None:
    """Raise ``ConfigError`` that names the nearest and lists all, unless ``name`` is one of ``known``."""
    known = list(known)
    if name not in known:
        raise ConfigError(f"there is no {what} called '{name}'{nearest(name, known)} (known: {', '.join(known)})")
