"""One of several machines, or part of one, that dreams chunks of a clip: the network loaded once, a chunk at a time.

It is driven call by call, from anywhere, and holds nothing that can't be made again.
"""

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dreamvideo import __version__
from dreamvideo.config import Config
from dreamvideo.errors import DreamError, DreamFailed
from dreamvideo.media.frames import is_still
from dreamvideo.media.prefetch import writebehind
from dreamvideo.media.source import file_identity, open_source
from dreamvideo.render.chunks import Chunk, ChunkJournal
from dreamvideo.render.clip import ClipFilm, film_clip
from dreamvideo.render.footage import Part
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import Heard
from dreamvideo.render.pipeline import BEHIND
from dreamvideo.render.recurrence import Dreamt
from dreamvideo.render.start import Notes, open_input

Files = tuple[bytes, bytes | None]
"""A kept frame's record and memory, as ``Strand.take`` gives them."""


@dataclass(frozen=True)
class Order:
    """What all workers of a render are told once. ``owner`` is the mark by which a shared journal is known.

    ``cores``: threads to use, None for as many as there are.
    """

    job: Job
    heard: Heard
    journal: Path
    owner: str
    cores: int | None = None


@dataclass(frozen=True)
class About:
    """What a worker says of itself: ``made_of`` has to be the same for all; ``shared`` says that it sees the journal.

    ``pictures``: those of the objective, by name.
    """

    made_of: dict[str, Any]
    pictures: dict[str, str]
    notes: list[str]
    with_memory: bool
    looks_at_shots: bool
    shared: bool


@dataclass(frozen=True)
class Made:
    """Frames that are finished, in order: number, objective, and their files where the journal isn't shared.

    ``ended``: they were the chunk's last.
    """

    frames: list[tuple[int, float, Files | None]]
    ended: bool


