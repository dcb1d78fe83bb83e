"""What schedules know of a render before it begins: its length, its cuts and its sound."""

from dataclasses import dataclass, replace

import numpy as np

from dreamvideo.config import Config
from dreamvideo.media.music import Music, listen
from dreamvideo.media.sound import Sound
from dreamvideo.media.source import Source
from dreamvideo.media.track import open_track
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.render.job import Listener, Progress, Stopped
from dreamvideo.render.timeline import Timeline, schedules
from dreamvideo.schedule import Clock


@dataclass(frozen=True)
class Heard:
    """A render's sound and what its schedules make of it. ``music`` is None where none of them listens.

    ``scouted`` says that the clock's length and cuts are the input's own, and not what its header announces.
    """

    timeline: Timeline
    sound: Sound | None
    music: Music | None = None
    scouted: bool = False


def plan_timeline(
    config: Config,
    source: Source,
    sound: Sound | None,
    listener: Listener | None = None,
    *,
    scout: bool = False,
    silent: bool = False,
) -> Heard:
    """Work out every schedule of ``config`` over ``source`` and ``sound``, looked at as far as they ask for.

    ``scout``: look for the cuts in any case. ``silent``: where there is no sound, schedules hear nothing instead of
    being refused. Raises ``ConfigError`` for a schedule that can't be followed, ``InputError`` for a sound that can't
    be read, and ``Stopped`` if ``listener`` asks for a stop while the input is looked at.
    """
    moving = [each.schedule for each in schedules(config)]
    unsure = bool(moving) and (source.frame_count is None or any(schedule.needs_scouting for schedule in moving))
    scouted = (scout or unsure) and not source.one_shot
    count, cuts = look_ahead(config, source, listener or Listener()) if scouted else (source.frame_count or 1, (0,))
    return replace(work_out(config, Clock(count, source.rate, cuts=cuts), sound, silent=silent), scouted=scouted)


def work_out(config: Config, clock: Clock, sound: Sound | None, *, silent: bool = False) -> Heard:
    """Every schedule of ``config`` over ``clock``, whose length, rate and cuts are known; as ``plan_timeline``."""
    clock = replace(clock, seed=config.seed, beats_per_bar=config.audio.beats_per_bar)
    music = None
    if any(each.schedule.hears for each in schedules(config)):
        music = None if sound is None else hear(config, sound, clock)
        clock = with_music(clock, music, silent=silent)
    return Heard(Timeline(config, clock), sound, music)


def track_of(config: Config) -> Sound | None:
    """The track that the config names, None where it names none; it runs along with the input from its beginning."""
    track = config.audio.track
    return None if track is None else open_track(track, start=config.input.start or 0.0)


def look_ahead(config: Config, source: Source, listener: Listener) -> tuple[int, tuple[int, ...]]:
    """How many frames there are, and at which each shot begins: the whole input is decoded once."""
    begins = []
    for _, begins_shot in in_shots(source.frames(), CutFinder(config.shots, source.rate)):
        begins.append(begins_shot)
        listener.progress(Progress("look", len(begins), source.frame_count))
        if listener.stop():
            raise Stopped
    return max(1, len(begins)), tuple(np.flatnonzero(begins).tolist()) or (0,)


def hear(config: Config, sound: Sound, clock: Clock) -> Music:
    """What is heard at each frame of ``clock``."""
    audio = config.audio
    return listen(sound, rate=clock.rate, count=clock.count, offset=audio.offset, beats_per_bar=audio.beats_per_bar)


def with_music(clock: Clock, music: Music | None, *, silent: bool = False) -> Clock:
    """``clock`` with what is heard; without music it stays deaf, or hears silence if ``silent``."""
    if music is not None:
        return replace(clock, feature=music.feature, beats=music.beats, first_bar=music.first_bar)
    if silent:
        nothing = np.zeros(clock.count)
        return replace(clock, feature=lambda *_: nothing, beats=np.array([0.0, 1.0]))
    return clock
