"""What a clip on many machines costs: `python bench/cluster.py [seams [CHUNK [FOLDER]] | scaling | simulate]`.

`seams 48 FOLDER` joins chunks of 48 frames, and keeps the frames around the first seam in a folder to look at.
"""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from clips import SAMPLES
from measure import alternate
from simulated import simulate
from table import report

from dreamvideo.config import Config, Input, Shots
from dreamvideo.media.still import write_image
from dreamvideo.motion.carry import level
from dreamvideo.render.chunks import Chunk, ChunkJournal, shots_of, split
from dreamvideo.render.clip import ClipFilm, film_clip
from dreamvideo.render.cluster import Placement, RayHands, ray_cluster
from dreamvideo.render.crew import Crew
from dreamvideo.render.footage import Part, hear_clip
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import work_out
from dreamvideo.render.start import Notes, open_input
from dreamvideo.render.worker import Order
from dreamvideo.schedule import Clock
from dreamvideo.score.motion import warp_errors

CLIP, WIDTH = str(SAMPLES / "bunny.mp4"), 320
AROUND = 4  # frames before and after a fade that are kept to be looked at


@contextmanager
def filmed(shots: Shots) -> Iterator[tuple[ClipFilm, Journal]]:
    """The clip as one shot, and an empty journal for it."""
    job, listener = Job(CLIP, "dream.mp4", Config(input=Input(width=WIDTH), shots=shots), cluster="local"), Listener()
    with open_input(job) as source, TemporaryDirectory() as folder:
        heard = hear_clip(job, source, listener)
        with film_clip(job, source, heard, Notes(listener)) as film:
            journal = Journal(Path(folder))
            journal.make()
            journal.heads.make()
            yield film, journal


def dreamed(film: ClipFilm, journal: Journal, chunks: Sequence[Chunk]) -> list[np.ndarray]:
    """The clip dreamed in ``chunks``, one after another, and joined."""
    for chunk in chunks:
        store, part = ChunkJournal(journal, chunk), Part(chunk.stretches)
        for dreamt in ClipFilm(replace(film.footage, part=part), film.dreamer, film.companions).dreams(store, set()):
            store.keep(dreamt.index, dreamt.dreamed, dreamt.state)
    whole = replace(film.footage, chunks=chunks)
    return list(whole.finished(journal, chunks[-1].end).frames())


def seams(chunk: str = "48", folder: str | None = None) -> None:
    """Steadiness and strength where chunks join, and within them, against the clip dreamed in one piece."""
    settings = Shots(detect=False, chunk=int(chunk))
    with filmed(settings) as (film, journal):
        inputs = list(film.source.frames())
        shot = shots_of([0], len(inputs))
        chunks = split(shot, settings, carries=True)
        whole = dreamed(film, journal, split(shot, Shots(chunk=len(inputs)), carries=True))
        joined = dreamed(film, journal, chunks)
    errors, plain = warp_errors(joined, inputs), warp_errors(whole, inputs)
    across = {index for each in chunks for index in range(each.begin, each.head + 1) if each.fades}
    ratios = {index: errors[index] / plain[index] for index in errors}
    at, inside = ([ratio for index, ratio in ratios.items() if (index in across) is there] for there in (True, False))
    name = f"{len(chunks)} chunks of {len(inputs)} frames at {WIDTH} px, {settings.lead_in} + {settings.overlap}"
    report(f"{name}: warp error of pairs", "over one piece's", "")
    report("  across seams, within chunks: mean", f"{np.mean(at):.2f}x, {np.mean(inside):.2f}x", "")
    report("  across seams over within chunks", f"{np.mean(at) / np.mean(inside):.2f}x", "1.2x")
    report("  the worst pair across seams", f"{np.max(at) / np.mean(inside):.2f}x", "-")
    levels = [level(joined[i] - inputs[i]) / level(whole[i] - inputs[i]) for i in sorted(across)]
    report("  strength through seams over one piece's", f"{min(levels):.2f} to {max(levels):.2f}", "-")
    if folder is not None:
        Path(folder).mkdir(exist_ok=True)
        fade = chunks[1].fades
        for index in range(fade.start - AROUND, fade.stop + AROUND):
            write_image(f"{folder}/{index:06d}.png", joined[index])


