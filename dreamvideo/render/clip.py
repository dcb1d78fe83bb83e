"""A clip's film: decode ahead, find the cuts, move the camera, carry, dream.

for each frame:
    if it begins a shot: state = settle(frame)
    else:                state = dream(carry(state, flow, trust))
"""

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo.config import Config
from dreamvideo.media.grade import grade, is_neutral
from dreamvideo.media.prefetch import prefetch
from dreamvideo.media.sink import OutputKind
from dreamvideo.media.source import Source
from dreamvideo.motion.camera import UNMOVED, Path, Pyramid, plan_path
from dreamvideo.motion.carry import Seen, Shown, paired
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Report, Stopped
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import Heard, plan_timeline, track_of
from dreamvideo.render.picture import render_still
from dreamvideo.render.pipeline import Result, open_journal, render_film
from dreamvideo.render.recurrence import Dreamt, Recurrence
from dreamvideo.render.selection import gathered, needed, part_of_sound, spacing
from dreamvideo.render.start import Notes, check_job, load_dreamer, made_of, open_input
from dreamvideo.render.timeline import Timeline

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer

AHEAD = 3  # frames decoded beside the one in flight
FURTHEST_READ = 250  # frames of a gap that is read through; a further one is jumped over


def render_clip(job: Job, listener: Listener) -> Report:
    """Render a clip, still or folder of frames to ``job.output``; the journal lies beside it until that is whole."""
    begun, notes = time.monotonic(), Notes(listener)
    with open_input(job) as source:
        kind = check_job(job, source)
        notes.add(source.warnings)
        if source.still and kind is OutputKind.STILL:
            return render_still(job, source, notes, begun)
        with open_journal(job, notes) as journal:
            try:
                heard = hear_clip(job, source, listener)
            except Stopped:
                return Report(job.output, 0, 0, 0, time.monotonic() - begun, interrupted=True, notes=notes.all)
            with film_clip(job, source, heard, notes) as film:
                return render_film(job, film, journal, notes, begun)


def hear_clip(job: Job, source: Source, listener: Listener) -> Heard:
    """Work out a clip's schedules; its cuts are looked for first where that has to be known. Raises ``Stopped``."""
    sound = track_of(job.config) or source.sound
    scout = camera_moves(job.config) or job.frames is not None
    return plan_timeline(job.config, source, sound, listener, scout=scout)


@contextmanager
def film_clip(job: Job, source: Source, heard: Heard, notes: Notes) -> Iterator["ClipFilm"]:
    """The film of a clip, with its network loaded."""
    path = camera_path(heard.timeline, source) if camera_moves(job.config) else None
    part = part_of(job, heard.timeline)
    dreamer = load_dreamer(job.config)
    with (
        _filmed(job, source, path) as filmed,
        Companions(dreamer.pictures, source, start=job.config.input.start) as companions,
    ):
        notes.add(dreamer.notes(source.height, source.width))
        notes.add(companions.notes(dreamer.objective.masks, source))
        yield ClipFilm(job.config, source, Shooting(filmed, path), heard, dreamer, companions, part)


@dataclass(frozen=True)
class Part:
    """What of a clip is dreamed, each of ``stretches`` from nothing, and which frames are shown; None for all."""

    stretches: Sequence[range]
    shown: Sequence[int] | None = None


def part_of(job: Job, timeline: Timeline) -> Part:
    """What of a clip ``job`` asks for. Raises ``ConfigError`` where that is nothing."""
    if job.frames is None:
        return Part([range(sys.maxsize if job.first is None else job.first)])
    clock = timeline.clock
    shown = job.frames.indices(clock.count)[: job.first]
    return Part(needed(shown, clock.cuts, carries=carries(timeline)), shown)


