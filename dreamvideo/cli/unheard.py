"""Settings that a command has no ear for: refused where they were typed, told of where a file brought them along."""

from collections.abc import Collection, Iterable
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any

from dreamvideo.cli.output import note
from dreamvideo.cli.sheets import MakeSheet
from dreamvideo.config import Config
from dreamvideo.errors import ConfigError
from dreamvideo.settings import SETTINGS

if TYPE_CHECKING:
    from dreamvideo.render.job import Listener
    from dreamvideo.render.sheets import SheetReport


def _keys(*beginnings: str) -> frozenset[str]:
    return frozenset(key for key in SETTINGS if key.startswith(beginnings))


UNHEARD_BY = {
    "render": _keys("zoom.", "noise.", "camera.hold"),
    "zoom": _keys("shots.", "noise.", "carry.mode", "input.start", "input.end", "input.frames"),
    "image": _keys("zoom.", "noise.", "camera.", "audio.", "shots.", "output."),
    "noise": _keys("zoom.", "camera.", "audio.", "shots.", "output."),
}
"""What no setting of these commands can change, whatever the input."""


def refuse_unheard(sets: Iterable[str], unheard: Collection[str], where: str) -> None:
    """Raise ``ConfigError`` for what was typed with --set and has no say in ``where``: settings in ``unheard``."""
    typed = [argument.partition("=")[0].strip() for argument in sets]
    vain = [key for key in typed if (meant := _settings_of(key)) and all(setting in unheard for setting in meant)]
    if vain:
        raise ConfigError(f"{_have_no_say(vain, where)}; leave {'it' if len(vain) == 1 else 'them'} out")


def unheard_notes(settled: Config, unheard: Collection[str], where: str) -> list[str]:
    """What to tell of a preset or config file with settings that have no say in ``where``."""
    plain = Config()
    moved = {".".join(key.split(".")[:2]) for key in settled.moving}
    vain = [key for key in SETTINGS if key in unheard and (key in moved or _value(settled, key) != _value(plain, key))]
    return [_have_no_say(vain, where)] if vain else []


def with_notes(notes: list[str], make: MakeSheet) -> MakeSheet:
    """``make``, with notes of the command's own told and reported before the sheet's."""

    def told(listener: "Listener") -> "SheetReport":
        for sentence in notes:
            listener.note(sentence)
        report = make(listener)
        return replace(report, notes=[*notes, *report.notes])

    return told


def hear_out(command: str, settled: Config, sets: Iterable[str], *, quiet: bool) -> None:
    """Refuse what was typed and has no say in ``command``; tell of what a preset or file brought along."""
    unheard = UNHEARD_BY[command]
    if command == "zoom" and settled.zoom.loop != "crossfade":
        unheard |= {"zoom.fade"}
    refuse_unheard(sets, unheard, f"`dreamvideo {command}`")
    for sentence in [] if quiet else unheard_notes(settled, unheard, f"`dreamvideo {command}`"):
        note(sentence)


def _have_no_say(keys: list[str], where: str) -> str:
    keys = list(dict.fromkeys(keys))
    text = " and ".join([", ".join(keys[:-1]), keys[-1]]) if len(keys) > 1 else keys[0]
    return f"{text} {'has' if len(keys) == 1 else 'have'} no say in {where}"


def _settings_of(key: str) -> list[str]:
    """The settings that a typed key means: itself, the table that it is an entry of, or all in a section."""
    return [known for known in SETTINGS if f"{key}.".startswith(f"{known}.") or known.startswith(f"{key}.")]


def _value(config: Config, key: str) -> Any:
    return reduce(getattr, key.split("."), config)
