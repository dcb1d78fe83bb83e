"""``zoom``: from a still and a way into it to a finished clip; what is dreamed on the way is a ``DiveFilm``."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction

import numpy as np

from dreamvideo.config import Config, Input, has_formula
from dreamvideo.errors import ConfigError
from dreamvideo.media.sink import OutputKind
from dreamvideo.media.sound import Sound
from dreamvideo.media.source import Source, open_source, scaled_size
from dreamvideo.motion.camera import Pyramid, magnification
from dreamvideo.motion.droste import Droste
from dreamvideo.render.companions import Companions
from dreamvideo.render.dive import DiveFilm, Way, dive_pace
from dreamvideo.render.footage import camera_path
from dreamvideo.render.job import Job, Listener, Plan, Report
from dreamvideo.render.listening import Heard, plan_timeline, track_of
from dreamvideo.render.loops import plan_loop
from dreamvideo.render.pipeline import open_journal, render_film
from dreamvideo.render.plan import Course, plan_course, preview_config
from dreamvideo.render.start import Notes, check_job, load_dreamer

RATE = Fraction(30)  # frames a second, unless asked for otherwise
SECONDS = 10.0  # of a dive without music
WIDEST = 1280  # pixels, unless asked for otherwise
OWN_LAYERS = {"mixed3": 1.0, "mixed6": 1.0}  # of InceptionV3: others turn to one texture on a long way


def render_zoom(job: Job, listener: Listener) -> Report:
    """Dive into the still ``job.input``, to ``job.output``; the journal lies beside it until that is whole."""
    begun, notes = time.monotonic(), Notes(listener)
    job = settled(job)
    with open_dive(job) as source:
        notes.add(source.warnings)
        with open_journal(job, source, notes) as journal:
            heard = plan_timeline(job.config, source, source.sound)
            way = plan_way(job.config, source, heard)
            dreamer = load_dreamer(job.config)
            with Companions(dreamer.pictures, source) as companions:
                notes.add(dreamer.notes(source.height, source.width))
                notes.add(companions.notes(dreamer.objective.masks, source))
                film = DiveFilm(job.config, source, source.picture, heard, way, dreamer, companions, job.first)
                return render_film(job, film, journal, notes, begun)


def plan_zoom(job: Job) -> Plan:
    """What ``render_zoom`` would do. Raises what that would before it dreams."""
    job = settled(job)
    with open_dive(job) as source:
        heard = plan_timeline(job.config, source, source.sound)
        dreamed = plan_way(job.config, source, heard).loop.dreamed
        return plan_course(job, Course(source, heard.timeline, dreamed, lambda config: dive_pace(config, source.rate)))


def preview_zoom(job: Job) -> Config:
    """The config of a quick look: the first frames of the dive, as ``preview_config`` sees them."""
    with open_dive(job) as source:
        still = replace(job, config=job.config.model_copy(update={"input": Input(width=source.width)}))
        width = preview_config(still)
    return width.model_copy(update={"input": job.config.input.model_copy(update={"width": width.input.width})})


def settled(job: Job) -> Job:
    """``job`` with the layers that a dive goes through where the person named none."""
    dream = job.config.dream
    if dream.layers or has_formula(dream.objective) or dream.network != "inceptionv3":
        return job
    layers = dream.model_copy(update={"layers": OWN_LAYERS})
    return replace(job, config=job.config.model_copy(update={"dream": layers}))


def length(config: Config, sound: Sound | None) -> tuple[Fraction, int]:
    """Frames a second of a dive, and how many there are: as many as it takes, else as the music lasts."""
    rate = Fraction(config.input.fps) if config.input.fps else RATE
    seconds = config.zoom.seconds or (SECONDS if sound is None else sound.seconds) or SECONDS
    return rate, max(1, round(seconds * rate))


class DiveSource(Source):
    """A still as a dive sees it: size, rate and length are the result's, ``picture`` is the still at its full size."""

    one_shot = True

    def __init__(self, still: Source, config: Config, sound: Sound | None) -> None:
        width = config.input.width or min(still.width, WIDEST)
        size = scaled_size(still.name, still.width, still.height, width, config.input.max_pixels)
        self.width, self.height = (side + side % 2 for side in size)
        self.full_width = still.full_width
        self.name, self.colors = still.name, still.colors
        self.rate, self.frame_count = length(config, sound)
        self.warnings = list(still.warnings)
        self.picture = next(still.frames())
        self._still, self._sound = still, sound

    @property
    def sound(self) -> Sound | None:
        return self._sound

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        if first == 0:
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
    with ExitStack() as stack:
        still = stack.enter_context(open_source(job.input, max_pixels=given.max_pixels))
        if not still.still:
            raise ConfigError(
                f"{job.input} is not a single picture; `dreamvideo render` moves the camera over a clip, "
                "with camera.zoom"
            )
        if check_job(job, still) is OutputKind.STILL:
            raise ConfigError(f"{job.output} is a picture, and a dive is a clip; name it .mp4, .gif or a folder")
        source = DiveSource(still, job.config, track_of(job.config))
        stack.pop_all()
        return source


def plan_way(config: Config, source: Source, heard: Heard) -> Way:
    """The camera's way through all frames that have to be dreamed, and one more. Raises ``ConfigError``."""
    count = heard.timeline.clock.count
    loop = plan_loop(config.zoom.loop, count, config.zoom.fade, float(source.rate))
    frames = np.arange(loop.dreamed + 1) % count
    path = camera_path(heard.timeline, source, frames)
    if loop.kind == "droste" and magnification(path.places[-1]) > 1:
        loop, path = replace(loop, backwards=True), path.reversed()
    droste = Droste(path, source.width, source.height) if loop.kind == "droste" else None
    return Way(loop, path, droste)
