"""The recurrence: the dream follows the motion, fades by its strength, and keeps the strength of a still."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamvideo.config import Carry
from dreamvideo.motion.carry import (
    AGE_STEPS,
    OLDEST,
    Pace,
    Seen,
    Shown,
    State,
    careful,
    carried_pace,
    carry,
    catch_up,
    paired,
    steady,
    still_pace,
    watch,
)
from tests.tiny import picture, tiny_config

HEIGHT, WIDTH = 40, 60


def no_mean(values: np.ndarray) -> np.ndarray:
    return values - values.mean(axis=(0, 1))


def state(age: float = 5.0, seed: int = 0) -> State:
    """A state whose residual is never clipped, and has no mean colour in columns 0-10, 10-30 and 30-60."""
    frame = picture(HEIGHT, WIDTH, seed)
    residual = 0.2 * (picture(HEIGHT, WIDTH, seed + 10) - 0.5)
    for part in (slice(0, 10), slice(10, 30), slice(30, 60)):
        residual[:, part] = no_mean(residual[:, part])
    return State(frame, residual, np.full((HEIGHT, WIDTH, 1), age, np.float32))


def seen(
    frame: np.ndarray, *, dx: float = 0, dy: float = 0, trust: float = 1, size: tuple[int, int] = (HEIGHT, WIDTH)
) -> Seen:
    flow = np.broadcast_to(np.array([dx, dy], np.float32), (*size, 2)).copy()
    return Seen(1, frame, begins_shot=False, flow=flow, trust=np.full((*size, 1), trust, np.float32))


@pytest.mark.parametrize("strength", [0.3, 0.9])
def test_on_a_still_the_residual_fades_by_the_strength(strength: float) -> None:
    before = state()
    after = carry(before, seen(before.frame), Carry(strength=strength))
    assert after.residual == pytest.approx(strength * before.residual, abs=1e-6)
    assert np.array_equal(after.age, before.age + 1)


def test_the_residual_goes_along_with_the_scene() -> None:
    before = state()
    after = carry(before, seen(picture(HEIGHT, WIDTH, 1), dx=-4, dy=3), Carry(strength=0.9))
    assert no_mean(after.residual[:-3, 4:]) == pytest.approx(no_mean(0.9 * before.residual[3:, :-4]), abs=4e-3)


def test_what_is_carried_has_no_mean_colour() -> None:
    before = state()
    tinted = State(before.frame, before.residual + np.array([0.05, -0.02, 0.01], np.float32), before.age)
    after = carry(tinted, seen(before.frame), Carry(strength=0.9))
    assert after.residual.mean(axis=(0, 1)) == pytest.approx(np.zeros(3), abs=1e-5)
    assert after.residual == pytest.approx(0.9 * before.residual, abs=0.03)


def test_where_nothing_is_dreamed_the_mean_colour_is_not_taken_away() -> None:
    before = state()
    residual = before.residual + np.array([0.05, -0.02, 0.01], np.float32)
    residual[:, 20:] = 0
    after = carry(State(before.frame, residual, before.age), seen(before.frame), Carry(strength=0.9))
    assert after.residual.mean(axis=(0, 1)) == pytest.approx(np.zeros(3), abs=1e-5)
    assert np.all(after.residual[:, 50:] == 0)


@pytest.mark.parametrize("mode", ["residual", "frame"])
def test_where_nothing_can_be_trusted_nothing_is_carried(mode: str) -> None:
    before = state()
    after = carry(before, seen(picture(HEIGHT, WIDTH, 1), dx=2, trust=0), Carry.model_validate({"mode": mode}))
    assert np.abs(after.residual).max() < 1e-6
    assert np.all(after.age == 1)


def test_trust_is_per_pixel() -> None:
    before = state()
    look = seen(before.frame)
    assert look.trust is not None
    look.trust[:, 30:] = 0
    look.trust[:, :10] = 0.5
    after = carry(before, look, Carry(strength=0.8))
    assert after.residual[:, 10:30] == pytest.approx(0.8 * before.residual[:, 10:30], abs=1e-6)
    assert after.residual[:, :10] == pytest.approx(0.4 * before.residual[:, :10], abs=1e-6)
    assert not np.abs(after.residual[:, 30:]).max() > 1e-6


def test_the_classic_blend_written_out() -> None:
    before, now = state(), picture(HEIGHT, WIDTH, 1)
    dreamed = before.frame + before.residual
    after = carry(before, seen(now, dx=-5, trust=0.7), Carry(mode="frame", strength=0.5))
    moved = np.concatenate([np.repeat(dreamed[:, :1], 5, axis=1), dreamed[:, :-5]], axis=1)
    blend = (1 - 0.5 * 0.7) * now + 0.5 * 0.7 * moved
    assert now + after.residual == pytest.approx(blend, abs=1e-5)


@pytest.mark.parametrize("mode", ["residual", "frame"])
def test_the_picture_stays_within_its_range(mode: str) -> None:
    bright = State(picture(HEIGHT, WIDTH), 1 - picture(HEIGHT, WIDTH), np.ones((HEIGHT, WIDTH, 1), np.float32))
    for now in (picture(HEIGHT, WIDTH, 1, low=0.5, high=1), np.ones((HEIGHT, WIDTH, 3), np.float32)):
        after = carry(bright, seen(now, dx=0.5), Carry.model_validate({"mode": mode, "strength": 0.99}))
        assert (now + after.residual).max() <= 1 + 1e-6
        assert (now + after.residual).min() >= -1e-6


def test_flow_of_another_size_is_scaled() -> None:
    before = state()
    look = seen(picture(HEIGHT, WIDTH, 1), dx=-2, dy=0, size=(HEIGHT // 2, WIDTH // 2))
    after = carry(before, look, Carry(strength=0.9))
    assert no_mean(after.residual[:, 4:]) == pytest.approx(no_mean(0.9 * before.residual[:, :-4]), abs=4e-3)
    assert after.residual.shape == before.residual.shape
    assert after.age.shape == before.age.shape


@settings(max_examples=30, deadline=None)
@given(st.floats(0, OLDEST), st.floats(0, 1), st.floats(-3, 3))
def test_ages_are_bounded_and_fit_a_byte_exactly(age: float, trust: float, dx: float) -> None:
    before = state(round(age * AGE_STEPS) / AGE_STEPS)
    after = carry(before, seen(before.frame, trust=trust, dx=dx), Carry()).age
    assert after.dtype == np.float32
    steps = after * AGE_STEPS
    assert np.array_equal(steps, np.rint(steps))
    assert 0 <= steps.min() <= steps.max() <= 255


def test_the_inputs_are_left_as_they_were() -> None:
    before, look = state(), seen(picture(HEIGHT, WIDTH, 1), dx=1)
    copies = [before.frame.copy(), before.residual.copy(), before.age.copy(), look.frame.copy()]
    carry(before, look, Carry())
    now = [before.frame, before.residual, before.age, look.frame]
    assert all(np.array_equal(a, b) for a, b in zip(copies, now, strict=True))


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 0.99), st.integers(1, 60), st.floats(0.001, 0.1), st.none() | st.integers(1, 20))
def test_a_carried_frame_goes_as_far_as_keeps_the_strength(
    strength: float, steps: int, step: float, asked: int | None
) -> None:
    config = tiny_config(dream={"steps": steps, "step": step}, carry={"strength": strength, "steps": asked})
    pace = carried_pace(config)
    assert pace.steps * pace.rate == pytest.approx((1 - strength) * steps * step)
    assert pace.steps >= 1
    if asked is None:
        assert pace.rate <= 1.5001 * step
    else:
        assert pace.steps == asked
    assert still_pace(config.dream).steps * still_pace(config.dream).rate == pytest.approx(steps * step)


def ages(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(1, -1, 1)


def test_the_freshly_uncovered_dream_faster_and_ever_less_so() -> None:
    gain = catch_up(ages(0, 1, 2, 4, 10, OLDEST), Carry(strength=0.9, catch_up=3.0))
    assert gain is not None
    gain = gain.ravel()
    assert gain[0] == gain[1] == 3
    assert np.all(np.diff(gain[1:4]) < 0)
    assert np.all(gain[4:] == 1)


@pytest.mark.parametrize("settings", [{"catch_up": 1.0}, {"strength": 0.0}])
def test_nobody_hurries_where_that_is_off(settings: dict[str, float]) -> None:
    assert catch_up(ages(0, 1, 2), Carry.model_validate(settings)) is None


@pytest.mark.parametrize("factor", [1.01, 1.5, 2.0, 3.0, 16.0])
@pytest.mark.parametrize("strength", [0.1, 0.5, 0.9, 0.97, 0.99])
def test_the_old_never_hurry(strength: float, factor: float) -> None:
    """Otherwise a whole still would dream too fast for ever."""
    assert catch_up(ages(OLDEST, OLDEST), Carry(strength=strength, catch_up=factor)) is None
    mixed = catch_up(ages(1, OLDEST), Carry(strength=strength, catch_up=factor))
    assert mixed is not None
    assert mixed.ravel() == pytest.approx([factor, 1])


@pytest.mark.parametrize(("strength", "factor"), [(0.8, 3.0), (0.9, 2.5), (0.9, 3.0), (0.9, 4.0)])
def test_an_uncovered_pixel_has_the_others_strength_when_it_is_old(strength: float, factor: float) -> None:
    """The recurrence on one number: from nothing to within a tenth of the fixed point, without overshooting much."""
    gain, residual, age = 1 - strength, 0.0, 0.0
    course = []
    for _ in range(20):
        age = min(age + 1, OLDEST)
        hurry = catch_up(ages(age), Carry(strength=strength, catch_up=factor))
        residual = strength * residual + gain * (1.0 if hurry is None else float(hurry.item()))
        course.append(residual)
    assert course[7] > 0.85
    assert max(course) < 1.15
    assert course[-1] == pytest.approx(1, abs=0.1)


def test_watching_pairs_each_frame_with_its_flow_from_the_one_before() -> None:
    large = picture(100, 160, 2, low=0, high=1)
    frames = [np.ascontiguousarray(large[10:90, 5 * i : 5 * i + 100]) for i in range(4)]
    looks = list(watch((frame, index == 0) for index, frame in enumerate(frames)))
    assert [look.index for look in looks] == [0, 1, 2, 3]
    assert [look.begins_shot for look in looks] == [True, False, False, False]
    assert looks[0].flow is None
    for look in looks[1:]:
        assert look.flow is not None
        assert look.flow[20:-20, 20:-20].reshape(-1, 2).mean(axis=0) == pytest.approx([5, 0], abs=0.1)


def test_watching_gives_no_flow_across_a_cut() -> None:
    dark, light = picture(40, 60, high=0.3, low=0), picture(40, 60, 1, low=0.7, high=1)
    looks = list(watch([(dark, i == 0) for i in range(3)] + [(light, i == 0) for i in range(3)]))
    assert [look.begins_shot for look in looks] == [True, False, False, True, False, False]
    assert [look.flow is None for look in looks] == [True, False, False, True, False, False]
    assert [look.trust is None for look in looks] == [look.flow is None for look in looks]


def test_flow_is_made_only_where_it_is_asked_for() -> None:
    frame = picture(40, 60)
    asked = [False, False, True, False]
    looks = list(paired(Shown(i, frame, i == 0, follows, kept=i == 1) for i, follows in enumerate(asked)))
    assert [look.flow is not None for look in looks] == asked
    assert [look.kept for look in looks] == [False, True, False, False]


def constant_dream(level: float) -> State:
    frame = np.full((8, 9, 3), 0.5, np.float32)
    return State(frame, np.full_like(frame, level), np.ones((8, 9, 1), np.float32))


def test_a_dream_at_its_shots_level_keeps_its_pace() -> None:
    pace = Pace(2, 0.01)
    assert steady(pace, constant_dream(0.25), 0.25, Carry()) == pace
    assert steady(pace, constant_dream(0.0), 0.25, Carry()) == pace  # strength 0, or a black frame: nothing to hold
    assert steady(pace, constant_dream(0.25), 0.0, Carry()) == pace


def test_a_weak_dream_hastens_and_a_strong_one_slows_within_bounds() -> None:
    pace = Pace(2, 0.01)
    rates = [steady(pace, constant_dream(level), 0.2, Carry()).rate for level in (0.01, 0.19, 0.21, 0.9)]
    assert rates[0] == pytest.approx(1.5 * 0.01)
    assert rates[3] == pytest.approx(0.01 / 1.5)
    assert rates[0] > rates[1] > 0.01 > rates[2] > rates[3]


@pytest.mark.parametrize("strength", [0.1, 0.5, 0.9, 0.98])
def test_the_level_settles_without_overshooting(strength: float) -> None:
    """The recurrence ``level' = strength * level + (1 - strength) * free * correction`` from far below."""
    settings, level, free = Carry(strength=strength), 0.15, 0.16
    levels = []
    for _ in range(300):
        rate = steady(Pace(1, 1.0), constant_dream(level), 0.2, settings).rate
        level = strength * level + (1 - strength) * free * rate
        levels.append(level)
    assert np.all(np.diff(levels) > -1e-4)
    assert abs(0.2 - level) < 0.04  # no farther than without
    if strength >= 0.9:
        assert abs(0.2 - level) < 0.5 * 0.04


@pytest.mark.parametrize(("new", "finer"), [(0.0, 1), (0.1, 1), (0.4, 2), (0.6, 3), (1.0, 4)])
def test_the_more_is_new_the_more_and_the_shorter_are_the_finest_steps(new: float, finer: int) -> None:
    age = np.full((HEIGHT, WIDTH, 1), OLDEST, np.float32)
    age[: round(new * HEIGHT)] = 1
    assert careful(Pace(1, 0.01), age, Carry(), 3.0) == Pace(1, 0.01, finer)
    assert careful(Pace(2, 0.01), age, Carry(), 3.0) == Pace(2, 0.01, 2 if finer == 4 else 1)
    assert careful(Pace(4, 0.01), age, Carry(), 3.0) == Pace(4, 0.01)  # which are enough for anything
    assert careful(Pace(1, 0.01), age, Carry(), 0.0) == Pace(1, 0.01)
    assert careful(Pace(1, 0.01), age, Carry(steps=1), 3.0) == Pace(1, 0.01)
