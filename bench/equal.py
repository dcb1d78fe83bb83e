"""Ours and the reference methods on real clips at equal strength: seconds a frame, and warp error above the floor.

(a) every frame alone by the textbook; (b) the warped previous dream blended at a half, full steps; (c) the whole
previous dream carried on, full steps. For the errors all are brought to the strength of (a) on the frames that these
are measured on.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from threading import Event
from typing import Any

import numpy as np
from clips import CLIPS
from measure import seconds
from moving import Stopwatch
from table import Table
from textbook import Gradient, dream_alone, dream_blended, textbook_gradient

from dreamvideo.config import Config, Dream, Shots
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import Network, load_network
from dreamvideo.media.prefetch import prefetch
from dreamvideo.motion.carry import watch
from dreamvideo.motion.flow import Along
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.render.clip import AHEAD
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved
from dreamvideo.score.motion import motions, warp_errors
from dreamvideo.score.strength import Strength

LAYERS = {"mixed3": 1.0, "mixed5": 1.0}  # the tutorial's layers; all sides use them, and the same raw gradient
MEASURE = "mean"
RAW: dict[str, Any] = {"layers": LAYERS, "objective": MEASURE, "laplacian": 0, "natural_colors": 0.0}
STEPS, STEP = 8, 0.01  # of the textbook, in each of its three octaves
FRAMES = 64
SHORT = 9  # frames on which the errors are measured: (b) and (c) take minutes
LATE = 33  # frames after which (c) shows what becomes of it
EVERY = 7  # the frames that strength is measured on, and after which the textbook is timed; odd, as turns are even
NEAR = 0.02  # strengths are equal within this
TRIES = 8
FARTHEST = 10.0  # times the step: what dream.strength allows

Frames = list[np.ndarray]


@dataclass(frozen=True)
class Clip:
    """A clip, its motion, and the strength that all methods are brought to: that of (a) on some of its frames."""

    name: str
    inputs: Frames
    motions: dict[int, Along]
    target: float

    def first(self, frames: int) -> "Clip":
        """The clip's first frames."""
        known = {index: motion for index, motion in self.motions.items() if index < frames}
        return Clip(self.name, self.inputs[:frames], known, self.target)


