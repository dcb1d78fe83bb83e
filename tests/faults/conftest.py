"""Renders by real processes that are killed, starved and robbed of their files: a clip, a network, and a bench."""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest
import tomli_w

from dreamvideo.dream import engine
from dreamvideo.media import ffmpeg
from dreamvideo.media.still import write_image
from dreamvideo.render.journal import Journal
from tests.faults.driver import Order, attempt, save_network
from tests.render.conftest import Studio, dreamed, pan
from tests.tiny import shared_dreamer, tiny_config, tiny_dream

__all__ = ["dreamed"]

SHOT = 6
FRAMES = 3 * SHOT
SECONDS = 60.0  # after which a process is taken to hang


@dataclass(frozen=True)
class Inputs:
    """A clip of three shots with sound, and a config that names a network, for processes that see neither."""

    clip: Path
    config: Path


@dataclass(frozen=True)
class Ended:
    """How a process ended: its exit status (-9 where it was killed), what it said, and the frames that it dreamed."""

    status: int
    stdout: str
    stderr: str
    dreamed: list[int]


class Started:
    """A process on its way."""

    def __init__(self, process: BaseProcess, log: Path) -> None:
        self.process, self.log = process, log

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    def ended(self) -> Ended:
        """Wait for its end."""
        self.process.join(SECONDS)
        assert self.process.exitcode is not None, f"it hangs; it said: {read(self.log / 'stderr')}"
        return told(self.log, self.process.exitcode)


def told(log: Path, status: int) -> Ended:
    """What is in the log of a process that has ended."""
    dreamed = [int(line) for line in read(log / "dreamed").split()]
    return Ended(status, read(log / "stdout"), read(log / "stderr"), dreamed)


def read(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.exists() else ""


@dataclass
class Bench:
    """A folder in which one clip is rendered, again and again."""

    context: ForkServerContext
    folder: Path
    inputs: Inputs
    number: int = 0

    @property
    def output(self) -> Path:
        return self.folder / "out.mp4"

    @property
    def journal(self) -> Journal:
        return Journal(self.folder / "out.mp4.journal")

    def order(self, *options: str, output: Path | None = None, **more: Any) -> Order:
        """``dreamvideo render`` of the clip, with more ``options``."""
        self.number += 1
        arguments = ["render", str(self.inputs.clip), "-o", str(output or self.output), "--config"]
        log = self.folder / f"log-{self.number}"
        return Order([*arguments, str(self.inputs.config), *options], log, **more)

    def start(self, *options: str, **more: Any) -> Started:
        order = self.order(*options, **more)
        return Started(self.spawn(attempt, order), order.log)

    def run(self, *options: str, **more: Any) -> Ended:
        return self.start(*options, **more).ended()

    def spawn(self, function: Callable[..., None], *arguments: Any) -> BaseProcess:
        process = self.context.Process(target=function, args=arguments, daemon=True)
        process.start()
        return process

    def frames(self) -> dict[int, bytes]:
        """The journal's frames, as they are on the disk, damaged or not."""
        return {int(file.stem): file.read_bytes() for file in self._files()}

    def stamps(self) -> dict[int, tuple[int, int]]:
        """What changes where a frame is written anew."""
        return {int(file.stem): (file.stat().st_ino, file.stat().st_mtime_ns) for file in self._files()}

    def _files(self) -> list[Path]:
        return sorted((self.journal.folder / "frames").glob("[0-9]*.png"))

    def hidden(self) -> list[str]:
        """Temporary files, wherever they are."""
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob(".dreamvideo-*"))


def wait_until(true: Callable[[], object], what: str) -> None:
    """Wait for something that other processes do."""
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.01)


@pytest.fixture(scope="session")
def context() -> ForkServerContext:
    """A process that has imported everything, and that attempts are forked from."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        pytest.skip("processes are forked here, which only Linux does well")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.faults.driver"])
    return context


@pytest.fixture(scope="session")
def inputs(context: ForkServerContext, tmp_path_factory: pytest.TempPathFactory) -> Inputs:
    folder = tmp_path_factory.mktemp("inputs")
    for number, frame in enumerate(frame for seed in range(3) for frame in pan(SHOT, seed)):
        write_image(str(folder / f"{number:04d}.png"), frame)
    clip = folder / "in.mp4"
    images = ["-framerate", "12", "-i", str(folder / "%04d.png")]
    sound = ["-f", "lavfi", "-i", f"sine=d={FRAMES / 12}:r=48000"]
    coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "10", "-preset", "ultrafast", "-c:a", "aac"]
    status, stderr = ffmpeg.run(["-v", "error", *images, *sound, *coding, ffmpeg.url(clip)])
    assert status == 0, stderr
    network = folder / "tiny.keras"
    saving = context.Process(target=save_network, args=(network,))
    saving.start()
    saving.join()
    settings = tiny_dream(network=str(network), octaves=1, steps=2, ascent="momentum", memory="carry")
    config = folder / "config.toml"
    config.write_text(tomli_w.dumps({"dream": settings.model_dump(exclude_none=True)}), encoding="utf-8")
    return Inputs(clip, config)


@pytest.fixture
def bench(context: ForkServerContext, inputs: Inputs, tmp_path: Path) -> Bench:
    return Bench(context, tmp_path, inputs)


@pytest.fixture(scope="session")
def whole(context: ForkServerContext, inputs: Inputs, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """A render that nobody disturbed, kept."""
    bench = Bench(context, tmp_path_factory.mktemp("whole"), inputs)
    ended = bench.run("--keep")
    assert (ended.status, ended.dreamed) == (0, list(range(FRAMES))), ended.stderr
    return bench


@pytest.fixture
def studio(inputs: Inputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Studio:
    """Where the same clip is rendered in this process, which is quicker where no process has to die."""
    monkeypatch.setattr(engine, "Dreamer", shared_dreamer)
    folder = tmp_path / "studio"
    folder.mkdir()
    return Studio(folder, str(inputs.clip), tiny_config(dream={"octaves": 1, "steps": 2}))
