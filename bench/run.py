"""The figures that matter, each a ratio of one run: `python bench/run.py [step clip still moving memory startup]`.

Medians of alternating pairs; absolute seconds belong to this machine at this moment, the ratios travel better.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from measure import Strength, alternate, peak_memory, seconds, warp_errors
from moving import dance_cost, dive_shares
from textbook import dream_alone, textbook_gradient

from dreamvideo.config import Config, Dream, Shots
from dreamvideo.dream.engine import Dreamer
from dreamvideo.media.prefetch import prefetch
from dreamvideo.media.source import open_source
from dreamvideo.media.still import read_image, write_image
from dreamvideo.motion.carry import Seen, watch
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.render.clip import AHEAD
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved

SAMPLES = Path(__file__).parents[1] / "samples" / "inputs"
LAYERS = {"mixed3": 1.0, "mixed5": 1.0}  # the tutorial's layers; both sides use them, and the same raw gradient
MEASURE = "mean"
RAW: dict[str, Any] = {"layers": LAYERS, "objective": MEASURE, "laplacian": 0, "natural_colors": 0.0}


def report(figure: str, value: str, bar: str) -> None:
    print(f"{figure:<62} {value:>22}   bar: {bar}", flush=True)


def step() -> None:
    """One step at 512x512: the engine's, with and without its treatments, against the textbook's."""
    picture = np.random.default_rng(0).random((512, 512, 3), np.float32)
    nothing = np.zeros_like(picture)
    gradient = textbook_gradient(LAYERS, MEASURE)

    def textbook() -> None:
        for _ in range(4):
            gradient(tf.constant(picture)).numpy()

    treated: dict[str, Any] = {"layers": LAYERS, "objective": MEASURE}
    plain: dict[str, Any] = {**RAW, "precision": "float32"}
    for name, settings in (("raw", RAW), ("treated", treated), ("raw", plain)):
        dreamer = Dreamer(Dream(octaves=1, tile=640, **settings), seed=0)
        bar = "1.7x" if dreamer.precision == "bfloat16" else "1.05x"

        def ours(dreamer: Dreamer = dreamer) -> None:
            dreamer.dream(picture, nothing, index=0, steps=4, rate=0.01)

        a, _, ratio = alternate(ours, textbook, rounds=7)
        report(f"step at 512x512, {name}, {dreamer.precision}", f"{a / 4:.3f} s, {ratio:.2f}x faster", bar)


def clip() -> None:
    """48 frames at 400 pixels: the carried dream against every frame alone by the textbook, at equal strength."""
    inputs = list(open_source(str(SAMPLES / "bunny.mp4"), end=48 / 25, width=400).frames())
    gradient, strength = textbook_gradient(LAYERS, MEASURE), Strength(LAYERS, MEASURE)
    some = slice(0, 48, 8)
    alone = [dream_alone(gradient, frame, steps=8, step=0.01) for frame in inputs[some]]
    target = strength.of(alone, inputs[some])
    factor, got = _match(lambda factor: strength.of(_carried(_loop(factor), inputs)[some], inputs[some]), target)
    textbook_seconds: list[float] = []

    def between() -> None:
        textbook_seconds.append(seconds(lambda: dream_alone(gradient, inputs[0], steps=8, step=0.01)))

    loop = _loop(factor)
    loop.dreamer.dream(inputs[0], np.zeros_like(inputs[0]), index=0, steps=1, rate=0.01)  # traces the graph
    begun = time.perf_counter()
    dreamed = _carried(loop, inputs, between)
    ours = (time.perf_counter() - begun - sum(textbook_seconds)) / len(inputs)
    textbook = statistics.median(textbook_seconds)
    value = f"{ours:.2f}, {textbook:.2f} s, {textbook / ours:.1f}x"
    report("a frame of 48 at 400 px: ours, every frame alone by the textbook", value, "8x")
    report("  strength: ours, textbook", f"{got:.2f}, {target:.2f}", "equal")
    pair = [dream_alone(gradient, frame, steps=8, step=0.01) for frame in inputs[:2]]
    errors = [warp_errors(dreamed, inputs), warp_errors(pair, inputs[:2]), warp_errors(inputs, inputs)]
    values = ", ".join(f"{np.mean(list(each.values())):.1f}" for each in errors)
    report("  warp error x 1e4: ours, textbook (first pair), the input's", values, "-")


def _match(strength_of: Callable[[float], float], target: float) -> tuple[float, float]:
    """The factor on the step for which the strength is within 2 % of ``target``, by bisection, and that strength."""
    low, high = 0.05, 4.0
    factor = got = 1.0
    for _ in range(8):
        factor = (low * high) ** 0.5
        got = strength_of(factor)
        if abs(got / target - 1) < 0.02:
            break
        low, high = (factor, high) if got < target else (low, factor)
    return factor, got


def _loop(factor: float) -> Recurrence:
    config = Config(dream=Dream(strength=factor, **RAW))
    return Recurrence(unmoved(config), Dreamer(config.dream, seed=0))


def _carried(
    loop: Recurrence, inputs: list[np.ndarray], between: Callable[[], object] = lambda: None
) -> list[np.ndarray]:
    """``inputs`` dreamed by the render loop, ``between`` called every eight frames."""
    dreamed: list[np.ndarray] = []
    with prefetch(watch(in_shots(inputs, CutFinder(Shots(), Fraction(25)))), AHEAD) as ahead:
        for seen in ahead:
            dreamed.append(loop.next(seen).dreamed)
            if seen.index % 8 == 7:
                between()
    return dreamed


def still() -> None:
    """A still repeated for 300 frames: strength and mean colour from frame 10 on."""
    frame = read_image(str(SAMPLES / "chelsea.jpg"))[::2, ::2].copy()
    recurrence = Recurrence(unmoved(Config()), Dreamer(Dream(), seed=0))
    flow, trust = np.zeros((*frame.shape[:2], 2), np.float32), np.ones((*frame.shape[:2], 1), np.float32)
    levels, colors = [], []
    for index in range(300):
        seen = Seen(index, frame) if index == 0 else Seen(index, frame, False, flow, trust)
        residual = recurrence.next(seen).state.residual
        levels.append(float(np.sqrt(np.mean(residual**2))))
        colors.append(residual.mean(axis=(0, 1)))
    level, color = np.array(levels[10:]), np.array(colors[10:])
    spread = 100 * (np.max(level) / np.min(level) - 1)
    report("a still for 300 frames: RMS of the dream, spread from frame 10", f"{spread:.1f} %", "5 %")
    report("  mean colour, largest spread", f"{255 * np.ptp(color, axis=0).max():.2f} / 255", "1 / 255")


def moving() -> None:
    """What camera, schedules and sound cost beside the network."""
    camera, outside = dive_shares()
    report("a dive at 640x426: camera and schedules", f"{camera:.1f} %", "5 %")
    report("  everything but the network", f"{outside:.1f} %", "10 %")
    report("a clip whose camera and dream follow its sound: longer by", f"{dance_cost():.1f} %", "5 %")


def memory() -> None:
    """Peak resident memory: a 4K still, and a clip of 50 and of 1000 frames."""
    with tempfile.TemporaryDirectory() as folder:
        still = f"{folder}/still.png"
        noise = np.random.default_rng(0).random((135, 240, 3), np.float32)
        write_image(still, np.repeat(np.repeat(noise, 16, 0), 16, 1))
        peak = peak_memory(["image", still, "-o", f"{folder}/dream.png", "--set", "dream.steps=1", "-q"])
        report("peak memory, a 3840x2160 still", f"{peak / 2**30:.2f} GiB", "4 GiB")
        peaks = []
        for frames in (50, 1000):
            source = f"{folder}/{frames}.mp4"
            _test_clip(source, frames)
            cheap = ["--set", "dream.octaves=1", "--set", "dream.layers={mixed0=1.0}", "--set", "dream.steps=2"]
            peaks.append(peak_memory(["render", source, "-o", f"{folder}/out{frames}.mp4", "-q", *cheap]))
        values = f"{peaks[0] / 2**20:.0f}, {peaks[1] / 2**20:.0f} MiB"
        report("peak memory, a clip of 50 and of 1000 frames at 96x64", values, "no higher")


def _test_clip(path: str, frames: int) -> None:
    from dreamvideo.media.ffmpeg import executable

    pattern = f"testsrc2=size=96x64:rate=25:duration={frames / 25}"
    subprocess.run([executable(), "-v", "error", "-f", "lavfi", "-i", pattern, path], check=True)


def startup() -> None:
    """The command line's own start, against an empty Python."""

    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    ours, empty, _ = alternate(run("-m", "dreamvideo", "--help"), run("-c", ""), rounds=7)
    report("dreamvideo --help (python alone)", f"{ours:.2f} s ({empty:.2f} s)", "1 s")


FIGURES = {"step": step, "clip": clip, "still": still, "moving": moving, "memory": memory, "startup": startup}


def main() -> None:
    wanted = sys.argv[1:] or list(FIGURES)
    if unknown := [name for name in wanted if name not in FIGURES]:
        raise SystemExit(f"no figure called {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    for name in wanted:
        FIGURES[name]()


if __name__ == "__main__":
    main()