def carries(timeline: Timeline) -> bool:
    """Whether any frame follows from the one before it."""
    return bool(timeline.values("carry.strength").any())


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
        part: Part,
    ) -> None:
        self.source, self.dreamer, self.companions, self.part = source, dreamer, companions, part
        self.timeline = heard.timeline
        self.shots = 0
        self._config, self._heard, self._shooting = config, heard, shooting

    @property
    def total(self) -> int | None:
        known = self.timeline.clock.count if self._heard.scouted else self._shooting.filmed.frame_count
        asked = sum(len(stretch) for stretch in self.part.stretches)
        return asked if asked < sys.maxsize and (known is None or asked < known) else known

    def manifest(self) -> dict[str, Any]:
        return made_of(self._config, self.source, self.dreamer, self.companions)

    def warnings(self) -> list[str]:
        return [*self._shooting.filmed.warnings, *self.companions.warnings]

    def kept(self, journal: Journal, progress: Callable[[int, int], None]) -> set[int]:
        def asked(index: int) -> bool:
            return any(index in stretch for stretch in self.part.stretches)

        return journal.kept(with_memory=self.dreamer.carries_memory, among=asked, progress=progress)

    def dreams(self, journal: Journal, kept: Set[int]) -> Iterator[Dreamt]:
        recurrence = Recurrence(self.timeline, self.dreamer)
        passed: list[Seen] = []  # of this shot, kept: its first frame and the latest
        with prefetch(paired(self._course(kept)), AHEAD) as ahead:
            for seen in ahead:
                self.shots += seen.begins_shot
                passed = [] if seen.begins_shot else passed
                if seen.kept:
                    passed = [*passed[:1], seen]
                    continue
                for before in passed:
                    recurrence.recall(before, journal.state(before.index, before.frame), self._pictures(before))
                passed = []
                yield recurrence.next(seen, self._pictures(seen))

    def _pictures(self, seen: Seen) -> dict[str, np.ndarray]:
        return self.companions.at(seen.index)

    def _course(self, kept: Set[int]) -> Iterator[Shown]:
        """What to dream, in order: the frames that aren't ``kept``, and those that follow from them."""
        carrying, anew = carries(self.timeline), False
        for index, frame, begins_shot, follows in self._read(self.part.stretches):
            is_kept = index in kept and not (anew and carrying and follows)
            anew = not is_kept
            yield Shown(index, frame, begins_shot, follows and carrying and not is_kept, is_kept)

    def _read(self, stretches: Sequence[range]) -> Iterator[tuple[int, np.ndarray, bool, bool]]:
        """Input frames through the camera: number, frame, whether it begins a shot, and whether it follows another.

        Cuts are found as they were filmed.
        """
        if not self._heard.scouted:
            finder = CutFinder(self._config.shots, self.source.rate)
            frames = islice(self._shooting.filmed.frames(), stretches[-1].stop)
            for index, (frame, begins_shot) in enumerate(in_shots(frames, finder)):
                yield index, self._seen(frame, index), begins_shot, not begins_shot
            return
        cuts, firsts = frozenset(self.timeline.clock.cuts), {stretch.start for stretch in stretches}
        for reading in gathered(stretches, FURTHEST_READ):
            for index, frame in zip(reading, self._shooting.filmed.frames(reading.start), strict=False):
                if any(index in stretch for stretch in stretches):
                    begins_shot = index in cuts
                    yield index, self._seen(frame, index), begins_shot, not (begins_shot or index in firsts)

    def _seen(self, frame: np.ndarray, index: int) -> np.ndarray:
        return self._shooting.seen(frame, index, self.source.width, self.source.height)

    def finished(self, journal: Journal, count: int) -> Result:
        """The kept frames, graded beside their inputs where the config asks for that."""
        numbers = range(count) if self.part.shown is None else self.part.shown
        step = spacing(numbers)
        sound = self._heard.sound if step and self._heard.sound else None
        return Result(
            len(numbers),
            lambda: self._graded(journal, numbers) if self._grades else journal.frames(numbers),
            self.source.rate / (step or 1),
            part_of_sound(sound, numbers, self.source.rate) if sound and self.part.shown else sound,
            self.part.shown,
        )

    @property
    def _grades(self) -> bool:
        return not is_neutral(self._config.color) or any(key.startswith("color.") for key in self._config.moving)

    def _graded(self, journal: Journal, numbers: Sequence[int]) -> Iterator[np.ndarray]:
        stretches = gathered((range(index, index + 1) for index in numbers), 0)
        for index, frame, _, _ in self._read(stretches):
            yield grade(frame, journal.frame(index), self.timeline.at(index).color)
