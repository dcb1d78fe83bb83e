"""Gradient treatments: equal power in every octave of the spectrum, no mean, natural colours, in the order given."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamvideo.dream.gradients import COLOR_ROOT, compose, laplacian, natural_colors

SIDES = st.integers(1, 70)


def noise(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(height, width, 3)).astype(np.float32)


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
    before, after = powers(gradient), powers(laplacian(5)(tf.constant(gradient)).numpy())
    assert before.max() > 10 * before.min()
    assert after.max() < 3 * after.min()  # not 1: the two pyramids share no filter


@pytest.mark.parametrize("levels", [1, 2, 4, 8])
def test_the_mean_colour_is_left_alone(levels: int) -> None:
    biased = noise(64, 96) + np.array([5, -3, 1], np.float32)
    treated = laplacian(levels)(tf.constant(biased)).numpy()
    assert np.abs(treated.mean(axis=(0, 1))).max() < 1e-3 * size(treated)


@settings(max_examples=40, deadline=None)
@given(SIDES, SIDES, st.integers(1, 12))
def test_any_size_keeps_its_shape_and_no_mean(height: int, width: int, levels: int) -> None:
    treated = laplacian(levels)(tf.constant(noise(height, width) + 3)).numpy()
    assert treated.shape == (height, width, 3)
    assert np.isfinite(treated).all()
    assert np.abs(treated.mean(axis=(0, 1))).max() <= 1e-3 * size(treated) + 1e-6


@settings(max_examples=20, deadline=None)
@given(st.floats(1e-7, 1e12))
def test_the_gradients_scale_does_not_matter(scale: float) -> None:
    gradient = noise(32, 40)
    treat = laplacian(4)
    assert np.allclose(treat(tf.constant(gradient * np.float32(scale))), treat(tf.constant(gradient)), atol=1e-3)


def test_a_gradient_of_zeros_stays_one() -> None:
    assert not laplacian(5)(tf.zeros([32, 32, 3])).numpy().any()


def test_no_natural_colours_is_the_identity() -> None:
    gradient = noise(5, 7)
    assert np.array_equal(natural_colors(0)(tf.constant(gradient)), gradient)


@pytest.mark.parametrize("amount", [0.3, 1.0])
def test_natural_colours_are_the_product_with_the_covariance(amount: float) -> None:
    gradient = noise(5, 7)
    root = COLOR_ROOT / np.linalg.norm(COLOR_ROOT, axis=0).max()
    covariance = root @ root.T
    full = np.einsum("hwc,dc->hwd", gradient, covariance)
    wanted = (1 - amount) * gradient + amount * full
    assert np.allclose(natural_colors(amount)(tf.constant(gradient)), wanted, atol=1e-5)


def test_natural_colours_have_less_colour() -> None:
    def saturation(gradient: np.ndarray) -> float:
        return float((gradient - gradient.mean(axis=2, keepdims=True)).std() / gradient.std())

    gradient = noise(64, 64)
    some, full = (saturation(natural_colors(amount)(tf.constant(gradient)).numpy()) for amount in (0.5, 1.0))
    assert saturation(gradient) > some > full


def test_treatments_are_applied_first_to_last() -> None:
    treat = compose(lambda gradient: gradient + 1.0, lambda gradient: gradient * 2.0)
    assert float(treat(tf.constant(3.0))) == 8.0


def test_no_treatment_is_the_identity() -> None:
    gradient = tf.constant(noise(3, 4))
    assert compose()(gradient) is gradient
