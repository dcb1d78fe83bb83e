"""Measuring on a shared, noisy machine: alternating pairs, medians and ratios; strength, steadiness, peak memory."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import tensorflow as tf

from dreamvideo.config import Shots
from dreamvideo.dream.binding import weighted_layers
from dreamvideo.dream.networks import load_network
from dreamvideo.dream.terms import view_of
from dreamvideo.motion.carry import watch
from dreamvideo.motion.flow import resize_flow, warp
from dreamvideo.motion.shots import CutFinder, in_shots

OFFSETS = [(0, 0), (3, 13), (5, 6), (10, 3), (13, 9)]  # pixels; patterns locked to the stride grid gain at one only


def seconds(function: Callable[[], object]) -> float:
    begun = time.perf_counter()
    function()
    return time.perf_counter() - begun


def alternate(first: Callable[[], object], second: Callable[[], object], rounds: int) -> tuple[float, float, float]:
    """Median seconds of both, run in turn after one warm-up each, and the median of second / first, pair by pair."""
    first()
    second()
    pairs = [(seconds(first), seconds(second)) for _ in range(rounds)]
    a, b = (statistics.median(column) for column in zip(*pairs, strict=True))
    return a, b, statistics.median(b / a for a, b in pairs)


class Strength:
    """The objective of dreamed frames over that of their inputs, averaged over crops at several pixel offsets."""

    def __init__(self, layers: Mapping[str, float], measure: str) -> None:
        self._objective = weighted_layers(layers, measure, 0)
        self._features = load_network("inceptionv3").features(list(layers), "float32")
        self._value = tf.function(self._compute, input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])

    def _compute(self, picture: tf.Tensor) -> tf.Tensor:
        return self._objective.value(
            view_of(self._features(picture[None])), np.array(self._objective.weights, np.float32)
        )

    def of(self, dreamed: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> float:
        """``float32 [height, width, 3]`` frames; 1 is an untouched input."""
        return float(np.mean([self._mean(d) for d in dreamed]) / np.mean([self._mean(i) for i in inputs]))

    def _mean(self, frame: np.ndarray) -> float:
        edge = max(max(offset) for offset in OFFSETS)
        height, width = frame.shape[0] - edge, frame.shape[1] - edge
        return float(np.mean([self._value(frame[y : y + height, x : x + width]).numpy() for y, x in OFFSETS]))


def warp_errors(frames: Sequence[np.ndarray], inputs: Sequence[np.ndarray]) -> dict[int, float]:
    """Mean squared difference from the frame before, along the input's flow and on trusted pixels, times 1e4.

    By the number of each frame that doesn't begin a shot.
    """
    errors = {}
    for seen in watch(in_shots(inputs, CutFinder(Shots(), Fraction(25)))):
        if seen.flow is None or seen.trust is None:
            continue
        flow = resize_flow(seen.flow, seen.frame.shape[:2])
        difference = frames[seen.index] - warp(frames[seen.index - 1], flow)
        errors[seen.index] = 1e4 * float(np.sum(difference**2 * seen.trust) / (3 * np.sum(seen.trust)))
    return errors


def peak_memory(arguments: Sequence[str]) -> int:
    """Peak resident bytes of the command line run with ``arguments``, its children left out; Linux only."""
    code = (
        "import re, sys; from pathlib import Path; from dreamvideo.cli import main\n"
        "status = main(sys.argv[1:])\n"
        "print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1], file=sys.stderr)\n"
        "sys.exit(status)"
    )
    result = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if result.returncode:
        raise SystemExit(result.stderr)
    return int(result.stderr.split()[-1]) * 1024


def small_network(path: Path) -> None:
    """Save three seeded convolutions that take about as long as InceptionV3 on a small frame, and load at once."""
    import keras

    keras.utils.set_random_seed(0)
    image = keras.Input((None, None, 3))
    first = keras.layers.Conv2D(128, 3, strides=2, activation="relu", name="first")(image)
    second = keras.layers.Conv2D(224, 3, strides=2, activation="relu", name="second")(first)
    third = keras.layers.Conv2D(320, 3, activation="relu", name="third")(second)
    keras.Model(image, third).save(path)
