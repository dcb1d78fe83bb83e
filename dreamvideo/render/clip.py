"""A clip's film: decode ahead, find the cuts, move the camera, carry, dream.

for each frame:
    if it begins a shot: state = settle(frame)
    else:                state = dream(carry(state, flow, trust))
"""

import time
from collections.abc import Callable, Iterator, Set
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo.errors import InputError
from dreamvideo.media.prefetch import prefetch
from dreamvideo.media.sink import OutputKind
from dreamvideo.media.source import Source
from dreamvideo.motion.carry import Seen, Shown, paired
from dreamvideo.render.companions import Companions
from dreamvideo.render.footage import Footage, film_footage, hear_clip
from dreamvideo.render.job import Job, Listener, Report, Stopped
from dreamvideo.render.journal import Journal, States
from dreamvideo.render.listening import Heard
from dreamvideo.render.picture import render_still
from dreamvideo.render.pipeline import Result, open_journal, render_film, stopped_early
from dreamvideo.render.recurrence import Dreamt, Recurrence
from dreamvideo.render.start import Notes, check_job, load_dreamer, made_of, open_input

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
        with open_journal(job, source, notes) as journal:
            try:
                heard = hear_clip(job, source, listener)
            except Stopped:
                return stopped_early(job, journal, notes, begun)
            with film_clip(job, source, heard, notes) as film:
                return render_film(job, film, journal, notes, begun)


@contextmanager
def film_clip(job: Job, source: Source, heard: Heard, notes: Notes) -> Iterator["ClipFilm"]:
    """The film of a clip, with its network loaded."""
    with film_footage(job, source, heard) as footage:
        dreamer = load_dreamer(job.config)
        with Companions(dreamer.pictures, source, start=job.config.input.start) as companions:
            notes.add(dreamer.notes(source.height, source.width))
            notes.add(companions.notes(dreamer.objective.masks, source))
            looks_at_shots = any(term.per_shot for term in dreamer.objective.terms)
            yield ClipFilm(footage.with_shots_begun() if looks_at_shots else footage, dreamer, companions)


class ClipFilm:
    """The frames of ``footage``, dreamed; a ``Film``."""

    def __init__(self, footage: Footage, dreamer: "Dreamer", companions: Companions) -> None:
        self.footage, self.source = footage, footage.source
        self.dreamer, self.companions = dreamer, companions
        self.shots = 0

    @property
    def total(self) -> int | None:
        return self.footage.total

    @property
    def with_memory(self) -> bool:
        """Whether a frame goes on with what the ascent of the one before it remembers."""
        return self.dreamer.carries_memory and self.footage.timeline.carries

    def manifest(self) -> dict[str, Any]:
        return made_of(self.footage.config, self.source, self.dreamer, self.companions)

    def asks_for(self, index: int) -> bool:
        return self.footage.asks_for(index)

    def warnings(self) -> list[str]:
        return [*self.footage.warnings, *self.companions.warnings]

    def kept(self, journal: Journal, progress: Callable[[int, int], None]) -> set[int]:
        among = self.footage.asks_for
        return journal.kept(with_memory=self.with_memory, among=among, progress=progress)

    def dreams(self, journal: States, kept: Set[int]) -> Iterator[Dreamt]:
        recurrence = Recurrence(self.footage.timeline, self.dreamer)
        passed: list[Seen] = []  # of this shot, kept: its first frame and the latest
        with prefetch(paired(self._course(kept)), AHEAD) as ahead:
            for seen in ahead:
                self.shots += seen.begins_shot
                passed = [] if seen.begins_shot else passed
                if seen.kept:
                    passed = [*(before for before in passed if before.begins_shot), seen]
                    continue
                for before in passed:
                    state = journal.state(before.index, before.frame)
                    if before is passed[-1] and self.with_memory and state.memory is None:
                        raise InputError(f"the memory of frame {before.index} is lost; go on with --resume")
                    recurrence.recall(before, state, self._pictures(before))
                passed = []
                yield recurrence.next(seen, self._pictures(seen))

    def _pictures(self, seen: Seen) -> dict[str, np.ndarray]:
        return self.companions.at(seen.index)

    def _course(self, kept: Set[int]) -> Iterator[Shown]:
        """What to dream, in order: the frames that aren't ``kept``, and those that follow from them."""
        carrying, anew = self.footage.timeline.carries, False
        for index, frame, begins_shot, follows in self.footage.read(self.footage.part.stretches):
            is_kept = index in kept and not (anew and carrying and follows)
            anew = not is_kept
            yield Shown(index, frame, begins_shot, follows and carrying and not is_kept, is_kept)

    def finished(self, journal: Journal, count: int) -> Result:
        return self.footage.finished(journal, count)
