"""Weights as others packed them, to Keras models whose layers have names that people know."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from dreamvideo.dream.folding import rewrite
from dreamvideo.dream.keras_graph import with_free_size
from dreamvideo.dream.unpickle import read_numpy_pickle, read_torch
from dreamvideo.errors import NetworkError

_CHANNELS = (64, 128, 256, 512, 512)

Convolution = tuple[np.ndarray, np.ndarray]  # kernel [height, width, in, out], bias [out]


def vgg(depths: Sequence[int], convolutions: Sequence[Convolution]) -> Any:
    """VGG (Simonyan and Zisserman 2014) with ``depths`` convolutions in its five blocks, named as Keras names them.

    Raises ``NetworkError`` if ``convolutions`` are not those of such a network.
    """
    x = picture = keras.Input((None, None, 3))
    for block, (depth, channels) in enumerate(zip(depths, _CHANNELS, strict=True), start=1):
        for index in range(1, depth + 1):
            name = f"block{block}_conv{index}"
            x = keras.layers.Conv2D(channels, 3, padding="same", name=f"{name}_pre_relu")(x)
            x = keras.layers.Activation("relu", name=name)(x)
        # "same" takes the last row of an odd size in, as Caffe does: nothing of the picture is left out.
        x = keras.layers.MaxPooling2D(2, padding="same", name=f"block{block}_pool")(x)
    model = keras.Model(picture, x)
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    if [[*weight.shape] for layer in layers for weight in layer.weights] != [
        [*weight.shape] for pair in convolutions for weight in pair
    ]:
        raise NetworkError(f"these are not the weights of a VGG with {sum(depths)} convolutions")
    for layer, pair in zip(layers, convolutions, strict=True):
        layer.set_weights(list(pair))
    return model


def vgg16_of_flax(path: Path) -> Any:
    """VGG16 from a pickle of flax's ``{"VGG16_0": {"Conv_0": {"kernel", "bias"}, ...}}``."""
    with path.open("rb") as file:
        layers = read_numpy_pickle(file, path.name)["VGG16_0"]
    pairs = [(layers[f"Conv_{index}"]["kernel"], layers[f"Conv_{index}"]["bias"]) for index in range(len(layers))]
    return vgg((2, 2, 3, 3, 3), pairs)


def vgg19_of_torch(path: Path) -> Any:
    """VGG19 from a torch state dictionary whose entry ``0`` is Caffe's own treatment of the picture.

    That entry turns RGB in [0, 1] to BGR minus the mean, as the range "caffe" does.
    """
    with path.open("rb") as file:
        state = read_torch(file, path.name)
    numbers = sorted(int(key.removesuffix(".weight")) for key in state if key.endswith(".weight"))
    pairs = [(state[f"{i}.weight"].transpose(2, 3, 1, 0), state[f"{i}.bias"]) for i in numbers if i > 0]
    return vgg((2, 2, 4, 4, 4), pairs)


def mobilenet_v2_of_keras(path: Path) -> Any:
    """MobileNetV2 from Keras' own weights, without its classifier."""
    model: Any = keras.applications.MobileNetV2(weights=str(path))
    return with_free_size(model, path.name)


CONVERTERS: dict[str, Callable[[Path], Any]] = {
    "vgg16": vgg16_of_flax,
    "vgg19": vgg19_of_torch,
    "mobilenet_v2": mobilenet_v2_of_keras,
}


def store(model: Any, path: Path) -> None:
    """Write ``model`` to ``path`` (``.keras``) as it will be used: batch norm folded, weights as float16."""
    read = {id(t) for operation in model.operations for call in operation._inbound_nodes for t in call.input_tensors}
    ends = [layer.name for layer in model.layers if id(layer.output) not in read]
    rewrite(model, ends, dtype="float16").save(path)
