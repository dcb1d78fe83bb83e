"""A dive into a still, as a film: each frame is the dreamed frame before it through the camera, dreamed again."""

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo.config import Color, Config
from dreamvideo.media.grade import grade, is_neutral, statistics
from dreamvideo.media.source import Source
from dreamvideo.media.still import quantize16
from dreamvideo.motion.camera import Path, Pyramid, dithered, inside, magnification, sampler, stays_inside
from dreamvideo.motion.carry import AGE_STEPS, OLDEST, Pace, State, catch_up, still_pace
from dreamvideo.motion.droste import Droste
from dreamvideo.motion.hold import hold_sharpness, sharpness
from dreamvideo.motion.sampling import Sampler
from dreamvideo.render.companions import Companions
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import Heard
from dreamvideo.render.loops import Loop
from dreamvideo.render.pipeline import Result
from dreamvideo.render.recurrence import Dreamt, ascend
from dreamvideo.render.start import made_of

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer
    from dreamvideo.dream.sight import Prepared

PACE_RATE = 25.0  # frames a second of the clip that is dreamed as much in a second as a dive, whatever its own rate
SHOWN_DETAIL = 2.0  # magnification of the still beyond which it has no detail of its own to give


@dataclass(frozen=True)
class Way:
    """Where a dive goes, how it closes, and where the still sits inside itself, for a droste loop."""

    loop: Loop
    path: Path
    droste: Droste | None = None


