"""Which octaves of which carried frame: what each order costs, and how steady it is at equal strength.

    python bench/frontier.py [NAME ...]

The strength of all is that of the first, every octave in every frame, on the default look.
"""

import sys
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
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
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved
from dreamvideo.score.motion import motions, warp_errors
from dreamvideo.score.strength import Strength

FRAMES = 48
ORDERS: dict[str, Callable[[int], Mapping[int, float]]] = {
    "all octaves": lambda _: {0: 1, 1: 1, 2: 1},
    "the coarser two by turns": lambda i: {0: 1, 1 + i % 2: 1},
    "the coarser two by turns, twice the step": lambda i: {0: 1, 1 + i % 2: 2},
    "the coarser two every fourth frame each": lambda i: ({0: 1}, {0: 1, 1: 1}, {0: 1}, {0: 1, 2: 1})[i % 4],
    "the finest alone": lambda _: {0: 1},
    "the finest and the others by turns": lambda i: ({0: 2}, {1: 2, 2: 2})[i % 2],
}


def main() -> None:
    inputs = list(CLIPS["static"](FRAMES))
    network, strength, known = load_network("inceptionv3"), Strength(), motions(inputs)
    seen = list(watch(in_shots(inputs, CutFinder(Shots(), Fraction(25)))))
    floor = np.mean(list(warp_errors(inputs, inputs, known).values()))

    def strength_of(frames: Frames) -> float:
        return strength.of(frames[EVERY::EVERY], inputs[EVERY::EVERY])

    target = None
    for name in sys.argv[1:] or ORDERS:
        taken: list[float] = []

        def dream(factor: float, taken: list[float] = taken) -> Frames:
            config = Config(dream=Dream(strength=factor))
            loop = Recurrence(unmoved(config), Dreamer(config.dream, seed=0, network=network))
            taken.clear()
            return [_timed(loop, each, taken) for each in seen]

        with mock.patch("dreamvideo.dream.engine.turn", lambda _, index, order=ORDERS[name]: order(index)):
            if target is None:
                target = strength_of(dream(1.0))
            factor, frames, got = matched(dream, strength_of, target)
        error = np.mean(list(warp_errors(frames, inputs, known).values())) - floor
        size = np.sqrt(np.mean([np.square(frame - each) for frame, each in zip(frames, inputs, strict=True)]))
        each = f"{1000 * np.mean(taken[8:]):.0f} ms, strength {got:.2f}, error +{error:.1f}, RMS {size:.3f}"
        report(f"{name} (step x {factor:.2f})", each, "-")


def _timed(loop: Recurrence, seen: Seen, taken: list[float]) -> np.ndarray:
    begun = time.perf_counter()
    dreamed = loop.next(seen).dreamed
    taken.append(time.perf_counter() - begun)
    return dreamed


if __name__ == "__main__":
    main()
