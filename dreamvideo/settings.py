"""Settings as a person sees them: full names, values as TOML, and in words what each takes.

Error messages, ``--help`` and ``configs/reference.toml`` all come from here, and from the fields in ``config``.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import tomli_w
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from dreamvideo.config import MOVING, Config, Section
from dreamvideo.names import brief

_NOUNS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a name",
}
_LIMITS = {Ge: "at least", Gt: "above", Le: "at most", Lt: "below"}
_MOVABLE = ("dream", "carry", "camera", "color")  # sections that every frame asks anew


@dataclass(frozen=True)
class Setting:
    """One setting: its full name, such as ``dream.strength``, and the field that defines it."""

    key: str
    field: FieldInfo

    @property
    def default(self) -> Any:
        return self.field.get_default(call_default_factory=True)

    @property
    def sentence(self) -> str:
        return self.field.description or ""

    @property
    def is_table(self) -> bool:
        """Whether its value is a table of the user's own names, such as ``dream.layers``."""
        return _kind(self.field.annotation) is dict

    @property
    def movable(self) -> bool:
        """Whether a schedule may stand in its place, or in that of an entry where it is a table."""
        kind = dict if self.is_table else _kind(self.field.annotation)
        numbers = kind in {int, float} or (kind is dict and float in get_args(self.field.annotation))
        return numbers and self.key.partition(".")[0] in _MOVABLE

    @property
    def whole(self) -> bool:
        """Whether it takes whole numbers only."""
        return _kind(self.field.annotation) is int

    @property
    def limits(self) -> dict[type, float]:
        """Its bounds, by their kinds: ``Ge``, ``Gt``, ``Le`` and ``Lt``."""
        return {
            kind: getattr(limit, kind.__name__.lower())
            for limit in self.field.metadata
            for kind in _LIMITS
            if isinstance(limit, kind)
        }

    @property
    def entry(self) -> str:
        """What an entry of such a table takes, in words."""
        return "a path" if str in get_args(self.field.annotation)[1:] else "a number"

    @property
    def expected(self) -> str:
        """What it takes, in words: ``a number from 0 to 10``."""
        if self.field.examples:
            return "a value such as " + _either([toml_value(example) for example in self.field.examples])
        kind = _kind(self.field.annotation)
        if isinstance(kind, tuple):
            return _either([toml_value(choice) for choice in kind])
        separator = " " if self.bounds.startswith("from") else ", "
        if kind is dict:
            return f"a table of names, each with {self.entry}"
        return _NOUNS[kind] + (separator + self.bounds if self.bounds else "")

    @property
    def bounds(self) -> str:
        """Its bounds in words: ``from 0 to 10``, ``above 1 and at most 4``, or nothing where there are none."""
        limits = {kind: _number(limit) for kind, limit in self.limits.items()}
        if Ge in limits and Le in limits:
            return f"from {limits[Ge]} to {limits[Le]}"
        return " and ".join(f"{word} {limits[kind]}" for kind, word in _LIMITS.items() if kind in limits)


def section(model: type[Section], name: str) -> type[Section] | None:
    """The model of the table called ``name`` in ``model``, None where that is a plain setting or nothing."""
    kind = model.model_fields[name].annotation if name in model.model_fields else None
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


def settings(model: type[Section] = Config, prefix: str = "") -> Iterator[Setting]:
    """Every setting, in the order of the config."""
    for name, field in model.model_fields.items():
        inner = section(model, name)
        if name == MOVING:
            continue
        if inner is None:
            yield Setting(prefix + name, field)
        else:
            yield from settings(inner, f"{prefix}{name}.")


SETTINGS = {setting.key: setting for setting in settings()}


def toml_value(value: Any) -> str:
    """A value as it stands to the right of the equals sign in a TOML file."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_toml_name(name)} = {toml_value(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    return tomli_w.dumps({"value": value}).removeprefix("value = ").rstrip("\n")


def brief_value(value: Any) -> str:
    """A value for an error message, cut to a length that leaves the message readable."""
    return brief(toml_value(value))


def reference_toml() -> str:
    """``configs/reference.toml``: every setting, commented out at its default, with its sentence and what it takes."""
    lines = [
        "# Every setting at its default. Copy what you want to change and take its `#` away:",
        "#   dreamvideo render clip.mp4 -o dream.mp4 --config mine.toml",
        "# A number in [dream], [carry], [camera] or [color] may be a schedule, in quotes, such as",
        '# "0: 0.5, 4s: 1 ease-in-out" or "0.5 + bass"; `dreamvideo schedule --help` tells more.',
        "# Made by tools/make_reference.py from dreamvideo/config.py.",
        "",
        *_reference_lines(),
    ]
    return "\n".join(lines).rstrip("\n") + "\n"


def _reference_lines() -> Iterator[str]:
    table = ""
    for setting in settings():
        if (name := setting.key.rpartition(".")[0]) != table:
            table = name
            yield from (f"[{name}]", f"# {Config.model_fields[name].description}", "")
        yield from _setting_lines(setting)


def _setting_lines(setting: Setting) -> Iterator[str]:
    name, default = setting.key.rpartition(".")[2], setting.default
    yield f"# {setting.sentence}"
    yield f"# Takes {setting.expected}{'; unset by default' if default is None else ''}."
    yield f"#{name} =" if default is None else f"#{name} = {toml_value(default)}"
    yield ""


def _kind(annotation: Any) -> Any:
    """The plain type of an annotation, or the choices of a Literal as a tuple; ``X | None`` is taken as X."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _kind(get_args(annotation)[0])
    if origin in {Union, UnionType}:
        return next(_kind(choice) for choice in get_args(annotation) if choice is not NoneType)
    if origin is Literal:
        return get_args(annotation)
    return origin or annotation


def _either(choices: list[str]) -> str:
    return " or ".join([", ".join(choices[:-1]), choices[-1]]) if len(choices) > 1 else choices[0]


def _number(limit: Any) -> str:
    return "2^63" if limit == 2**63 else str(limit)


def _toml_name(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else toml_value(name)
