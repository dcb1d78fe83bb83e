"""Carrying the dream from frame to frame: the state of a render and its one recurrence.

    start = strength * trust * warp(previous residual, backward flow)

Carrying the residual leaves the footage itself untouched, and it is bounded: with a gain of ``a`` a frame a still
scene converges to ``a / (1 - strength)``. The gain is therefore ``(1 - strength)`` times what a still gets, so that a
clip is as strong as a still whatever the carry.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from dreamvideo.config import Carry, Config, Dream
from dreamvideo.motion.flow import Along, along, estimate, luma

AGE_STEPS = 16  # an age is kept in sixteenths of a frame, so that it fits a byte
OLDEST = 255 / AGE_STEPS
PRESENCE_CELL = 8  # pixels
FIRMEST = 3.0  # the power of the ratio of levels that corrects the pace
MOST_CORRECTION = 1.5


@dataclass(frozen=True)
class Seen:
    """An input frame and how it follows from the one before.

    ``frame``: ``float32 [height, width, 3]``. ``flow``: backward, ``float32 [h, w, 2]``, and ``trust``, ``float32
    [h, w, 1]``, at the flow's own size; ``None`` where a shot begins or nobody asked. ``along`` is what follows from
    both, if it has been worked out ahead. ``kept``: it is dreamed already.
    """

    index: int
    frame: np.ndarray
    begins_shot: bool = True
    flow: np.ndarray | None = None
    trust: np.ndarray | None = None
    kept: bool = False
    along: Along | None = None

    def follow(self) -> Along:
        """How to follow it from the frame before."""
        if self.along is not None:
            return self.along
        assert self.flow is not None
        assert self.trust is not None
        return along(self.flow, self.trust, self.frame.shape[:2])


@dataclass(frozen=True)
class State:
    """What goes from one frame to the next.

    ``frame`` is the input, ``residual`` the dreamed frame minus it, both ``float32 [height, width, 3]``; ``age`` says
    for how many frames each pixel has been in sight, ``float32 [height, width, 1]`` in [0, ``OLDEST``]. ``memory`` is
    what the ascent remembers of ``remembered`` steps, ``float32 [height, width, n]``, where it is carried.
    """

    frame: np.ndarray
    residual: np.ndarray
    age: np.ndarray
    memory: np.ndarray | None = None
    remembered: float = 0.0

    @property
    def level(self) -> float:
        """How strong the dream is."""
        return level(self.residual)


def level(residual: np.ndarray) -> float:
    """How strong a dream is: the RMS of its residual, ``float32 [height, width, 3]``."""
    return cv2.norm(residual) / math.sqrt(residual.size)


@dataclass(frozen=True)
class Pace:
    """Steps in each octave of a frame, and how far one goes (RMS, of the range 0 to 1).

    In the finest octave there are ``finer`` times as many, each so much shorter.
    """

    steps: int
    rate: float
    finer: int = 1


@dataclass(frozen=True)
class Shown:
    """An input frame, ``float32 [height, width, 3]``, as it comes up.

    ``follows`` asks how it follows from the one before; ``kept`` is for ``Seen``.
    """

    index: int
    frame: np.ndarray
    begins_shot: bool
    follows: bool
    kept: bool = False


def paired(shown: Iterable[Shown]) -> Iterator[Seen]:
    """Pair each frame with its flow from the one before it, where that is asked for."""
    previous: np.ndarray | None = None
    for each in shown:
        current = luma(each.frame)
        flow, trust = estimate(previous, current) if each.follows and previous is not None else (None, None)
        seen = Seen(each.index, each.frame, each.begins_shot, flow, trust, each.kept)
        yield seen if flow is None else replace(seen, along=seen.follow())
        previous = current


def watch(frames: Iterable[tuple[np.ndarray, bool]]) -> Iterator[Seen]:
    """``paired`` for frames that come with whether they begin a shot; all others follow from the one before."""
    return paired(Shown(index, *each, follows=not each[1]) for index, each in enumerate(frames))


def carry(state: State, seen: Seen, settings: Carry) -> State:
    """The state from which ``seen`` is dreamed: the previous one, moved along the flow and faded."""
    followed = seen.follow()
    move, move_unseen, trust = followed.move, followed.move_unseen, followed.trust
    age = np.round(np.clip(trust * move_unseen(state.age) + 1, 0, OLDEST) * AGE_STEPS) / np.float32(AGE_STEPS)
    memory = None if state.memory is None else trust * move_unseen(state.memory)
    if settings.mode == "frame":
        blended = settings.strength * trust * (move(state.frame + state.residual) - seen.frame)
        residual = np.clip(seen.frame + blended, 0, 1) - seen.frame
        return State(seen.frame, residual, age, memory, state.remembered)
    moved = State(seen.frame, move(state.residual), age, memory, state.remembered)
    return fade(moved, settings.strength, trust)


def warped_dream(state: State, seen: Seen) -> tuple[np.ndarray, np.ndarray]:
    """The previous dreamed frame as it would look now, and its trust: ``float32 [height, width, 3 and 1]``."""
    followed = seen.follow()
    return followed.move(state.frame + state.residual), followed.trust


def fade(state: State, strength: float, trust: np.ndarray | None = None) -> State:
    """``state`` with its residual at ``strength``, and at nothing where ``trust`` (``float32 [h, w, 1]``) is 0.

    Its mean colour fades at once: clipping shifts it a little with every step, and what is carried adds up. It is
    taken away in proportion to how much is dreamed around a pixel: nothing changes where nothing is.
    """
    residual = _mean_colour(state.residual)
    np.subtract(state.residual, residual, out=residual)
    residual *= np.float32(strength) if trust is None else np.float32(strength) * trust
    residual += state.frame
    np.clip(residual, 0, 1, out=residual)
    residual -= state.frame
    return replace(state, residual=residual)


def _mean_colour(residual: np.ndarray) -> np.ndarray:
    """A residual's mean colour, more of it where more is dreamed around: both ``float32 [height, width, 3]``."""
    height, width = residual.shape[:2]
    cells = max(1, width // PRESENCE_CELL), max(1, height // PRESENCE_CELL)
    presence = cv2.resize(np.abs(residual), cells, interpolation=cv2.INTER_AREA).mean(axis=2, keepdims=True)
    mean = np.array(cv2.mean(residual)[:3], np.float32) / (presence.mean() + np.float32(1e-12))
    return cv2.resize(presence * mean, (width, height), interpolation=cv2.INTER_LINEAR)


def still_pace(dream: Dream) -> Pace:
    """The pace of a still, and of a shot's first frame."""
    return Pace(dream.steps, dream.step)


def path(dream: Dream) -> float:
    """How far a still is moved in all, which its strength follows."""
    return dream.steps * dream.step * dream.strength


def carried_pace(config: Config) -> Pace:
    """The pace of a carried frame: as far in all as keeps the strength of a still, in as few steps as that needs."""
    share = (1 - config.carry.strength) * config.dream.steps
    steps = config.carry.steps or max(1, round(share))
    return Pace(steps, config.dream.step * share / steps)


def steady(pace: Pace, state: State, level: float, settings: Carry) -> Pace:
    """``pace``, a little faster where the dream is weaker than ``level``, at which its shot began, or slower.

    The same path makes a stronger dream where the steps agree, and they agree the more the longer a scene stands
    still. The correction is as firm as it may be without overshooting, which a weak carry soon does.
    """
    now = state.level
    if min(level, now) == 0:
        return pace
    firmness = min(FIRMEST, 0.5 * settings.strength / (1 - settings.strength))
    factor = np.clip((level / now) ** firmness, 1 / MOST_CORRECTION, MOST_CORRECTION)
    return replace(pace, rate=pace.rate * float(factor))


def careful(pace: Pace, age: np.ndarray, settings: Carry, care: float) -> Pace:
    """``pace`` with more, shorter steps in the finest octave of a frame in which much is new: 1 + ``care`` if all is.

    New is what has yet to catch up, if anything has to, and a user's own number of steps stays.

    What is old has had many steps; what moves fast is gone after a few frames and has only theirs, and there one long
    step leaves noise where several short ones leave shapes. ``age`` is ``float32 [height, width, 1]``.
    """
    youth = _youth(age, settings)
    if youth is None or settings.steps is not None:
        return pace
    wanted = 1 + care * float(youth.mean())
    return replace(pace, finer=max(1, math.floor(wanted / pace.steps + 0.5)))


def catch_up(age: np.ndarray, settings: Carry) -> np.ndarray | None:
    """How much faster each pixel dreams, by its age: ``float32 [height, width, 1]``; ``None`` where all are old enough.

    Under the recurrence a pixel dreaming ``m`` times faster has its full strength after about ``1 / ((m - 1) (1 -
    strength))`` frames; the factor falls linearly to 1 over that time.
    """
    youth = _youth(age, settings)
    return None if youth is None else 1 + (settings.catch_up - 1) * youth


def _youth(age: np.ndarray, settings: Carry) -> np.ndarray | None:
    """How far each pixel has yet to catch up, from 1 to 0: ``float32 [height, width, 1]``; ``None`` where none has."""
    if settings.catch_up == 1 or settings.strength == 0:
        return None
    span = min(1.25 / ((settings.catch_up - 1) * (1 - settings.strength)), OLDEST - 1)
    youth = np.clip(1 - (age - 1) / span, 0, 1)
    return youth if youth.any() else None
