"""Schedules: a number for each frame, as in ``0: 0.008, 4s: 0.02 ease-in-out`` or ``1.2 + 0.3 * sin(2*pi*t/4)``.

A schedule is one expression (see ``expression``), or keyframes ``TIME: VALUE [EASING]`` with commas between them. TIME
is a frame (60), seconds (4s) or beats (8b), from 0 on. VALUE is any expression: where it moves, it goes on moving while
it is mixed with its neighbour's. EASING says how one gets *to* this keyframe from the one before; linear if not given.
Before the first keyframe and after the last, their own values hold. A # begins a comment, up to the end of its line.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from keyword import iskeyword
from typing import Any

import numpy as np

from dreamvideo.easing import EASINGS, Easing, read_easing
from dreamvideo.expression import FEATURES, Expression, Scene, is_finite
from dreamvideo.typed import MarkedError, Typed, newlines

_NEED_SCOUTING = frozenset({"shot", "shot_t", "frames", "seconds"})
_COUNT_BEATS = frozenset({"beat_index", "bar_index"})
_TIME = re.compile(r"([0-9]{1,9})|((?:[0-9]{1,9}\.?[0-9]{0,9})|(?:\.[0-9]{1,9}))([sb])")
_TOKEN = re.compile(
    r"(?P<number>(?:\d|\.\d)(?:[eE][+-]|[\w.])*)|(?P<name>[^\W\d]\w*)|(?P<open>[(\[{])|(?P<close>[)\]}])|(?P<sign>\S)"
)


class ScheduleError(MarkedError):
    """A schedule that can't be read or has no value at some frame. The message shows it and marks what is at fault."""

    what = "schedule"


@dataclass(frozen=True)
class Clock:
    """What a schedule can know of a clip: ``count`` frames, ``rate`` of them a second.

    Args:
        count: Frames in all.
        rate: Frames a second.
        seed: Of ``noise``.
        cuts: The frame at which each shot begins, ascending; the first is 0.
        feature: From the name of a feature of the sound, its attack and its release (seconds; None where not given) to
            its value at each frame, float64 ``[count]`` in 0..1. None: there is no sound.
        beats: When the beats are, in seconds from the first frame, ascending. None: there is no sound.
        beats_per_bar: How many beats make a bar.
        first_bar: The index of the first beat that begins a bar.
    """

    count: int
    rate: Fraction
    seed: int = 0
    cuts: tuple[int, ...] = (0,)
    feature: Callable[[str, float | None, float | None], np.ndarray] | None = None
    beats: np.ndarray | None = None
    beats_per_bar: int = 4
    first_bar: int = 0


@dataclass(frozen=True)
class Key:
    """A keyframe at ``amount`` of ``unit`` ("" for frames, "s" or "b"), which stands at ``position`` of the text."""

    amount: Fraction
    unit: str
    position: int
    value: Expression
    easing: Easing


