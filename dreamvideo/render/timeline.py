"""A config at every frame: its schedules worked out, and held against their bounds, before anything is dreamed."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from typing import Any

import numpy as np
from annotated_types import Ge, Gt, Le, Lt

from dreamvideo.config import Config, has_formula
from dreamvideo.errors import ConfigError
from dreamvideo.formula import fill, moving_numbers
from dreamvideo.schedule import Clock, Schedule, ScheduleError, parse_schedule
from dreamvideo.settings import SETTINGS, Setting

OBJECTIVE = "dream.objective"
_HOLDS: dict[type, Any] = {Ge: np.greater_equal, Gt: np.greater, Le: np.less_equal, Lt: np.less}


@dataclass(frozen=True)
class Moving:
    """One schedule of a config, and where its value goes: a setting, an entry of a table, or a formula's number."""

    key: str
    schedule: Schedule
    divides: bool = False  # a formula's number that something is divided by

    @property
    def setting(self) -> Setting:
        return SETTINGS.get(self.key) or SETTINGS[".".join(self.key.split(".")[:2])]


def schedules(config: Config) -> list[Moving]:
    """All schedules of a config. Those of the objective come last, in the order of their places in its formulas."""
    found = [Moving(key, parse_schedule(text)) for key, text in config.moving.items()]
    if has_formula(config.dream.objective):
        numbers = [number for text in config.dream.formulas for number in moving_numbers(text)]
        found += [Moving(OBJECTIVE, number.schedule, number.divides) for number in numbers]
    return found


def unmoved(config: Config) -> "Timeline":
    """The timeline of a config without schedules, whatever the clip."""
    return Timeline(config, Clock(1, Fraction(1)))


class Timeline:
    """A config at each of ``clock.count`` frames; after the last of them, as it is there.

    Raises ``ConfigError`` for a schedule without a value at some frame, or with one that its setting doesn't take; the
    message names the frame.
    """

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config, self.clock = config, clock
        self._values: dict[str, np.ndarray] = {}
        self._numbers: list[np.ndarray] = []
        formulas = config.dream.formulas if has_formula(config.dream.objective) else []
        self._counts = [len(moving_numbers(text)) for text in formulas]
        problems = list(self._work_out(schedules(config)))
        if problems:
            raise ConfigError("\n".join(problems))
        self._check_octaves()

    def _work_out(self, moving: list[Moving]) -> Iterator[str]:
        """Fill the values; yields what is wrong with them."""
        for each in moving:
            try:
                values = each.schedule.values(self.clock)
            except ScheduleError as error:
                yield f"{each.key}: {error}"
                continue
            if each.key == OBJECTIVE:
                if each.divides and not values.all():
                    yield f"{each.key} divides by 0 at {self._when(int(np.argmin(values != 0)))}: {each.schedule.text}"
                self._numbers.append(values)
                continue
            values = np.rint(values) if each.setting.whole else values
            yield from self._out_of_bounds(each, values)
            self._values[each.key] = values

    def _out_of_bounds(self, moving: Moving, values: np.ndarray) -> Iterator[str]:
        allowed = np.ones(values.shape, bool)
        for kind, limit in moving.setting.limits.items():
            allowed &= _HOLDS[kind](values, limit)
        wrong = np.flatnonzero(~allowed)
        if len(wrong):
            takes = moving.setting.entry if moving.setting.is_table else moving.setting.expected
            yield f"{moving.key} is {values[wrong[0]]:g} at {self._when(wrong[0])}; it must be {takes}"

    def _check_octaves(self) -> None:
        """What ``config.Dream`` checks across its settings may come true at some frame only."""
        octaves, above = self.values("dream.octaves"), self.values("dream.octaves_above")
        wrong = np.flatnonzero(above >= octaves)
        if len(wrong):
            raise ConfigError(
                f"dream.octaves_above is {above[wrong[0]]:g} at {self._when(wrong[0])}; "
                f"it must be below dream.octaves ({octaves[wrong[0]]:g})"
            )

    def _when(self, index: int) -> str:
        return f"frame {index} ({float(index / self.clock.rate):.2f} s)"

    def with_clock(self, clock: Clock) -> "Timeline":
        """The same values on another clock of as many frames."""
        other = copy(self)
        other.clock = clock
        return other

    @property
    def moving(self) -> dict[str, np.ndarray]:
        """Every setting that moves, by its full name, ``float64 [count]``; a formula's numbers by their places."""
        numbers = {f"{OBJECTIVE}[{i}]": values for i, values in enumerate(self._numbers)}
        return {**self._values, **numbers}

    def values(self, key: str) -> np.ndarray:
        """A setting at every frame, ``float64 [count]``, whether it moves or not."""
        if key in self._values:
            return self._values[key]
        value: Any = self.config
        for name in key.split("."):
            value = getattr(value, name)
        return np.full(self.clock.count, value, float)

    @property
    def carries(self) -> bool:
        """Whether any frame follows from the one before it."""
        return bool(self.values("carry.strength").any())

    def at(self, index: int) -> Config:
        """The config at a frame: plain numbers only."""
        if not self._values and not self._numbers:
            return self.config
        index = min(index, self.clock.count - 1)
        changes: dict[str, dict[str, Any]] = {}
        for key, values in self._values.items():
            section, name, *entry = key.split(".", 2)
            value = int(values[index]) if SETTINGS.get(key) and SETTINGS[key].whole else float(values[index])
            changed = changes.setdefault(section, {})
            if entry:
                changed.setdefault(name, dict(getattr(getattr(self.config, section), name)))[entry[0]] = value
            else:
                changed[name] = value
        if self._numbers:
            changes.setdefault("dream", {})["objective"] = self._objective_at(index)
        sections = {name: getattr(self.config, name).model_copy(update=changed) for name, changed in changes.items()}
        return self.config.model_copy(update={**sections, "moving": {}})

    def _objective_at(self, index: int) -> str | list[str]:
        values = iter([float(numbers[index]) for numbers in self._numbers])
        counted = zip(self.config.dream.formulas, self._counts, strict=True)
        filled = [fill(text, list(islice(values, count))) for text, count in counted]
        return filled[0] if isinstance(self.config.dream.objective, str) else filled
