"""Many stills of one size and one config, dreamed together: each becomes what ``image`` would make of it.

But for what rounding makes of its details: see ``Dreamer.dream_several``.
"""

import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from dreamvideo.config import Config
from dreamvideo.errors import DreamError, InputError
from dreamvideo.media.sink import OutputKind, output_kind
from dreamvideo.media.source import Source
from dreamvideo.media.still import quantize16
from dreamvideo.motion.carry import still_pace
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.picture import check_photo, finish_still, plan_still, write_picture
from dreamvideo.render.start import Notes, load_dreamer, open_input

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamed, DreamFailed, Prepared


@dataclass(frozen=True)
class _Still:
    """A job's input, read."""

    job: Job
    source: Source
    frame: np.ndarray


@dataclass(frozen=True)
class _Ended:
    """How a job ended, and the objective that it reached."""

    end: Report | DreamError
    objective: float | None = None


def together(job: Job, source: Source) -> Hashable | None:
    """What ``render_stills`` wants its jobs to have in common; None where the job isn't one still to one picture.

    ``source`` is the job's input, opened. Raises ``OutputError`` for an output of no known kind.
    """
    if not source.still or output_kind(job.output) is not OutputKind.STILL:
        return None
    return job.config.model_dump_json(), source.width, source.height


def render_stills(jobs: Sequence[Job], listener: Listener) -> Iterator[Report | DreamError]:
    """Dream jobs of one ``together``, and give how each of them ended, in their order, as soon as its group is written.

    A group is what is dreamed together, and all that is in memory. One that fails leaves the others alone; what they
    all need and isn't to be had is the error of each. Asked to stop, those that were not begun are interrupted.
    ``listener`` hears every note once. Raises ``ValueError`` for jobs of different configs.
    """
    if any(job.config != jobs[0].config for job in jobs):
        raise ValueError("stills are dreamed together with one config")
    listener.progress(Progress("dream", 0, len(jobs)))
    for done, ended in enumerate(_ends(jobs, listener), start=1):
        listener.progress(Progress("dream", done, len(jobs), ended.objective))
        yield ended.end


def _ends(jobs: Sequence[Job], listener: Listener) -> Iterator[_Ended]:
    first = _first_readable(jobs)
    if not isinstance(first, Source):
        yield from map(_Ended, first)
        return
    try:
        sitting = _Sitting(jobs[0].config, first, listener)
    except DreamError as error:
        yield from (_Ended(error) for _ in jobs)
        return
    size = sitting.group_size(len(jobs))
    for begin in range(0, len(jobs), size):
        if listener.stop():
            yield from (_Ended(Report(job.output, 0, 0, 0, 0.0, interrupted=True)) for job in jobs[begin:])
            return
        yield from sitting.render(jobs[begin : begin + size])


def _first_readable(jobs: Sequence[Job]) -> Source | list[DreamError]:
    """The input of the first job that can be begun, or what is wrong with every one of them."""
    wrong: list[DreamError] = []
    for job in jobs:
        try:
            return _open(job)
        except DreamError as error:
            wrong.append(error)
    return wrong


def _open(job: Job) -> Source:
    source = open_input(job)
    check_photo(job, source)
    return source


class _Sitting:
    """What stills of one config and one size have in common, and how they are dreamed.

    ``source`` is one of them. Raises ``DreamError`` for what none of them can be dreamed without.
    """

    def __init__(self, config: Config, source: Source, listener: Listener) -> None:
        told = Notes(listener)
        self.listener = replace(listener, note=lambda sentence: told.add([sentence]))
        self.dreamer, self.size, notes = load_dreamer(config), (source.width, source.height), Notes(self.listener)
        with Companions(self.dreamer.pictures, source, start=config.input.start) as companions:
            self.now = plan_still(config, self.dreamer, source, companions, notes).at(0)
            self.pictures = companions.at(0)
            notes.add(companions.warnings)
        self.notes = notes.all
        self.prepared: Prepared | None = None

    def group_size(self, jobs: int) -> int:
        """How many of so many jobs are dreamed together: as many as may be, in groups of about one size."""
        width, height = self.size
        groups = -(-jobs // self.dreamer.most_together(height, width, self.now.dream))
        return -(-jobs // groups)

    def render(self, jobs: Sequence[Job]) -> Iterator[_Ended]:
        """Read, dream and write a group."""
        begun, ends, stills = time.monotonic(), dict[int, _Ended](), dict[int, _Still]()
        for i, job in enumerate(jobs):
            try:
                stills[i] = self._read(job)
            except DreamError as error:
                ends[i] = _Ended(error)
        for i, dreamed in zip(stills, self._dream([still.frame for still in stills.values()]), strict=True):
            try:
                ends[i] = self._write(stills[i], dreamed, (time.monotonic() - begun) / len(jobs))
            except DreamError as error:
                ends[i] = _Ended(error)
        yield from (ends[i] for i in range(len(jobs)))

    def _read(self, job: Job) -> _Still:
        source = _open(job)
        if (source.width, source.height) != self.size:
            width, height = self.size
            raise InputError(
                f"{job.input} is {source.width}x{source.height}, but it was to be dreamed with stills of "
                f"{width}x{height}; dream it by itself"
            )
        return _Still(job, source, next(source.frames()))

    def _dream(self, frames: Sequence[np.ndarray]) -> "list[Dreamed | DreamFailed]":
        if not frames:
            return []
        prepared: list[Prepared] = []
        for frame in frames:
            self.prepared = self.dreamer.prepare(frame, self.pictures, before=self.prepared)
            prepared.append(self.prepared)
        dream = self.now.dream
        pace = still_pace(dream)
        return self.dreamer.dream_several(frames, steps=pace.steps, rate=pace.rate, prepared=prepared, settings=dream)

    def _write(self, still: _Still, dreamed: "Dreamed | DreamFailed", seconds: float) -> _Ended:
        if isinstance(dreamed, DreamError):
            raise dreamed
        notes = Notes(self.listener)
        notes.add([*still.source.warnings, *self.notes])
        picture = finish_still(still.frame, quantize16(still.frame + dreamed.residual), self.now, notes)
        write_picture(still.job.output, picture, still.job.config)
        report = Report(still.job.output, frames=1, dreamed=1, shots=1, seconds=seconds, notes=notes.all)
        return _Ended(report, dreamed.objective)
