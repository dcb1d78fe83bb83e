"""Reading TOML that anybody may have written, traps for its reader among it."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

LONGEST = 1 << 18  # characters: more is nothing that somebody wrote
LONGEST_LIST = 1 << 24  # of a list of jobs, which a script may have written
DEEPEST = 16  # tables and arrays inside one another; settings need three

_NAME = r"""(?:[\w-]++|"[^"\n]*"|'[^'\n]*')"""
_DEEP_KEY = re.compile(rf"(?<![\w-]){_NAME}(?:[ \t]*\.[ \t]*{_NAME}){{{DEEPEST}}}")


def read_toml(text: str, longest: int = LONGEST) -> dict[str, Any]:
    """The values in ``text``. Raises ``TOMLDecodeError``, also for what is too long or nests too deeply to be meant."""
    if len(text) > longest:
        raise tomllib.TOMLDecodeError(f"It is longer than {longest} characters")
    if _DEEP_KEY.search(text):  # for which tomllib takes the square of its depth, in time and in memory
        raise tomllib.TOMLDecodeError(_too_deep())
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise tomllib.TOMLDecodeError(_too_deep()) from error
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:  # what Python says to a number of 5000 digits
        raise tomllib.TOMLDecodeError("A number has too many digits") from error
    _expect_plain(values, "", 0)
    return values


def read_toml_file(path: Path, longest: int = LONGEST) -> dict[str, Any]:
    """The values in the file. Raises ``OSError``, ``UnicodeDecodeError`` or ``TOMLDecodeError``."""
    with path.open("rb") as file:  # no more of a file without an end than tells that it is too long
        return read_toml(file.read(4 * longest + 4).decode("utf-8"), longest)


def _expect_plain(value: Any, key: str, depth: int) -> None:
    """Raise ``TOMLDecodeError`` for what nests too deeply, and for whole numbers of more than TOML's 64 bits."""
    if depth > DEEPEST:
        raise tomllib.TOMLDecodeError(_too_deep())
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise tomllib.TOMLDecodeError(f"The whole number {key[:60]} has more than 64 bits")
    if isinstance(value, Mapping):
        for name, item in value.items():
            _expect_plain(item, f"{key}.{name}".lstrip("."), depth + 1)
    elif isinstance(value, list):
        for item in value:
            _expect_plain(item, key, depth + 1)


def _too_deep() -> str:
    return f"Tables or arrays nest more than {DEEPEST} deep"
