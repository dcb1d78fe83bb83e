"""What schedules will do, worked out without a network: the numbers behind ``chart``."""

from dataclasses import dataclass, field, replace

import numpy as np

from dreamvideo.config import Config
from dreamvideo.errors import ConfigError, DreamError
from dreamvideo.media.music import Music
from dreamvideo.media.sound import Sound
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.listening import Heard, hear, plan_timeline, track_of, work_out
from dreamvideo.render.start import open_input
from dreamvideo.render.timeline import OBJECTIVE, Moving, Timeline, schedules
from dreamvideo.render.zoom import DiveSource, length, plan_way
from dreamvideo.schedule import Clock


@dataclass(frozen=True)
class Curve:
    """A number that moves: its full name, its schedule's text, and its value at each frame, ``float64 [count]``."""

    name: str
    moving: Moving
    values: np.ndarray

    @property
    def text(self) -> str:
        """The schedule in one line."""
        return " ".join(self.moving.schedule.text.split())

    @property
    def in_formula(self) -> bool:
        return self.moving.key == OBJECTIVE


@dataclass(frozen=True)
class Outlook:
    """What a render will do: its clock, its curves, and what they listen to.

    ``listened`` are the features of the sound as the schedules name them, ``float64 [count]`` in 0..1. ``music`` is
    there whenever there is sound that can be heard.
    """

    clock: Clock
    curves: list[Curve]
    listened: dict[str, np.ndarray] = field(default_factory=dict)
    music: Music | None = None

    @property
    def seconds(self) -> float:
        return float(self.clock.count / self.clock.rate)


def look_out(
    config: Config, input_path: str | None, listener: Listener, *, timed: bool = False, waveform: bool = False
) -> Outlook:
    """Work out what ``config`` makes of the input as a render would, or of nothing but time where there is none.

    A clip is decoded once, for its cuts; a still is taken for a dive. ``timed``: a length was asked for, which a clip
    does not take. ``waveform``: hear the sound even if no schedule listens. Raises ``ConfigError`` for what can't be
    followed, ``InputError``.
    """
    if input_path is None:
        heard = _over_time(config, track_of(config))
    else:
        heard = _over(config, input_path, listener, timed=timed)
    clock, music = heard.timeline.clock, heard.music
    if waveform and music is None and heard.sound is not None:
        music = _heard_anyway(config, heard.sound, clock, listener)
    pairs = zip(heard.timeline.moving.items(), schedules(config), strict=True)
    curves = [Curve(name, moving, values) for (name, values), moving in pairs]
    return Outlook(clock, curves, _listened(config, clock), music)


def _over(config: Config, input_path: str, listener: Listener, *, timed: bool) -> Heard:
    with open_input(Job(input_path, "", config)) as source:
        if source.still and config.input.frames == 1:
            dive = DiveSource(source, config, track_of(config))
            heard = plan_timeline(config, dive, dive.sound)
            plan_way(config, dive, heard)  # which refuses loops that can't close
        elif timed:
            raise ConfigError(f"{input_path} has a length of its own; --seconds is for a still, or for no input")
        else:
            listener.note(f"looking for cuts in {input_path}")
            heard = plan_timeline(config, source, track_of(config) or source.sound, scout=True)
        for warning in source.warnings:
            listener.note(warning)
        return heard


def _over_time(config: Config, track: Sound | None) -> Heard:
    """As long as a dive would be."""
    rate, count = length(config, track)
    return work_out(config, Clock(count, rate), track)


def _heard_anyway(config: Config, sound: Sound, clock: Clock, listener: Listener) -> Music | None:
    """The music of a render that does without: what is wrong with it is worth a note only."""
    try:
        return hear(config, sound, clock)
    except DreamError as error:
        listener.note(f"the sound is not drawn: {error}")
        return None


def _listened(config: Config, clock: Clock) -> dict[str, np.ndarray]:
    """The features that the schedules ask for, by what they ask with, in the order of asking."""
    listened: dict[str, np.ndarray] = {}
    feature = clock.feature
    if feature is None:
        return listened

    def noted(name: str, attack: float | None, release: float | None) -> np.ndarray:
        swing = {"attack": attack, "release": release}
        asked = ", ".join(f"{key}={value:g}" for key, value in swing.items() if value is not None)
        values = listened[f"{name}({asked})" if asked else name] = feature(name, attack, release)
        return values

    Timeline(config, replace(clock, feature=noted))
    return listened
