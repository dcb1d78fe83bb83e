"""The loop: decode ahead, carry, dream, keep; and at the end, join the kept frames and the sound.

for each frame:
    if it begins a shot: state = settle(frame)
    else:                state = dream(carry(state, flow, trust))
    journal.keep(frame + residual)
"""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo import __version__
from dreamvideo.config import Config, to_toml
from dreamvideo.errors import ConfigError, DreamError, OutputError
from dreamvideo.media.prefetch import prefetch, writebehind
from dreamvideo.media.sink import ClipSpec, GifSpec, OutputKind, check_output, write_clip
from dreamvideo.media.source import Source, open_source
from dreamvideo.media.still import can_embed, quantize16, write_image
from dreamvideo.motion.carry import (
    OLDEST,
    Pace,
    Seen,
    State,
    carried_pace,
    carry,
    catch_up,
    fade,
    steady,
    still_pace,
    warped_dream,
    watch,
)
from dreamvideo.motion.shots import CutFinder
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.journal import Journal

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer, Prepared

AHEAD = 3  # frames decoded, or waiting to be written, beside the one in flight
SETTLING = 3  # rounds of the recurrence on a shot's first frame, after its steps, until its strength is steady


@dataclass(frozen=True)
class Dreamt:
    """A finished frame: what goes to the journal, and the state that goes on."""

    index: int
    dreamed: np.ndarray
    state: State
    objective: float


class Recurrence:
    """One render's state and how a frame changes it."""

    def __init__(self, config: Config, dreamer: "Dreamer") -> None:
        self.config, self.dreamer = config, dreamer
        self.state: State | None = None
        self.level = 0.0  # how strong the shot began: the RMS of its first residual
        self.prepared: Prepared | None = None

    def next(self, seen: Seen, pictures: Mapping[str, np.ndarray] | None = None) -> Dreamt:
        """Dream one frame, after all those before it in its shot; ``pictures`` are the objective's for this frame."""
        self._prepare(seen, pictures)
        if seen.begins_shot or self.state is None or self.config.carry.strength == 0:
            state, objective = self._settle(seen)
        else:
            pace = steady(carried_pace(self.config), self.state, self.level, self.config.carry)
            start = carry(self.state, seen, self.config.carry)
            state, objective = self._follow(start, pace, seen.index, warped_dream(self.state, seen))
        dreamed = quantize16(state.frame + state.residual)
        state = replace(state, residual=dreamed - state.frame)
        self._go_on(seen, state)
        return Dreamt(seen.index, dreamed, state, objective)

    def recall(self, seen: Seen, state: State, pictures: Mapping[str, np.ndarray] | None = None) -> None:
        """Go on from a frame that an earlier run finished in ``state``."""
        self._prepare(seen, pictures)
        self._go_on(seen, state)

    def _prepare(self, seen: Seen, pictures: Mapping[str, np.ndarray] | None) -> None:
        self.prepared = self.dreamer.prepare(seen.frame, pictures, begins_shot=seen.begins_shot, before=self.prepared)

    def _go_on(self, seen: Seen, state: State) -> None:
        self.state = state
        if seen.begins_shot:
            self.level = state.level

    def _settle(self, seen: Seen) -> tuple[State, float]:
        """Dream a shot's first frame at the strength at which the shot goes on: a still's, which the carry keeps."""
        frame = seen.frame
        pace = still_pace(self.config.dream)
        state = State(frame, np.zeros_like(frame), np.full((*frame.shape[:2], 1), OLDEST, np.float32))
        state, objective = self._ascend(state, pace, seen.index)
        rounds = SETTLING if self.config.carry.strength else 0
        for _ in range(rounds):
            start = fade(state, self.config.carry.strength)
            state, objective = self._follow(start, carried_pace(self.config), seen.index)
        return state, objective

    def _follow(
        self, start: State, pace: Pace, index: int, before: tuple[np.ndarray, np.ndarray] | None = None
    ) -> tuple[State, float]:
        return self._ascend(start, pace, index, refine=True, gain=catch_up(start.age, self.config.carry), before=before)

    def _ascend(self, start: State, pace: Pace, index: int, **more: Any) -> tuple[State, float]:
        remembered = (start.memory, start.remembered)
        result = self.dreamer.dream(
            start.frame,
            start.residual,
            index=index,
            steps=pace.steps,
            rate=pace.rate,
            prepared=self.prepared,
            remembered=remembered,
            **more,
        )
        memory, count = result.remembered
        return replace(start, residual=result.residual, memory=memory, remembered=count), result.objective


