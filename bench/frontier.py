"""What each way of dreaming carried frames costs, and how steady it is at equal strength.

    python bench/frontier.py [NAME ...]

The strength of all is that of the first, every octave in every frame, on the default look.
"""

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from fractions import Fraction
from typing import Any
from unittest import mock

import numpy as np
from clips import CLIPS
from equal import EVERY, Frames, matched  # EVERY is odd: no order has a phase of its own
from table import report

from dreamvideo.config import Config, Dream, Shots
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import load_network
from dreamvideo.motion.carry import Seen, watch
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.quality import Turn
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved
from dreamvideo.score.motion import motions, warp_errors
from dreamvideo.score.strength import Strength

FRAMES = 48
ALL = {0: 1.0, 1: 1.0, 2: 1.0}
Order = Callable[[int], Mapping[int, float]]
WAYS: dict[str, tuple[dict[str, Any], Order | None]] = {
    "every octave (fine)": ({"quality": "fine"}, None),
    "the coarser two by turns (standard)": ({}, None),
    "standard, memory not carried": ({"memory": "reset"}, None),
    "standard, plain steps": ({"ascent": "plain"}, None),
    "standard, momentum 0.8": ({"momentum": 0.8}, None),
    "the finest alone": ({}, lambda _: {0: 1}),
    "the finest and the others by turns": ({}, lambda i: ({0: 2}, {1: 2, 2: 2})[i % 2]),
    "half the size (draft)": ({"quality": "draft"}, None),
}


def main() -> None:
    inputs = list(CLIPS["static"](FRAMES))
    network, strength, known = load_network("inceptionv3"), Strength(), motions(inputs)
    seen = list(watch(in_shots(inputs, CutFinder(Shots(), Fraction(25)))))
    floor = np.mean(list(warp_errors(inputs, inputs, known).values()))

    def strength_of(frames: Frames) -> float:
        return strength.of(frames[EVERY::EVERY], inputs[EVERY::EVERY])

    target = None
    for name in sys.argv[1:] or WAYS:
        settings, order = WAYS[name]
        taken: list[float] = []

        def dream(factor: float, taken: list[float] = taken, settings: dict[str, Any] = settings) -> Frames:
            config = Config(dream=Dream(strength=factor, **settings))
            loop = Recurrence(unmoved(config), Dreamer(config.dream, seed=0, network=network))
            taken.clear()
            return [_timed(loop, each, taken) for each in seen]

        with mock.patch("dreamvideo.dream.engine.turns", _turns(order)) if order else nullcontext():
            if target is None:
                target = strength_of(dream(1.0))
            factor, frames, got = matched(dream, strength_of, target)
        error = np.mean(list(warp_errors(frames, inputs, known).values())) - floor
        size = np.sqrt(np.mean([np.square(frame - each) for frame, each in zip(frames, inputs, strict=True)]))
        each = f"{1000 * np.mean(taken[8:]):.0f} ms, strength {got:.2f}, error +{error:.1f}, RMS {size:.3f}"
        report(f"{name} (step x {factor:.2f})", each, "-")


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
