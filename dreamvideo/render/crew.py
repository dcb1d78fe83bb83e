"""A crew of workers and the chunks that they share: who does what next, and what to do when one is lost.

The workers are called through ``Hands``, wherever they are. Each has two calls under way, so that it never waits.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from dreamvideo.errors import DreamFailed
from dreamvideo.render.chunks import Chunk, ChunkJournal
from dreamvideo.render.job import Listener, Progress, Stopped
from dreamvideo.render.journal import Journal
from dreamvideo.render.worker import About, Files, Made

AGAIN = 3  # times that a lost chunk is begun elsewhere, before it is given up
UNDER_WAY = 2  # calls of a worker
CALL_SECONDS = 2.0  # of dreaming in one call: often enough to see progress, seldom enough for a thousand workers
POLL_SECONDS = 0.5
PATIENCE = 15.0  # seconds after which a wait is explained
BLOCK = 32 << 20  # bytes of a file that are sent at once


class Gone(Exception):
    """A worker can't be reached any more; the text says why, as far as that is known."""


class Hands(Protocol):
    """Workers somewhere, and calls of their methods, which answer later."""

    def hire(self) -> Any:
        """A new worker; it may take a while until it answers."""
        ...

    def call(self, worker: Any, method: str, *arguments: Any) -> Any:
        """Call a method of ``Worker``; gives a ticket for the answer. Calls are answered in their order."""
        ...

    def wait(self, tickets: Sequence[Any], seconds: float) -> list[Any]:
        """Those of ``tickets`` whose answers are there; waits until one is, but no longer than ``seconds``."""
        ...

    def answer(self, ticket: Any) -> Any:
        """The answer. Raises what the method raised, or ``Gone``."""
        ...

    def dismiss(self, worker: Any) -> None:
        """End a worker, whatever it does."""
        ...


@dataclass(eq=False)
class _Seat:
    """One worker, the chunk that it dreams, and the calls under way with what to do with their answers.

    ``lost``: how many were lost in its place, one after another, without being ready or having a chunk.
    """

    worker: Any
    lost: int = 0
    about: About | None = None
    store: ChunkJournal | None = None
    calls: deque[tuple[Any, Callable[["_Seat", Any], None]]] = field(default_factory=deque)


@dataclass(frozen=True)
class Needed:
    """A path that workers have to see: what identifies it, and its files, to be sent to those that don't."""

    identity: Mapping[str, Any]
    files: Sequence[Path]