def render_clip(job: Job, listener: Listener) -> Report:
    """Render a clip, still or folder of frames to ``job.output``; the journal lies beside it until that is whole."""
    begun, notes = time.monotonic(), Notes(listener)
    with open_input(job) as source:
        kind = check_job(job, source)
        notes.add(source.warnings)
        if source.still and kind is OutputKind.STILL:
            return _render_still(job, source, notes, begun)
        journal = Journal(job.work or journal_folder(job.output))
        _refuse_unasked(job, journal)
        dreamer = load_dreamer(job.config)
        with Companions(dreamer.pictures, source) as companions:
            notes.add(dreamer.notes(source.height, source.width))
            notes.add(companions.notes(dreamer.objective.masks, source))
            manifest = _manifest(job, source, dreamer, companions)
            done = _open_journal(job, journal, manifest, notes, with_memory=dreamer.carries_memory)
            with _keeping(journal):
                count, shots, stopped = _dream(job, source, dreamer, companions, journal, done, listener)
                notes.add(companions.warnings)
        with _keeping(journal):
            notes.add(source.warnings)
            if not stopped:
                try:
                    _join(job, source, journal, count, notes)
                except Stopped:
                    stopped = True
    if not (stopped or job.keep):
        journal.discard()
    return Report(
        output=job.output,
        frames=count,
        dreamed=count - done,
        shots=shots,
        seconds=time.monotonic() - begun,
        interrupted=stopped,
        work=journal.folder if stopped or job.keep else None,
        notes=notes.all,
    )


def render_image(job: Job, listener: Listener) -> Report:
    """Dream one picture: what the first frame of a shot would be."""
    begun, notes = time.monotonic(), Notes(listener)
    with open_input(job) as source:
        if not source.still:
            raise ConfigError(f"{job.input} is not a single picture; use `dreamvideo render` for clips and folders")
        if check_job(job, source) is not OutputKind.STILL:
            raise ConfigError(f"{job.output} is not a picture; give it an extension such as .png, or use `render`")
        notes.add(source.warnings)
        return _render_still(job, source, notes, begun)


def _render_still(job: Job, source: Source, notes: "Notes", begun: float) -> Report:
    dreamer = load_dreamer(job.config)
    with Companions(dreamer.pictures, source) as companions:
        notes.add(dreamer.notes(source.height, source.width))
        notes.add(companions.notes(dreamer.objective.masks, source))
        notes.listener.progress(Progress("dream", 0, 1))
        dreamt = Recurrence(job.config, dreamer).next(Seen(0, next(source.frames())), companions.at(0))
    notes.listener.progress(Progress("dream", 1, 1, dreamt.objective))
    metadata = to_toml(job.config) if can_embed(job.output) else None
    write_image(job.output, dreamt.dreamed, metadata=metadata)
    return Report(job.output, frames=1, dreamed=1, shots=1, seconds=time.monotonic() - begun, notes=notes.all)


def load_dreamer(config: Config) -> "Dreamer":
    """The dreamer of a config. TensorFlow is imported here, seconds after a bad input has been refused."""
    from dreamvideo.dream.engine import Dreamer

    return Dreamer(config.dream, seed=config.seed)


class Notes:
    """Sentences for the user: each told once, when it is known, and kept for the report."""

    def __init__(self, listener: Listener) -> None:
        self.listener, self.all = listener, []

    def add(self, sentences: Iterable[str]) -> None:
        """Tell those that are new."""
        for sentence in sentences:
            if sentence not in self.all:
                self.all.append(sentence)
                self.listener.note(sentence)


class Stopped(Exception):
    """Raised while encoding when a stop is asked for: the frames are kept, the output isn't."""


@contextmanager
def _keeping(journal: Journal) -> Iterator[None]:
    """Tell with an error how to go on from what is finished."""
    try:
        yield
    except DreamError as error:
        sentence = str(error).rstrip(".")
        raise type(error)(f"{sentence}. What is finished is kept in {journal.folder}: go on with --resume") from error


def journal_folder(output: str) -> Path:
    """Where the journal of ``output`` lies unless the user says otherwise."""
    path = Path(output).absolute()
    return path.with_name(f"{path.name}.journal")


