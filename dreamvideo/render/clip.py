"""A clip's film: decode ahead, find the cuts, move the camera, carry, dream.

for each frame:
    if it begins a shot: state = settle(frame)
    else:                state = dream(carry(state, flow, trust))
"""

import math
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo.config import Config
from dreamvideo.media.grade import grade, is_neutral
from dreamvideo.media.prefetch import prefetch
from dreamvideo.media.sink import OutputKind
from dreamvideo.media.source import Source
from dreamvideo.motion.camera import UNMOVED, Path, Pyramid, plan_path
from dreamvideo.motion.carry import Seen, watch
from dreamvideo.motion.shots import CutFinder, KnownCuts, in_shots
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Report, Stopped
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import Heard, plan_timeline, track_of
from dreamvideo.render.picture import render_still
from dreamvideo.render.pipeline import Result, find_journal, render_film
from dreamvideo.render.recurrence import Dreamt, Recurrence
from dreamvideo.render.start import Notes, check_job, load_dreamer, made_of, open_input
from dreamvideo.render.timeline import Timeline

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer

AHEAD = 3  # frames decoded beside the one in flight


def render_clip(job: Job, listener: Listener) -> Report:
    """Render a clip, still or folder of frames to ``job.output``; the journal lies beside it until that is whole."""
    begun, notes = time.monotonic(), Notes(listener)
    with open_input(job) as source:
        kind = check_job(job, source)
        notes.add(source.warnings)
        if source.still and kind is OutputKind.STILL:
            return render_still(job, source, notes, begun)
        journal = find_journal(job)
        sound = track_of(job.config) or source.sound
        try:
            heard = plan_timeline(job.config, source, sound, listener, scout=camera_moves(job.config))
        except Stopped:
            return Report(job.output, 0, 0, 0, time.monotonic() - begun, interrupted=True, notes=notes.all)
        path = camera_path(heard.timeline, source) if camera_moves(job.config) else None
        dreamer = load_dreamer(job.config)
        with (
            _filmed(job, source, path) as filmed,
            Companions(dreamer.pictures, source, start=job.config.input.start) as companions,
        ):
            notes.add(dreamer.notes(source.height, source.width))
            notes.add(companions.notes(dreamer.objective.masks, source))
            film = ClipFilm(job.config, source, Shooting(filmed, path), heard, dreamer, companions)
            return render_film(job, film, journal, notes, begun)


def camera_moves(config: Config) -> bool:
    """Whether the camera does anything but stand still."""
    set_so = any(getattr(config.camera, name) != plain for name, plain in UNMOVED.items())
    return set_so or any(key.removeprefix("camera.") in UNMOVED for key in config.moving)


def camera_path(timeline: Timeline, source: Source, frames: np.ndarray | None = None) -> Path:
    """The camera's way over ``frames`` (``int [n]``, by default all of them) of the size and rate of ``source``."""
    chosen = slice(None) if frames is None else frames
    settings = {name: timeline.values(f"camera.{name}")[chosen] for name in UNMOVED}
    return plan_path(settings, source.rate, source.width, source.height, source.sample_aspect)


def _filmed(job: Job, source: Source, path: Path | None) -> AbstractContextManager[Source]:
    """The input as large as the camera needs it where it comes closest, but no larger than it is."""
    width = source.width if path is None else min(source.full_width, math.ceil(source.width * path.closest))
    return open_input(job, width=width) if width > source.width else nullcontext(source)


@dataclass(frozen=True)
class Shooting:
    """What is filmed, at its own size, and the way of the camera; None where it stands still."""

    filmed: Source
    path: Path | None

    def seen(self, frame: np.ndarray, index: int, width: int, height: int) -> np.ndarray:
        """Frame ``index`` through the camera; after the way's end it stands where it got to."""
        if self.path is None:
            return frame
        place = self.path.places[min(index, len(self.path.places) - 1)]
        return np.clip(Pyramid(frame).seen(place, width, height), 0, 1)


class ClipFilm:
    """The frames of ``source``, dreamed; a ``Film``."""

    def __init__(
        self,
        config: Config,
        source: Source,
        shooting: Shooting,
        heard: Heard,
        dreamer: "Dreamer",
        companions: Companions,
    ) -> None:
        self.source, self.sound, self.dreamer, self.companions = source, heard.sound, dreamer, companions
        self.timeline = heard.timeline
        self.with_memory = dreamer.carries_memory
        self.shots = 0
        self._config, self._heard, self._shooting = config, heard, shooting

    @property
    def total(self) -> int | None:
        return self.timeline.clock.count if self._heard.scouted else self._shooting.filmed.frame_count

    def manifest(self) -> dict[str, Any]:
        return made_of(self._config, self.source, self.dreamer, self.companions)

    def warnings(self) -> list[str]:
        return [*self._shooting.filmed.warnings, *self.companions.warnings]

    def dreams(self, journal: Journal, done: int) -> Iterator[Dreamt]:
        recurrence = Recurrence(self.timeline, self.dreamer)
        alone = not self.timeline.values("carry.strength").any()
        with prefetch(watch(self._frames(), first=sys.maxsize if alone else done), AHEAD) as ahead:
            for seen in ahead:
                self.shots += seen.begins_shot
                if seen.index >= done:
                    yield recurrence.next(seen, self.companions.at(seen.index))
                elif seen.begins_shot or seen.index == done - 1:
                    self._recall(recurrence, journal, seen)

    def _recall(self, recurrence: Recurrence, journal: Journal, seen: Seen) -> None:
        recurrence.recall(seen, journal.state(seen.index, seen.frame), self.companions.at(seen.index))

    def _frames(self) -> Iterator[tuple[np.ndarray, bool]]:
        """Every input frame through the camera, and whether it begins a shot: cuts are found as they were filmed."""
        finder = (
            KnownCuts(self.timeline.clock.cuts)
            if self._heard.scouted
            else CutFinder(self._config.shots, self.source.rate)
        )
        for index, (frame, begins_shot) in enumerate(in_shots(self._shooting.filmed.frames(), finder)):
            yield self._shooting.seen(frame, index, self.source.width, self.source.height), begins_shot

    def finished(self, journal: Journal, count: int) -> Result:
        """The kept frames, graded beside their inputs where the config asks for that."""
        if is_neutral(self._config.color) and not any(key.startswith("color.") for key in self._config.moving):
            return Result(count, lambda: journal.frames(count))
        return Result(count, lambda: self._graded(journal, count))

    def _graded(self, journal: Journal, count: int) -> Iterator[np.ndarray]:
        pairs = zip(self._frames(), journal.frames(count), strict=False)
        for index, ((frame, _), dreamed) in enumerate(pairs):
            yield grade(frame, dreamed, self.timeline.at(index).color)
