"""A job list: a TOML file of jobs, each with its own input and settings."""

import copy
import glob
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import TYPE_CHECKING, Any

from dreamvideo.cli.zoom import BASE
from dreamvideo.config import MOVING, Config
from dreamvideo.errors import ConfigError
from dreamvideo.merging import SettingsError, resolve
from dreamvideo.names import nearest
from dreamvideo.render.selection import Selection, parse_selection
from dreamvideo.settings import SETTINGS, brief_value
from dreamvideo.toml import LONGEST_LIST, read_toml_file

if TYPE_CHECKING:
    from dreamvideo.render.batch_names import Kind, Wish

KINDS: "dict[str, Kind]" = {"render": "clip", "zoom": "zoom", "image": "image"}
"""What renders the jobs of a command."""

PLAIN = "default"  # what names call the look without a preset
_SECTIONS = tuple(name for name in Config.model_fields if name != MOVING)
_LIST = ("pattern", "defaults", "job")
_JOB = ("input", "output", "preset", "command", "frames", "every")
_MOST_NUMBERS = 3  # jobs that a problem names

Table = dict[str, Any]


@dataclass(frozen=True)
class Typed:
    """The settings of the command line, which beat those of a job list."""

    preset: str | None = None
    config: Path | None = None
    sets: Iterable[str] = ()
    named: Mapping[str, Any] = field(default_factory=dict)

    def resolve(self, command: str, preset: str | None = None, tables: Iterable[tuple[Table, str]] = ()) -> Config:
        """The config of a job of ``command``, of which a job list says ``preset`` and ``tables``."""
        base = BASE if command == "zoom" else None
        return resolve(self.preset or preset, self.config, self.sets, self.named, base=base, tables=tables)


@dataclass(frozen=True)
class JobList:
    """What a job list asks for."""

    wishes: "list[Wish]"
    pattern: str | None


def matches(name: str, folder: Path) -> list[str]:
    """The files and folders in ``folder`` that ``name`` stands for: itself, or the matches of a pattern, in order.

    Raises ``ConfigError`` for a pattern without any.
    """
    from dreamvideo.media.frames import natural_key  # which needs numpy

    if "\0" in name or not any(mark in name for mark in "*?[") or (folder / name).exists():
        return [str(folder / name)]
    found = glob.glob(name, root_dir=folder, recursive=True)  # noqa: PTH207 - any pattern
    if not found:
        raise ConfigError(f"nothing matches the pattern {name}")
    found.sort(key=lambda one: [natural_key(Path(part)) for part in Path(one).parts])
    return [str(folder / one) for one in found]


def read_job_list(path: Path, typed: Typed) -> JobList:
    """Raises ``ConfigError`` with all that is wrong in the file, each with the job's number."""
    try:
        table = read_toml_file(path, LONGEST_LIST)
    except OSError as error:
        raise ConfigError(f"the job list {path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the job list {path} is no UTF-8 text; save it as UTF-8") from error
    except TOMLDecodeError as error:
        raise ConfigError(f"the job list {path} is no valid TOML: {error}{_hint(error)}") from error
    return _Reader(path, typed).read(table)


