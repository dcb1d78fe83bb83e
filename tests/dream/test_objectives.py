"""Objectives: an algebra of weighted terms whose value is the formula's."""

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.dream.objectives import Objective, mean, mean_square, weighted_layers

RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 9, 11, 4)).astype(np.float32)
B = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)
ACTIVATIONS = {"a": tf.constant(A), "b": tf.constant(B)}


def value(objective: Objective) -> float:
    return float(objective.value(ACTIVATIONS, np.array(objective.weights, np.float32)))


def test_measures_are_the_mean_and_the_mean_square() -> None:
    assert value(mean("a")) == pytest.approx(A.mean(), abs=1e-6)
    assert value(mean_square("b")) == pytest.approx((B**2).mean(), rel=1e-5)


@pytest.mark.parametrize("crop", [1, 2])
def test_crop_leaves_the_borders_out(crop: int) -> None:
    inside = slice(crop, -crop)
    assert value(mean("a", crop)) == pytest.approx(A[:, inside, inside].mean(), abs=1e-6)
    assert value(mean_square("b", crop)) == pytest.approx((B[:, inside, inside] ** 2).mean(), rel=1e-5)


def test_crop_keeps_gradients_out_of_the_border() -> None:
    activations = tf.constant(A)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        result = mean_square("a", 2).value({"a": activations}, np.ones(1, np.float32))
    gradient = np.asarray(tape.gradient(result, activations))
    assert np.all(gradient[:, 2:-2, 2:-2] != 0)
    assert np.count_nonzero(gradient) == gradient[:, 2:-2, 2:-2].size


def test_a_recipe_is_worth_what_its_formula_says() -> None:
    a, b = value(mean("a")), value(mean_square("b"))
    assert value(mean("a") + mean_square("b")) == pytest.approx(a + b, rel=1e-5)
    assert value(mean("a") - mean_square("b")) == pytest.approx(a - b, rel=1e-5)
    assert value(-mean_square("b")) == pytest.approx(-b, rel=1e-5)
    assert value(0.2 * mean("a") + mean_square("b") * 3) == pytest.approx(0.2 * a + 3 * b, rel=1e-5)
    assert value(2 * (mean("a") - 0.5 * (mean_square("b") + mean("a")))) == pytest.approx(a - b, rel=1e-5)


def test_composing_leaves_the_parts_as_they_were() -> None:
    part = mean("a")
    _ = 3 * (part + mean("b"))
    assert part.weights == (1.0,)
    assert part.layers == ["a"]


def test_layers_are_named_once_and_the_border_is_the_widest() -> None:
    objective = mean("a", 1) + mean_square("b", 3) + mean_square("a")
    assert objective.layers == ["a", "b"]
    assert objective.border == 3


def test_the_objective_of_a_config_is_the_weighted_sum_over_its_layers() -> None:
    wanted = 0.5 * (A[:, 1:-1, 1:-1] ** 2).mean() - 2 * (B[:, 1:-1, 1:-1] ** 2).mean()
    assert value(weighted_layers({"a": 0.5, "b": -2.0}, "mean_square", 1)) == pytest.approx(wanted, rel=1e-5)
    assert value(weighted_layers({"a": 0.5}, "mean", 0)) == pytest.approx(0.5 * A.mean(), abs=1e-6)


def test_weights_may_change_from_call_to_call() -> None:
    objective = mean("a") + mean("b")
    changed = float(objective.value(ACTIVATIONS, np.array([2, -1], np.float32)))
    assert changed == pytest.approx(2 * A.mean() - B.mean(), abs=1e-5)


def test_half_precision_activations_are_reduced_in_float32() -> None:
    large = tf.fill([1, 64, 64, 1], tf.constant(300, tf.float16))
    assert float(mean_square("a").value({"a": large}, np.ones(1, np.float32))) == pytest.approx(90_000)
