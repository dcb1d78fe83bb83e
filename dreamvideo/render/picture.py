"""One picture, read, dreamed and written: ``image``, and what ``noise`` and the sheets share with it."""

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dreamvideo.config import Config, to_toml
from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.files import remove_stale
from dreamvideo.media.grade import grade, is_neutral
from dreamvideo.media.sheet import side_by_side
from dreamvideo.media.sink import OutputKind, check_output
from dreamvideo.media.source import Source
from dreamvideo.media.still import can_embed, write_image
from dreamvideo.motion.carry import Seen
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.listening import plan_timeline, track_of
from dreamvideo.render.recurrence import Dreamt, Recurrence
from dreamvideo.render.start import Notes, check_job, load_dreamer, open_input
from dreamvideo.render.timeline import Timeline, schedules

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer


NOTHING = 1 / 65535  # the smallest difference that a 16-bit picture shows


def check_picture(output: str, *, overwrite: bool) -> None:
    """Refuse an output that is no picture (``ConfigError``), or that exists or can't be written (``OutputError``)."""
    if not output:
        raise OutputError("the output has no name")
    if check_output(output, overwrite=overwrite) is not OutputKind.STILL:
        raise ConfigError(f"{output} is not a picture; give it an extension such as .png")


def check_photo(job: Job, source: Source) -> None:
    """``check_picture``, and refuse an input that is no single picture, or the output's own file."""
    if not source.still:
        raise ConfigError(f"{job.input} is not a single picture; take one frame out of it first")
    check_picture(job.output, overwrite=job.overwrite)
    check_job(job, source)


def render_image(job: Job, listener: Listener, *, before_after: bool = False) -> Report:
    """Dream one picture as a shot's first frame would be; with ``before_after`` it is put to the right of the input."""
    begun, notes = time.monotonic(), Notes(listener)
    with open_input(job) as source:
        if not source.still:
            raise ConfigError(f"{job.input} is not a single picture; use `dreamvideo render` for clips and folders")
        if check_job(job, source) is not OutputKind.STILL:
            raise ConfigError(f"{job.output} is not a picture; give it an extension such as .png, or use `render`")
        notes.add(source.warnings)
        return render_still(job, source, notes, begun, before_after=before_after)


def render_still(job: Job, source: Source, notes: Notes, begun: float, *, before_after: bool = False) -> Report:
    """Dream a still that has been opened and checked, and write it."""
    dreamer = load_dreamer(job.config)
    frame = next(source.frames())
    notes.listener.progress(Progress("dream", 0, 1))
    dreamt = dream_still(job.config, dreamer, source, frame, notes)
    notes.listener.progress(Progress("dream", 1, 1, dreamt.objective))
    write_picture(job.output, side_by_side(frame, dreamt.dreamed) if before_after else dreamt.dreamed, job.config)
    return Report(job.output, frames=1, dreamed=1, shots=1, seconds=time.monotonic() - begun, notes=notes.all)


def dream_still(config: Config, dreamer: "Dreamer", source: Source, frame: np.ndarray, notes: Notes) -> Dreamt:
    """Dream ``frame``, the only one of ``source``."""
    with Companions(dreamer.pictures, source, start=config.input.start) as companions:
        timeline = plan_still(config, dreamer, source, companions, notes)
        dreamt = Recurrence(timeline, dreamer, single=True).next(Seen(0, frame), companions.at(0))
        notes.add(companions.warnings)
    return replace(dreamt, dreamed=finish_still(frame, dreamt.dreamed, timeline.at(0), notes))


def plan_still(config: Config, dreamer: "Dreamer", source: Source, companions: Companions, notes: Notes) -> Timeline:
    """The timeline of a still, with notes on what can't be done as asked."""
    notes.add(dreamer.notes(source.height, source.width))
    notes.add(companions.notes(dreamer.objective.masks, source))
    sound = track_of(config)
    if sound is None and any(each.schedule.hears for each in schedules(config)):
        notes.add(["a picture has no sound: its schedules hear silence"])
    return plan_timeline(config, source, sound, silent=True).timeline


def finish_still(frame: np.ndarray, dreamed: np.ndarray, config: Config, notes: Notes) -> np.ndarray:
    """``dreamed`` in the colours of ``config``, with a note where it is still ``frame``."""
    if not is_neutral(config.color):
        dreamed = grade(frame, dreamed, config.color)
    if config.dream.strength and np.abs(dreamed - frame).max() < NOTHING:
        notes.add(["nothing was dreamed: the objective finds nothing here that could be raised"])
    return dreamed


def write_picture(output: str, frame: np.ndarray, config: Config) -> None:
    """Write a frame with the settings that made it, where the kind of file can hold them. Raises ``OutputError``."""
    remove_stale(output)
    write_image(output, frame, metadata=to_toml(config) if can_embed(output) else None)