class _Reader:
    """What is wrong with a job list, as sentences with the numbers of the jobs; and the jobs, if nothing is."""

    def __init__(self, path: Path, typed: Typed) -> None:
        self.path, self.folder, self.typed = path, path.parent, typed
        self.problems: dict[str, list[int]] = {}
        self._defaults: Table = {}
        self._preset: str | None = None
        self._configs: dict[str, Config] = {}

    def read(self, table: Table) -> JobList:
        from dreamvideo.render.batch_names import refuse

        table = self._known(table, _LIST, "part of a job list")
        pattern = self._text(table.get("pattern"), "pattern", "a text such as '{stem}_{preset}.{ext}'")
        self._take_defaults(table.get("defaults", {}))
        jobs = table.get("job")
        if not isinstance(jobs, list) or not jobs or not all(isinstance(job, Mapping) for job in jobs):
            self._say(f"{self.path} lists no jobs; begin each with a line [[job]]")
            jobs = []
        wishes = [wish for number, job in enumerate(jobs, 1) for wish in self._wishes(job, number)]
        refuse([_numbered(sentence, numbers) for sentence, numbers in self.problems.items()], str(self.path))
        return JobList(wishes, pattern)

    def _take_defaults(self, defaults: Any) -> None:
        if not isinstance(defaults, Mapping):
            self._say(f"defaults is {brief_value(defaults)}; it must be a table: [defaults]")
            return
        self._defaults = self._known(defaults, ("preset", *_SECTIONS), "part of [defaults]")
        self._preset = self._text(self._defaults.pop("preset", None), "preset in [defaults]", "the name of a preset")

    def _wishes(self, job: Table, number: int) -> Iterator["Wish"]:
        """The job, as often as its input has matches; nothing, where something is wrong with it."""
        from dreamvideo.render.batch_names import Wish

        own = self._known(job, (*_JOB, *_SECTIONS), "part of a job", number)
        inputs = self._inputs(self._name(own, "input", "file", number), number)
        name = self._name(own, "output", "name", number)
        preset = self._text(own.pop("preset", None), "preset", "the name of a preset", number) or self._preset
        command = self._text(own.pop("command", None), "command", "a text", number) or "render"
        if command not in KINDS:
            choices = " or ".join(KINDS)
            self._say(f"command is {brief_value(command)}; it must be {choices}{nearest(command, KINDS)}", number)
            return
        frames = self._frames(own, command, number)
        config = self._config(command, preset, own, number)
        if config is not None:
            look = self.typed.preset or preset or PLAIN
            yield from (Wish(KINDS[command], found, config, look, name, frames) for found in inputs)

    def _frames(self, job: Table, command: str, number: int) -> Selection | None:
        """The part of a clip that a job is about."""
        frames, every = job.pop("frames", None), job.pop("every", None)
        if frames is None and every is None:
            return None
        if command != "render":
            self._say(f"frames and every choose from a clip, and {command} makes none of one", number)
        if every is not None and (type(every) is not int or every < 1):
            self._say(f"every is {brief_value(every)}; it must be a whole number of at least 1", number)
            every = 1
        text = self._text(str(frames) if type(frames) is int else frames, "frames", "such as '100-250,300'", number)
        try:
            return parse_selection(text, every or 1)
        except ConfigError as error:
            self._say(str(error), number)
            return None

    def _name(self, job: Table, key: str, within: str, number: int) -> str | None:
        """What ``input`` or ``output`` names. Settings beside it stay in ``job``: { file = "a.mp4", start = 3 }."""
        value = job.pop(key, None)
        if isinstance(value, Mapping):
            job[key] = {name: entry for name, entry in value.items() if name != within}
            value = value.get(within)
        if value is None and key == "input":
            self._say('the input is missing; name it: input = "clip.mp4"', number)
        return self._text(value, key, f"a name, or a table such as {{ {within} = ... }}", number)

    def _inputs(self, name: str | None, number: int) -> list[str]:
        try:
            return [] if name is None else matches(name, self.folder)
        except ConfigError as error:
            self._say(str(error), number)
            return []

    def _config(self, command: str, preset: str | None, own: Table, number: int) -> Config | None:
        """The settings of a job; jobs that ask for the same share them."""
        key = json.dumps([command, preset, own], default=str)
        if key not in self._configs:
            tables = [(self._here(self._defaults), "in [defaults]"), (self._here(own), f"in {self.path}")]
            try:
                self._configs[key] = self.typed.resolve(command, preset, tables)
            except SettingsError as error:
                for problem in error.problems:
                    self._say(problem, number)
        return self._configs.get(key)

    def _here(self, settings: Table) -> Table:
        """``settings`` whose files lie beside the job list, as the inputs do."""
        settings = copy.deepcopy(settings)
        audio, dream = (_inner(settings, name) for name in ("audio", "dream"))
        pictures = _inner(dream, "pictures")
        for table, name in ((audio, "track"), (dream, "network"), *((pictures, name) for name in pictures)):
            file = table.get(name)
            if isinstance(file, str) and (name != "network" or file.endswith((".keras", ".pb"))):
                table[name] = str(self.folder / file)
        return settings

    def _text(self, value: Any, key: str, expected: str, number: int | None = None) -> str | None:
        if value is None or (isinstance(value, str) and value):
            return value
        self._say(f"{key} is {brief_value(value)}; it must be {expected}", number)
        return None

    def _known(self, table: Mapping[str, Any], known: Sequence[str], what: str, number: int | None = None) -> Table:
        """``table`` without what is not ``known``; where a setting without its section belongs, ``resolve`` says."""
        for key in table:
            if not (key in known or _lacks_section(key)):
                meant = f"; write [defaults.{key}]" if key in _SECTIONS else nearest(key, known)
                self._say(f"{key} is no {what}{meant}", number)
        return {key: value for key, value in table.items() if key in known or _lacks_section(key)}

    def _say(self, sentence: str, number: int | None = None) -> None:
        self.problems.setdefault(sentence, []).extend([] if number is None else [number])


def _hint(error: TOMLDecodeError) -> str:
    """What to do about a setting such as input.start beside an input that is a name."""
    return '; settings beside a name go with it: input = { file = "a.mp4", start = 3 }' * ("overwrite" in str(error))


def _lacks_section(key: str) -> bool:
    return any(setting.endswith(f".{key}") for setting in SETTINGS)


def _inner(table: Table, name: str) -> Table:
    inner = table.get(name)
    return inner if isinstance(inner, dict) else {}


def _numbered(sentence: str, numbers: list[int]) -> str:
    """A sentence with the jobs that it is about."""
    numbers = list(dict.fromkeys(numbers))
    if len(numbers) < 2:
        return f"job {numbers[0]}: {sentence}" if numbers else sentence
    some = ", ".join(map(str, numbers[:_MOST_NUMBERS]))
    more = len(numbers) - _MOST_NUMBERS
    return f"jobs {some}{f' and {more} more' if more > 0 else ''}: {sentence}"
