"""Ten thousand shots on a thousand workers: the real crew, with workers and a clock that are simulated."""

import heapq
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from tempfile import TemporaryDirectory
from typing import Any, cast

import cv2
import numpy as np
from clips import SAMPLES
from measure import seconds
from table import report

from dreamvideo.media.colors import HD
from dreamvideo.media.sink import ClipSpec, write_clip
from dreamvideo.media.source import open_source
from dreamvideo.render.chunks import Chunk, split
from dreamvideo.render.crew import Crew, Gone
from dreamvideo.render.job import Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.record import Record, pack, unpack
from dreamvideo.render.worker import About, Files, Made
from dreamvideo.sections import Shots

SHOTS, WORKERS = 10_000, 1_000
LENGTHS = 20, 301  # frames of a shot
FRAME_SECONDS = 0.05, 0.5  # of a shot's frames
READY_SECONDS = 20, 60  # until a worker has its network
LIFE_SECONDS = 4 * 3600  # of a worker, in the mean
JOINED = {"1280x720": (1280, 720, 24), "3840x2160": (3840, 2160, 6)}  # and how many frames are tried


@dataclass
class _Worker:
    """When its calls are answered, when it dies, and what it has left to do."""

    free: float
    dies: float
    pace: float = 0.0
    left: list[int] = field(default_factory=list)


class SimulatedHands:
    """Workers that take their time by ``clock`` (seconds), which also runs while the crew computes; ``Hands``.

    ``inside`` is what this simulation itself has computed, in seconds; ``lost`` and ``calls`` count.
    """

    def __init__(self, paces: dict[Chunk, float], seed: int) -> None:
        self._paces, self._rng = paces, np.random.default_rng(seed)
        self.clock = self.inside = 0.0
        self.calls = self.lost = 0
        self._events: list[tuple[float, int]] = []
        self._answers: dict[int, Any] = {}
        self._done: set[int] = set()
        self._left = time.process_time()

    def _enter(self) -> float:
        now = time.process_time()
        self.clock += now - self._left
        return now

    def _leave(self, entered: float) -> None:
        self._left = time.process_time()
        self.inside += self._left - entered

    def hire(self) -> _Worker:
        entered = self._enter()
        ready = self.clock + self._rng.uniform(*READY_SECONDS)
        worker = _Worker(ready, self.clock + self._rng.exponential(LIFE_SECONDS))
        self._leave(entered)
        return worker

    def call(self, worker: _Worker, method: str, *arguments: Any) -> int:
        entered = self._enter()
        self.calls += 1
        taken, answer = getattr(self, f"_{method}")(worker, *arguments)
        worker.free = max(worker.free, self.clock) + taken
        if worker.free > worker.dies:
            answer = Gone("it was taken away")
        self._answers[self.calls] = answer
        heapq.heappush(self._events, (min(worker.free, max(worker.dies, self.clock)), self.calls))
        self._leave(entered)
        return self.calls

    def _lacks(self, _worker: _Worker, _needed: Any) -> tuple[float, list[str]]:
        return 0.0, []

    def _about(self, _worker: _Worker) -> tuple[float, About]:
        return 0.0, About({}, {}, [], with_memory=False, looks_at_shots=False, shared=False)

    def _begin(self, worker: _Worker, chunk: Chunk, kept: set[int], _files: Any) -> tuple[float, None]:
        worker.pace = self._paces[chunk]
        worker.left = [index for index in range(chunk.begin, chunk.end) if index not in kept][::-1]
        return 0.5, None

    def _advance(self, worker: _Worker, wanted: float) -> tuple[float, Made]:
        count = min(len(worker.left), math.ceil(wanted / worker.pace))
        made: list[tuple[int, float, Files | None]] = [(worker.left.pop(), 1.0, (b"", None)) for _ in range(count)]
        return count * worker.pace, Made(made, not worker.left)

    def wait(self, tickets: Sequence[int], seconds: float) -> list[int]:
        entered = self._enter()
        until, found = self.clock + seconds, []
        while not found and self.clock < until:
            while self._events and self._events[0][0] <= self.clock:
                self._done.add(heapq.heappop(self._events)[1])
            found = [ticket for ticket in tickets if ticket in self._done]
            if not found:
                self.clock = min([until, *(when for when, _ in self._events[:1])])
        self._done.difference_update(found)
        self._leave(entered)
        return found

    def answer(self, ticket: int) -> Any:
        answer = self._answers.pop(ticket)
        if isinstance(answer, Gone):
            self.lost += 1
            raise answer
        return answer

    def dismiss(self, worker: _Worker) -> None:
        worker.dies = 0.0


