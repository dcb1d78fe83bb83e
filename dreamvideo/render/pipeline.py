"""The loop: take dreamed frames from a film, keep each, and at the end join them with the sound into the output.

for dreamed in film: journal.keep(dreamed)
encode(film.finished(journal))
"""

import time
from collections.abc import Callable, Iterator, Sequence, Set, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import numpy as np

from dreamvideo import __version__
from dreamvideo.config import to_toml
from dreamvideo.errors import OutputError
from dreamvideo.media.files import flush_to_disk, remove_stale
from dreamvideo.media.prefetch import writebehind
from dreamvideo.media.sink import ClipSpec, GifSpec, write_clip
from dreamvideo.media.sound import Sound
from dreamvideo.media.source import Source
from dreamvideo.render.job import Job, Listener, Progress, Report, Stopped
from dreamvideo.render.journal import Journal, keeping
from dreamvideo.render.recurrence import Dreamt
from dreamvideo.render.start import Notes, journal_folder

BEHIND = 3  # frames waiting to be written, beside the one in flight

Kept_co = TypeVar("Kept_co", bound=Sized, covariant=True)


@dataclass(frozen=True)
class Result:
    """What is encoded: ``count`` frames, of which ``frames`` gives a fresh iterator, ``float32 [height, width, 3]``.

    ``rate`` is in frames a second. ``numbers`` are those of the frames in the whole, by which a folder names them; None
    where they run from 0.
    """

    count: int
    frames: Callable[[], Iterator[np.ndarray]]
    rate: Fraction
    sound: Sound | None
    numbers: Sequence[int] | None = None


class Reel(Protocol[Kept_co]):
    """What is kept frame by frame and becomes an output. ``source`` gives that its colours and aspect.

    ``shots`` is how many have begun so far.
    """

    @property
    def source(self) -> Source: ...
    @property
    def shots(self) -> int: ...
    def manifest(self) -> dict[str, Any]:
        """What decides the frames, as plain JSON data: if any of it changes, they can't be gone on with."""
        ...

    def kept(self, journal: Journal, progress: Callable[[int, int], None]) -> Kept_co:
        """Those frames that the journal holds and that can be gone on from."""
        ...

    def asks_for(self, index: int, /) -> bool:
        """Whether a frame is to be dreamed."""
        ...

    def finished(self, journal: Journal, count: int, /) -> Result:
        """What the kept frames are made into, of which there are ``count``."""
        ...

    def warnings(self) -> list[str]:
        """Sentences for the user, as far as they are known."""
        ...


class Film(Reel[set[int]], Protocol):
    """Frames that are dreamed one after another, each from those before it: a clip's, or a dive's; kept by number.

    ``total`` is how many are to be dreamed, None where that is unknown.
    """

    @property
    def total(self) -> int | None: ...
    def dreams(self, journal: Journal, kept: Set[int]) -> Iterator[Dreamt]:
        """Every frame that is not in ``kept``, and those that follow from one that isn't."""
        ...


@contextmanager
def open_journal(job: Job, source: Source, notes: Notes) -> Iterator[Journal]:
    """The journal of ``job``, whose input is ``source``, for this process alone.

    Raises ``OutputError`` where one lies that nobody asked to go on with or to replace, that another process has, or in
    which the input or the output would lie.
    """
    journal = Journal(job.work or journal_folder(job.output))
    if journal.overlaps(Path(job.output)):
        raise OutputError(f"{job.output} and the work folder {journal.folder} lie in each other; choose another --work")
    inside = next((file for file in source.files if journal.overlaps(file)), None)
    if inside is not None:
        raise OutputError(f"the input {inside} lies in the work folder {journal.folder}; choose another --work folder")
    with journal.owned(lambda text: notes.add([text])):
        if journal.is_damaged():
            _give_up(journal, overwrite=job.overwrite)
        if journal.exists() and not job.resume and not job.overwrite:
            raise OutputError(
                f"{journal.folder} holds frames of an earlier render; go on with --resume, "
                "or replace what differs with --overwrite"
            )
        yield journal


def _give_up(journal: Journal, *, overwrite: bool) -> None:
    """Remove a journal that can't be gone on with, if that was asked for."""
    if not overwrite:
        raise OutputError(
            f"the manifest in {journal.folder} is damaged, or of another version of dreamvideo, and what its frames "
            "were made of is not known; move it away, or start afresh with --overwrite"
        )
    journal.discard()


def stopped_early(job: Job, journal: Journal, notes: Notes, begun: float) -> Report:
    """The report of a render that was stopped before it had begun to dream."""
    kept = journal.exists()
    return Report(
        output=job.output,
        frames=journal.spare(lambda _: False) if kept else 0,
        dreamed=0,
        shots=0,
        seconds=time.monotonic() - begun,
        interrupted=True,
        work=journal.folder if kept else None,
        notes=notes.all,
    )


@dataclass(frozen=True)
class Outcome:
    """How many frames are finished, how many of them were dreamed now, and whether it was stopped before the last."""

    frames: int
    dreamed: int
    stopped: bool


