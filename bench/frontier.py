"""What each way of dreaming carried frames costs, and how steady it is at equal strength.

    python bench/frontier.py [NAME ...]

The strength of all is three quarters of what the first, every octave in every frame, has with the default look: so
much nearly all of them reach.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
from clips import CLIPS
from equal import EVERY, Frames, matched  # EVERY is odd: no order has a phase of its own
from table import report

from dreamvideo.config import Carry, Dream, Shots
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import load_network
from dreamvideo.merging import resolve
from dreamvideo.motion.carry import Seen, watch
from dreamvideo.motion.flow import along, estimate, luma
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.quality import Turn
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved
from dreamvideo.score.motion import motions, warp_errors
from dreamvideo.score.strength import Strength

FRAMES = 49  # the first, and pairs
SHARE = 0.75
ALL = {0: 1.0, 1: 1.0, 2: 1.0}
Order = Callable[[int], Mapping[int, float]]


@dataclass(frozen=True)
class Way:
    """Settings; how far a step goes in each octave that a frame dreams; and one in how many frames is dreamed.

    Those between get the dreams of both neighbours, moved along the flow to them, and as much of each as it is near.
    """

    settings: dict[str, Any] = field(default_factory=dict)
    order: Order | None = None
    every: int = 1


WAYS = {
    "every octave (fine)": Way({"dream.quality": "fine"}),
    "the coarser two by turns (standard)": Way(),
    "standard, memory not carried": Way({"dream.memory": "reset"}),
    "standard, plain steps": Way({"dream.ascent": "plain"}),
    "standard, momentum 0.8": Way({"dream.momentum": 0.8}),
    "the finest alone": Way(order=lambda _: {0: 1}),
    "the finest and the others by turns": Way(order=lambda i: ({0: 2}, {1: 2, 2: 2})[i % 2]),
    "half the size (draft)": Way({"dream.quality": "draft"}),
    "every other frame, in two steps": Way({"carry.strength": Carry().strength ** 2}, every=2),
    "every other frame, in one step": Way({"carry.strength": Carry().strength ** 2, "carry.steps": 1}, every=2),
}


def main() -> None:
    inputs = list(CLIPS["static"](FRAMES))
    network, strength, known = load_network("inceptionv3"), Strength(), motions(inputs)
    floor = np.mean(list(warp_errors(inputs, inputs, known).values()))

    def strength_of(frames: Frames) -> float:
        return strength.of(frames[EVERY::EVERY], inputs[EVERY::EVERY])

    target = None
    for name in sys.argv[1:] or WAYS:
        way = WAYS[name]
        seen = list(watch(in_shots(inputs[:: way.every], CutFinder(Shots(), Fraction(25)))))
        taken: list[float] = []

        def dream(factor: float, taken: list[float] = taken, way: Way = way, seen: list[Seen] = seen) -> Frames:
            config = resolve(named={**way.settings, "dream.strength": factor})
            loop = Recurrence(unmoved(config), Dreamer(config.dream, seed=0, network=network))
            taken.clear()
            return _with_between([_timed(loop, each, taken) for each in seen], inputs, way.every)

        with mock.patch("dreamvideo.dream.engine.turns", _turns(way.order)) if way.order else nullcontext():
            if target is None:
                target = SHARE * strength_of(dream(1.0))
            factor, frames, got = matched(dream, strength_of, target)
        error = np.mean(list(warp_errors(frames, inputs, known).values())) - floor
        size = np.sqrt(np.mean([np.square(frame - each) for frame, each in zip(frames, inputs, strict=True)]))
        cost = 1000 * np.mean(taken[8 // way.every :]) / way.every
        report(
            f"{name} (step x {factor:.2f})",
            f"{cost:.0f} ms, strength {got:.2f}, error +{error:.1f}, RMS {size:.3f}",
            "-",
        )


def _with_between(dreamed: Frames, inputs: Frames, every: int) -> Frames:
    """``dreamed``, which are one in ``every`` of all, and those between, which take the time of a warp or two."""
    frames = [dreamed[0]]
    for pair, following in enumerate(dreamed[1:]):
        first = pair * every
        last = first + every
        ends = (inputs[first], dreamed[pair] - inputs[first]), (inputs[last], following - inputs[last])
        for index in range(first + 1, last):
            nearness = (last - index) / every, (index - first) / every
            frames.append(_from_both(inputs[index], ends, nearness))
        frames.append(following)
    return frames


def _from_both(
    frame: np.ndarray, ends: Sequence[tuple[np.ndarray, np.ndarray]], nearness: Sequence[float]
) -> np.ndarray:
    """``frame`` with the residuals of two others, each with its input, where they now are."""
    total, moved = np.float32(1e-6), np.zeros_like(frame)
    for (other, residual), near in zip(ends, nearness, strict=True):
        way = along(*estimate(luma(other), luma(frame)), frame.shape[:2])
        weight = np.float32(near) * way.trust
        moved += weight * way.move(residual)
        total = total + weight
    return np.clip(frame + moved / total, 0, 1)


def _turns(order: Order) -> Callable[..., dict[int, Turn]]:
    def turns(_: Dream, index: int, steps: int, *, carried: bool) -> dict[int, Turn]:
        return {octave: Turn(steps, farther) for octave, farther in (order(index) if carried else ALL).items()}

    return turns


def _timed(loop: Recurrence, seen: Seen, taken: list[float]) -> np.ndarray:
    begun = time.perf_counter()
    dreamed = loop.next(seen).dreamed
    taken.append(time.perf_counter() - begun)
    return dreamed


if __name__ == "__main__":
    main()
