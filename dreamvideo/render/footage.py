"""Footage: the frames of a clip that are asked for, as the camera shows them, and what the dreamed ones become."""

import math
import sys
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import islice
from operator import attrgetter

import numpy as np

from dreamvideo.config import Config
from dreamvideo.media.grade import grade, is_neutral
from dreamvideo.media.sound import Sound
from dreamvideo.media.source import Source
from dreamvideo.motion.camera import UNMOVED, Path, Pyramid, plan_path
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.render.chunks import Chunk, faded
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import Heard, plan_timeline, track_of
from dreamvideo.render.pipeline import Result
from dreamvideo.render.selection import gathered, lies_in, needed, spacing
from dreamvideo.render.start import open_input
from dreamvideo.render.timeline import Timeline

FURTHEST_READ = 250  # frames of a gap that is read through; a further one is jumped over
UNEVEN = "the frames asked for are not evenly spaced: they run at the input's rate, without its sound"


def hear_clip(job: Job, source: Source, listener: Listener) -> Heard:
    """Work out a clip's schedules; its cuts are looked for first where that has to be known. Raises ``Stopped``."""
    sound = track_of(job.config) or source.sound
    scout = camera_moves(job.config) or job.frames is not None or job.cluster is not None
    return plan_timeline(job.config, source, sound, listener, scout=scout)


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
    return Part(needed(shown, clock.cuts, carries=timeline.carries), shown)


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


@contextmanager
def film_footage(job: Job, source: Source, heard: Heard) -> Iterator["Footage"]:
    """The footage of ``job``, whose input is opened once more where the camera comes close."""
    path = camera_path(heard.timeline, source) if camera_moves(job.config) else None
    with _filmed(job, source, path) as filmed:
        yield Footage(job.config, source, Shooting(filmed, path), heard, part_of(job, heard.timeline))


@dataclass(frozen=True)
class Footage:
    """The frames of ``source`` that ``part`` asks for; ``chunks`` are those that other machines dream, if any."""

    config: Config
    source: Source
    shooting: Shooting
    heard: Heard
    part: Part
    chunks: Sequence[Chunk] = ()

    @property
    def timeline(self) -> Timeline:
        return self.heard.timeline

    @property
    def total(self) -> int | None:
        """How many frames are to be dreamed; None if unknown."""
        known = self.timeline.clock.count if self.heard.scouted else self.shooting.filmed.frame_count
        asked = sum(len(stretch) for stretch in self.part.stretches)
        return asked if asked < sys.maxsize and (known is None or asked < known) else known

    def asks_for(self, index: int) -> bool:
        """Whether a frame is to be dreamed."""
        return lies_in(self.part.stretches, index)

    def with_shots_begun(self) -> "Footage":
        """With the first frame of each shot of which anything is dreamed: some objectives depend on it."""
        cuts = self.timeline.clock.cuts
        begins = [cuts[bisect_right(cuts, stretch.start) - 1] for stretch in self.part.stretches]
        firsts = [range(begin, begin + 1) for begin in sorted(set(begins))]
        stretches = gathered(sorted([*firsts, *self.part.stretches], key=attrgetter("start", "stop")), 0)
        return replace(self, part=replace(self.part, stretches=stretches))

    @property
    def warnings(self) -> list[str]:
        """Sentences for the user, as far as they are known."""
        uneven = self.part.shown is not None and spacing(self.part.shown) is None
        return [*self.shooting.filmed.warnings, *[UNEVEN] * uneven]

    def read(self, stretches: Sequence[range]) -> Iterator[tuple[int, np.ndarray, bool, bool]]:
        """Input frames through the camera: number, frame, whether it begins a shot, and whether it follows another.

        Cuts are found as they were filmed.
        """
        filmed = self.shooting.filmed
        if not (self.heard.scouted or self.source.one_shot):
            finder = CutFinder(self.config.shots, self.source.rate)
            frames = islice(filmed.frames(), stretches[-1].stop)
            for index, (frame, begins_shot) in enumerate(in_shots(frames, finder)):
                yield index, self._seen(frame, index), begins_shot, not begins_shot
            return
        cuts, firsts = frozenset(self.timeline.clock.cuts), {stretch.start for stretch in stretches}
        for reading in gathered(stretches, FURTHEST_READ):
            for index, frame in zip(reading, filmed.frames(reading.start), strict=False):
                if lies_in(stretches, index):
                    begins_shot = index in cuts
                    yield index, self._seen(frame, index), begins_shot, not (begins_shot or index in firsts)

    def _seen(self, frame: np.ndarray, index: int) -> np.ndarray:
        return self.shooting.seen(frame, index, self.source.width, self.source.height)

    def finished(self, journal: Journal, count: int) -> Result:
        """The kept frames: chunks faded into each other, and graded beside their inputs where the config asks for it.

        Frames that aren't evenly spaced have no sound.
        """
        shown = self.part.shown
        numbers = range(count) if shown is None else shown
        step, sound = spacing(numbers), self.heard.sound
        if sound is not None and shown is not None:
            sound = part_of_sound(sound, numbers, self.source.rate) if step else None
        alone = not self._grades and not any(chunk.fades for chunk in self.chunks)
        return Result(
            len(numbers),
            lambda: journal.frames(numbers) if alone else self._made_up(journal, numbers),
            self.source.rate / (step or 1),
            sound,
            shown,
        )

    @property
    def _grades(self) -> bool:
        return not is_neutral(self.config.color) or any(key.startswith("color.") for key in self.config.moving)

    def _made_up(self, journal: Journal, numbers: Sequence[int]) -> Iterator[np.ndarray]:
        fading = {index: chunk for chunk in self.chunks for index in chunk.fades}
        stretches = gathered((range(index, index + 1) for index in numbers), 0)
        for index, frame, _, _ in self.read(stretches):
            dreamed = journal.frame(index)
            if index in fading:
                dreamed = faded(frame, dreamed, journal.heads.frame(index), fading[index].weight(index))
            yield grade(frame, dreamed, self.timeline.at(index).color) if self._grades else dreamed


def part_of_sound(sound: Sound, indices: Sequence[int], rate: Fraction) -> Sound:
    """The sound that belongs to evenly spaced frames, of which ``rate`` lie in a second of the whole."""
    step = spacing(indices) or 1
    begin = sound.start + float(indices[0] / rate)
    end = sound.start + float((indices[-1] + step) / rate)
    return replace(sound, start=begin, end=end if sound.end is None else min(end, sound.end))
