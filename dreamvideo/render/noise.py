"""A network's own pictures: dreams on noise."""

import time
from typing import TYPE_CHECKING

import numpy as np

from dreamvideo.config import Config
from dreamvideo.errors import ConfigError
from dreamvideo.media.noise import VARIANTS, NoiseSource
from dreamvideo.media.source import Part
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.picture import check_picture, dream_still, write_picture
from dreamvideo.render.start import Notes, load_dreamer

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer

TRIED = VARIANTS // 2  # variants of the noise that are looked at before one is dreamed on


def render_noise(job: Job, size: tuple[int, int], listener: Listener) -> Report:
    """Dream on seeded noise of ``size`` (width, height); ``job.input`` is nothing but its name."""
    begun, notes = time.monotonic(), Notes(listener)
    check_picture(job.output, overwrite=job.overwrite)
    source = noise_source(job.config, size)
    dreamer = load_dreamer(job.config)
    listener.progress(Progress("dream", 0, 1))
    if source.amplitude is None:
        source.variant = choose_variant(dreamer, source)
    dreamt = dream_still(job.config, dreamer, source, next(source.frames()), notes)
    listener.progress(Progress("dream", 1, 1, dreamt.objective))
    write_picture(job.output, spread_out(dreamt.dreamed, job.config.noise.spread), job.config)
    return Report(job.output, frames=1, dreamed=1, shots=1, seconds=time.monotonic() - begun, notes=notes.all)


def spread_out(frame: np.ndarray, deviation: float | None) -> np.ndarray:
    """``frame`` with that standard deviation around mid-grey, as publications show faint dreams; None: as it is."""
    if deviation is None:
        return frame
    scale = deviation / max(float(frame.std()), 1e-4)
    return np.clip((frame - frame.mean()) * scale + 0.5, 0, 1).astype(np.float32)


def noise_source(config: Config, size: tuple[int, int]) -> NoiseSource:
    """The noise that a config asks for. Raises ``ConfigError`` and ``InputError`` where it has none of that size."""
    given = config.input
    if given.start is not None or given.end is not None:
        raise ConfigError("noise has no time to cut by input.start or input.end; leave them out")
    if given.fps is not None or given.frames != 1:
        raise ConfigError("noise is dreamed as one picture, without a rate; leave out input.fps and input.frames")
    return NoiseSource(
        *size, config.seed, Part(None, None, given.width, None, given.max_pixels), config.noise.amplitude
    )


def choose_variant(dreamer: "Dreamer", source: NoiseSource) -> int:
    """The variant of the noise with the highest objective at the coarsest octave: one that the objective can see.

    Looking at one is a step of the dream that goes nowhere.
    """
    from dreamvideo.dream.engine import resize

    size = dreamer.octave_sizes(source.height, source.width)[-1]
    with Companions(dreamer.pictures, source) as companions:
        pictures = companions.at(0)
    heights = []
    for source.variant in range(TRIED):
        frame = resize(next(source.frames()), size)
        prepared = dreamer.prepare(frame, pictures)
        start = np.zeros_like(frame)
        heights.append(dreamer.dream(frame, start, index=0, steps=1, rate=1e-9, prepared=prepared).objective)
    return int(np.argmax(heights))
