"""A dive into a still, as a film: each frame is the dreamed frame before it through the camera, dreamed again."""

import time
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo.config import Color, Config, Input, has_formula
from dreamvideo.errors import ConfigError
from dreamvideo.media.grade import grade, is_neutral, statistics
from dreamvideo.media.sink import OutputKind
from dreamvideo.media.sound import Sound
from dreamvideo.media.source import Source, file_identity, open_source, scaled_size
from dreamvideo.media.still import quantize16
from dreamvideo.motion.camera import Path, Pyramid, inside, magnification, plan_path, sample, stays_inside
from dreamvideo.motion.carry import AGE_STEPS, OLDEST, Pace, State, catch_up, still_pace
from dreamvideo.motion.droste import Droste
from dreamvideo.motion.hold import hold_sharpness, sharpness
from dreamvideo.render.clip import CAMERA
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Plan, Report
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import Heard, plan_timeline, track_of
from dreamvideo.render.loops import Loop, plan_loop
from dreamvideo.render.pipeline import Result, find_journal, render_film
from dreamvideo.render.plan import PREVIEW_FRAMES, Course, plan_course, preview_config
from dreamvideo.render.recurrence import Dreamt
from dreamvideo.render.start import Notes, check_job, load_dreamer

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer
    from dreamvideo.dream.sight import Prepared

RATE = Fraction(30)  # frames a second, unless asked for otherwise
SECONDS = 10.0  # of a dive without music
WIDEST = 1280  # pixels, unless asked for otherwise
PACE_RATE = 25.0  # frames a second of the clip that is dreamed as much in a second as a dive, whatever its own rate
OWN_LAYERS = {"mixed3": 1.0, "mixed6": 1.0}  # of InceptionV3: others turn to one texture on a long way
SHOWN_DETAIL = 2.0  # magnification of the still beyond which it has no detail of its own to give


def render_zoom(job: Job, listener: Listener) -> Report:
    """Dive into the still ``job.input``, to ``job.output``; the journal lies beside it until that is whole."""
    begun, notes = time.monotonic(), Notes(listener)
    job = settled(job)
    with open_dive(job) as source:
        notes.add(source.warnings)
        journal = find_journal(job)
        heard = plan_timeline(job.config, source, source.sound)
        plan = plan_dive(job.config, source, heard)
        dreamer = load_dreamer(job.config)
        with Companions(dreamer.pictures, source) as companions:
            notes.add(dreamer.notes(source.height, source.width))
            notes.add(companions.notes(dreamer.objective.masks, source))
            film = DiveFilm(job.config, source, heard, plan, dreamer, companions)
            return render_film(job, film, journal, notes, begun)


def plan_zoom(job: Job) -> Plan:
    """What ``render_zoom`` would do. Raises what that would before it dreams."""
    job = settled(job)
    with open_dive(job) as source:
        heard = plan_timeline(job.config, source, source.sound)
        dreamed = plan_dive(job.config, source, heard).loop.dreamed
        return plan_course(job, Course(source, heard.timeline, dreamed, lambda config: _pace(config, source.rate)))


def preview_zoom(job: Job) -> Config:
    """The config of a quick look: the first frames of the dive, as ``preview_config`` sees them."""
    with open_dive(job) as source:
        still = replace(job, config=job.config.model_copy(update={"input": Input(width=source.width)}))
        config = preview_config(still)
        seconds = min(source.frame_count or 1, PREVIEW_FRAMES) / float(source.rate)
    return config.model_copy(
        update={
            "input": job.config.input.model_copy(update={"width": config.input.width}),
            "zoom": job.config.zoom.model_copy(update={"seconds": seconds, "loop": "none"}),
        }
    )


def settled(job: Job) -> Job:
    """``job`` with the layers that a dive goes through where the person named none."""
    dream = job.config.dream
    if dream.layers or has_formula(dream.objective) or dream.network != "inceptionv3":
        return job
    layers = dream.model_copy(update={"layers": OWN_LAYERS})
    return replace(job, config=job.config.model_copy(update={"dream": layers}))


