"""A long render with a small network in place of the real one: does memory stay flat, and what does a frame cost late?

    python bench/long.py [FRAMES [NETWORK]]

A clip of 20,000 frames takes about twenty minutes on two cores. With the name of a real network in place of the small
one, the share of the time outside it is that of real renders.
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

import numpy as np
from measure import small_network
from moving import Stopwatch

from dreamvideo.config import Config, Dream
from dreamvideo.dream.engine import Dreamer
from dreamvideo.media import ffmpeg
from dreamvideo.render.clip import render_clip
from dreamvideo.render.job import Job, Listener, Progress
from dreamvideo.render.journal import Journal
from dreamvideo.render.start import journal_folder

WARM = 500  # frames before memory is compared
SIZE = "192x108"


def resident() -> float:
    """MiB of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def make_clip(path: Path, frames: int) -> None:
    """A test picture that moves for ever."""
    arguments = ["-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={SIZE}:rate=25", "-frames:v", str(frames)]
    ffmpeg.spawn(
        [*arguments, "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", ffmpeg.url(path)]
    ).wait()


def main(frames: int, network: str | None) -> None:
    watch, memory, times, kept = Stopwatch(), [], [], []
    keep = Journal.keep

    def timed_keep(self: Journal, *arguments: object, **options: object) -> None:
        begun = time.perf_counter()
        keep(self, *arguments, **options)  # pyright: ignore[reportArgumentType]
        kept.append(time.perf_counter() - begun)

    def tell(progress: Progress) -> None:
        if progress.stage == "dream" and progress.done:
            memory.append(resident())
            times.append((time.perf_counter(), watch.seconds["dream"]))
            if progress.done % 1000 == 0:
                print(f"{progress.done} frames, {memory[-1]:.0f} MiB", flush=True)

    with (
        tempfile.TemporaryDirectory() as folder,
        watch.on(Dreamer, "dream"),
        mock.patch.object(Journal, "keep", timed_keep),
    ):
        clip, small = Path(folder) / "long.mp4", Path(folder) / "small.keras"
        make_clip(clip, frames)
        small_network(small)
        standing_in = Dream(network=str(small), layers={"third": 1.0}, octaves=2, precision="float32", tile=256)
        dream = standing_in if network is None else Dream(network=network)
        job = Job(str(clip), str(Path(folder) / "out.mp4"), Config(dream=dream), keep=True)
        report = render_clip(job, Listener(tell))
        journal = Journal(journal_folder(job.output))
        begun = time.perf_counter()
        assert len(journal.kept()) == report.frames == frames
        checked = time.perf_counter() - begun
    dreaming, inside = np.subtract(times[-1], times[0])
    outside = 1 - inside / dreaming
    tenth = max(1, frames // 10)
    early, late = np.median(kept[:tenth]), np.median(kept[-tenth:])
    print(f"{frames} frames at {SIZE}: {1000 * dreaming / frames:.1f} ms a frame")
    print(f"memory after {WARM} frames {memory[min(WARM, frames - 1)]:.0f} MiB, at the end {memory[-1]:.0f} MiB")
    print(f"outside the network: {100 * outside:.1f} % of the time")
    print(f"keeping a frame: {1000 * early:.2f} ms in the first tenth, {1000 * late:.2f} ms in the last")
    print(f"looking at all checksums: {1000 * checked / frames:.2f} ms a frame")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000, sys.argv[2] if len(sys.argv) > 2 else None)