class Equal:
    """What all clips and methods share; ``compare`` measures one clip."""

    def __init__(self, table: Table, quality: str = "standard") -> None:
        self.table, self.quality = table, quality
        self.network: Network = load_network("inceptionv3")
        self.gradient: Gradient = textbook_gradient(LAYERS, MEASURE)
        self.strength = Strength(self.network, LAYERS, MEASURE)

    def compare(self, name: str, inputs: Frames) -> None:
        alone = [self._alone(frame) for frame in inputs[::EVERY]]
        clip = Clip(name, inputs, motions(inputs), self.strength.of(alone, inputs[::EVERY]))
        self._compare_time(clip)
        self._compare_errors(clip)

    def _alone(self, frame: np.ndarray) -> np.ndarray:
        return dream_alone(self.gradient, frame, steps=STEPS, step=STEP)

    def _compare_time(self, clip: Clip) -> None:
        """The carried dream at the strength of (a), against that."""

        def strength(dreamed: Frames) -> float:
            return self.strength.of(dreamed[::EVERY], clip.inputs[::EVERY])

        factor, _, got = matched(self._carried_at(clip), strength, clip.target)
        loop, alone, watch, octaves = self._loop(factor), list[float](), Stopwatch(), Stopwatch()

        def time_alone() -> None:
            alone.append(seconds(lambda: self._alone(clip.inputs[0])))

        loop.dreamer.dream(clip.inputs[0], np.zeros_like(clip.inputs[0]), index=0, steps=1, rate=0.01)  # traces it
        begun = time.perf_counter()
        with watch.on(Recurrence, "_settle"), watch.on(Recurrence, "_follow"), octaves.on(Dreamer, "_octave", _finer):
            self._carried(loop, clip.inputs, time_alone)
        ours = (time.perf_counter() - begun - sum(alone)) / len(clip.inputs)
        ratio = statistics.median(alone) / ours
        text = f"{ratio:.1f}x ({ours:.3f} s)"
        self.table.at_least(f"{clip.name}: a frame of (a) over one of ours, {len(clip.inputs)} frames", ratio, 10, text)
        self._tell_parts(clip, ours * len(clip.inputs), watch, octaves)
        text = f"{clip.target:.2f}, {got:.2f}"
        self.table.add(f"{clip.name}: strength of (a), and of ours", got, text, met=_near(got, clip.target))

    def _tell_parts(self, clip: Clip, whole: float, watch: Stopwatch, octaves: Stopwatch) -> None:
        """What of ``whole`` seconds a clip's first frames take, its extra steps, the others, and all else."""
        extra = sum((1 - 1 / finer) * spent for finer, spent in octaves.seconds.items())
        parts = watch.seconds["_settle"], extra, watch.seconds["_follow"] - extra
        shares = [part / whole for part in (*parts, whole - sum(parts))]
        text = ", ".join(f"{100 * share:.0f}" for share in shares)
        self.table.add(f"{clip.name}: of it first frames; extra steps; others; rest", shares[0], f"{text} %")

    def _compare_errors(self, clip: Clip) -> None:
        """Each at the strength of (a) on the same frames, beside what it makes of the clip without a dream.

        Blending frames averages their noise away, which is part of the floor: an error can be hidden by that.
        """
        short = clip.first(SHORT)
        short = replace(short, target=self._short_strength(short, [self._alone(frame) for frame in short.inputs]))
        methods = {"b": self._blended(short, 0.5), "c": self._blended(short, 1.0), "ours": self._carried_at(short)}
        errors, own, factors, near = {}, {}, {}, True
        for name, dream in methods.items():
            factors[name], frames, got = matched(dream, partial(self._short_strength, short), short.target)
            errors[name], undreamed = (_above_floor(short, each) for each in (frames, dream(0.0)))
            own[name] = errors[name] - undreamed
            near = near and _near(got, short.target)
            text = f"{errors[name]:.2f}, {undreamed:.2f} (strength {got:.2f} of {short.target:.2f})"
            self.table.add(f"{clip.name}: warp error x 1e4 above the floor; undreamed, {name}", errors[name], text)
        ratio, bar = errors["ours"] / errors["b"], 0.33
        name = f"{clip.name}: ours, over that of (b)"
        self.table.add(name, ratio, f"{ratio:.2f}", f"at most {bar}", met=ratio <= bar and near)
        ratio = own["ours"] / own["b"]
        self.table.add(f"{clip.name}: the same, each above the clip undreamed by it", ratio, f"{ratio:.2f}")
        self._compare_late(clip.first(LATE), factors)

    def _compare_late(self, clip: Clip, factors: Mapping[str, float]) -> None:
        """What becomes of (c), which never forgets, and of ours."""
        for name, dream in {"c": self._blended(clip, 1.0), "ours": self._carried_at(clip)}.items():
            frames, at = dream(factors[name]), (SHORT - 1, LATE - 1)
            early, late = (self.strength.of([frames[index]], [clip.inputs[index]]) for index in at)
            change = np.sqrt(np.mean(np.square(frames[-1] - clip.inputs[-1])))
            text = f"{early:.2f}, {late:.2f}; {change:.2f}"
            self.table.add(f"{clip.name}: strength at frames {at[0]}, {at[1]}; RMS then, {name}", late / early, text)

    def _short_strength(self, clip: Clip, frames: Frames) -> float:
        """Of frames that go on from others, as those pairs do whose errors are measured."""
        return self.strength.of(frames[2::3], clip.inputs[2::3])

    def _blended(self, clip: Clip, weight: float) -> Callable[[float], Frames]:
        def blended(factor: float) -> Frames:
            steps = STEPS if factor else 0
            return dream_blended(self.gradient, _seen(clip.inputs), weight=weight, steps=steps, step=STEP * factor)

        return blended

    def _carried_at(self, clip: Clip) -> Callable[[float], Frames]:
        return lambda factor: self._carried(self._loop(factor), clip.inputs)

    def _loop(self, factor: float) -> Recurrence:
        config = Config(dream=Dream(strength=factor, quality=self.quality, **RAW))  # pyright: ignore[reportArgumentType]
        return Recurrence(unmoved(config), Dreamer(config.dream, seed=0, network=self.network))

    def _carried(self, loop: Recurrence, inputs: Frames, between: Callable[[], object] = lambda: None) -> Frames:
        """``inputs`` dreamed by the render loop, ``between`` called every eight frames."""
        dreamed: Frames = []
        gate = Event()
        gate.set()
        with prefetch(_gated(_seen(inputs), gate), AHEAD) as ahead:
            for seen in ahead:
                dreamed.append(loop.next(seen).dreamed)
                if seen.index % EVERY == EVERY - 1:
                    gate.clear()
                    between()
                    gate.set()
        return dreamed


def _finer(_dreamer: Dreamer, task: Any, _base: np.ndarray, _residual: np.ndarray, octave: int) -> int:
    """How many steps an octave has for one where little is new."""
    return 1 if octave else task.finer


def matched(
    dream: Callable[[float], Frames], strength_of: Callable[[Frames], float], target: float
) -> tuple[float, Frames, float]:
    """The factor on the step at which the strength is ``target``, its frames, and their strength.

    By what the dream adds to 1, which grows about as the step does, kept inside what is known to lie below and above.
    The nearest that was found, where the strength falls short of the target whatever the step.
    """
    low, high, factor = 0.02, FARTHEST, 1.0
    found: list[tuple[float, Frames, float]] = []
    for _ in range(TRIES):
        frames = dream(factor)
        got = strength_of(frames)
        found.append((factor, frames, got))
        if _near(got, target):
            break
        low, high = (factor, high) if got < target else (low, factor)
        wanted = factor * ((target - 1) / max(got - 1, 1e-3)) ** 1.2
        factor = wanted if low < wanted < high else (low * high) ** 0.5
    return min(found, key=lambda each: abs(each[2] / target - 1))


def _near(strength: float, target: float) -> bool:
    return abs(strength / target - 1) < NEAR


def _gated(frames: Iterable[Any], gate: Event) -> Iterator[Any]:
    """``frames``, none of which is worked out while the gate is closed, but for the one under way."""
    for frame in frames:
        yield frame
        gate.wait()


def _seen(inputs: Frames) -> Any:
    return watch(in_shots(inputs, CutFinder(Shots(), Fraction(25))))


def _above_floor(clip: Clip, frames: Frames) -> float:
    """The mean warp error of ``frames`` less that of their inputs, times 1e4."""
    inputs = clip.inputs
    floor, errors = (warp_errors(each, inputs, clip.motions) for each in (inputs, frames))
    return float(np.mean(list(errors.values())) - np.mean(list(floor.values())))


def equal(table: Table) -> None:
    """Every clip in turn."""
    bench = Equal(table)
    for name, frames in CLIPS.items():
        bench.compare(name, list(frames(FRAMES)))
