"""Ours and the reference methods on real clips at equal strength: seconds a frame, and warp error above the floor.

(a) every frame alone by the textbook; (b) the warped previous dream blended at a half, full steps; (c) the whole
previous dream carried on, full steps.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
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
BLENDED_FRAMES = 9  # of the references that go from frame to frame, which take minutes
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
        dreamed, got = self._ours(clip)
        self.table.add(f"{name}: strength of (a), and of ours", got, f"{clip.target:.2f}, {got:.2f}")
        self._compare_errors(clip, dreamed)

    def _alone(self, frame: np.ndarray) -> np.ndarray:
        return dream_alone(self.gradient, frame, steps=STEPS, step=STEP)

    def _ours(self, clip: Clip) -> tuple[Frames, float]:
        """The carried dream at the strength of (a), timed against it, and that strength."""

        def carried(factor: float) -> Frames:
            return self._carried(self._loop(factor), clip.inputs)

        def strength(dreamed: Frames) -> float:
            return self.strength.of(dreamed[::EVERY], clip.inputs[::EVERY])

        factor, _, got = matched(carried, strength, clip.target)
        loop, alone, watch, octaves = self._loop(factor), list[float](), Stopwatch(), Stopwatch()

        def time_alone() -> None:
            alone.append(seconds(lambda: self._alone(clip.inputs[0])))

        loop.dreamer.dream(clip.inputs[0], np.zeros_like(clip.inputs[0]), index=0, steps=1, rate=0.01)  # traces it
        begun = time.perf_counter()
        with watch.on(Recurrence, "_settle"), watch.on(Recurrence, "_follow"), octaves.on(Dreamer, "_octave", _finer):
            dreamed = self._carried(loop, clip.inputs, time_alone)
        ours = (time.perf_counter() - begun - sum(alone)) / len(clip.inputs)
        ratio = statistics.median(alone) / ours
        text = f"{ratio:.1f}x ({ours:.3f} s)"
        self.table.at_least(f"{clip.name}: a frame of (a) over one of ours, {len(clip.inputs)} frames", ratio, 10, text)
        extra = sum((1 - 1 / finer) * spent for finer, spent in octaves.seconds.items())
        parts = watch.seconds["_settle"], extra, watch.seconds["_follow"] - extra
        shares = [100 * part / (ours * len(clip.inputs)) for part in parts]
        text = ", ".join(f"{share:.0f}" for share in (*shares, 100 - sum(shares)))
        self.table.add(f"{clip.name}: of it first frames; extra steps; others; rest", shares[0], f"{text} %")
        return dreamed, got

    def _compare_errors(self, clip: Clip, dreamed: Frames) -> None:
        short = clip.first(BLENDED_FRAMES)
        alone = [self._alone(frame) for frame in short.inputs[::EVERY]]
        target = self.strength.of(alone, short.inputs[::EVERY])
        of_ours = self.strength.of(dreamed[:BLENDED_FRAMES:EVERY], short.inputs[::EVERY])
        errors = {}
        for letter, weight in (("b", 0.5), ("c", 1.0)):
            frames, got = self._blended(short, weight, target)
            errors[letter] = _above_floor(short, frames)
            text = f"{errors[letter]:.1f} (strength {got:.2f})"
            self.table.add(f"{clip.name}: warp error x 1e4 above the floor, ({letter})", errors[letter], text)
        pair = clip.first(2)
        of_pair = _above_floor(pair, [self._alone(frame) for frame in pair.inputs])
        self.table.add(f"{clip.name}: the same, (a), of the first pair", of_pair, f"{of_pair:.1f}")
        ours = _above_floor(short, dreamed[:BLENDED_FRAMES])
        self.table.add(f"{clip.name}: the same, ours", ours, f"{ours:.1f} (strength {of_ours:.2f})")
        ratio = ours / errors["b"]
        self.table.at_most(f"{clip.name}: ours, over that of (b)", ratio, 0.33, f"{ratio:.2f}")

    def _blended(self, clip: Clip, weight: float, target: float) -> tuple[Frames, float]:
        def blended(factor: float) -> Frames:
            return dream_blended(self.gradient, _seen(clip.inputs), weight=weight, steps=STEPS, step=STEP * factor)

        _, frames, got = matched(
            blended, lambda frames: self.strength.of(frames[::EVERY], clip.inputs[::EVERY]), target
        )
        return frames, got

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
        if abs(got / target - 1) < NEAR:
            break
        low, high = (factor, high) if got < target else (low, factor)
        wanted = factor * ((target - 1) / max(got - 1, 1e-3)) ** 1.2
        factor = wanted if low < wanted < high else (low * high) ** 0.5
    return min(found, key=lambda each: abs(each[2] / target - 1))


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