class PinnedHands(RayHands):
    """Workers that are kept to a core each, whatever threads they have: their frames are read and written by some."""

    def __init__(self, hands: RayHands) -> None:
        self.__dict__.update(vars(hands))
        self._core, self._workers = 0, []

    def from_core(self, core: int) -> "PinnedHands":
        """The next workers are kept to this core and those after it."""
        self._core = core
        return self

    def hire(self) -> Any:
        core, worker = self._core, super().hire()
        self._core += 1
        worker.__ray_call__.remote(lambda _: os.sched_setaffinity(0, {core}))
        self._workers.append(worker)
        return worker

    def computed(self) -> list[float]:
        """Seconds that each worker has had its core, in the order in which they were hired."""
        return [self._ray.get(worker.__ray_call__.remote(lambda _: time.process_time())) for worker in self._workers]


def scaling() -> None:
    """Four shots by one worker and by two, of one core each, in turn."""
    cuts = tuple(25 * i for i in range(4))
    shots = [range(begin, begin + 12) for begin in cuts]
    chunks = split(shots, Shots(), carries=True)
    job = Job(CLIP, "dream.mp4", Config(input=Input(width=WIDTH)), cluster="local")
    with open_input(job) as source, TemporaryDirectory() as folder, ray_cluster(job, Listener()) as found:
        hands = PinnedHands(found)
        clock = Clock(source.frame_count or 0, source.rate, cuts=cuts)
        heard = replace(work_out(job.config, clock, None), scouted=True)
        hands.prepare(Order(job, heard, Path(folder), "", cores=1), Placement(3, 0, 0))  # those at rest take no core
        journal = Journal(Path(folder))
        journal.make()
        with Crew(hands.from_core(0), 1, {}, Listener()) as one, Crew(hands.from_core(0), 2, {}, Listener()) as two:
            alone, together = (partial(_dream, crew, chunks, journal) for crew in (one, two))
            together()
            before = hands.computed()
            first, second, ratio = alternate(alone, together, rounds=3)
            spent = [after - begun for after, begun in zip(hands.computed(), before, strict=True)]
    ours = spent[0] / sum(spent[1:])
    one_alone, two_beside = zip(*[(_multiplied(0), _multiplied(0, 1)) for _ in range(4)], strict=True)
    machine = statistics.median(both / single for single, both in zip(one_alone, two_beside, strict=True))
    report("four shots by one worker of one core, by two", f"{first:.1f} s, {second:.1f} s, {1 / ratio:.2f}x", "1.7x")
    report("  what two processes do beside each other, of what one does", f"{machine:.2f}x", "-")
    report("  twice the core's time of one worker over that of two", f"{2 * ours:.2f}x", "1.7x")


def _multiplied(*cores: int) -> int:
    """How many products of matrices a process on each of ``cores`` makes in three seconds, all together."""
    code = (
        "import os, sys, time; os.environ['OPENBLAS_NUM_THREADS'] = '1'; os.sched_setaffinity(0, {int(sys.argv[1])})\n"
        "import numpy as np; a = np.ones((600, 600), np.float32); end = time.monotonic() + 3; count = 0\n"
        "while time.monotonic() < end: a @ a; count += 1\n"
        "print(count)"
    )
    commands = [[sys.executable, "-c", code, str(core)] for core in cores]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    return sum(int(each.communicate()[0]) for each in running)


def _dream(crew: Crew, chunks: Sequence[Chunk], journal: Journal) -> None:
    assert crew.dream(chunks, journal, {chunk: set() for chunk in chunks})


FIGURES = {"seams": seams, "scaling": scaling, "simulate": simulate}


def main() -> None:
    wanted, *arguments = sys.argv[1:] or ["all"]
    if wanted != "all" and wanted not in FIGURES:
        raise SystemExit(f"no figure called {wanted}; there are {', '.join(FIGURES)}")
    for name in FIGURES if wanted == "all" else [wanted]:
        FIGURES[name](*arguments)


if __name__ == "__main__":
    main()
