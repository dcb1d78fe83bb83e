"""Gradient treatments: each keeps its promise about the spectrum, for any size; and they go in the order given."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamvideo.dream.gradients import (
    COLOR_ROOT,
    NORMS,
    Treatment,
    compose,
    laplacian,
    natural_colors,
    one_over_f,
    smooth,
)

SIDES = st.integers(1, 70)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)


def treated(treat: Treatment, gradient: np.ndarray, progress: float = 1.0) -> np.ndarray:
    return treat(tf.constant(gradient[None]), tf.constant(progress)).numpy()[0]


def size(gradient: np.ndarray) -> float:
    return float(np.sqrt((gradient**2).mean()))


def bands(gradient: np.ndarray, levels: int) -> list[np.ndarray]:
    """An independent Laplacian pyramid: means over 2x2, and what they leave out (nearest neighbour)."""
    found, current = [], gradient
    for _ in range(levels - 1):
        height, width = current.shape[0] // 2, current.shape[1] // 2
        smaller = current.reshape(height, 2, width, 2, 3).mean(axis=(1, 3))
        found.append(current - smaller.repeat(2, axis=0).repeat(2, axis=1))
        current = smaller
    return [*found, current]


def powers(gradient: np.ndarray) -> np.ndarray:
    return np.array([size(band) for band in bands(gradient, 5)])


def white() -> np.ndarray:
    return noise(128, 128)


def steep() -> np.ndarray:
    """Noise of five sizes, each three times as strong as the next finer one."""
    layers = (cv2.resize(noise(128 >> k, 128 >> k, k), (128, 128), interpolation=cv2.INTER_LINEAR) for k in range(5))
    return sum((3**k * layer for k, layer in enumerate(layers)), start=np.zeros((128, 128, 3), np.float32))


@pytest.mark.parametrize("make", [white, steep])
def test_every_band_gets_the_same_power_whatever_it_had(make: Callable[[], np.ndarray]) -> None:
    gradient = make()
    before, after = powers(gradient), powers(treated(laplacian(5), gradient))
    assert before.max() > 10 * before.min()
    assert after.max() < 3 * after.min()  # not 1: the two pyramids share no filter


@pytest.mark.parametrize("levels", [1, 2, 4, 8])
def test_the_mean_colour_is_left_alone(levels: int) -> None:
    biased = noise(64, 96) + np.array([5, -3, 1], np.float32)
    found = treated(laplacian(levels), biased)
    assert np.abs(found.mean(axis=(0, 1))).max() < 1e-3 * size(found)


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.integers(1, 12))
def test_any_size_keeps_its_shape_and_no_mean(height: int, width: int, levels: int) -> None:
    found = treated(laplacian(levels), noise(height, width) + 3)
    assert found.shape == (height, width, 3)
    assert np.isfinite(found).all()
    assert np.abs(found.mean(axis=(0, 1))).max() <= 1e-3 * size(found) + 1e-6


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-7, 1e12))
def test_the_gradients_scale_does_not_matter(scale: float) -> None:
    gradient = noise(32, 40)
    treat = laplacian(4)
    assert np.allclose(treated(treat, gradient * np.float32(scale)), treated(treat, gradient), atol=1e-3)


def test_a_gradient_of_zeros_stays_one() -> None:
    assert not treated(laplacian(5), np.zeros((32, 32, 3), np.float32)).any()


def test_no_natural_colours_is_the_identity() -> None:
    gradient = noise(5, 7)
    assert np.array_equal(treated(natural_colors(0), gradient), gradient)


@pytest.mark.parametrize("amount", [0.3, 1.0])
def test_natural_colours_are_the_product_with_the_covariance(amount: float) -> None:
    gradient = noise(5, 7)
    root = COLOR_ROOT / np.linalg.norm(COLOR_ROOT, axis=0).max()
    covariance = root @ root.T
    full = np.einsum("hwc,dc->hwd", gradient, covariance)
    wanted = (1 - amount) * gradient + amount * full
    assert np.allclose(treated(natural_colors(amount), gradient), wanted, atol=1e-5)


def test_natural_colours_have_less_colour() -> None:
    def saturation(gradient: np.ndarray) -> float:
        return float((gradient - gradient.mean(axis=2, keepdims=True)).std() / gradient.std())

    gradient = noise(64, 64)
    some, full = (saturation(treated(natural_colors(amount), gradient)) for amount in (0.5, 1.0))
    assert saturation(gradient) > some > full


def test_treatments_are_applied_first_to_last_and_told_the_progress() -> None:
    treat = compose(lambda gradient, progress: gradient + progress, lambda gradient, _: gradient * 2.0)
    assert float(treat(tf.constant(3.0), tf.constant(0.25))) == 6.5


def test_no_treatment_is_the_identity() -> None:
    gradient = tf.constant(noise(3, 4))
    assert compose()(gradient, tf.constant(1.0)) is gradient


SIGMA = 2.0


@pytest.mark.parametrize("progress", [0.05, 0.5])
@pytest.mark.parametrize("sigma", [6.0, 64.0])
def test_smoothing_is_the_mean_of_three_gaussians_that_shrink(sigma: float, progress: float) -> None:
    gradient, now = noise(40, 50), sigma * (1 - 0.875 * progress)
    around = np.pad(gradient, ((360, 360), (450, 450), (0, 0)), mode="symmetric")
    blurred = [cv2.GaussianBlur(around, (0, 0), factor * now) for factor in (0.5, 1, 2)]
    wanted = np.mean(blurred, axis=0)[360:400, 450:500]
    assert treated(smooth(sigma), gradient, progress) == pytest.approx(wanted, abs=0.02)


def test_smoothing_takes_detail_away_and_less_so_towards_the_end() -> None:
    gradient = noise(64, 64)
    finest = [powers(treated(smooth(SIGMA), gradient, progress))[0] for progress in (0.05, 0.3, 0.6, 1.0)]
    assert finest == sorted(finest)
    assert 5 * finest[0] < finest[-1] < powers(gradient)[0]
    coarse = cv2.resize(noise(4, 4), (64, 64), interpolation=cv2.INTER_CUBIC)
    assert treated(smooth(SIGMA), coarse, 0.05) == pytest.approx(coarse, abs=0.3)


@settings(max_examples=30, deadline=None)
@given(SIDES, SIDES, st.floats(0.1, 20), st.floats(0.01, 1))
def test_smoothing_keeps_constants_and_the_shape_at_any_size(h: int, w: int, sigma: float, progress: float) -> None:
    constant = np.broadcast_to(np.array([3, -2, 0.5], np.float32), (h, w, 3)).copy()
    assert treated(smooth(sigma), constant, progress) == pytest.approx(constant, abs=1e-4)
    gradient = noise(h, w)
    found = treated(smooth(sigma), gradient, progress)
    assert found.shape == (h, w, 3)
    assert np.abs(found).max() <= np.abs(gradient).max() * 1.0001
    assert found.mean(axis=(0, 1)) == pytest.approx(gradient.mean(axis=(0, 1)), abs=1e-4)  # mirrored: nothing is lost


def spectrum(gradient: np.ndarray) -> np.ndarray:
    """The RMS of the cosines of each octave of frequency, from 4 to 64 half waves along both axes."""
    cosines = np.stack([cv2.dct(np.ascontiguousarray(gradient[..., c])) for c in range(3)])
    y, x = np.indices(cosines.shape[1:])
    radius = np.sqrt(y**2 + x**2)
    return np.array([size(cosines[:, (radius >= 2**k) & (radius < 2 ** (k + 1))]) for k in range(2, 6)])


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("make", [white, steep])
def test_one_over_f_tilts_the_spectrum_by_its_power(make: Callable[[], np.ndarray], power: float) -> None:
    gradient = make()
    ratio = np.log2(spectrum(treated(one_over_f(power), gradient)) / spectrum(gradient))
    assert np.diff(ratio) == pytest.approx(-power, abs=0.3)


@pytest.mark.parametrize("shape", [(16, 16), (12, 20), (1, 8), (9, 1)])
def test_one_over_f_divides_every_cosine_by_its_frequency(shape: tuple[int, int]) -> None:
    height, width = shape
    y, x = min(3, height - 1), min(2, width - 1)
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    wave = np.cos(np.pi * y * rows / height)[:, None] * np.cos(np.pi * x * columns / width)
    gradient = np.repeat(wave[..., None], 3, axis=2).astype(np.float32)
    frequency = np.hypot(y / (2 * height), x / (2 * width))
    assert treated(one_over_f(1.0), gradient) == pytest.approx(gradient / frequency, abs=1e-3)


def test_one_over_f_has_no_seam_where_opposite_borders_would_meet() -> None:
    """A single bright corner fades with distance; a transform that wraps around would light the others."""
    gradient = np.zeros((64, 64, 3), np.float32)
    gradient[2, 2] = 1
    found = treated(one_over_f(1.0), gradient)[..., 0]
    near, middle, far = found[2, 12], found[2, 32], found[2, 61]
    assert near > middle > far - 1e-4
    assert np.abs(found[2, 61] - found[2, 55]) < 0.1 * np.abs(found[2, 12] - found[2, 6])
    assert np.ptp(found[55:, 55:]) < 0.01 * found.max()


@settings(max_examples=30, deadline=None)
@given(SIDES, SIDES, st.floats(0.1, 2))
def test_one_over_f_leaves_the_mean_out_at_any_size(height: int, width: int, power: float) -> None:
    found = treated(one_over_f(power), noise(height, width) + 3)
    assert found.shape == (height, width, 3)
    assert np.isfinite(found).all()
    assert np.abs(found.mean(axis=(0, 1))).max() <= 1e-3 * size(found) + 1e-5


@pytest.mark.parametrize("name", NORMS)
def test_norms_are_what_their_names_say(name: str) -> None:
    values = noise(20, 30) + 2
    flat = values.astype(np.float64).ravel()
    wanted = {
        "rms": np.sqrt((flat**2).mean()),
        "std": flat.std(),
        "mean_abs": np.abs(flat).mean(),
        "l2": np.sqrt((flat**2).sum()),
    }
    assert float(NORMS[name](tf.constant(values))) == pytest.approx(wanted[name], rel=1e-5)