@dataclass(frozen=True)
class Schedule:
    """A number for each frame. ``text`` says it; ``source`` is the longer text of which it is a part, or the same.

    ``names`` holds the variables it uses, features of the sound among them. ``hears`` tells whether it needs sound,
    ``needs_scouting`` whether the whole input must have been looked at: for its cuts and its length.
    """

    text: str
    source: str = field(repr=False)
    keys: tuple[Key, ...] = field(repr=False, compare=False)

    @property
    def names(self) -> frozenset[str]:
        return frozenset[str]().union(*(key.value.names for key in self.keys))

    @property
    def hears(self) -> bool:
        return not self.names.isdisjoint({*FEATURES, *_COUNT_BEATS}) or any(key.unit == "b" for key in self.keys)

    @property
    def needs_scouting(self) -> bool:
        return not self.names.isdisjoint(_NEED_SCOUTING)

    def values(self, clock: Clock) -> np.ndarray:
        """The number for each frame, float64 ``[count]``, all finite.

        Raises ``ScheduleError``: a value is no finite number at some frame, keyframes are out of order, or there is no
        sound to listen to.
        """
        self._expect_sound(clock)
        scene = Scene(_Variables(clock), clock.seed)
        times = self._times(clock)
        begins = [0, *np.clip(np.ceil(times[1:]), 0, clock.count).astype(int), clock.count]
        parts = [
            self._between(scene, clock, times, index, begin, end) for index, (begin, end) in enumerate(pairwise(begins))
        ]
        return np.concatenate(parts)

    def _between(self, scene: Scene, clock: Clock, times: np.ndarray, index: int, begin: int, end: int) -> np.ndarray:
        """The values from frame ``begin`` to before ``end``: those of key ``index`` on their way to the next one's."""
        here, *later = self.keys[index : index + 2]
        values = here.value.values(scene, begin, end)
        for there in later:
            way = (np.arange(begin, end) - times[index]) / (times[index + 1] - times[index])
            share = there.easing(way)
            aims = there.value.values(scene, begin, end)
            with np.errstate(all="ignore"):
                mixed = values + share * (aims - values)
            # Where a share is 0, the other value need not even be finite.
            values = np.where(share == 0, values, mixed)
        for frame in begin + np.flatnonzero(~is_finite(values))[:1]:
            first = here.value.values(scene, frame, frame + 1)
            guilty = later[0] if later and is_finite(first).all() else here
            raise guilty.value.error_at(scene, int(frame), f"at {_moment(int(frame), clock)}")
        return values

    def _expect_sound(self, clock: Clock) -> None:
        """Raise ``ScheduleError`` at the first thing that listens to sound which ``clock`` doesn't have."""
        for key in self.keys:
            heard = {name: at for name, at in key.value.names.items() if name in FEATURES and clock.feature is None}
            if clock.beats is None:
                heard |= {name: at for name, at in key.value.names.items() if name in _COUNT_BEATS}
                heard |= {f"{float(key.amount):g}b": key.position} if key.unit == "b" else {}
            for name, position in sorted(heard.items(), key=lambda item: item[1]):
                does = "counts beats" if name.endswith("b") and name[:1].isdigit() else f"listens to '{name}'"
                problem = f"this {does}, but there is no sound; give a track with --audio"
                raise ScheduleError(problem, self.source, position)

    def _times(self, clock: Clock) -> np.ndarray:
        """When the keyframes are, in frames, float64: not always whole. Raises ``ScheduleError`` out of order."""
        times = [self._time(key, clock) for key in self.keys]
        for (before, time), key in zip(pairwise(times), self.keys[1:], strict=True):
            if time <= before:
                here, there = _moment(time, clock), _moment(before, clock)
                problem = f"this keyframe, at {here}, must come after the one before it, at {there}"
                raise ScheduleError(problem, self.source, key.position)
        return np.array(times)

    def _time(self, key: Key, clock: Clock) -> float:
        if key.unit != "b":
            return float(key.amount * (clock.rate if key.unit == "s" else 1))
        if clock.beats is None or len(clock.beats) < 2:
            raise ScheduleError("fewer than two beats were found in the sound", self.source, key.position)
        beats, last = np.asarray(clock.beats, np.float64), len(clock.beats) - 1
        beyond = max(0.0, float(key.amount) - last) * (beats[-1] - beats[0]) / last
        return float(np.interp(float(key.amount), np.arange(last + 1), beats) + beyond) * float(clock.rate)


def _times(clock: Clock, since: np.ndarray | int = 0) -> np.ndarray:
    """Seconds from frame ``since``, which may differ from frame to frame, to each frame."""
    return (np.arange(clock.count) - since) * clock.rate.denominator / clock.rate.numerator


def _shots(clock: Clock) -> np.ndarray:
    return np.searchsorted(clock.cuts, np.arange(clock.count), side="right") - 1


def _latest_beats(clock: Clock) -> np.ndarray:
    beats = np.zeros(0) if clock.beats is None else clock.beats
    return np.maximum(np.searchsorted(beats, _times(clock), side="right") - 1, 0)