class DiveSource(Source):
    """A still as a dive sees it: size, rate and length are the result's, ``picture`` is the still at its full size."""

    one_shot = True

    def __init__(self, still: Source, config: Config, sound: Sound | None) -> None:
        width = config.input.width or min(still.width, WIDEST)
        size = scaled_size(still.name, still.width, still.height, width, config.input.max_pixels)
        self.width, self.height = (side + side % 2 for side in size)
        self.name, self.colors = still.name, still.colors
        self.rate = Fraction(config.input.fps) if config.input.fps else RATE
        seconds = config.zoom.seconds or (SECONDS if sound is None else sound.seconds) or SECONDS
        self.frame_count = max(1, round(seconds * self.rate))
        self.warnings = list(still.warnings)
        self.picture = next(still.frames())
        self._still, self._sound = still, sound

    @property
    def sound(self) -> Sound | None:
        return self._sound

    def frames(self) -> Iterator[np.ndarray]:
        yield np.clip(Pyramid(self.picture).seen(np.eye(3), self.width, self.height), 0, 1)

    def identity(self) -> dict[str, str | int]:
        return self._still.identity()

    def close(self) -> None:
        self._still.close()


def open_dive(job: Job) -> DiveSource:
    """The job's still. Raises ``ConfigError`` for an input that is none, or an output that can't show a dive."""
    given = job.config.input
    if given.start is not None or given.end is not None or given.frames != 1:
        raise ConfigError("a still has no time to cut; set the length of a dive by zoom.seconds")
    still = open_source(job.input, max_pixels=given.max_pixels)
    if not still.still:
        still.close()
        raise ConfigError(
            f"{job.input} is not a single picture; `dreamvideo render` moves the camera over a clip, with camera.zoom"
        )
    if check_job(job, still) is OutputKind.STILL:
        raise ConfigError(f"{job.output} is a picture, and a dive is a clip; name it .mp4, .gif or a folder")
    return DiveSource(still, job.config, track_of(job.config))


class DivePlan:
    """The way of a dive and how it closes. Raises ``ConfigError`` for a loop that can't close."""

    def __init__(self, loop: Loop, path: Path, width: int, height: int) -> None:
        if loop.kind == "droste" and magnification(path.places[-1]) > 1:
            loop, path = replace(loop, backwards=True), path.reversed()
        self.loop, self.path = loop, path
        self.droste = Droste(path, width, height) if loop.kind == "droste" else None


def plan_dive(config: Config, source: Source, heard: Heard) -> DivePlan:
    """The way of the camera through all frames that have to be dreamed, and one more."""
    count = heard.timeline.clock.count
    loop = plan_loop(config.zoom.loop, count, config.zoom.fade, float(source.rate))
    frames = np.arange(loop.dreamed + 1) % count
    settings = {name: heard.timeline.values(f"camera.{name}")[frames] for name in CAMERA}
    return DivePlan(loop, plan_path(settings, source.rate, source.width, source.height), source.width, source.height)


