"""Measuring on a shared, noisy machine: alternating pairs, medians and ratios; peak memory."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


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
