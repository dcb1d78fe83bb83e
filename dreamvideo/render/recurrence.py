"""The recurrence of a render: how the dream of one frame follows from the one before.

if a frame begins a shot: state = settle(frame)
else:                     state = dream(carry(state, flow, trust))
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo.config import Config
from dreamvideo.media.still import quantize16
from dreamvideo.motion.carry import (
    OLDEST,
    Pace,
    Seen,
    State,
    careful,
    carried_pace,
    carry,
    catch_up,
    fade,
    path,
    steady,
    still_pace,
    warped_dream,
)
from dreamvideo.quality import QUALITIES, keeping
from dreamvideo.render.timeline import Timeline

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer, Prepared


@dataclass(frozen=True)
class Dreamt:
    """A finished frame: what goes to the journal, and the state that goes on."""

    index: int
    dreamed: np.ndarray
    state: State
    objective: float
    begins_shot: bool = False


class Recurrence:
    """One render's state and how a frame changes it."""

    def __init__(self, timeline: Timeline, dreamer: "Dreamer", *, single: bool = False) -> None:
        """``single``: the only frame is a picture for itself, which nothing goes on from."""
        self.timeline, self.dreamer, self.single = timeline, dreamer, single
        self.carries = timeline.carries and not single
        self.state: State | None = None
        self.level = 0.0  # how strong the shot began: the RMS of its first residual, for a path of 1
        self.prepared: Prepared | None = None

    def next(self, seen: Seen, pictures: Mapping[str, np.ndarray] | None = None) -> Dreamt:
        """Dream one frame, after all those before it in its shot; ``pictures`` are the objective's for this frame."""
        self._prepare(seen, pictures)
        config = self.timeline.at(seen.index)
        if seen.begins_shot or self.state is None or config.carry.strength == 0 or seen.flow is None:
            state, objective = self._settle(seen, config)
        else:
            pace = steady(carried_pace(config), self.state, self.level * path(config.dream), config.carry)
            settings = config.carry
            if settings.mode == "residual":
                strength, share = keeping(config.dream, settings.strength, seen.index)
                settings = settings.model_copy(update={"strength": strength})
                pace = replace(pace, rate=pace.rate * share)
            start = carry(self.state, seen, settings)
            before = warped_dream(self.state, seen) if self.dreamer.sees_previous else None
            pace = careful(pace, start.age, config.carry, QUALITIES[config.dream.quality].care)
            state, objective = self._follow(start, pace, seen.index, config, before=before)
        dreamed = quantize16(state.frame + state.residual)
        state = replace(state, residual=dreamed - state.frame, memory=state.memory if self.carries else None)
        self._go_on(seen, state)
        return Dreamt(seen.index, dreamed, state, objective, seen.begins_shot)

    def recall(self, seen: Seen, state: State, pictures: Mapping[str, np.ndarray] | None = None) -> None:
        """Go on from a frame that an earlier run finished in ``state``."""
        self._prepare(seen, pictures)
        self._go_on(seen, state)

    def _prepare(self, seen: Seen, pictures: Mapping[str, np.ndarray] | None) -> None:
        self.prepared = self.dreamer.prepare(seen.frame, pictures, begins_shot=seen.begins_shot, before=self.prepared)

    def _go_on(self, seen: Seen, state: State) -> None:
        self.state = state
        if seen.begins_shot:
            first = path(self.timeline.at(seen.index).dream)
            self.level = state.level / first if first else 0.0

    def _settle(self, seen: Seen, config: Config) -> tuple[State, float]:
        """Dream a shot's first frame as strongly as the shot goes on: as a still, but for what the carry drops."""
        frame = seen.frame
        state = State(frame, np.zeros_like(frame), np.full((*frame.shape[:2], 1), OLDEST, np.float32))
        goes_on = config.carry.strength > 0 and not self.single
        state, objective = self._ascend(state, still_pace(config.dream), seen.index, config, by_turns=goes_on)
        drops = goes_on and config.carry.mode == "residual"
        return fade(state, 1.0) if drops else state, objective

    def _follow(self, start: State, pace: Pace, index: int, config: Config, **more: Any) -> tuple[State, float]:
        gain = catch_up(start.age, config.carry)
        return self._ascend(start, pace, index, config, refine=True, by_turns=True, gain=gain, **more)

    def _ascend(self, start: State, pace: Pace, index: int, config: Config, **more: Any) -> tuple[State, float]:
        return ascend(self.dreamer, start, pace, index, settings=config.dream, prepared=self.prepared, **more)


def ascend(dreamer: "Dreamer", start: State, pace: Pace, index: int, **more: Any) -> tuple[State, float]:
    """``start`` dreamed at ``pace``, and the objective; ``more`` is what else ``Dreamer.dream`` takes."""
    remembered = (start.memory, start.remembered)
    result = dreamer.dream(
        start.frame,
        start.residual,
        index=index,
        steps=pace.steps,
        rate=pace.rate,
        finer=pace.finer,
        remembered=remembered,
        **more,
    )
    memory, count = result.remembered
    return replace(start, residual=result.residual, memory=memory, remembered=count), result.objective