class Crew:
    """``count`` workers. ``needed``: by path. A context manager that dismisses them all.

    Raises what workers raise, and ``DreamFailed`` when workers are lost again and again.
    """

    def __init__(self, hands: Hands, count: int, needed: Mapping[str, Needed], listener: Listener) -> None:
        self._hands, self._needed, self._listener = hands, needed, listener
        self._about: About | None = None
        self.done = self._total = 0  # frames that are finished, and all
        self.kept: dict[Chunk, set[int]] = {}
        self._lost: Counter[Chunk] = Counter()
        self._todo: deque[ChunkJournal] = deque()
        self._seats = [self._hired() for _ in range(count)]

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        self.dismiss()

    def dismiss(self) -> None:
        """End all workers."""
        while self._seats:
            self._hands.dismiss(self._seats.pop().worker)

    def about(self) -> About:
        """What the first worker that is ready says. Raises ``Stopped``."""
        begun, waited = time.monotonic(), False
        while self._about is None:
            if self._listener.stop():
                raise Stopped
            if not waited and time.monotonic() > begun + PATIENCE:
                self._listener.note("waiting for the first worker; other work may hold the cluster, Ctrl-C ends it")
                waited = True
            self._turn()
        return self._about

    def dream(self, chunks: Sequence[Chunk], journal: Journal, kept: Mapping[Chunk, set[int]]) -> bool:
        """Dream all ``chunks`` into ``journal``, but for the frames that are ``kept`` of each; False if stopped.

        A chunk whose worker is lost goes on elsewhere.
        """
        self.kept = {chunk: set(kept[chunk]) for chunk in chunks}
        self._total = sum(chunk.work for chunk in chunks)
        self.done = sum(map(len, self.kept.values()))
        longest_first = sorted(chunks, key=self._left, reverse=True)  # so that all end together
        self._todo = deque(ChunkJournal(journal, chunk) for chunk in longest_first if self._left(chunk))
        self._tell(None)
        while self._todo or any(seat.store for seat in self._seats):
            stopping = self._listener.stop()
            if stopping and not any(seat.store and seat.calls for seat in self._seats):
                return False
            for seat in self._seats:
                if not stopping:
                    self._occupy(seat)
            self._turn()
        return True

    def _left(self, chunk: Chunk) -> int:
        return chunk.work - len(self.kept[chunk])

    def _tell(self, objective: float | None) -> None:
        self._listener.progress(Progress("dream", self.done, self._total, objective))

    def _occupy(self, seat: _Seat) -> None:
        """Give a worker that is ready something to do."""
        if seat.about is None or (seat.store is None and not self._todo):
            return
        if seat.store is None:
            seat.store = store = self._todo.popleft()
            kept = self.kept[store.chunk]
            files = {} if seat.about.shared else _to_go_on_from(store, kept)
            self._call(seat, _nothing, "begin", store.chunk, kept, files)
        while len(seat.calls) < UNDER_WAY:
            self._call(seat, self._made, "advance", CALL_SECONDS)

    def _hired(self, lost: int = 0) -> _Seat:
        seat = _Seat(self._hands.hire(), lost)
        identities = {path: each.identity for path, each in self._needed.items()}
        self._call(seat, self._lacks, "lacks", identities)
        return seat

    def _call(self, seat: _Seat, then: Callable[[_Seat, Any], None], method: str, *arguments: Any) -> None:
        seat.calls.append((self._hands.call(seat.worker, method, *arguments), then))

    def _turn(self) -> None:
        """Wait for answers and see to them."""
        waiting = {seat.calls[0][0]: seat for seat in self._seats if seat.calls}
        for ticket in self._hands.wait(list(waiting), POLL_SECONDS):
            seat = waiting[ticket]
            _, then = seat.calls.popleft()
            try:
                answer = self._hands.answer(ticket)
            except Gone as gone:
                self._replace(seat, gone)
            else:
                then(seat, answer)

    def _replace(self, seat: _Seat, gone: Gone) -> None:
        """Hire another worker in the place of one that is gone; its chunk comes first again."""
        store, lost, when = seat.store, seat.lost + 1, "before they were ready"
        if store is not None:
            chunk = store.chunk
            self._lost[chunk] += 1
            lost, when = self._lost[chunk], f"over frames {chunk.begin} to {chunk.end - 1}"
        if lost > AGAIN:
            raise DreamFailed(
                f"{lost} workers were lost {when}, the last one since {gone}; see to the memory and the "
                "logs of that machine"
            )
        self._listener.note(f"a worker was lost ({gone}); another one takes its place")
        self._hands.dismiss(seat.worker)
        if store is not None:
            self._todo.appendleft(store)
            if seat.about is not None and seat.about.shared:
                found = store.kept(with_memory=seat.about.with_memory)
                self.done += len(found) - len(self.kept[store.chunk])
                self.kept[store.chunk] = found
        self._seats[self._seats.index(seat)] = self._hired(lost if store is None else 0)

    def _lacks(self, seat: _Seat, paths: list[str]) -> None:
        """Send what a worker doesn't see, piece by piece, and let it open everything."""
        self._send(seat, iter([piece for path in paths for piece in _pieces(path, self._needed[path].files)]))

    def _send(self, seat: _Seat, pieces: Iterator[tuple[str, int, Path, int]]) -> None:
        piece = next(pieces, None)
        if piece is None:
            self._call(seat, self._ready, "about")
            return
        path, number, file, place = piece
        with file.open("rb") as stream:
            stream.seek(place)
            data = stream.read(BLOCK)
        self._call(seat, lambda seat, _: self._send(seat, pieces), "receive", path, number, file.suffix, data)

    def _ready(self, seat: _Seat, about: About) -> None:
        self._about = self._about or about
        if about.made_of != self._about.made_of:
            differing = next(name for name, value in about.made_of.items() if value != self._about.made_of[name])
            raise DreamFailed(
                f"the workers differ in their {differing} ({self._about.made_of[differing]} and "
                f"{about.made_of[differing]}), and so would their frames; bring all machines to the same"
            )
        seat.about, seat.lost = about, 0

    def _made(self, seat: _Seat, made: Made) -> None:
        store = seat.store
        if store is None:  # an answer behind the chunk's end
            return
        kept = self.kept[store.chunk]
        for index, objective, files in made.frames:
            if files is not None:
                store.put(index, *files)
            self.done += index not in kept
            kept.add(index)
            self._tell(objective or None)
        if made.ended:
            seat.store = None
            # What is still under way answers that the chunk has ended.
            seat.calls = deque((ticket, _nothing) for ticket, _ in seat.calls)


def _to_go_on_from(store: ChunkJournal, kept: set[int]) -> dict[int, Files]:
    """The kept frames of which somebody elsewhere needs the state: those before a gap, and the shot's first."""
    before_gaps = {index for index in kept if index + 1 not in kept} | ({store.chunk.shot} & kept)
    return {index: store.take(index) for index in sorted(before_gaps)}


def _nothing(_seat: _Seat, _answer: Any) -> None:
    """What most answers call for."""


def _pieces(path: str, files: Iterable[Path]) -> Iterator[tuple[str, int, Path, int]]:
    for number, file in enumerate(files):
        for place in range(0, max(1, file.stat().st_size), BLOCK):
            yield path, number, file, place
