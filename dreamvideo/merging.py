"""From defaults, preset, config file and command line to one ``Config``; every problem is reported at once."""

import copy
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from dreamvideo.config import MOVING, Config, Dream, Section, has_formula
from dreamvideo.errors import ConfigError
from dreamvideo.names import brief, nearest
from dreamvideo.presets import read_preset
from dreamvideo.settings import SETTINGS, Setting, brief_value, section
from dreamvideo.toml import read_toml, read_toml_file


class SettingsError(ConfigError):
    """Everything that is wrong with the settings: ``problems`` are sentences, the message has one a line."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(list_problems(problems, "the settings"))
        self.problems = problems


_SET = "in --set"
_NAMED = "on the command line"
_MOST_PROBLEMS = 20  # in one message


def resolve(
    preset: str | None = None,
    config_file: Path | None = None,
    sets: Iterable[str] = (),
    named: Mapping[str, Any] | None = None,
    *,
    base: Mapping[str, Any] | None = None,
    tables: Iterable[tuple[Mapping[str, Any], str]] = (),
    presets: Path | None = None,
) -> Config:
    """Merge what the user asked for: defaults < ``base`` < preset < ``tables`` < config file < ``sets`` < ``named``.

    Parameters
    ----------
    sets : ``section.key=value`` each, the value in TOML; a bare word is text. ``carry=0.5`` means carry.strength.
    named : full names, such as ``dream.strength``, to values; None means not given.
    base : a command's own defaults, as ``named``.
    tables : settings as a config file has them, already read, each with where it stands, such as "in jobs.toml".
    presets : the folder of presets, by default the program's own.

    A table of layers in a preset or file replaces the one below it; ``dream.layers.mixed4=2`` changes one entry.
    Raises ``SettingsError`` that lists every problem, one a line.
    """
    merge = _Merge()
    for key, value in (base or {}).items():
        merge.value(key, value, "a default")
    if preset is not None:
        merge.preset(preset, presets)
    for table, origin in tables:
        merge.table(table, origin)
    if config_file is not None:
        merge.file(config_file)
    for argument in sets:
        merge.argument(argument)
    for key, value in (named or {}).items():
        if value is not None:
            merge.value(key, value, _NAMED)
    return merge.config()


class _Merge:
    """The values so far, where each was last set, and what is wrong with them."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = Config().model_dump(exclude={MOVING})
        self.origins: dict[str, str] = {}
        self.problems: list[str] = []

    def preset(self, name: str, folder: Path | None) -> None:
        try:
            self._read(lambda: read_toml(read_preset(name, folder)), f"the preset {name}")
        except ConfigError as error:
            self.problems.append(str(error))

    def file(self, path: Path) -> None:
        try:
            self._read(lambda: read_toml_file(path), str(path))
        except OSError as error:
            self.problems.append(f"the config file {path} cannot be read ({error.strerror})")
        except UnicodeDecodeError:
            self.problems.append(f"the config file {path} is no UTF-8 text; save it as UTF-8")
        except ValueError as error:
            self.problems.append(f"the config file {brief(str(path))} cannot be read ({error})")

    def _read(self, read: Callable[[], Mapping[str, Any]], name: str) -> None:
        try:
            self.table(read(), f"in {name}")
        except tomllib.TOMLDecodeError as error:
            self.problems.append(f"{name} is no valid TOML: {_lower(str(error))}")

    def table(self, table: Mapping[str, Any], origin: str) -> None:
        self._merge(self.values, copy.deepcopy(table), Config, "", origin)  # single entries may be set in it later

    def argument(self, argument: str) -> None:
        """Take one ``section.key=value``."""
        key, equals, text = (part.strip() for part in argument.partition("="))
        if _is_broken(argument):
            self.problems.append(f"--set {brief(argument)!a}: this is no text in UTF-8")
            return
        if not equals or not all(key.split(".")):
            problem = "this should read section.key=value, such as dream.steps=3"
            self.problems.append(f"--set {brief(argument)}: {problem}")
            return
        try:
            self.value(key, parse_value(text), _SET)
        except tomllib.TOMLDecodeError as error:
            unclosed = text[:1] in {'"', "'"} and text.count(text[0]) == 1
            problem = "this quote is never closed" if unclosed else f"the value is no valid TOML: {_lower(str(error))}"
            self.problems.append(f"--set {brief(argument)}: {problem}")

    def value(self, key: str, value: Any, origin: str) -> None:
        """Set one value by its full name; an entry of a table, such as ``dream.layers.mixed4``, leaves the others."""
        table, *rest = key.split(".", 2)
        entries = (
            self.values[table].get(rest[0]) if len(rest) == 2 and isinstance(self.values.get(table), dict) else None
        )
        if isinstance(entries, dict):
            entries[rest[1]] = value
            self.origins[key] = origin
            return
        for name in reversed(rest):
            value = {name: value}
        self._merge(self.values, {table: value}, Config, "", origin)

    def _merge(
        self, values: dict[str, Any], table: Mapping[str, Any], model: type[Section], prefix: str, origin: str
    ) -> None:
        for name, value in table.items():
            key = prefix + name
            if key == MOVING:
                self.problems.append(f"{MOVING} is no setting ({origin}); write a schedule in place of a number")
                continue
            inner = section(model, name)
            if inner is not None and inner.short_for is not None and not isinstance(value, Mapping):
                value = {inner.short_for: value}  # noqa: PLW2901 - the same value, written out
            if inner is None:
                values[name] = value
                self.origins[key] = origin
            elif isinstance(value, Mapping):
                self._merge(values[name], value, inner, f"{key}.", origin)
            else:
                self.problems.append(f"{key} is {brief_value(value)} ({origin}); it must be a table: [{key}]")
        if model is Dream:
            self._let_the_later_win(values, table, origin)

    def _let_the_later_win(self, dream: dict[str, Any], table: Mapping[str, Any], origin: str) -> None:
        """A formula does away with layers set below it, and layers with a formula; both in one place contradict."""
        typed = (_SET, _NAMED)
        both_typed = origin in typed and any(
            key.startswith("dream.layers") and earlier in typed for key, earlier in self.origins.items()
        )
        if "objective" in table and "layers" not in table and has_formula(dream["objective"]) and not both_typed:
            dream["layers"] = {}
        elif (
            "layers" in table
            and "objective" not in table
            and has_formula(dream["objective"])
            and not (origin in typed and self.origins.get("dream.objective") in typed)
        ):
            dream["objective"] = Dream().objective

    def config(self) -> Config:
        """The merged config. Raises ``SettingsError`` with all problems found on the way and by the schema."""
        config = None
        values = copy.deepcopy(self.values)
        moving = dict(self._take_schedules(values))
        try:
            config = Config.model_validate({**values, MOVING: moving})
        except ValidationError as error:
            self.problems += [self._problem(details) for details in error.errors(include_url=False)]
        if config is None or self.problems:
            raise SettingsError(list(dict.fromkeys(self.problems)))
        return config

    def _take_schedules(self, values: dict[str, Any]) -> Iterator[tuple[str, str]]:
        """Every schedule among ``values`` with its setting's full name; the setting's default takes its place."""
        for setting in SETTINGS.values():
            table, _, name = setting.key.partition(".")
            if not setting.movable:
                continue
            if isinstance(values[table][name], str):
                yield from self._schedule(setting.key, values[table][name], setting)
                values[table][name] = setting.default
            elif setting.is_table and isinstance(values[table][name], dict):
                entries = values[table][name]
                for entry in [entry for entry, value in entries.items() if isinstance(value, str)]:
                    yield from self._schedule(f"{setting.key}.{entry}", entries[entry], setting)
                    entries[entry] = 1.0

    def _schedule(self, key: str, text: str, setting: Setting) -> Iterator[tuple[str, str]]:
        from dreamvideo.expression import FEATURES
        from dreamvideo.schedule import ScheduleError, parse_schedule  # which needs numpy, and few configs move

        try:
            parse_schedule(text)
            yield key, text
        except ScheduleError as error:
            takes = setting.entry if setting.is_table else setting.expected
            meant = nearest(text, FEATURES) if text.isidentifier() else f", or a schedule, but {error}"
            told = f"{brief(key)} is {brief_value(text)} ({self._origin(key)})"
            self.problems.append(f"{told}; it must be {takes}{meant}")

    def _problem(self, details: ErrorDetails) -> str:
        """One of pydantic's errors as a sentence with the setting's full name, the value and what would be right."""
        key = _key([str(part) for part in details["loc"]])
        if details["type"] == "value_error" and (key not in SETTINGS or key == "dream.objective"):
            return str(details.get("ctx", {}).get("error", details["msg"]))
        setting = SETTINGS.get(key) or SETTINGS.get(".".join(key.split(".")[:2]))
        if setting is None or details["type"] == "extra_forbidden":
            return f"{brief(key)} is no setting ({self._origin(key)}){_nearest_key(key, details['input'])}"
        if setting.is_table and key != setting.key:
            return f"{brief(key)} is {brief_value(details['input'])} ({self._origin(key)}); it must be {setting.entry}"
        return f"{key} is {brief_value(details['input'])} ({self._origin(key)}); it must be {setting.expected}"

    def _origin(self, key: str) -> str:
        while key not in self.origins and "." in key:
            key = key.rpartition(".")[0]
        return self.origins.get(key, "a default")


