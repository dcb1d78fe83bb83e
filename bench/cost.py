"""What frames and pixels cost, what is spent outside the network, how soon the first frame is there, and memory."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from clips import SAMPLES, footage
from measure import alternate, peak_memory, seconds, small_network
from moving import Stopwatch
from table import Table

from dreamvideo.config import Config, Dream, Shots
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import load_network
from dreamvideo.media.ffmpeg import executable
from dreamvideo.media.source import open_source
from dreamvideo.media.still import write_image
from dreamvideo.merging import resolve
from dreamvideo.motion.carry import Seen, watch
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.quality import QUALITIES
from dreamvideo.render import recurrence
from dreamvideo.render.clip import render_clip
from dreamvideo.render.job import Job, Listener, Progress
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved

WIDTHS = (256, 512, 1024, 1920, 3840)
LENGTHS = (10, 100, 1000)


def qualities(table: Table) -> None:
    """Frames of one clip, each dreamed at every quality in turn."""
    with open_source(str(SAMPLES / "bunny.mp4"), end=1.6, width=640) as source:
        inputs = list(source.frames())
    network = load_network("inceptionv3")
    loops = {name: _loop(network, quality=name) for name in QUALITIES}
    taken: dict[str, list[float]] = {name: [] for name in QUALITIES}
    for seen in watch(in_shots(inputs, CutFinder(Shots(), Fraction(25)))):
        for name, loop in loops.items():
            taken[name].append(seconds(lambda loop=loop, seen=seen: loop.next(seen)))
    frame = {name: float(np.mean(each[8:])) for name, each in taken.items()}
    for name, other, least in (("draft", "standard", 3.0), ("standard", "fine", 1.0)):
        ratio = frame[other] / frame[name]
        text = f"{ratio:.2f}x ({frame[name]:.3f} s)"
        table.at_least(f"a carried frame at 640 px: {other} over {name}", ratio, least, text)
    with tempfile.TemporaryDirectory() as folder:

        def render(quality: str) -> Callable[[], object]:
            config = resolve(named={"dream.quality": quality, "input.end": 1.6, "input.width": 640})
            job = Job(str(SAMPLES / "bunny.mp4"), f"{folder}/{quality}.mp4", config, overwrite=True)
            return lambda: render_clip(job, Listener())

        draft, _, ratio = alternate(render("draft"), render("standard"), rounds=2)
    text = f"{ratio:.2f}x ({draft:.1f} s)"
    table.add("  the whole render of 40 frames, loaded before: standard over draft", ratio, text)


def _loop(network: Any, **settings: Any) -> Recurrence:
    config = Config(dream=Dream(**settings))
    return Recurrence(unmoved(config), Dreamer(config.dream, seed=0, network=network))


def pixels(table: Table) -> None:
    """A carried frame of every size, from 256 pixels to 4K."""
    loop, sizes, taken = _loop(load_network("inceptionv3")), [], []
    rng = np.random.default_rng(0)
    for width in WIDTHS:
        height = round(width * 9 / 16)
        frame = rng.random((height, width, 3), np.float32)
        flow, trust = np.zeros((height, width, 2), np.float32), np.ones((height, width, 1), np.float32)
        loop.state, loop.level = None, 0.0
        state = loop.next(Seen(0, frame)).state if width < WIDTHS[2] else None
        loop.state = state or _noise_state(frame)
        following = [Seen(index, frame, False, flow, trust) for index in range(1, 8)]
        carried = [seconds(partial(loop.next, seen)) for seen in following]
        sizes.append(width * height)
        taken.append(float(np.median(carried[1:])))
    _tell_line(table, "a carried frame, 256 px to 4K: farthest from a line", sizes, taken, "Mpx", 1e6)


def _noise_state(frame: np.ndarray) -> Any:
    from dreamvideo.motion.carry import OLDEST, State

    residual = 0.1 * (np.random.default_rng(1).random(frame.shape, np.float32) - 0.5)
    residual = np.clip(frame + residual, 0, 1) - frame
    return State(frame, residual, np.full((*frame.shape[:2], 1), OLDEST, np.float32))


def lengths(table: Table) -> None:
    """Whole renders of 10, 100 and 1000 small frames with a small network."""
    with tempfile.TemporaryDirectory() as folder:
        small_network(Path(folder) / "small.keras")
        network = str(Path(folder) / "small.keras")
        dream = Dream(network=network, layers={"third": 1.0}, octaves=2, precision="float32")
        taken = []
        for count in LENGTHS:
            clip = Path(folder) / f"{count}.mp4"
            test_clip(clip, count, "192x108")
            job = Job(str(clip), str(Path(folder) / f"out{count}.mp4"), Config(dream=dream))
            taken.append(seconds(lambda job=job: render_clip(job, Listener())))
    _tell_line(table, "a render of 10 to 1000 frames: farthest from a line", LENGTHS, taken, "frame", 1)


def _tell_line(table: Table, name: str, sizes: Sequence[int], taken: Sequence[float], unit: str, scale: float) -> None:
    """How far costs lie from a start and so much for each unit, as a share of each: the best such line."""
    weights = 1 / np.array(taken)
    design = np.stack([np.ones(len(sizes)), np.array(sizes) / scale], 1)
    (start, slope), *_ = np.linalg.lstsq(design * weights[:, None], np.ones(len(sizes)))
    off = float(np.abs(design @ [start, slope] * weights - 1).max())
    each = ", ".join(f"{1000 * cost / size * scale:.0f}" for size, cost in zip(sizes, taken, strict=True))
    table.at_most(name, off, 0.15, f"{100 * off:.0f} %")
    table.add(f"  the line, in ms: at the start, and each {unit}", slope, f"{1000 * start:.0f}, {1000 * slope:.0f}")
    table.add(f"  each size, in ms a {unit}", slope, each)


def outside(table: Table, frames: int = 96) -> None:
    """A whole render at 1280x720, from decoding to the verified output: what is not spent in the engine."""
    watch, marks, parts = Stopwatch(), [], ("carry", "steady", "careful", "catch_up", "quantize16")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        stack.enter_context(watch.on(Dreamer, "dream"))
        for part in parts:
            stack.enter_context(watch.on(recurrence, part))

        def tell(progress: Progress) -> None:
            if progress.stage == "dream":
                marks.append((time.perf_counter(), watch.seconds["dream"]))

        config = Config.model_validate({"input": {"end": frames / 25}})
        render_clip(Job(str(footage("bigbuckbunny.mp4")), f"{folder}/out.mp4", config), Listener(tell))
        ended = time.perf_counter()
    (begun, before), (last, inside) = marks[1], marks[-1]  # from the first frame on, which is nearly all network
    share = 1 - (inside - before) / (ended - begun)
    text = f"{100 * share:.1f} %"
    table.at_most(f"{frames} frames at 1280x720: outside the network", share, 0.10, text)
    frame = (last - begun) / (len(marks) - 2)
    joining = (ended - last) / frames
    table.add("  a carried frame, and joining and verifying it", frame, f"{frame:.3f}, {joining:.3f} s")
    carrying, *others = (1000 * watch.seconds[part] / frames for part in parts)
    text = f"{carrying:.0f}, {sum(others):.0f} ms"
    table.add("  of it carrying; levels, catching up and rounding", carrying + sum(others), text)


def first_frame(table: Table) -> None:
    """From the command to the first frame in the journal, against importing TensorFlow alone."""
    with tempfile.TemporaryDirectory() as folder:

        def first() -> None:
            command = ["render", str(SAMPLES / "bunny.mp4"), "-o", f"{folder}/out.mp4", "-y", "-q", "--width", "400"]
            process = subprocess.Popen([sys.executable, "-m", "dreamvideo", *command])
            frames = Path(folder) / "out.mp4.journal" / "frames"
            while not any(frames.glob("*.png")) and process.poll() is None:
                time.sleep(0.02)
            if process.poll() is not None:
                raise SystemExit("the render ended before its first frame was there")
            process.kill()
            process.wait()
            subprocess.run(["rm", "-rf", str(frames.parent)], check=True)

        def tensorflow() -> None:
            subprocess.run([sys.executable, "-c", "import tensorflow, keras"], check=True, capture_output=True)

        whole, bare, _ = alternate(first, tensorflow, rounds=3)
    table.at_most("from the command to the first frame at 400 px", whole, 12, f"{whole:.1f} s")
    table.at_most("  without importing TensorFlow and Keras", whole - bare, 3, f"{whole - bare:.1f} s")
    program = [sys.executable, str(Path(__file__).with_name("first.py"))]
    for line in subprocess.run(program, check=True, capture_output=True, text=True).stdout.splitlines():
        name, taken = line.rsplit(maxsplit=1)
        table.add(f"  of it {name}", float(taken), f"{float(taken):.2f} s")


def memory(table: Table) -> None:
    """Peak resident memory: a 4K still, and a clip of 50 and of 1000 frames."""
    with tempfile.TemporaryDirectory() as folder:
        still = f"{folder}/still.png"
        noise = np.random.default_rng(0).random((135, 240, 3), np.float32)
        write_image(still, np.repeat(np.repeat(noise, 16, 0), 16, 1))
        peak = peak_memory(["image", still, "-o", f"{folder}/dream.png", "--set", "dream.steps=1", "-q"]) / 2**30
        table.at_most("peak memory, a 3840x2160 still (GiB)", peak, 4, f"{peak:.2f} GiB")
        peaks = []
        for frames in (50, 1000):
            source = Path(folder) / f"{frames}.mp4"
            test_clip(source, frames, "96x64")
            cheap = ["--set", "dream.octaves=1", "--set", "dream.layers={mixed0=1.0}", "--set", "dream.steps=2"]
            peaks.append(peak_memory(["render", str(source), "-o", f"{folder}/out{frames}.mp4", "-q", *cheap]))
        ratio = peaks[1] / peaks[0]
        text = f"{ratio:.2f} ({peaks[1] / 2**20:.0f} MiB)"
        table.at_most("peak memory, 1000 frames over 50 at 96x64", ratio, 1.1, text)


def test_clip(path: Path, frames: int, size: str) -> None:
    """A moving test picture of so many frames."""
    pattern = f"testsrc2=size={size}:rate=25:duration={frames / 25}"
    subprocess.run([executable(), "-v", "error", "-f", "lavfi", "-i", pattern, str(path)], check=True)


def startup(table: Table) -> None:
    """The command line's own start, against an empty Python."""

    def run(*arguments: str) -> Callable[[], object]:
        return lambda: subprocess.run([sys.executable, *arguments], check=True, capture_output=True)

    ours, empty, _ = alternate(run("-m", "dreamvideo", "--help"), run("-c", ""), rounds=7)
    table.at_most("dreamvideo --help (s; Python alone)", ours, 1, f"{ours:.2f} s ({empty:.2f} s)")