class DiveFilm:
    """The frames of a dive; a ``Film``."""

    shots = 1

    def __init__(
        self,
        config: Config,
        source: "DiveSource",
        heard: Heard,
        plan: DivePlan,
        dreamer: "Dreamer",
        companions: Companions,
    ) -> None:
        self.source: Source = source
        self.sound, self.dreamer, self.companions = heard.sound, dreamer, companions
        self.with_memory = dreamer.carries_memory
        self._config, self._timeline, self._plan = config, heard.timeline, plan
        self._still, self._picture_width = Pyramid(source.picture), source.picture.shape[1]
        self._prepared: Prepared | None = None

    @property
    def total(self) -> int:
        return self._plan.loop.dreamed

    def manifest(self) -> dict[str, Any]:
        track = self._config.audio.track
        return {
            "input": self.source.identity(),
            "sound": None if track is None else file_identity(track),
            "pictures": self.companions.identity(),
            "weights": self.dreamer.network.sha256,
            "precision": self.dreamer.precision,
        }

    def warnings(self) -> list[str]:
        return [*self.source.warnings, *self.companions.warnings]

    def finished(self, journal: Journal, _count: int, /) -> Result:
        loop = self._plan.loop
        shown = [self._at(loop.when(index)).color for index in range(loop.count)]
        last = [_at_the_end(color) for color in shown]
        if all(is_neutral(color) for color in last):
            return Result(loop.count, lambda: loop.shown(journal.frame))
        return Result(
            loop.count,
            lambda: (grade(frame, frame, color) for frame, color in zip(loop.shown(journal.frame), last, strict=True)),
        )

    def dreams(self, journal: Journal, done: int) -> Iterator[Dreamt]:
        still = next(self.source.frames())
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
        base, droste = still, self._plan.droste
        state = State(base, np.zeros_like(base), np.full((*base.shape[:2], 1), OLDEST, np.float32))
        state, objective = self._ascend(state, still_pace(config.dream), 0, config)
        dreamed = grade(base, base + state.residual, _in_the_dive(config.color))
        if droste is not None:
            dreamed, covered = droste.lay(droste.within_itself(dreamed), Pyramid(dreamed), 0)
            around = replace(state, frame=dreamed, residual=np.zeros_like(dreamed))
            around, objective = self._ascend(around, _pace(config, self.source.rate), 0, config, gain=1 - covered)
            dreamed = droste.within_itself(dreamed + around.residual)
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
        gain, open_ = catch_up(age, config.carry), np.float32(1)
        if self._plan.droste is not None:
            base, covered = self._plan.droste.lay(base, self._inner, index)
            open_ = 1 - covered  # what is inside is dreamed already
            gain = open_ if gain is None else open_ * gain
        self._prepared = self.dreamer.prepare(base, pictures, begins_shot=False, before=self._prepared)
        memory = None if state.memory is None else self._through(state.memory, index)
        moved = State(base, np.zeros_like(base), age, memory, state.remembered)
        pace = _pace(config, self.source.rate)
        seen = (base, np.ones_like(age))
        state, objective = self._ascend(moved, pace, index, config, refine=True, gain=gain, before=seen)
        dreamed = grade(base, base + state.residual, _in_the_dive(config.color), self._statistics)
        dreamed = base + open_ * (dreamed - base)
        return Dreamt(index, quantize16(dreamed), state, objective)

    def _moved(self, index: int, before: np.ndarray, config: Config) -> np.ndarray:
        """The frame ``before`` through the camera, with the detail of the still that has come into sight since."""
        base = self._through(before, index)
        here, there = self._plan.path.places[index], self._plan.path.places[index - 1]
        if magnification(here) * self._picture_width / self.source.width > 1 / SHOWN_DETAIL:
            news = self._original(here) - self._through(self._original(there), index)
            base += news if stays_inside(here, self.source.width, self.source.height) else self._inside(index) * news
        held = hold_sharpness(base, self._sharpness, config.camera.hold)
        return np.clip(held, 0, 1, out=held) if held is not base else np.clip(held, 0, 1)

    def _original(self, place: np.ndarray) -> np.ndarray:
        return self._still.seen(place, self.source.width, self.source.height)

    def _through(self, values: np.ndarray, index: int) -> np.ndarray:
        """``values`` of the frame before through the camera."""
        return sample(values, self._plan.path.steps[index], self.source.width, self.source.height)

    def _inside(self, index: int) -> np.ndarray:
        """Where the still itself is in sight, and not its mirror image: ``float32 [height, width, 1]``."""
        return inside(self._plan.path.places[index], self.source.width, self.source.height)

    def _aged(self, index: int, age: np.ndarray) -> np.ndarray:
        """How long each pixel has been in sight, in frames, as the journal keeps it."""
        step = self._plan.path.steps[index]
        if age.min() == OLDEST and stays_inside(step, self.source.width, self.source.height):
            return age
        seen = inside(step, self.source.width, self.source.height)
        moved = np.clip(seen * self._through(age, index) + 1, 0, OLDEST)
        return np.round(moved * AGE_STEPS) / np.float32(AGE_STEPS)

    def _at(self, index: int) -> Config:
        return self._timeline.at(self._plan.loop.when(index))

    def _ascend(self, start: State, pace: Pace, index: int, config: Config, **more: Any) -> tuple[State, float]:
        result = self.dreamer.dream(
            start.frame,
            start.residual,
            index=index,
            steps=pace.steps,
            rate=pace.rate,
            prepared=self._prepared,
            remembered=(start.memory, start.remembered),
            settings=config.dream,
            **more,
        )
        memory, count = result.remembered
        return replace(start, residual=result.residual, memory=memory, remembered=count), result.objective


def _pace(config: Config, rate: Fraction) -> Pace:
    """The pace of a frame: what is dreamed in a second is that of a clip of ``PACE_RATE``, whatever ``rate`` is."""
    share = (1 - config.carry.strength) * config.dream.steps * PACE_RATE / float(rate)
    steps = config.carry.steps or max(1, round(share))
    return Pace(steps, config.dream.step * share / steps)


def _in_the_dive(color: Color) -> Color:
    """What of the colours goes on to the next frame; the rest is laid over the finished ones."""
    return color.model_copy(update={"saturation": 1.0, "contrast": 1.0})


def _at_the_end(color: Color) -> Color:
    """What is left to be done with finished frames."""
    return Color(saturation=color.saturation, contrast=color.contrast)
