"""The reference methods, written plainly: what the well-known notebooks do, on the same network and weights.

An unfolded float32 network, a ``tf.function`` for the gradient of one whole picture, the gradient divided by its
standard deviation, octaves from small to large with the dreamed picture enlarged each time. Every frame alone, or each
from the dreamed frame before it, warped along the flow and blended with the input.
"""

from collections.abc import Callable, Iterable, Mapping

import keras
import numpy as np
import tensorflow as tf

from dreamvideo.dream.binding import weighted_layers
from dreamvideo.dream.networks import load_network
from dreamvideo.dream.terms import view_of
from dreamvideo.motion.carry import Seen

Gradient = Callable[[tf.Tensor], tf.Tensor]


def unfold(folded: keras.Model) -> keras.Model:
    """The embedded network with its batch normalisations back, so that a textbook step has all of its work to do.

    Each convolution loses its bias to a batch norm of zero mean and unit variance after it: the same function.
    """
    norms: dict[str, keras.layers.Layer] = {}

    def clone(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config() | {"dtype": "float32"}
        if isinstance(layer, keras.layers.Conv2D):
            config["use_bias"] = False
            norms[layer.name] = keras.layers.BatchNormalization(scale=False, epsilon=0.001, name=f"{layer.name}_norm")
        return type(layer).from_config(config)

    def call(layer: keras.layers.Layer, *args: object, **kwargs: object) -> object:
        result = layer(*args, **kwargs)
        return norms[layer.name](result) if layer.name in norms else result

    copy = keras.models.clone_model(folded, clone_function=clone, call_function=call)
    for layer in folded.layers:
        if layer.name in norms:
            kernel, bias = (np.asarray(weight, np.float32) for weight in layer.get_weights())
            copy.get_layer(layer.name).set_weights([kernel])
            norms[layer.name].set_weights([bias, np.zeros_like(bias), np.full_like(bias, 1 - 0.001)])
    copy.trainable = False
    return copy


def textbook_gradient(layers: Mapping[str, float], measure: str) -> Gradient:
    """``float32 [height, width, 3]`` in [0, 1] to the gradient of the objective, divided by its standard deviation."""
    objective = weighted_layers(layers, measure, 0)
    network = unfold(load_network("inceptionv3").model)
    names = list(layers)
    model = keras.Model(network.inputs, [network.get_layer(f"{name}").output for name in names])

    @tf.function(input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])
    def gradient(picture: tf.Tensor) -> tf.Tensor:
        with tf.GradientTape() as tape:
            tape.watch(picture)
            outputs = model(picture[None] * 2 - 1, training=False)
            outputs = outputs if isinstance(outputs, list) else [outputs]
            value = objective.value(
                view_of(dict(zip(names, outputs, strict=True))), np.array(objective.weights, np.float32)
            )
        result = tf.convert_to_tensor(tape.gradient(value, picture))
        return result / (tf.math.reduce_std(result) + 1e-8)

    return gradient


def dream_alone(
    gradient: Gradient, frame: np.ndarray, *, steps: int, step: float, octaves: int = 3, scale: float = 1.4
) -> np.ndarray:
    """Every frame alone: ``steps`` in each octave, the picture itself enlarged and the lost detail added back."""
    sizes = [[round(side / scale**k) for side in frame.shape[:2]] for k in range(octaves)]
    picture = tf.image.resize(frame, sizes[-1])
    for size in reversed(sizes):
        base = tf.image.resize(frame, size)
        detail = base - tf.image.resize(tf.image.resize(base, tf.shape(picture)[:2]), size)
        picture = tf.image.resize(picture, size) + detail
        for _ in range(steps):
            picture = tf.clip_by_value(picture + step * gradient(picture), 0.0, 1.0)
    return picture.numpy()


def dream_blended(
    gradient: Gradient, frames: Iterable[Seen], *, weight: float, steps: int, step: float
) -> list[np.ndarray]:
    """Each frame from ``weight`` of the dreamed frame before it, warped, where the flow is trusted, and full steps.

    A weight of 0.5 is the well-known blend; 1 hands the whole dreamed frame on.
    """
    dreamed: list[np.ndarray] = []
    for seen in frames:
        start = seen.frame
        if seen.flow is not None:
            followed = seen.follow()
            start = start + weight * followed.trust * (followed.move(dreamed[-1]) - start)
        dreamed.append(dream_alone(gradient, np.clip(start, 0, 1), steps=steps, step=step))
    return dreamed