_OF_CLOCK: dict[str, Callable[[Clock], Any]] = {
    "t": _times,
    "frame": lambda clock: np.arange(clock.count),
    "frames": lambda clock: clock.count,
    "seconds": lambda clock: clock.count / clock.rate,
    "shot": _shots,
    "shot_t": lambda clock: _times(clock, np.asarray(clock.cuts)[_shots(clock)]),
    "seed": lambda clock: clock.seed,
    "fps": lambda clock: clock.rate,
    "beat_index": _latest_beats,
    "bar_index": lambda clock: np.maximum((_latest_beats(clock) - clock.first_bar) // clock.beats_per_bar, 0),
}


class _Variables:
    """The variables of ``clock``, each made once. Called with a name, attack and release; gives float64 ``[count]``."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.made: dict[tuple[str, float | None, float | None], np.ndarray] = {}

    def __call__(self, name: str, attack: float | None, release: float | None) -> np.ndarray:
        key = name, attack, release
        if key not in self.made:
            heard = self.clock.feature if name in FEATURES else None
            values = heard(*key) if heard else _OF_CLOCK[name](self.clock)
            self.made[key] = np.broadcast_to(np.asarray(values, np.float64), (self.clock.count,))
        return self.made[key]


def _moment(frame: float, clock: Clock) -> str:
    return f"frame {frame:.8g} ({frame / float(clock.rate):.2f} s)"


def parse_schedule(text: str) -> Schedule:
    """Read a schedule. Raises ``ScheduleError``."""
    text = newlines(text, ScheduleError)
    return schedule_within(text, 0, len(text))


def schedule_within(text: str, begin: int, end: int) -> Schedule:
    """The schedule in ``text[begin:end]``. Its errors show the whole of ``text``. Raises ``ScheduleError``."""
    # Positions stay as they are: comments and the ends of lines become as many blanks.
    code = re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), text[begin:end])
    reader = _Reader(text, " " * begin + re.sub(r"\s", " ", code))
    return Schedule(text[begin:end], text, reader.keys(begin))


class _Reader:
    """Reads ``code``: ``text`` up to where the schedule ends, all in one line."""

    def __init__(self, text: str, code: str) -> None:
        self.text, self.code = text, code

    def keys(self, begin: int) -> tuple[Key, ...]:
        """The keyframes from ``begin`` on; one expression alone is a keyframe that holds."""
        signs = [token for token in self.tokens(begin, len(self.code)) if token[0] in {":", ","}]
        if not any(sign[0] == ":" for sign in signs):
            return (Key(Fraction(0), "", begin, self.expression(begin, len(self.code)), EASINGS["linear"]),)
        commas = [sign.start() for sign in signs if sign[0] == ","]
        keys: list[Key] = []
        for start, end in zip([begin, *(comma + 1 for comma in commas)], [*commas, len(self.code)], strict=True):
            if not self.code[start:end].strip():
                raise self.error("there is a comma too many", end if start == begin else start - 1)
            keys.append(self.key(start, end))
            if any(key.unit == keys[-1].unit and key.amount >= keys[-1].amount for key in keys[:-1]):
                raise self.error("this keyframe must come after the ones before it", keys[-1].position)
        return tuple(keys)

    def key(self, begin: int, end: int) -> Key:
        tokens = list(self.tokens(begin, end))
        colons = [token.start() for token in tokens if token[0] == ":"]
        if not colons:
            raise self.error("a keyframe is TIME: VALUE, such as 4s: 0.5", tokens[0].start())
        if len(colons) > 1:
            raise self.error("a keyframe has one ':'; is there a comma missing before it?", colons[1])
        colon, easing = colons[0], _after_operand([token for token in tokens if token.start() > colons[0]], end)
        if not self.code[colon + 1 : end].strip():
            raise self.error("a value is missing after this", colon)
        position, (amount, unit) = tokens[0].start(), self.time(tokens[0].start(), colon)
        return Key(amount, unit, position, self.expression(colon + 1, easing), self.easing(easing, end))

    def time(self, begin: int, end: int) -> tuple[Fraction, str]:
        match = _TIME.fullmatch(self.code[begin:end].rstrip())
        if not match:
            raise self.error("a time is a frame (60), seconds (4s, 1.5s) or beats (8b)", begin)
        return Fraction(match[1] or match[2]), match[3] or ""

    def easing(self, begin: int, end: int) -> Easing:
        """What is written after a value: nothing is linear."""
        try:
            return read_easing(self.code[begin:end].strip() or "linear")
        except ValueError as error:
            raise self.error(str(error), begin) from None

    def expression(self, begin: int, end: int) -> Expression:
        return Expression(Typed(ScheduleError, self.text, self.code, begin, end))

    def tokens(self, begin: int, end: int) -> Iterator[re.Match[str]]:
        """The words, numbers and signs outside of brackets, and the outermost brackets."""
        depth = 0
        for token in _TOKEN.finditer(self.code, begin, end):
            depth = max(0, depth - (token.lastgroup == "close"))
            if depth == 0:
                yield token
            depth += token.lastgroup == "open"

    def error(self, problem: str, position: int) -> ScheduleError:
        return ScheduleError(problem, self.text, position)


def _after_operand(tokens: list[re.Match[str]], end: int) -> int:
    """Where a word directly follows a value, as no operator does; ``end`` where none does."""
    for before, token in pairwise(tokens):
        words = [each.lastgroup == "name" and not iskeyword(each[0]) for each in (before, token)]
        if words[1] and (words[0] or before.lastgroup in {"number", "close"}):
            return token.start()
    return end
