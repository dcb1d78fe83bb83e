"""Folding leaves the activations as they were, folds what it may, and nothing else."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from dreamvideo.dream.folding import rewrite
from tests.tiny import BRANCH, DEEP, MIXED, randomize, tiny_network

pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")
layers = keras.layers
TOLERANCE = 2e-5  # of the largest activation: float32 rounding


def pictures(channels: int = 3) -> np.ndarray:
    return np.random.default_rng(7).uniform(-1, 1, (2, 21, 18, channels)).astype(np.float32)


def build(graph: Callable[[Any], Any], channels: int = 3) -> Any:
    """A model of ``graph`` with random weights; its last layer must be called ``out``."""
    image = keras.Input((None, None, channels))
    model = keras.Model(image, graph(image))
    randomize(model, 3)
    return model


def norms(model: Any) -> int:
    return sum(isinstance(layer, layers.BatchNormalization) for layer in model.layers)


def assert_close(actual: Any, wanted: Any) -> None:
    actual, wanted = np.asarray(actual), np.asarray(wanted)
    assert actual.shape == wanted.shape
    assert np.abs(wanted).max() > 0.1  # an all-zero activation would prove nothing
    assert np.abs(actual - wanted).max() <= TOLERANCE * np.abs(wanted).max()


def assert_same_function(model: Any, names: list[str], *, norms_left: int) -> Any:
    folded = rewrite(model, names)
    truth = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    x = pictures(model.inputs[0].shape[-1])
    for actual, wanted in zip(run(folded, x), run(truth, x), strict=True):
        assert_close(actual, wanted)
    assert norms(folded) == norms_left
    return folded


def run(model: Any, x: np.ndarray) -> list[Any]:
    outputs = model([x], training=False)
    return outputs if isinstance(outputs, list) else [outputs]


def test_tiny_network_keeps_its_activations_without_any_norm() -> None:
    assert_same_function(tiny_network().model, [BRANCH, MIXED, DEEP], norms_left=0)


def test_the_graph_is_cut_at_the_deepest_layer_asked_for() -> None:
    folded = rewrite(tiny_network().model, [BRANCH])
    names = {layer.name for layer in folded.layers}
    assert BRANCH in names
    assert not names & {"deep_conv", "narrow_conv", MIXED}


def test_the_original_is_left_as_it_was() -> None:
    model = tiny_network().model
    before = [np.array(weight) for weight in model.get_weights()]
    folded = rewrite(model, [DEEP])
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert norms(model) == 4
    assert not folded.trainable_weights


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("scale", "center"), [(False, False), (False, True), (True, False), (True, True)])
@pytest.mark.parametrize("kind", ["conv", "grouped", "depthwise", "multiplied", "dense"])
def test_every_linear_operator_is_folded(kind: str, bias: bool, scale: bool, center: bool) -> None:
    operators: dict[str, Any] = {
        "conv": layers.Conv2D(6, 3, use_bias=bias, padding="same"),
        "grouped": layers.Conv2D(8, 3, groups=4, use_bias=bias),
        "depthwise": layers.DepthwiseConv2D(3, use_bias=bias),
        "multiplied": layers.DepthwiseConv2D(3, depth_multiplier=3, use_bias=bias),
        "dense": layers.Dense(6, use_bias=bias),
    }
    norm = layers.BatchNormalization(scale=scale, center=center, epsilon=0.01, name="out")
    assert_same_function(build(lambda x: norm(operators[kind](x)), channels=4), ["out"], norms_left=0)


def after_concat(x: Any) -> Any:
    both = layers.Concatenate()([layers.Conv2D(4, 1)(x), layers.Conv2D(5, 1)(x)])
    return layers.BatchNormalization(name="out")(both)


def after_activation(x: Any) -> Any:
    return layers.BatchNormalization(name="out")(layers.Conv2D(4, 3, activation="relu")(x))


def after_relu_layer(x: Any) -> Any:
    return layers.BatchNormalization(name="out")(layers.ReLU()(layers.Conv2D(4, 3)(x)))


def two_consumers(x: Any) -> Any:
    shared = layers.Conv2D(4, 3)(x)
    return layers.Add(name="out")([layers.BatchNormalization()(shared), shared])


def an_operation_as_second_consumer(x: Any) -> Any:
    shared = layers.Conv2D(4, 3)(x)
    return layers.Add(name="out")([layers.BatchNormalization()(shared), shared * 2.0])


def two_norms(x: Any) -> Any:
    shared = layers.Conv2D(4, 3)(x)
    return layers.Add(name="out")([layers.BatchNormalization()(shared), layers.BatchNormalization()(shared)])


def another_axis(x: Any) -> Any:
    sized = layers.Resizing(8, 8)(x)
    return layers.BatchNormalization(axis=1, name="out")(layers.Conv2D(8, 1)(sized))


def transposed(x: Any) -> Any:
    return layers.BatchNormalization(name="out")(layers.Conv2DTranspose(4, 3)(x))


def at_the_input(x: Any) -> Any:
    return layers.Conv2D(4, 3, name="out")(layers.BatchNormalization()(x))


UNFOLDABLE = [
    (after_concat, 1),
    (after_activation, 1),
    (after_relu_layer, 1),
    (two_consumers, 1),
    (an_operation_as_second_consumer, 1),
    (two_norms, 2),
    (another_axis, 1),
    (transposed, 1),
    (at_the_input, 1),
]


@pytest.mark.parametrize(("graph", "left"), UNFOLDABLE, ids=[graph.__name__ for graph, _ in UNFOLDABLE])
def test_what_may_not_be_folded_stays(graph: Callable[[Any], Any], left: int) -> None:
    assert_same_function(build(graph), ["out"], norms_left=left)


def test_a_convolution_that_is_called_twice_is_not_folded() -> None:
    def graph(x: Any) -> Any:
        shared = layers.Conv2D(3, 3, padding="same")
        return layers.Activation("tanh", name="out")(shared(layers.BatchNormalization()(shared(x))))

    assert_same_function(build(graph), ["out"], norms_left=1)


def test_a_norm_that_is_called_twice_is_not_folded() -> None:
    def graph(x: Any) -> Any:
        shared = layers.BatchNormalization()
        return layers.Add(name="out")([shared(layers.Conv2D(3, 3)(x)), shared(layers.Conv2D(3, 3)(x))])

    assert_same_function(build(graph), ["out"], norms_left=1)


def test_a_convolution_that_is_asked_for_itself_is_not_folded() -> None:
    def graph(x: Any) -> Any:
        return layers.BatchNormalization(name="out")(layers.Conv2D(4, 3, name="raw")(x))

    assert_same_function(build(graph), ["raw", "out"], norms_left=1)
    assert_same_function(build(graph), ["raw"], norms_left=0)


def test_of_two_norms_in_a_row_the_first_is_folded() -> None:
    def graph(x: Any) -> Any:
        first = layers.BatchNormalization()(layers.Conv2D(4, 3)(x))
        return layers.BatchNormalization(name="out")(first)

    assert_same_function(build(graph), ["out"], norms_left=1)


def test_operations_in_the_graph_survive() -> None:
    def graph(x: Any) -> Any:
        size: Any = keras.ops.abs(x)
        y = layers.BatchNormalization()(layers.Conv2D(4, 3)(size + 1.0))
        return layers.Activation("relu", name="out")(y * 3.0)

    assert_same_function(build(graph), ["out"], norms_left=0)


def test_layers_are_renamed_and_keep_their_weights() -> None:
    model = tiny_network().model
    folded = rewrite(model, [DEEP], rename=lambda name: f"my_{name}")
    assert {f"my_{DEEP}", "my_stem_conv"} <= {layer.name for layer in folded.layers}
    assert_close(run(folded, pictures())[0], run(model, pictures())[0])


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_near_float32(dtype: str) -> None:
    model = tiny_network().model
    half = run(rewrite(model, [DEEP], dtype=dtype), pictures())[0]
    assert half.dtype == dtype
    wanted = np.asarray(run(model, pictures())[0])
    error = np.abs(np.asarray(keras.ops.cast(half, "float32")) - wanted)
    assert 0 < error.mean() < 0.02 * wanted.mean()


def test_mobilenet_is_folded_whole() -> None:
    model = keras.applications.MobileNetV2(
        (32, 32, 3),
        alpha=0.35,
        include_top=False,
        weights=None,  # pyright: ignore[reportArgumentType]
    )
    randomize(model, 5)
    inner = "block_5_add"
    folded = rewrite(model, [inner])
    truth = keras.Model(model.inputs, model.get_layer(inner).output)
    x = np.random.default_rng(0).uniform(-1, 1, (1, 32, 32, 3)).astype(np.float32)
    assert_close(run(folded, x)[0], run(truth, x)[0])
    assert norms(truth) > 10
    assert norms(folded) == 0