class Worker:
    """Everything is opened by ``about``, so that what fails there reaches whoever asked."""

    def __init__(self, order: Order) -> None:
        self._order = order
        self._received: dict[str, Path] = {}
        self._stack = ExitStack()
        self._film: ClipFilm | None = None
        self._dreams: Iterator[Dreamt] = iter(())

    def lacks(self, needed: Mapping[str, Mapping[str, Any]]) -> list[str]:
        """Those of the paths ``needed``, with what identifies each, that aren't here as they should be."""
        return [path for path, identity in needed.items() if not self._has(path, identity)]

    def _has(self, path: str, identity: Mapping[str, Any]) -> bool:
        try:
            return identity_of(self._order.job, path) == identity
        except DreamError:
            return False

    def receive(self, path: str, number: int, suffix: str, data: bytes) -> None:
        """Take a piece of file ``number`` of what lies at ``path`` elsewhere."""
        if path not in self._received:
            self._received[path] = Path(self._folder(f"received-{len(self._received)}"))
        with (self._received[path] / f"{number:06d}{suffix}").open("ab") as file:
            file.write(data)

    def _folder(self, name: str) -> Path:
        folder = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="dreamvideo-"))) / name
        folder.mkdir()
        return folder

    def about(self) -> About:
        """Open the input and load the network. Raises what opening and loading do."""
        _use_cores(self._order.cores)
        job, notes = self._here(self._order.job), Notes(Listener())
        source = self._stack.enter_context(open_input(job))
        film = self._film = self._stack.enter_context(
            film_clip(job, source, _of_config(self._order.heard, job.config), notes)
        )
        self._shared = Journal(self._order.journal).mark() == self._order.owner
        self._journal = Journal(self._order.journal if self._shared else self._folder("journal"))
        if not self._shared:
            self._make_journal()
        return About(
            made_of={
                "version": __version__,
                "weights": film.dreamer.network.sha256,
                "precision": film.dreamer.precision,
            },
            pictures={name: self._order.job.config.dream.pictures.get(name, name) for name in film.dreamer.pictures},
            notes=[*notes.all, *film.warnings()],
            with_memory=film.with_memory,
            looks_at_shots=any(term.per_shot for term in film.dreamer.objective.terms),
            shared=self._shared,
        )

    def _make_journal(self) -> None:
        """A journal of our own holds the frames of one chunk, which are sent from it."""
        self._journal.make()
        self._journal.heads.make()

    def _here(self, job: Job) -> Job:
        """``job`` with the paths of what was received."""
        pictures = {name: self._place(path) for name, path in job.config.dream.pictures.items()}
        given = {"pictures": pictures, "network": self._place(job.config.dream.network)}
        dream = job.config.dream.model_copy(update=given)
        return replace(job, config=job.config.model_copy(update={"dream": dream}), input=self._place(job.input))

    def _place(self, path: str) -> str:
        """Where ``path`` is here; all but a folder of pictures is one file of the folder that was received."""
        if path not in self._received:
            return path
        file, *more = sorted(self._received[path].iterdir())
        alone = not more and not (path == self._order.job.input and is_still(file.name))
        return str(file if alone else self._received[path])

    def begin(self, chunk: Chunk, kept: set[int], files: Mapping[int, Files]) -> None:
        """Take on a chunk, of which the frames ``kept`` are finished; ``files``: those that it has to go on from."""
        assert self._film is not None
        self._close()
        if not self._shared:
            shutil.rmtree(self._journal.folder)
            self._make_journal()
        self._store = ChunkJournal(self._journal, chunk)
        for index, each in files.items():
            self._store.put(index, *each)
        part = Part(chunk.stretches)
        film = ClipFilm(replace(self._film.footage, part=part), self._film.dreamer, self._film.companions)
        self._dreams = film.dreams(self._store, kept)

    def advance(self, seconds: float) -> Made:
        """Dream for about so many seconds, at least one frame, or to the chunk's end."""
        end, made, ended = time.monotonic() + seconds, [], False
        with writebehind(self._keep, BEHIND) as behind:
            while not ended and (not made or time.monotonic() < end):
                dreamt = next(self._dreams, None)
                ended = dreamt is None
                if dreamt is not None:
                    behind.put(dreamt)
                    made.append((dreamt.index, dreamt.objective))
        return Made([(index, objective, self._files(index)) for index, objective in made], ended)

    def _keep(self, dreamt: Dreamt) -> None:
        """Keep a frame, unless whoever gave the order is gone and the journal is another process's by now."""
        if self._shared and self._journal.mark() != self._order.owner:
            raise DreamFailed(f"{self._journal.folder} was taken over by another process; this worker writes no more")
        self._store.keep(dreamt.index, dreamt.dreamed, dreamt.state, begins_shot=dreamt.begins_shot)

    def _files(self, index: int) -> Files | None:
        """What to send of a frame; a shared journal has it already."""
        return None if self._shared else self._store.take(index)

    def _close(self) -> None:
        close = getattr(self._dreams, "close", None)
        if close is not None:
            close()

    def close(self) -> None:
        """End what was opened."""
        self._close()
        self._stack.close()


def _of_config(heard: Heard, config: Config) -> Heard:
    """``heard`` with its schedules, as they are, over a config that differs in paths."""
    timeline = copy(heard.timeline)
    timeline.config = config
    return replace(heard, timeline=timeline)


def identity_of(job: Job, path: str) -> dict[str, str | int]:
    """What identifies the input of ``job``, its network's file, or a picture. Raises ``InputError``."""
    if path == job.config.dream.network:
        return file_identity(path)
    with open_input(job) if path == job.input else open_source(path) as source:
        return source.identity()


def _use_cores(cores: int | None) -> None:
    """Before anything is computed: how many threads TensorFlow and OpenCV may use."""
    if cores is None:
        return
    import cv2
    import tensorflow as tf

    cv2.setNumThreads(cores)
    tf.config.threading.set_intra_op_parallelism_threads(cores)
    tf.config.threading.set_inter_op_parallelism_threads(1)