def open_input(job: Job) -> Source:
    """The job's input, as its config asks for it."""
    given = job.config.input
    rate = Fraction(given.fps) if given.fps else None
    return open_source(
        job.input,
        start=given.start,
        end=given.end,
        width=given.width,
        rate=rate,
        max_pixels=given.max_pixels,
        frames=given.frames,
    )


def check_job(job: Job, source: Source) -> OutputKind:
    """Refuse what can't end well before anything is dreamed or written: ``OutputError`` or ``ConfigError``."""
    if not job.output:
        raise OutputError("the output has no name")
    kind = check_output(job.output, overwrite=job.overwrite)
    output = Path(job.output)
    if output.exists():
        places = [file if kind is not OutputKind.FOLDER else file.parent for file in source.files]
        if any(output.samefile(place) for place in places):
            raise OutputError(f"{job.output} is the input itself; give the dream another name")
    if kind is OutputKind.STILL and not source.still:
        raise ConfigError(f"{job.output} holds one picture, but {job.input} is a clip; name a clip or a folder")
    return kind


def _refuse_unasked(job: Job, journal: Journal) -> None:
    if journal.exists() and not job.resume and not job.overwrite:
        raise OutputError(
            f"{journal.folder} holds an unfinished render; go on with --resume, or start afresh with --overwrite"
        )


def _manifest(job: Job, source: Source, dreamer: "Dreamer", companions: Companions) -> dict[str, Any]:
    """What decides the frames: if any of it changes, they can't be gone on with."""
    return {
        "version": __version__,
        "config": job.config.model_dump(mode="json", exclude={"output"}),
        "input": source.identity(),
        "pictures": companions.identity(),
        "weights": dreamer.network.sha256,
        "precision": dreamer.precision,
    }


def _open_journal(job: Job, journal: Journal, manifest: dict[str, Any], notes: Notes, *, with_memory: bool) -> int:
    """Go on with the journal, or begin it; the number of frames that are finished."""
    if job.resume and journal.exists():
        journal.go_on(manifest)
        done = journal.finished(with_memory=with_memory)
        notes.add([f"resuming after {done} finished frame{'s' * (done != 1)}"])
        return done
    if job.resume:
        notes.add([f"there is nothing to resume in {journal.folder}; rendering from the start"])
    journal.begin(manifest)
    return 0


def _dream(
    job: Job,
    source: Source,
    dreamer: "Dreamer",
    companions: Companions,
    journal: Journal,
    done: int,
    listener: Listener,
) -> tuple[int, int, bool]:
    """Dream every frame from ``done`` on. Returns the frames finished in all, the shots seen, and if it was stopped."""
    recurrence = Recurrence(job.config, dreamer)
    finder = CutFinder(job.config.shots, source.rate)
    count, shots, total = 0, 0, source.frame_count
    first = sys.maxsize if job.config.carry.strength == 0 else done  # frames that are dreamed alone need no flow
    listener.progress(Progress("dream", done, total))

    def keep(dreamt: Dreamt) -> None:
        journal.keep(dreamt.index, dreamt.dreamed, dreamt.state)

    with (
        prefetch(watch(source.frames(), finder, first=first), AHEAD) as ahead,
        writebehind(keep, AHEAD) as behind,
    ):
        for seen in ahead:
            shots += seen.begins_shot
            if seen.index < done:
                if seen.begins_shot or seen.index == done - 1:
                    recurrence.recall(seen, journal.state(seen.index, seen.frame), companions.at(seen.index))
                count += 1
                continue
            if listener.stop():
                return count, shots, True
            dreamt = recurrence.next(seen, companions.at(seen.index))
            behind.put(dreamt)
            count += 1
            listener.progress(Progress("dream", count, total, dreamt.objective))
    return count, shots, False


def _join(job: Job, source: Source, journal: Journal, count: int, notes: Notes) -> None:
    """Encode the kept frames, with the source's sound, into the output. Raises ``Stopped`` if a stop is asked for."""
    encoded = 0

    def tick() -> None:
        nonlocal encoded
        encoded += 1
        notes.listener.progress(Progress("encode", encoded, count))
        if notes.listener.stop():
            raise Stopped

    spec = ClipSpec(
        rate=source.rate,
        colors=source.colors,
        sample_aspect=source.sample_aspect,
        sound=source.sound,
        crf=job.config.output.crf,
        metadata=to_toml(job.config),
        gif=GifSpec(colors=job.config.output.gif_colors),
    )
    notes.add(
        write_clip(job.output, lambda: journal.frames(count), count, spec, overwrite=job.overwrite, on_frame=tick)
    )
