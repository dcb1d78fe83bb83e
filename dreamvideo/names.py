"""Names that people type: find the one they meant."""

import difflib
import re
from collections.abc import Iterable

from dreamvideo.errors import ConfigError

LONGEST = 60  # characters of a text in a message


def brief(text: str) -> str:
    """``text`` for a message: cut to a length that leaves it readable, and without what a terminal would obey."""
    shown = re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", text[:LONGEST])
    return shown if len(text) <= LONGEST else f"{shown}..."


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest of ``known``, or nothing when none is near."""
    matches = [] if len(name) > LONGEST else difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else ""


def expect_name(name: str, known: Iterable[str], what: str, *, listed: Iterable[str] | None = None) -> None:
    """Raise ``ConfigError`` that names the nearest and lists all, unless ``name`` is one of ``known``.

    ``listed`` replaces the list where ``known`` follows a rule that is shorter to tell.
    """
    known = list(known)
    if name not in known:
        names = ", ".join(known if listed is None else listed)
        raise ConfigError(f"there is no {what} called '{brief(name)}'{nearest(name, known)} (known: {names})")