class NoJournal:
    """Takes frames and keeps none: what a disk needs is measured by itself."""

    def __init__(self) -> None:
        self.heads = self

    def put(self, _index: int, _record: bytes, _memory: bytes | None, *, since: int = 0) -> None: ...
    def take(self, _index: int) -> tuple[bytes, None]:
        return b"", None


def simulate() -> None:
    """What the coordinator itself computes, how near the crew comes to the ideal, and the journal and its joining."""
    rng = np.random.default_rng(0)
    ends = np.cumsum(rng.integers(*LENGTHS, SHOTS)).tolist()
    shots = [range(begin, end) for begin, end in zip([0, *ends], ends, strict=False)]
    chunks = split(shots, Shots(), carries=True)
    paces = {chunk: float(rng.uniform(*FRAME_SECONDS)) for chunk in chunks}
    hands = SimulatedHands(paces, seed=1)
    begun = time.process_time()
    with Crew(hands, WORKERS, {}, Listener()) as crew:
        assert crew.dream(chunks, cast(Journal, NoJournal()), {chunk: set() for chunk in chunks})
        computed, ended = time.process_time() - begun - hands.inside, hands.clock
    ideal = sum(READY_SECONDS) / 2 + sum(len(each.stretches[0]) * paces[each] for each in chunks) / WORKERS
    report(f"{SHOTS} shots, {ends[-1]} frames, {WORKERS} workers, {hands.lost} of them lost", f"{ended:.0f} s", "")
    report("  over the ideal", f"{ended / ideal:.2f}x", "-")
    report("  the coordinator computes", f"{computed:.1f} s, {100 * computed / ended:.0f} %", "-")
    report("  for each call, of which there are " + str(hands.calls), f"{1e6 * computed / hands.calls:.0f} us", "-")
    for name, (width, height, count) in JOINED.items():
        _join(name, width, height, count, ends[-1])


def _join(name: str, width: int, height: int, count: int, frames: int) -> None:
    """The journal's size and the time to join it, of ``count`` frames, for ``frames`` of them."""
    with open_source(str(SAMPLES / "bunny.mp4"), width=width) as source:
        frame = next(source.frames())
    frame = cv2.resize(frame, (width, height))
    noise = cv2.GaussianBlur(np.random.default_rng(0).random((height, width, 3), np.float32), (0, 0), 2) - 0.5
    age = np.full((height, width, 1), 12.0, np.float32)
    records = [pack(Record(np.clip(frame + np.roll(noise, 2 * i, 1), 0, 1), age, i == 0)) for i in range(count)]
    size = np.mean([len(record) for record in records])
    spec = ClipSpec(rate=Fraction(25), colors=HD)
    with TemporaryDirectory() as folder:
        taken = seconds(
            lambda: write_clip(
                f"{folder}/joined.mp4",
                lambda: (unpack(record, "a record").dreamed for record in records),
                count,
                spec,
                overwrite=False,
                on_frame=lambda: None,
            )
        )
    report(f"a journal's frame at {name}, of all {frames}", f"{size / 1e6:.1f} MB, {size * frames / 1e12:.1f} TB", "-")
    report("  joining a frame, and all", f"{taken / count:.2f} s, {taken / count * frames / 3600:.0f} h", "-")
