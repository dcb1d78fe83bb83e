"""The spectrum of what changes by itself."""

from fractions import Fraction

import numpy as np
import pytest

from dreamvideo.score.measurement import measure
from dreamvideo.score.pulse import LONGEST, POINTS, PulseMeter
from dreamvideo.score.result import Pulse
from tests.score.conftest import lifted, noisy, pan, still

RATE = 25
WHOLE = np.ones((32, 48, 1), np.float32)


def changes(pulse: PulseMeter, values: np.ndarray, trust: np.ndarray = WHOLE) -> Pulse | None:
    for value in values:
        pulse.add(np.full((32, 48, 3), value, np.float32), trust)
    return pulse.result()


def sine(frequency: float, count: int) -> np.ndarray:
    return np.cos(2 * np.pi * frequency * np.arange(count) / RATE)


@pytest.mark.parametrize("frequency", [2.0, 3.1, 8.0])
def test_a_flicker_is_found_with_its_frequency_and_amplitude(frequency: float) -> None:
    inputs = noisy(pan(50), 0.002)
    dreamed = noisy(lifted(inputs, 0.02 * sine(frequency, 50)), 0.002, seed=7)
    pulse = measure(zip(inputs, dreamed, strict=True), Fraction(RATE)).pulse
    assert pulse is not None
    assert pulse.frequency == pytest.approx(frequency, abs=0.1)
    assert pulse.amplitude == pytest.approx(2 * 0.02 * np.sin(np.pi * frequency / RATE), rel=0.08)
    assert pulse.above_median is not None
    assert pulse.above_median > 10


def test_a_flicker_from_frame_to_frame_is_found_at_half_the_rate() -> None:
    pulse = changes(PulseMeter(RATE), 0.04 * (-1.0) ** np.arange(60))
    assert pulse is not None
    assert (pulse.frequency, pulse.amplitude) == (12.5, pytest.approx(0.04, rel=1e-3))


@pytest.mark.parametrize(("frequency", "slow"), [(0.05, True), (0.4, True), (3.0, False)])
def test_what_changes_slowly_is_no_pulse(frequency: float, slow: bool) -> None:
    pulse = changes(PulseMeter(RATE), 0.02 * sine(frequency, 60))
    assert pulse is not None
    assert (pulse.slow, pulse.frequency == pulse.frequencies[0]) == (slow, slow)


def test_noise_does_not_pulse() -> None:
    inputs = still(40, height=96, width=128)
    pulse = measure(zip(inputs, noisy(inputs, 0.05), strict=True), Fraction(RATE)).pulse
    assert pulse is not None
    assert pulse.above_median is not None
    assert pulse.above_median < 1.8
    assert pulse.amplitude < 0.003


def test_what_flickers_in_the_input_is_no_pulse() -> None:
    inputs = lifted(still(40), 0.02 * sine(4, 40))
    pulse = measure(((frame, frame + np.float32(0.1)) for frame in inputs), Fraction(RATE)).pulse
    assert pulse is not None
    assert pulse.amplitude < 1e-5


def test_colours_that_turn_are_a_pulse_though_their_mean_stands_still() -> None:
    pulse = PulseMeter(RATE)
    for value in sine(3, 50):
        pulse.add(np.full((32, 48, 3), 0.02 * value * np.array([1, 0, -1]), np.float32), WHOLE)
    found = pulse.result()
    assert found is not None
    assert found.frequency == pytest.approx(3, abs=0.05)
    assert found.amplitude == pytest.approx(0.02 * np.sqrt(2 / 3), rel=0.02)


def test_short_shots_are_left_out() -> None:
    assert changes(PulseMeter(RATE), np.ones(14)) is None
    assert changes(PulseMeter(RATE), sine(4, 15)) is not None
    cut = PulseMeter(RATE)
    for _ in range(3):
        assert changes(cut, sine(4, 10)) is None


def test_what_is_not_trusted_is_left_out() -> None:
    assert changes(PulseMeter(RATE), sine(4, 40), 0 * WHOLE) is None
    half = WHOLE.copy()
    half[:, 24:] = 0
    pulse = PulseMeter(RATE)
    for value in sine(4, 40):
        change = np.full((32, 48, 3), 0.01 * value, np.float32)
        change[:, 24:] = -value
        pulse.add(change, half)
    found = pulse.result()
    assert found is not None
    assert found.amplitude == pytest.approx(0.01, rel=0.02)


def test_a_long_shot_is_cut_into_windows() -> None:
    pulse = PulseMeter(RATE)
    found = changes(pulse, 0.01 * sine(5, 3 * LONGEST + 40))
    assert found is not None
    assert (found.frequency, found.amplitude) == (pytest.approx(5, abs=0.05), pytest.approx(0.01, rel=0.01))
    assert found.frequencies[0] == pytest.approx(2 * RATE / LONGEST, abs=RATE / POINTS)
    assert len(found.frequencies) == len(found.amplitudes)


def test_shots_are_not_joined() -> None:
    inputs = still(12, seed=1) + lifted(still(12, seed=2), [-0.2] * 12)
    assert measure(zip(inputs, noisy(inputs, 0.01), strict=True), Fraction(RATE)).pulse is None
