"""What a render would do and cost, found out without rendering; and the small version of it, for a quick look."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from dreamvideo.config import Config, Dream
from dreamvideo.media.source import Source
from dreamvideo.motion.carry import Pace, carried_pace, still_pace
from dreamvideo.quality import QUALITIES, octave_count, turns
from dreamvideo.render.companions import Companions
from dreamvideo.render.footage import part_of
from dreamvideo.render.job import PREVIEW_FRAMES, Job, Plan
from dreamvideo.render.listening import plan_timeline, track_of
from dreamvideo.render.start import check_job, load_dreamer, open_input
from dreamvideo.render.timeline import Timeline

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer

PREVIEW_WIDTH = 400  # pixels
MOST_LOOKED_AT = 500  # frames whose settings the estimate of the time asks for
BASELINE_BYTES = 700_000_000  # the interpreter, TensorFlow and the network, as measured on Linux
TILE_BYTES_PER_PIXEL = 2600  # activations kept for the gradient of one tile pixel, in bfloat16, up to mixed5
FRAME_COPIES = 24  # whole frames of float32 alive at once: decoded ahead, in flight, gradients, and waiting to be kept


@dataclass(frozen=True)
class Course:
    """What a render goes through: ``frames`` to be dreamed, None if unknown, each but the first at its ``pace``."""

    source: Source
    timeline: Timeline
    frames: int | None
    pace: Callable[[Config], Pace]

    def steps(self) -> float:
        """Steps in each octave of a frame after the first: their mean, where they differ."""
        count = self.timeline.clock.count
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_LOOKED_AT)).astype(int))
        return float(np.mean([self.pace(self.timeline.at(int(index))).steps for index in chosen]))


def make_plan(job: Job, opened: Source | None = None) -> Plan:
    """The plan of ``job``, whose input may have been ``opened`` already.

    Raises what a render would for schedules and for pictures of the objective that can't be had.
    """
    with opened or open_input(job) as source:
        check_job(job, source)
        sound = track_of(job.config) or source.sound
        asked = job.frames is not None
        heard = plan_timeline(job.config, source, sound, scout=asked, silent=source.frame_count == 1)
        count = sum(map(len, part_of(job, heard.timeline).stretches)) if asked else source.frame_count
        return plan_course(job, Course(source, heard.timeline, count, carried_pace))


def plan_course(job: Job, course: Course) -> Plan:
    """The plan of ``job``. The time is an estimate from a few steps of the real network on noise of the right size."""
    source, config = course.source, course.timeline.at(0)
    dreamer = load_dreamer(job.config)
    sizes = dreamer.octave_sizes(source.height, source.width, config.dream)
    grids = [_grid(dreamer, size) for size in sizes]
    second, notes = _look(dreamer, source)
    still, carried = still_pace(config.dream), course.steps()
    alone = not course.timeline.carries
    first = second * (still.steps if alone else _whole_steps(config.dream, sizes, still.steps, carried=False))
    following = first if alone else second * carried * _whole_steps(config.dream, sizes, 1, carried=True)
    frames = course.frames if course.frames is None or job.first is None else min(course.frames, job.first)
    if course.timeline.moving:
        notes = [*notes, "settings move; the size of the octaves and the tiles is that of the first frame"]
    return Plan(
        input=job.input,
        output=job.output,
        frames=frames,
        width=source.width,
        height=source.height,
        rate=source.rate,
        network=dreamer.network.name,
        precision=dreamer.precision,
        objective=_objective_text(dreamer.settings),
        octaves=sizes,
        tiles=[down * across for down, across, _ in grids],
        first_steps=still.steps,
        carried_steps=round(carried),
        seconds_per_frame=following,
        seconds_first_frame=first,
        seconds=None if frames is None else first + following * (frames - 1),
        memory_bytes=_memory(dreamer, source, max(pixels for _, _, pixels in grids)),
        notes=[*source.warnings, *notes],
    )


def preview_config(job: Job, opened: Source | None = None) -> Config:
    """The config of a quick look: the first frames, at the size of one of the render's own coarser octaves.

    What the full render would dream at that size is dreamed, and the finer octaves are left out: the same picture with
    less detail, not another one. Where settings move, the whole time counts for them, and ``Job.first`` makes it short.
    """
    with opened or open_input(job) as source:
        dream, given, moving = job.config.dream, job.config.input, job.config.moving
        dropped = 0
        most = (
            0
            if any(key.startswith("dream.octave") for key in moving)
            else octave_count(dream) - 1 - dream.octaves_above
        )
        while dropped < most and source.width / dream.octave_scale**dropped > PREVIEW_WIDTH:
            dropped += 1
        width = max(1, round(source.width / dream.octave_scale**dropped))
        end = given.end
        if (
            not source.still
            and not moving
            and job.frames is None
            and (source.frame_count is None or source.frame_count > PREVIEW_FRAMES)
        ):
            end = float(Fraction(given.start or 0) + PREVIEW_FRAMES / source.rate)
        return job.config.model_copy(
            update={
                "dream": dream.model_copy(update={"octaves": dream.octaves - dropped}),
                "input": given.model_copy(
                    update={
                        "width": width,
                        "end": end,
                    }
                ),
            }
        )


def _objective_text(dream: Dream) -> str:
    """The objective as a formula, also where the config only names its layers."""
    if not dream.layers:
        return " + ".join(dream.formulas)
    terms = [(weight, f"{dream.objective}({layer})") for layer, weight in dream.layers.items()]
    return " + ".join(call if weight == 1 else f"{weight:g} * {call}" for weight, call in terms)


def _whole_steps(dream: Dream, sizes: list[tuple[int, int]], steps: int, *, carried: bool) -> float:
    """What ``steps`` in a frame of a clip come to in steps of all its octaves: by pixels, the mean over the turns."""
    pixels = [height * width for height, width in sizes]
    frames = [turns(dream, index, steps, carried=carried) for index in range(2 * QUALITIES[dream.quality].every)]
    dreamed = [
        sum(turn.steps * pixels[octave] for octave, turn in each.items() if octave < len(sizes)) for each in frames
    ]
    return float(np.mean(dreamed)) / sum(pixels)


def _grid(dreamer: "Dreamer", size: tuple[int, int]) -> tuple[int, int, int]:
    """Tiles down, tiles across, and pixels in each, for an octave of ``size``."""
    down, across = (axis.take.shape for axis in dreamer.tile_axes(size))
    return down[0], across[0], down[1] * across[1]


def _look(dreamer: "Dreamer", source: Source) -> tuple[float, list[str]]:
    """Seconds for one step in every octave of one frame, and what is to be noted of the dream and its pictures."""
    with Companions(dreamer.pictures, source) as companions:
        notes = dreamer.notes(source.height, source.width) + companions.notes(dreamer.objective.masks, source)
        return _seconds_per_pass(dreamer, source, companions.at(0)), notes


def _seconds_per_pass(dreamer: "Dreamer", source: Source, pictures: dict[str, np.ndarray]) -> float:
    """Timed after a first pass that traces the graph."""
    frame = np.random.default_rng(0).random((source.height, source.width, 3), np.float32)
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        prepared = dreamer.prepare(frame, pictures)
        dreamer.dream(frame, np.zeros_like(frame), index=0, steps=1, rate=0.01, prepared=prepared)
        times.append(time.perf_counter() - begun)
    return min(times[1:])


def _memory(dreamer: "Dreamer", source: Source, tile_pixels: int) -> int:
    width = 2 if dreamer.precision == "float32" else 1
    tile = tile_pixels * dreamer.settings.batch * TILE_BYTES_PER_PIXEL * width
    return BASELINE_BYTES + tile + source.width * source.height * 12 * FRAME_COPIES
