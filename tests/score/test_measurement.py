"""What the frames say, held against clips whose answer is known."""

from fractions import Fraction

import numpy as np
import pytest

from dreamvideo.score.drift import appearance
from dreamvideo.score.measurement import Measurement, measure
from dreamvideo.score.motion import LONG_TERM, motions, warp_errors
from dreamvideo.score.result import Measured
from dreamvideo.score.strength import Strength
from tests.score.conftest import Frames, lifted, noisy, pan, still
from tests.tiny import MIXED, tiny_network

RATE = Fraction(25)


def scored(inputs: Frames, dreamed: Frames, **options: int) -> Measured:
    return measure(zip(inputs, dreamed, strict=True), RATE, **options)  # pyright: ignore[reportArgumentType]


def test_an_untouched_copy_is_as_steady_as_its_input_and_does_nothing() -> None:
    clip = noisy(pan(20), 0.01)
    measurement = Measurement(RATE, Strength(tiny_network(), [MIXED]))
    for frame in clip:
        measurement.add(frame, frame.copy())
    found = measurement.result()
    assert (found.strength, found.difference, found.shots) == (1, 0, [0])
    for error, pairs in ((found.short, 19), (found.long, 10)):
        assert (error.pairs, error.above) == (pairs, 0)
        assert error.output == error.input
        assert error.input is not None
        assert error.input > 0.1
    (drift,) = found.drift
    assert drift.strength == pytest.approx(0, abs=1e-9)
    assert (drift.mean, drift.deviation, drift.saturation) == (0, 0, 0)
    assert found.pulse is not None
    assert (found.pulse.frequency, found.pulse.amplitude, found.pulse.above_median) == (None, 0, None)
    assert not found.pulse.slow


def test_a_constant_shift_of_a_still_is_a_difference_and_steady() -> None:
    found = scored(still(20), lifted(still(20), [0.1] * 20))
    assert found.difference == pytest.approx(0.1, rel=1e-4)
    assert (found.short.above, found.long.above) == pytest.approx((0, 0), abs=1e-4)
    assert found.drift[0].mean == pytest.approx(0, abs=1e-6)
    assert found.curves.mean == pytest.approx([0.1] * 20, rel=1e-4)
    assert found.curves.saturation == pytest.approx([0] * 20, abs=1e-6)


@pytest.mark.parametrize("apart", ["short", "long"])
def test_white_noise_is_twice_its_variance_above_the_floor(apart: str) -> None:
    found = scored(still(16), noisy(still(16), 0.02))
    error = getattr(found, apart)
    assert error.input == pytest.approx(0, abs=1e-5)
    assert error.above == pytest.approx(2e4 * 0.02**2, rel=0.03)


def test_what_moves_with_the_input_is_steady_and_what_stays_is_not() -> None:
    inputs, texture = pan(16), still(16, seed=9)
    moving = [(a + b) / 2 for a, b in zip(inputs, pan(16, seed=9), strict=True)]
    standing = [(a + b) / 2 for a, b in zip(inputs, texture, strict=True)]
    for apart in ("short", "long"):
        carried, stuck = (getattr(scored(inputs, each), apart).above for each in (moving, standing))
        assert abs(carried) < 0.1 * stuck


def test_pairs_do_not_span_a_cut() -> None:
    inputs = still(14, seed=1) + lifted(still(12, seed=2), [-0.2] * 12)
    found = scored(inputs, lifted(inputs, [0] * 14 + [0.1] * 12))
    assert found.shots == [0, 14]
    assert (found.short.pairs, found.long.pairs) == (13 + 11, 4 + 2)
    assert found.curves.short_output[14] is None
    assert found.curves.long_output[14 : 14 + LONG_TERM] == [None] * LONG_TERM
    assert (found.short.above, found.long.above) == pytest.approx((0, 0), abs=1e-4)
    assert sorted(motions(inputs)) == sorted(warp_errors(inputs, inputs)) == [*range(1, 14), *range(15, 26)]


def test_a_brightness_that_ramps_is_drift_with_its_slope() -> None:
    inputs = still(20, seed=1) + lifted(still(20, seed=2), [-0.2] * 20)
    ramp = np.concatenate([np.zeros(20), 0.1 * np.arange(20) / 25])
    first, second = scored(inputs, lifted(inputs, ramp)).drift
    assert (second.shot, second.first, second.end) == (1, 20, 40)
    assert second.mean == pytest.approx(0.1, rel=1e-3)
    assert first.mean == pytest.approx(0, abs=1e-5)
    assert second.deviation == pytest.approx(0, abs=1e-4)


def test_drift_leaves_out_what_the_input_does_itself() -> None:
    inputs = lifted(still(20), 0.005 * np.arange(20))
    assert scored(inputs, lifted(inputs, [0.05] * 20)).drift[0].mean == pytest.approx(0, abs=1e-5)


def test_drift_of_strength_is_that_of_output_over_input() -> None:
    inputs = still(20, height=64)
    grey = np.float32(0.5)
    dreamed = [grey + (frame - grey) * np.float32(1 + 0.02 * index) for index, frame in enumerate(inputs)]
    measurement = Measurement(RATE, Strength(tiny_network(), [MIXED]), every=5)
    for pair in zip(inputs, dreamed, strict=True):
        measurement.add(*pair)
    found = measurement.result()
    assert found.curves.strength_frames == [0, 5, 10, 15]
    strengths = [strength for strength in found.curves.strength if strength is not None]
    assert found.strength == pytest.approx(np.mean(strengths))
    assert found.drift[0].strength == pytest.approx((strengths[3] - strengths[0]) / (15 / 25), rel=0.1)
    assert strengths[3] > 1.1


def test_a_short_shot_has_no_drift() -> None:
    (drift,) = scored(still(15), lifted(still(15), 0.01 * np.arange(15))).drift
    assert (drift.end, drift.mean, drift.strength) == (15, None, None)


def test_appearance_is_mean_deviation_and_saturation() -> None:
    frame = np.zeros((2, 4, 3), np.float32)
    frame[0] = 1, 0.5, 0
    assert appearance(frame) == pytest.approx([0.25, frame.std(), 0.5])
