"""The loop: take dreamed frames from a film, keep each, and at the end join them with the sound into the output.

for dreamed in film: journal.keep(dreamed)
encode(film.finished(journal), sound)
"""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from dreamvideo import __version__
from dreamvideo.config import to_toml
from dreamvideo.errors import OutputError
from dreamvideo.media.prefetch import writebehind
from dreamvideo.media.sink import ClipSpec, GifSpec, write_clip
from dreamvideo.media.sound import Sound
from dreamvideo.media.source import Source
from dreamvideo.render.job import Job, Listener, Progress, Report, Stopped
from dreamvideo.render.journal import Journal, keeping
from dreamvideo.render.recurrence import Dreamt
from dreamvideo.render.start import Notes, journal_folder

BEHIND = 3  # frames waiting to be written, beside the one in flight


@dataclass(frozen=True)
class Result:
    """What is encoded: ``count`` frames, of which ``frames`` gives a fresh iterator, ``float32 [height, width, 3]``."""

    count: int
    frames: Callable[[], Iterator[np.ndarray]]


class Film(Protocol):
    """Frames that are dreamed one after another, each from those before it: a clip's, or a dive's.

    ``source`` gives the output its rate, colours and aspect; ``total`` is how many frames are to be dreamed, None where
    that is unknown; ``shots`` is how many have begun so far; ``with_memory`` says whether the ascent's memory is state.
    """

    source: Source
    sound: Sound | None
    shots: int
    with_memory: bool

    @property
    def total(self) -> int | None: ...
    def manifest(self) -> dict[str, Any]:
        """What decides the frames, as plain JSON data: if any of it changes, they can't be gone on with."""
        ...

    def dreams(self, journal: Journal, done: int) -> Iterator[Dreamt]:
        """Every frame from ``done`` on; those before it are in the journal."""
        ...

    def finished(self, journal: Journal, count: int, /) -> Result:
        """What the ``count`` kept frames are made into."""
        ...

    def warnings(self) -> list[str]:
        """Sentences for the user, as far as they are known."""
        ...


def find_journal(job: Job) -> Journal:
    """The journal of ``job``. Raises ``OutputError`` where one lies that nobody asked to go on with or to replace."""
    journal = Journal(job.work or journal_folder(job.output))
    if journal.exists() and not job.resume and not job.overwrite:
        raise OutputError(
            f"{journal.folder} holds an unfinished render; go on with --resume, or start afresh with --overwrite"
        )
    return journal


def render_film(job: Job, film: Film, journal: Journal, notes: Notes, begun: float) -> Report:
    """Dream every frame of ``film`` into ``journal`` and join them to ``job.output``; the journal goes then.

    ``begun``: when the render began, of ``time.monotonic``.
    """
    notes.add(film.warnings())
    done = _open_journal(job, journal, film, notes)
    with keeping(journal):
        count, stopped = _dream(film, journal, done, notes.listener, job.first)
        notes.add(film.warnings())
        if not stopped:
            try:
                _join(job, film, film.finished(journal, count), notes)
            except Stopped:
                stopped = True
    if not (stopped or job.keep):
        journal.discard()
    return Report(
        output=job.output,
        frames=count,
        dreamed=count - done,
        shots=film.shots,
        seconds=time.monotonic() - begun,
        interrupted=stopped,
        work=journal.folder if stopped or job.keep else None,
        notes=notes.all,
    )


def _open_journal(job: Job, journal: Journal, film: Film, notes: Notes) -> int:
    """Go on with the journal, or begin it; the number of frames that are finished."""
    config = job.config.model_dump(mode="json", exclude={"output"})
    manifest = {"version": __version__, "config": config, **film.manifest()}
    if job.resume and journal.exists():
        journal.go_on(manifest)
        done = journal.finished(with_memory=film.with_memory)
        notes.add([f"resuming after {done} finished frame{'s' * (done != 1)}"])
        return done
    if job.resume:
        notes.add([f"there is nothing to resume in {journal.folder}; rendering from the start"])
    journal.begin(manifest)
    return 0


def _dream(film: Film, journal: Journal, done: int, listener: Listener, first: int | None) -> tuple[int, bool]:
    """Dream every frame from ``done`` on, up to ``first``. Returns how many are finished, and if it was stopped."""
    count, most = done, sys.maxsize if first is None else first
    listener.progress(Progress("dream", count, _at_most(film.total, first)))

    def keep(dreamt: Dreamt) -> None:
        journal.keep(dreamt.index, dreamt.dreamed, dreamt.state)

    dreams = film.dreams(journal, done)
    try:
        with writebehind(keep, BEHIND) as behind:
            while not listener.stop():
                dreamt = next(dreams, None) if count < most else None
                if dreamt is None:
                    return count, False
                behind.put(dreamt)
                count += 1
                listener.progress(Progress("dream", count, _at_most(film.total, first), dreamt.objective))
            return count, True
    finally:
        dreams.close()  # pyright: ignore[reportAttributeAccessIssue] - they are generators


def _at_most(total: int | None, first: int | None) -> int | None:
    return total if total is None or first is None else min(total, first)


def _join(job: Job, film: Film, result: Result, notes: Notes) -> None:
    """Encode ``result`` with the film's sound into the output. Raises ``Stopped`` if a stop is asked for."""
    encoded = 0

    def tick() -> None:
        nonlocal encoded
        encoded += 1
        notes.listener.progress(Progress("encode", encoded, result.count))
        if notes.listener.stop():
            raise Stopped

    spec = ClipSpec(
        rate=film.source.rate,
        colors=film.source.colors,
        sample_aspect=film.source.sample_aspect,
        sound=film.sound,
        crf=job.config.output.crf,
        metadata=to_toml(job.config),
        gif=GifSpec(colors=job.config.output.gif_colors),
    )
    notes.add(write_clip(job.output, result.frames, result.count, spec, overwrite=job.overwrite, on_frame=tick))
