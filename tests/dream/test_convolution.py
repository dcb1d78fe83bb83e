"""Frozen convolutions compute what Keras' do, in both directions, whatever stands around them."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.dream.convolution import FrozenConvolution
from dreamvideo.dream.folding import rewrite
from tests.dream.test_folding import assert_close, build, pictures

layers = keras.layers


def values_and_gradient(model: Any, x: np.ndarray) -> tuple[Any, Any]:
    """The model's first output, and the gradient of a fixed mixture of its values with respect to ``x``."""
    picture = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(picture)
        output = model([picture], training=False)
        output = output[0] if isinstance(output, list) else output
        signs = tf.sin(tf.reshape(tf.range(tf.size(output), dtype=tf.float32), tf.shape(output)))
        mixture = tf.reduce_sum(output * signs + tf.square(output))
    return output, tape.gradient(mixture, picture)


def assert_same_both_ways(model: Any, names: list[str], x: np.ndarray) -> Any:
    frozen = rewrite(model, names, constant=True)
    truth = keras.Model(model.inputs, [model.get_layer(name).output for name in names])
    for actual, wanted in zip(values_and_gradient(frozen, x), values_and_gradient(truth, x), strict=True):
        assert_close(actual, wanted)
    return frozen


def frozen(model: Any) -> list[FrozenConvolution]:
    return [layer for layer in model.layers if isinstance(layer, FrozenConvolution)]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize("kernel", [1, 2, (3, 5), (1, 7), 4])
def test_values_and_gradients_are_those_of_conv2d(kernel: Any, padding: str, stride: int) -> None:
    model = build(layers.Conv2D(5, kernel, strides=stride, padding=padding, name="out"))
    copy = assert_same_both_ways(model, ["out"], pictures())
    assert len(frozen(copy)) == 1
    assert copy.compute_output_shape((2, 21, 18, 3))[0] == model.compute_output_shape((2, 21, 18, 3))


def pooled(x: Any, *, out: int = 2, kernel: int = 1, strides: int = 1, padding: str = "same") -> Any:
    wide = layers.Conv2D(8, 3, name="wide")(x)
    pool = layers.AveragePooling2D(3, strides, padding, name="pool")(wide)
    return layers.Conv2D(out, kernel, name="out")(pool)


def test_a_narrowing_convolution_is_computed_before_its_average_pool() -> None:
    copy = assert_same_both_ways(build(pooled), ["out"], pictures())
    assert [layer.pool for layer in frozen(copy)] == [None, (3, 3)]
    assert "pool" not in {layer.name for layer in copy.layers}


@pytest.mark.parametrize(
    "changes",
    [{"out": 9}, {"kernel": 3}, {"strides": 2}, {"padding": "valid"}],
    ids=lambda changes: next(iter(changes)),
)
def test_other_pools_stay_where_they_are(changes: dict[str, Any]) -> None:
    copy = assert_same_both_ways(build(lambda x: pooled(x, **changes)), ["out"], pictures())
    assert [layer.pool for layer in frozen(copy)] == [None, None]


def test_a_pool_that_is_dreamed_on_itself_stays() -> None:
    copy = assert_same_both_ways(build(pooled), ["pool", "out"], pictures())
    assert "pool" in {layer.name for layer in copy.layers}


def test_the_embedded_network_pools_few_channels(inception: Any) -> None:
    names = {layer.name for layer in rewrite(inception.model, ["mixed5"], constant=True).layers}
    assert not [name for name in names if name.startswith("average_pooling")]