def dream_in_turn(film: Film, journal: Journal, kept: Set[int], listener: Listener) -> Outcome:
    """Dream one frame after another, in this process."""
    finished, dreamed = set(kept), 0
    listener.progress(Progress("dream", len(finished), film.total))

    def keep(dreamt: Dreamt) -> None:
        journal.keep(dreamt.index, dreamt.dreamed, dreamt.state, begins_shot=dreamt.begins_shot)

    dreams = film.dreams(journal, kept)
    try:
        with writebehind(keep, BEHIND) as behind:
            while not listener.stop():
                dreamt = next(dreams, None)
                if dreamt is None:
                    return Outcome(len(finished), dreamed, stopped=False)
                behind.put(dreamt)
                finished.add(dreamt.index)
                dreamed += 1
                listener.progress(Progress("dream", len(finished), film.total, dreamt.objective or None))
            return Outcome(len(finished), dreamed, stopped=True)
    finally:
        dreams.close()  # pyright: ignore[reportAttributeAccessIssue] - they are generators


def render_film(job: Job, film: Film, journal: Journal, notes: Notes, begun: float) -> Report:
    """Dream every frame of ``film`` into ``journal`` and join them to ``job.output``; the journal goes then.

    ``begun``: when the render began, of ``time.monotonic``.
    """
    return render_reel(
        job, film, journal, notes, begun, lambda kept: dream_in_turn(film, journal, kept, notes.listener)
    )


def render_reel(
    job: Job, reel: Reel[Kept_co], journal: Journal, notes: Notes, begun: float, dreaming: Callable[[Kept_co], Outcome]
) -> Report:
    """``render_film`` for what is dreamed elsewhere: ``dreaming`` does what is not kept yet."""
    notes.add(reel.warnings())
    try:
        kept = _open(job, journal, reel, notes)
    except Stopped:
        return stopped_early(job, journal, notes, begun)
    with keeping(journal):
        outcome = dreaming(kept)
        stopped = outcome.stopped
        notes.add(reel.warnings())
        if not stopped:
            try:
                _join(job, reel.source, reel.finished(journal, outcome.frames), notes)
            except Stopped:
                stopped = True
    spare = journal.spare(reel.asks_for)
    if spare and not stopped:
        notes.add([f"{journal.folder} keeps {spare} frames more, for the whole: go on with --resume"])
    keep = stopped or job.keep or spare > 0
    if not keep:
        flush_to_disk(job.output)
        journal.discard()
    return Report(
        output=job.output,
        frames=outcome.frames,
        dreamed=outcome.dreamed,
        shots=reel.shots,
        seconds=time.monotonic() - begun,
        interrupted=stopped,
        work=journal.folder if keep else None,
        notes=notes.all,
    )


def _open(job: Job, journal: Journal, reel: Reel[Kept_co], notes: Notes) -> Kept_co:
    """Go on with the journal, or begin it; the frames that are finished. Raises ``Stopped``."""
    config = job.config.model_dump(mode="json", exclude={"output"})
    manifest = {"version": __version__, "config": config, **reel.manifest()}
    goes_on = journal.exists() and (job.resume or journal.is_of(manifest))
    if goes_on:
        journal.go_on(manifest)
    else:
        _begin(job, journal, manifest, notes)
    kept = reel.kept(journal, lambda done, total: _tick(notes.listener, Progress("check", done, total)))
    if goes_on:
        notes.add([f"resuming after {len(kept)} finished frame{'s' * (len(kept) != 1)}"])
    return kept


def _begin(job: Job, journal: Journal, manifest: dict[str, Any], notes: Notes) -> None:
    if job.resume:
        notes.add([f"there is nothing to resume in {journal.folder}; rendering from the start"])
    if journal.exists():
        notes.add([f"{journal.folder} was made of something else; starting afresh"])
    journal.begin(manifest)


def _tick(listener: Listener, progress: Progress) -> None:
    listener.progress(progress)
    if listener.stop():
        raise Stopped


def _join(job: Job, source: Source, result: Result, notes: Notes) -> None:
    """Encode ``result`` with its sound into the output. Raises ``Stopped`` if a stop is asked for."""
    remove_stale(job.output)
    spec = ClipSpec(
        rate=result.rate,
        colors=source.colors,
        sample_aspect=source.sample_aspect,
        sound=result.sound,
        crf=job.config.output.crf,
        metadata=to_toml(job.config),
        gif=GifSpec(colors=job.config.output.gif_colors),
        numbers=result.numbers,
    )
    notes.add(
        write_clip(
            job.output,
            result.frames,
            result.count,
            spec,
            overwrite=job.overwrite,
            on_frame=_counter(notes.listener, "encode", result.count),
            on_verified=_counter(notes.listener, "verify", result.count),
        )
    )


def _counter(listener: Listener, stage: Literal["encode", "verify"], total: int) -> Callable[[], None]:
    """Tells of one frame more at each call, and raises ``Stopped`` if a stop is asked for."""
    numbers = count(1)
    return lambda: _tick(listener, Progress(stage, next(numbers), total))
