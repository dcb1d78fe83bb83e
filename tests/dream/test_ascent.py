"""How steps follow the gradient: each method written out in plain numpy, and what ends the steps early."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.config import Carry
from dreamvideo.dream.engine import Dreamed, Dreamer, Remembered, resize
from dreamvideo.dream.gradients import NORMS
from dreamvideo.motion.carry import Seen, State, carry
from tests.tiny import MIXED, picture, tiny_dreamer, zeros

RATE = 0.01
FRAME = picture(60, 70, low=0.4, high=0.6)  # far from where the range ends


def still(**settings: Any) -> Dreamer:
    """One octave, tiles that keep still, no treatment: what a step does follows from the gradient alone."""
    return tiny_dreamer(**{"octaves": 1, "jitter": 1, **settings})


def dream(dreamer: Dreamer, start: np.ndarray, **options: Any) -> Dreamed:
    return dreamer.dream(FRAME, start, **{"index": 0, "steps": 1, "rate": RATE, **options})


def direction(residual: np.ndarray) -> np.ndarray:
    """The gradient at ``FRAME + residual``, of RMS 1."""
    return (dream(still(), residual, rate=1e-3).residual - residual) / 1e-3


def momentum(steps: int, keep: float) -> np.ndarray:
    """As its formula says (Kingma and Ba 2015, without the second moment)."""
    residual, memory = zeros(FRAME), zeros(FRAME)
    for step in range(1, steps + 1):
        memory = keep * memory + (1 - keep) * direction(residual)
        residual = residual + RATE * memory / (1 - keep**step)
    return residual


def adam(steps: int, keep: float) -> np.ndarray:
    """As its formula says (Kingma and Ba 2015)."""
    residual, first, second = zeros(FRAME), zeros(FRAME), zeros(FRAME)
    for step in range(1, steps + 1):
        gradient = direction(residual)
        first = keep * first + (1 - keep) * gradient
        second = 0.999 * second + 0.001 * gradient**2
        mean, square = first / (1 - keep**step), second / (1 - 0.999**step)
        residual = residual + RATE * mean / (np.sqrt(square) + 1e-12)
    return residual


def nearly(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether all but a few pixels agree: Adam makes much of a gradient that is next to nothing."""
    return float(np.quantile(np.abs(found - wanted), 0.99)) < 0.03 * RATE


@pytest.mark.parametrize("keep", [0.0, 0.5, 0.9])
def test_momentum_is_its_formula(keep: float) -> None:
    dreamer = still(ascent="momentum", momentum=keep)
    assert dream(dreamer, zeros(FRAME), steps=4).residual == pytest.approx(momentum(4, keep), abs=0.01 * RATE)


@pytest.mark.parametrize("keep", [0.5, 0.9])
def test_adam_is_its_formula(keep: float) -> None:
    assert nearly(dream(still(ascent="adam", momentum=keep), zeros(FRAME), steps=4).residual, adam(4, keep))


def test_momentum_that_keeps_nothing_is_plain() -> None:
    plain, none = (dream(still(**more), zeros(FRAME), steps=3) for more in ({"ascent": "plain"}, {"momentum": 0.0}))
    assert none.residual == pytest.approx(plain.residual, abs=1e-6)


@pytest.mark.parametrize("method", ["plain", "momentum", "adam"])
def test_the_first_step_of_any_method_is_along_the_gradient(method: str) -> None:
    found, gradient = dream(still(ascent=method, momentum=0.9), zeros(FRAME)).residual, direction(zeros(FRAME))
    wanted = RATE * (np.sign(gradient) if method == "adam" else gradient)
    assert nearly(found, wanted)


@pytest.mark.parametrize("name", NORMS)
def test_a_step_is_as_long_as_its_norm_says(name: str) -> None:
    rate = 0.3 if name == "l2" else 0.003
    residual = dream(still(normalize=name), zeros(FRAME), rate=rate).residual
    assert float(NORMS[name](tf.constant(residual))) == pytest.approx(rate, rel=1e-3)


def test_without_a_norm_a_step_is_along_the_raw_gradient() -> None:
    dreamer = still(normalize="none", layers={MIXED: 0.7})
    side = next(side for side in range(60, 70) if dreamer.tile_axes((side, side))[0].take.shape == (1, side))
    frame = tf.constant(picture(side, side, low=0.4, high=0.6))
    with tf.GradientTape() as tape:
        tape.watch(frame)
        features = dreamer._features(frame[None])[MIXED]
        value = 0.7 * tf.reduce_mean(tf.square(features))
    gradient = np.asarray(tape.gradient(value, frame))
    rate = 0.01 / np.abs(gradient).max()
    found = dreamer.dream(frame.numpy(), zeros(frame.numpy()), index=0, steps=1, rate=rate).residual
    assert found == pytest.approx(rate * gradient, abs=1e-5)


