"""Names for the outputs of a batch: by a pattern or as given, in the output folder and nowhere else."""

import os
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Formatter
from typing import Literal

from dreamvideo.config import Config
from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.frames import is_still
from dreamvideo.media.sink import output_kind
from dreamvideo.merging import list_problems
from dreamvideo.names import nearest
from dreamvideo.render.batch_record import NAME
from dreamvideo.render.selection import Selection
from dreamvideo.render.start import journal_folder

PATTERN = "{stem}.{ext}"
FIELDS = ("stem", "preset", "ext", "index", "parent")
_MOST_SHOWN = 20  # problems in a message


Kind = Literal["clip", "zoom", "image"]


@dataclass(frozen=True)
class Wish:
    """What is wanted of one input: what kind of dream, in which settings, and under which name if it has one.

    ``preset`` is the name of the look, for the output's; ``frames`` are those of a clip, None for all.
    """

    kind: Kind
    input: str
    config: Config
    preset: str
    name: str | None = None
    frames: Selection | None = None


def name_outputs(
    wishes: Sequence[Wish], folder: Path, *, pattern: str = PATTERN, extension: str | None = None
) -> list[str]:
    """The output of each wish, in ``folder``, links followed.

    ``pattern`` takes the ``FIELDS``; ``index`` counts from 1 and may have a width, such as ``{index:03d}``. Raises
    ``ConfigError`` for another pattern, and for all names that lead out of the folder, can't be written, or meet.
    """
    _check_pattern(pattern)
    names, problems, home = [], [], os.path.realpath(folder)
    for index, wish in enumerate(wishes, 1):
        name = wish.name if wish.name is not None else _fill(pattern, wish, index, extension)
        try:
            names.append(_place(name, folder, home))
        except (ConfigError, OutputError) as error:
            problems.append(f"{shown(wish.input)}: {error}")
    refuse(problems or list(_meeting(wishes, names, folder)))
    return names


def refuse(problems: Sequence[str], what: str = "this batch") -> None:
    """Raise ``ConfigError`` for ``problems``, if there are any."""
    if problems:
        more = [f"and {len(problems) - _MOST_SHOWN} more"] if len(problems) > _MOST_SHOWN else []
        raise ConfigError(list_problems([*problems[:_MOST_SHOWN], *more], what))


def shown(name: str) -> str:
    """A name as it can stand in one line: what can't be printed is escaped."""
    return "".join(letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in name)


def _check_pattern(pattern: str) -> None:
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError as error:
        raise ConfigError(
            f"the pattern {shown(pattern)} can't be read: {error}; for a brace itself write it twice"
        ) from error
    for _, field, width, conversion in parts:
        if field is None:
            continue
        if field not in FIELDS:
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise ConfigError(
                f"the pattern {shown(pattern)} has no field {{{shown(field)}}} to fill{nearest(field, FIELDS)} "
                f"(known: {known})"
            )
        if conversion or (width and not (field == "index" and re.fullmatch(r"0?[1-9]?d?", width))):
            raise ConfigError(
                f"the pattern {shown(pattern)} asks for more than a name in {{{field}}}; only the index takes a width, "
                "such as {index:03d}"
            )


def _fill(pattern: str, wish: Wish, index: int, extension: str | None) -> str:
    path = Path(os.path.abspath(wish.input))  # noqa: PTH100 - "." and ".." have names, too
    still = is_still(wish.input) and not path.is_dir()
    own = "png" if still and wish.kind != "zoom" else "mp4"
    return pattern.format(
        stem=path.name if path.is_dir() else path.stem,
        preset=wish.preset,
        ext=extension or own,
        index=index,
        parent=path.parent.name,
    )


def _place(name: str, folder: Path, home: str) -> str:
    """Where ``name`` lies; ``home`` is the folder with its links followed."""
    if "\0" in name:
        raise ConfigError(f"the output {shown(name)} holds a zero, which no file's name can")
    output = _inside(os.path.join(home, name), home)  # noqa: PTH118 - keeps what Path leaves off
    if output is None:
        raise ConfigError(f"the output {shown(name)} would lie outside {folder}; name a place in it")
    output = str(folder / output) + (os.sep if name.endswith(("/", os.sep)) else "")
    output_kind(output)
    if _inside(str(journal_folder(output)), home) is None:
        raise ConfigError(f"{journal_folder(output)} is a link that leads out of {folder}; remove it")
    return output


def _inside(path: str, home: str) -> str | None:
    """``path`` from ``home`` on, links followed; None if it isn't in there."""
    real = os.path.realpath(path)
    followed = os.path.realpath(real) == real  # not so behind a link to itself, after which none is followed
    return os.path.relpath(real, home) if followed and real.startswith(home.rstrip(os.sep) + os.sep) else None


def _meeting(wishes: Sequence[Wish], outputs: Sequence[str], folder: Path) -> Iterator[str]:
    """A sentence for each output that is that of another job, lies in it or in its journal, or is an input."""
    inputs = {_key(wish.input) for wish in wishes} | {_key(str(folder / NAME))}
    keys = [_key(output) for output in outputs]
    makers: dict[str, str] = {}
    for wish, output, key in zip(wishes, outputs, keys, strict=True):
        if key in inputs:
            yield f"{shown(output)} is there to be read by this batch, not written; choose another output"
        if key in makers:
            yield (
                f"{shown(output)} would be made of both {makers[key]} and {shown(wish.input)}; tell them apart by "
                "--pattern, such as '{parent}-{stem}.{ext}', or by outputs of their own in a job list"
            )
        makers[key] = shown(wish.input)
    journals = {
        _key(str(journal_folder(output))): shown(wish.input) for wish, output in zip(wishes, outputs, strict=True)
    }
    for output, key in zip(outputs, keys, strict=True):
        for place in [key, *map(str, Path(key).parents)]:
            maker = journals.get(place) or (makers.get(place) if place != key else None)
            if maker is not None:
                yield f"{shown(output)} would lie in what is made of {maker}; choose another output"


def _key(path: str) -> str:
    """The same for all names of one file, also where capitals or the spelling of accents make no difference."""
    return unicodedata.normalize("NFC", os.path.realpath(path)).casefold()