class DiveFilm:
    """The frames of a dive into ``picture``, a still at its full size, as ``source`` shows it; a ``Film``."""

    shots = 1

    def __init__(
        self,
        config: Config,
        source: Source,
        picture: np.ndarray,
        heard: Heard,
        way: Way,
        dreamer: "Dreamer",
        companions: Companions,
        first: int | None = None,
    ) -> None:
        """``first``: only so many frames from the beginning on."""
        self.source: Source = source
        self._sound, self.dreamer, self.companions = heard.sound, dreamer, companions
        self._config, self._timeline, self._way = config, heard.timeline, way
        self._first = way.loop.dreamed if first is None else first
        self._still, self._picture_width = Pyramid(picture), picture.shape[1]
        self._latest = -1, picture
        self._camera: tuple[int, Sampler | None] = -1, None
        self._prepared: Prepared | None = None

    @property
    def total(self) -> int:
        return min(self._way.loop.dreamed, self._first)

    def asks_for(self, index: int) -> bool:
        return index < self.total

    def manifest(self) -> dict[str, Any]:
        return made_of(self._config, self.source, self.dreamer, self.companions)

    def warnings(self) -> list[str]:
        return [*self.source.warnings, *self.companions.warnings]

    def finished(self, journal: Journal, count: int, /) -> Result:
        def dreamed(index: int) -> np.ndarray:
            """A kept frame, laid over the still as it lies there."""
            color, frame = _at_the_end(self._at(index).color), journal.frame(index)
            if is_neutral(color):
                return frame
            return grade(np.clip(self._original(self._way.path.places[index]), 0, 1), frame, color)

        loop = self._way.loop
        if count < loop.dreamed:  # only the first
            return Result(count, lambda: map(dreamed, range(count)), self.source.rate, self._sound)
        return Result(loop.count, lambda: loop.shown(dreamed), self.source.rate, self._sound)

    def kept(self, journal: Journal, progress: Callable[[int, int], None]) -> set[int]:
        """Each frame follows from all those before it: those behind a gap are dreamed again."""
        kept = journal.kept(with_memory=self.dreamer.carries_memory, among=self.asks_for, progress=progress)
        return set(takewhile(kept.__contains__, range(self.total)))

    def dreams(self, journal: Journal, kept: Set[int]) -> Iterator[Dreamt]:
        done = len(kept)
        still = np.clip(self._original(self._way.path.places[0]), 0, 1)
        self._prepared = self.dreamer.prepare(still, self.companions.at(0))
        if done:
            self._begin(journal.frame(0))
            before = journal.frame(done - 1)
            state = journal.state(done - 1, before)
        else:
            first = self._settle(still)
            self._begin(first.dreamed)
            yield first
            before, state = first.dreamed, first.state
        for index in range(max(1, done), self.total):
            dreamt = self._deeper(index, before, state)
            before, state = dreamt.dreamed, dreamt.state
            yield dreamt

    def _settle(self, still: np.ndarray) -> Dreamt:
        """The dive's first frame: the still, dreamed; for a droste loop with itself inside, and dreamed around that."""
        config = self._at(0)
        base, droste = still, self._way.droste
        state = State(base, np.zeros_like(base), np.full((*base.shape[:2], 1), OLDEST, np.float32))
        state, objective = self._ascend(state, still_pace(config.dream), 0, config)
        dreamed = grade(base, base + state.residual, _in_the_dive(config.color))
        if droste is not None:
            dreamed, covered = droste.lay(droste.within_itself(dreamed), Pyramid(dreamed), 0)
            around = replace(state, frame=dreamed, residual=np.zeros_like(dreamed))
            around, objective = self._ascend(around, dive_pace(config, self.source.rate), 0, config, gain=1 - covered)
            dreamed = droste.within_itself(dreamed + around.residual)
            state = replace(state, memory=around.memory, remembered=around.remembered)
        return Dreamt(0, quantize16(dreamed), state, objective)

    def _begin(self, first: np.ndarray) -> None:
        """Take the first dreamed frame for what the others are held to."""
        self._statistics, self._sharpness, self._inner = statistics(first), sharpness(first), Pyramid(first)

    def _deeper(self, index: int, before: np.ndarray, state: State) -> Dreamt:
        """Frame ``index``: the one ``before`` it through the camera, dreamed again."""
        config = self._at(index)
        pictures = self.companions.at(index)
        base = self._moved(index, before, config)
        age = self._aged(index, state.age)
        gain, open_ = catch_up(age, config.carry), None
        if self._way.droste is not None:
            base, covered = self._way.droste.lay(base, self._inner, index)
            open_ = 1 - covered  # what is inside is dreamed already
            gain = open_ if gain is None else open_ * gain
        self._prepared = self.dreamer.prepare(base, pictures, begins_shot=False, before=self._prepared)
        memory = None if state.memory is None else self._remembered(index, state.memory)
        moved = State(base, np.zeros_like(base), age, memory, state.remembered)
        pace = dive_pace(config, self.source.rate)
        seen = (base, np.ones_like(age))
        state, objective = self._ascend(moved, pace, index, config, refine=True, by_turns=True, gain=gain, before=seen)
        dreamed = grade(base, base + state.residual, _in_the_dive(config.color), self._statistics)
        if open_ is not None:
            dreamed = base + open_ * (dreamed - base)
        return Dreamt(index, quantize16(dreamed), state, objective)

    def _moved(self, index: int, before: np.ndarray, config: Config) -> np.ndarray:
        """The frame ``before`` through the camera, with the detail of the still that has come into sight since."""
        path, size = self._way.path, (self.source.width, self.source.height)
        step, here, there = path.steps[index], path.places[index], path.places[index - 1]
        detailed = magnification(here) * self._picture_width / self.source.width > 1 / SHOWN_DETAIL
        if not detailed:
            base = self._through(index).bicubic(before)
        elif stays_inside(here, *size):
            dream = before - self._original_at(index - 1, there)
            base = self._through(index).bicubic(dream)
            base += self._original_at(index, here)
        else:
            old = self._through(index).bicubic(self._original_at(index - 1, there))
            news = self._original_at(index, here) - old
            base = self._through(index).bicubic(before) + inside(here, *size) * news
        if not stays_inside(step, *size):
            border = self._beyond(here)
            if detailed:
                border += inside(here, *size) * (self._original_at(index, here) - border)
            base = border + inside(step, *size) * (base - border)
        held = hold_sharpness(base, self._sharpness, config.camera.hold)
        return np.clip(held, 0, 1, out=held) if held is not base else np.clip(held, 0, 1)

    def _beyond(self, place: np.ndarray) -> np.ndarray:
        """What a new border is dreamed out of: mirror images of the first frame, never smaller than half its size.

        The border is only a few pixels in each frame; mirroring those again and again would draw them out into lines.
        """
        smaller = 0.5 ** max(0.0, float(np.floor(np.log2(magnification(place)))))
        size = np.array([self.source.width, self.source.height])
        larger = np.diag([smaller, smaller, 1.0])
        larger[:2, 2] = (1 - smaller) * size / 2
        return self._inner.seen(larger @ place, self.source.width, self.source.height)

    def _original(self, place: np.ndarray) -> np.ndarray:
        return self._still.seen(place, self.source.width, self.source.height)

    def _original_at(self, index: int, place: np.ndarray) -> np.ndarray:
        """The still as frame ``index`` would show it; the latest is remembered for the frame after it."""
        if self._latest[0] != index:
            self._latest = index, self._original(place)
        return self._latest[1]

    def _through(self, index: int) -> Sampler:
        """The camera through which frame ``index`` sees the one before; the latest is remembered."""
        known, camera = self._camera
        if known != index or camera is None:
            width, height = self.source.width, self.source.height
            step = dithered(self._way.path.steps[index], self._config.seed, index)
            camera = sampler((height, width), step, width, height)
            self._camera = index, camera
        return camera

    def _aged(self, index: int, age: np.ndarray) -> np.ndarray:
        """How long each pixel has been in sight, in frames, as the journal keeps it."""
        step = self._way.path.steps[index]
        if age.min() == OLDEST and stays_inside(step, self.source.width, self.source.height):
            return age
        seen = inside(step, self.source.width, self.source.height)
        moved = np.clip(seen * self._through(index).bilinear(age) + 1, 0, OLDEST)
        return np.round(moved * AGE_STEPS) / np.float32(AGE_STEPS)

    def _remembered(self, index: int, memory: np.ndarray) -> np.ndarray:
        """What the ascent of the frame before remembers, through the camera; nothing at a new border."""
        step, size = self._way.path.steps[index], (self.source.width, self.source.height)
        moved = self._through(index).bilinear(memory)
        return moved if stays_inside(step, *size) else inside(step, *size) * moved

    def _at(self, index: int) -> Config:
        return self._timeline.at(self._way.loop.when(index))

    def _ascend(self, start: State, pace: Pace, index: int, config: Config, **more: Any) -> tuple[State, float]:
        return ascend(self.dreamer, start, pace, index, settings=config.dream, prepared=self._prepared, **more)


def dive_pace(config: Config, rate: Fraction) -> Pace:
    """The pace of a frame: what is dreamed in a second is that of a clip of ``PACE_RATE``, whatever ``rate`` is."""
    share = (1 - config.carry.strength) * config.dream.steps * PACE_RATE / float(rate)
    steps = config.carry.steps or max(1, round(share))
    return Pace(steps, config.dream.step * share / steps)


def _in_the_dive(color: Color) -> Color:
    """What of the colours goes on to the next frame; all else would add up, and is done with the finished ones."""
    return Color(keep=color.keep, match=color.match)


def _at_the_end(color: Color) -> Color:
    """What is left to be done with finished frames."""
    return color.model_copy(update={"keep": 0.0, "match": 0.0})