def _is_broken(text: str) -> bool:
    """Whether it holds bytes that are no UTF-8, as the command line may."""
    return any("\ud800" <= sign <= "\udfff" for sign in text)


def parse_value(text: str) -> Any:
    """A value typed at the command line: TOML, or plain text where it is neither TOML nor meant to be.

    Raises ``TOMLDecodeError`` for a quote, bracket or brace that is not closed, for nothing at all, and for more than
    one line.
    """
    try:
        values = read_toml(f"value = {text}\n")
    except tomllib.TOMLDecodeError:
        if re.fullmatch(r"-?\.\d+", text):
            return float(text)
        if not text or text[0] in "\"'[{":
            raise
        return text
    if len(values) > 1:
        raise tomllib.TOMLDecodeError("It is more than one line")
    return values["value"]


def _key(location: list[str]) -> str:
    """The full name at fault: a union's branches, which pydantic adds to the location, are left off."""
    names = location[:2] if location and section(Config, location[0]) is not None else location[:1]
    key = ".".join(names)
    return ".".join(location[:3]) if key in SETTINGS and SETTINGS[key].is_table else key


def _nearest_key(key: str, value: Any) -> str:
    """The setting that was meant: those of that name where the table was left out, else one spelled alike."""
    tables = [name for name in Config.model_fields if section(Config, name)] if isinstance(value, Mapping) else []
    namesakes = [known for known in SETTINGS if known.endswith(f".{key}")]
    if namesakes:
        return f"; did you mean {' or '.join(repr(known) for known in namesakes)}?"
    return nearest(key, [*tables, *SETTINGS])


def list_problems(problems: Sequence[str], what: str) -> str:
    """A message of sentences about ``what``, one a line; a single one stands for itself."""
    if len(problems) == 1:
        return problems[0]
    shown = [f"  {line}" for line in problems[:_MOST_PROBLEMS]]
    rest = [f"  and {len(problems) - len(shown)} more"] if len(problems) > len(shown) else []
    return "\n".join([f"{len(problems)} things are wrong with {what}:", *shown, *rest])


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