def courses(steps: int, **settings: Any) -> tuple[list[np.ndarray], list[float]]:
    """The residual after each step, and the objective before it."""
    course = [dream(still(**settings), zeros(FRAME), steps=step) for step in range(1, steps + 1)]
    return [each.residual for each in course], [each.objective for each in course]


def test_above_the_largest_loss_no_step_is_made() -> None:
    residuals, objectives = courses(5)
    most = (objectives[2] + objectives[3]) / 2
    assert objectives == sorted(objectives)
    ended = dream(still(max_loss=most), zeros(FRAME), steps=20)
    assert ended.residual == pytest.approx(residuals[2], abs=1e-6)
    assert ended.objective == pytest.approx(objectives[3], rel=1e-5)
    assert np.array_equal(dream(still(max_loss=most), residuals[3], steps=5).residual, residuals[3])


def test_steps_end_when_they_change_the_objective_too_little() -> None:
    residuals, objectives = courses(6)
    shares = np.abs(np.diff(objectives)) / np.abs(objectives[1:])
    assert list(shares) == sorted(shares, reverse=True)
    least = float(shares[1] + shares[2]) / 2
    ended = dream(still(min_change=least), zeros(FRAME), steps=20)
    assert ended.residual == pytest.approx(residuals[3], abs=1e-6)  # the change is seen before the step that follows it
    assert ended.objective == pytest.approx(objectives[3], rel=1e-5)


def carried(residual: np.ndarray, remembered: Remembered, flow: float = 0.0) -> State:
    """A state moved along a flow of so many pixels to the right and down, and trusted."""
    size = FRAME.shape[:2]
    motion = np.full((*size, 2), flow, np.float32)
    seen = Seen(1, FRAME, begins_shot=False, flow=motion, trust=np.ones((*size, 1), np.float32))
    age = np.ones((*size, 1), np.float32)
    return carry(State(FRAME, residual, age, *remembered), seen, Carry())


@pytest.mark.parametrize(("method", "formula"), [("momentum", momentum), ("adam", adam)])
def test_a_memory_that_is_carried_over_a_still_goes_on_as_if_there_were_one_frame(method: str, formula: Any) -> None:
    dreamer = still(ascent=method, momentum=0.9, memory="carry")
    first = dream(dreamer, zeros(FRAME), steps=2)
    state = carried(first.residual, first.remembered)
    assert (first.remembered[1], state.remembered) == (2, 2)
    second = dream(dreamer, first.residual, steps=2, index=1, remembered=(state.memory, state.remembered))
    assert second.remembered[1] == 4
    assert nearly(second.residual, formula(4, 0.9))
    anew = dream(dreamer, first.residual, steps=2, index=1)
    assert not nearly(anew.residual, formula(4, 0.9))


@pytest.mark.parametrize(("settings", "kept"), [({"memory": "reset"}, False), ({}, True)])
def test_a_memory_is_kept_only_where_it_is_carried(settings: dict[str, Any], kept: bool) -> None:
    dreamer = still(**{"ascent": "momentum", "momentum": 0.9, "memory": "carry", **settings})
    memory, count = dream(dreamer, zeros(FRAME)).remembered
    assert (memory is not None, count) == (kept, 1.0 * kept)


def test_of_several_octaves_the_finest_ones_memory_is_kept() -> None:
    dreamer = still(ascent="momentum", momentum=0.9, memory="carry", octaves=2)
    memory, count = dream(dreamer, zeros(FRAME), steps=3).remembered
    assert memory is not None
    assert (memory.shape, count) == (FRAME.shape, 3)
    alone = still(ascent="momentum", momentum=0.9, memory="carry")
    small = resize(FRAME, dreamer.octave_sizes(60, 70)[1])
    coarse = alone.dream(small, zeros(small), index=0, steps=3, rate=RATE).residual
    fine = dream(alone, resize(coarse, (60, 70)), steps=3)
    assert memory == pytest.approx(fine.remembered[0], abs=1e-3)


@pytest.mark.parametrize("method", ["momentum", "adam"])
def test_a_memory_that_is_moved_by_parts_of_a_pixel_leaves_the_dream_whole(method: str) -> None:
    """Between pixels it is interpolated, beyond what they hold: a mean square could become less than 0."""
    dreamer = still(ascent=method, momentum=0.9, memory="carry", octaves=2, octaves_above=1)
    result = dream(dreamer, zeros(FRAME), steps=1)
    for index in range(1, 4):
        state = carried(result.residual, result.remembered, flow=0.5)
        remembered = state.memory, state.remembered
        result = dream(dreamer, state.residual, steps=1, index=index, remembered=remembered)
        assert np.isfinite(result.residual).all()
        assert np.abs(result.residual - state.residual).max() < 10 * RATE
