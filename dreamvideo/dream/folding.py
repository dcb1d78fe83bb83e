"""Rewriting a Keras graph for dreaming: cut at the layers in use, batch norm folded into convolutions, one dtype.

A frozen batch normalisation after a linear operator is itself linear, so ``gamma * (W x + b - mean) / sqrt(var + eps)
+ beta`` is one operator with other weights (Jacob et al. 2018, section 3.2). Folding it saves a pass over every
activation in both directions and leaves the activations equal to rounding.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from dreamvideo.dream.convolution import FrozenConvolution, can_freeze, can_pool_after

FOLDABLE = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)


def rewrite(
    model: Any,
    layers: Sequence[str],
    *,
    dtype: str = "float32",
    rename: Callable[[str], str] = lambda name: name,
    constant: bool = False,
) -> Any:
    """A copy of ``model`` that computes ``layers`` (names, in that order, as a list of outputs) and nothing more.

    Batch normalisations that directly follow a linear operator are folded into it; others stay, frozen. Weights and
    activations have ``dtype`` (a Keras dtype policy). ``rename`` maps old layer names to new ones. With ``constant``,
    convolutions become ``FrozenConvolution`` where they can: faster, but the copy can't be saved. The weights are
    copied: ``model`` is left as it was.
    """
    cut = keras.Model(model.inputs, [model.get_layer(name).output for name in layers])
    pairs = _pairs(cut)
    folded_into = {source.name: norm for source, norm in pairs if _can_fold(norm, source)}
    pooled = {layer.name: pool for pool, layer in pairs if constant and can_pool_after(pool, layer)}
    skipped = {layer.name for layer in (*folded_into.values(), *pooled.values())}
    created: dict[str, Any] = {}

    def clone(layer: Any) -> Any:
        if constant and can_freeze(layer):
            kernel, *bias = _weights(layer, folded_into.get(layer.name))
            bias = bias[0] if bias else np.zeros(kernel.shape[3], np.float32)
            pool = pooled[layer.name].pool_size if layer.name in pooled else None
            common = {"stride": layer.strides[0], "pool": pool, "name": rename(layer.name), "dtype": dtype}
            return FrozenConvolution(kernel, bias, layer.padding, **common)
        config = layer.get_config()
        config["name"] = rename(layer.name)
        if isinstance(layer, keras.layers.Layer):  # a plain operation, such as x * 2, has no dtype of its own
            config["dtype"] = dtype
        if layer.name in folded_into:
            config["use_bias"] = True
        for key in config:
            if key.endswith("_initializer"):
                config[key] = "zeros"  # the weights are copied below: drawing them first would only take time
        created[layer.name] = type(layer).from_config(config)
        return created[layer.name]

    def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
        return args[0] if layer.name in skipped_new else layer(*args, **kwargs)

    skipped_new = {rename(name) for name in skipped}
    copy = keras.models.clone_model(cut, clone_function=clone, call_function=call)
    for layer in cut.layers:
        if layer.weights and layer.name in created and layer.name not in skipped:
            created[layer.name].set_weights(_weights(layer, folded_into.get(layer.name)))
    copy.trainable = False
    return copy


def _pairs(model: Any) -> list[tuple[Any, Any]]:
    """Pairs of layers of which the first feeds the second and nothing else, each called once."""
    producers = {id(layer.output): layer for layer in model.layers if not isinstance(layer.output, (list, tuple))}
    consumers = Counter(
        id(tensor) for operation in model.operations for call in _calls(operation) for tensor in call.input_tensors
    )
    consumers.update(id(tensor) for tensor in model.outputs)
    pairs = [(producers.get(id(layer.input)), layer) for layer in model.layers if len(_calls(layer)) == 1]
    return [
        (source, layer)
        for source, layer in pairs
        if source is not None and consumers[id(layer.input)] == 1 and len(_calls(source)) == 1
    ]


def _can_fold(norm: Any, source: Any) -> bool:
    rank = len(source.output.shape)
    return (
        isinstance(norm, keras.layers.BatchNormalization)
        and isinstance(source, FOLDABLE)
        and source.activation is keras.activations.linear
        and norm.axis in (-1, rank - 1)
        and getattr(source, "data_format", "channels_last") == "channels_last"
    )


def _calls(operation: Any) -> list[Any]:
    """Where a layer or operation is called: more than once if it is shared."""
    return operation._inbound_nodes


def _weights(layer: Any, norm: Any | None) -> list[np.ndarray]:
    """The layer's weights in its own order, with ``norm`` folded in; computed in float32."""
    weights = [np.asarray(keras.ops.convert_to_numpy(weight), np.float32) for weight in layer.get_weights()]
    if norm is None:
        return weights
    kernel = weights[0]
    bias = weights[1] if layer.use_bias else np.zeros((), np.float32)
    mean, variance = (_array(weight) for weight in (norm.moving_mean, norm.moving_variance))
    scale = 1 / np.sqrt(variance + norm.epsilon)
    if norm.scale:
        scale = scale * _array(norm.gamma)
    shift = _array(norm.beta) if norm.center else np.zeros((), np.float32)
    channels = kernel.shape[2:] if isinstance(layer, keras.layers.DepthwiseConv2D) else scale.shape
    return [kernel * scale.reshape(channels), (bias - mean) * scale + shift]


def _array(weight: Any) -> np.ndarray:
    return np.asarray(keras.ops.convert_to_numpy(weight), np.float32)
