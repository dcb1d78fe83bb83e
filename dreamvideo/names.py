"""Names that people type: find the one they meant."""

import difflib
from collections.abc import Iterable

from dreamvideo.errors import ConfigError


def nearest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'x'?`` for the nearest of ``known``, or nothing when none is near."""
    matches = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean '{matches[0]}'?" if matches else ""


def expect_name(name: str, known: Iterable[str], what: str, *, listed: Iterable[str] | None = None) -> None:
    """Raise ``ConfigError`` that names the nearest and lists all, unless ``name`` is one of ``known``.

    ``listed`` replaces the list where ``known`` follows a rule that is shorter to tell.
    """
    known = list(known)
    if name not in known:
        names = ", ".join(known if listed is None else listed)
        raise ConfigError(f"there is no {what} called '{name}'{nearest(name, known)} (known: {names})")
