"""A Keras model as a graph to dream on: its picture-shaped layers, their sizes, and the copy that computes them."""

import hashlib
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from dreamvideo.catalogue import SAVED_AS
from dreamvideo.dream.folding import rewrite
from dreamvideo.dream.receptive import EVERYTHING, Pair, Step
from dreamvideo.errors import NetworkError

_SMALL = 1 << 26  # bytes that may be unpacked from a file of any size
_MOST_SHRUNK = 16  # how many times smaller a file may be than what it holds
_GLOBAL = (keras.layers.GlobalAveragePooling2D, keras.layers.GlobalMaxPooling2D)


class KerasGraph:
    """The part of a Keras model with picture-shaped outputs. The model is not changed."""

    precisions: tuple[str, ...] = ("float32", "bfloat16", "float16")

    def __init__(self, model: Any) -> None:
        """``layer_names`` are the layers whose output is a picture that grows with the input, in the graph's order."""
        self.model = model
        self.layer_names: list[str] = [
            layer.name
            for layer in model.layers
            if not isinstance(layer, keras.layers.InputLayer) and _is_picture(layer.output)
        ]

    def kind(self, layer: str) -> str:
        return type(self.model.get_layer(layer)).__name__

    def channels(self, layer: str) -> int:
        return self.model.get_layer(layer).output.shape[-1]

    def sizes(self, layers: Sequence[str]) -> Callable[[int, int], list[tuple[int, int]]]:
        """A picture's (height, width) to those of ``layers``; ``ValueError`` if the picture is too small or misfits."""
        outputs = [self.model.get_layer(name).output for name in layers]
        joins = _joins(keras.Model(self.model.inputs, outputs))
        model = keras.Model(self.model.inputs, [*outputs, *(tensor for join in joins for tensor in join)])

        def sizes(height: int, width: int) -> list[tuple[int, int]]:
            shapes = model.compute_output_shape((1, height, width, 3))
            found = [(shape[1], shape[2]) for shape in (shapes if isinstance(shapes, list) else [shapes])]
            rest = iter(found[len(layers) :])
            if any(len({next(rest) for _ in join}) > 1 for join in joins):
                raise ValueError(f"branches for a picture of {width}x{height} differ in size where they meet")
            return found[: len(layers)]

        return sizes

    def compute(self, layers: Sequence[str], dtype: str) -> Callable[[tf.Tensor], list[tf.Tensor]]:
        """The network's own input to the activations of ``layers``, in ``dtype``; cut and with batch norm folded."""
        model = rewrite(self.model, layers, dtype=dtype, constant=True)

        def compute(values: tf.Tensor) -> list[tf.Tensor]:
            outputs = model(values, training=False)
            return outputs if isinstance(outputs, list) else [outputs]

        return compute

    def steps(self) -> dict[str, Step]:
        """Every operation with its window, inputs first."""
        return {
            operation.name: _step(operation)
            for operation in self.model.operations
            if not isinstance(operation, keras.layers.InputLayer)
        }


def _is_picture(output: Any) -> bool:
    """Whether a layer's output is one tensor [batch, height, width, channels] whose sides are free."""
    shape = getattr(output, "shape", ())
    return len(shape) == 4 and shape[1] is None and shape[2] is None


def _joins(model: Any) -> list[list[Any]]:
    """What is laid behind one another in each place: Keras checks that the sides agree only when it builds that."""
    nodes = [node for nodes in model._nodes_by_depth.values() for node in nodes]
    return [
        node.input_tensors
        for node in nodes
        if isinstance(node.operation, keras.layers.Concatenate) and node.operation.axis in (-1, 3)
        if all(len(tensor.shape) == 4 for tensor in node.input_tensors)
    ]


def _step(operation: Any) -> Step:
    inputs = tuple(
        dict.fromkeys(
            tensor._keras_history.operation.name
            for call in operation._inbound_nodes
            for tensor in call.input_tensors
            if not isinstance(tensor._keras_history.operation, keras.layers.InputLayer)
        )
    )
    if isinstance(operation, _GLOBAL):
        return Step(inputs, EVERYTHING)
    if isinstance(operation, keras.layers.UpSampling2D):
        rows, columns = operation.size
        return Step(inputs, stride=(1 / rows, 1 / columns))
    window = _pair(getattr(operation, "kernel_size", getattr(operation, "pool_size", 1)))
    spread = _pair(getattr(operation, "dilation_rate", 1))
    stride = _pair(getattr(operation, "strides", None) or 1)
    if isinstance(operation, keras.layers.Conv2DTranspose):
        stride = (1 / stride[0], 1 / stride[1])
    wide = tuple((size - 1) * step + 1 for size, step in zip(window, spread, strict=True))
    return Step(inputs, (wide[0], wide[1]), stride)


def _pair(value: Any) -> Pair:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def weights_digest(model: Any) -> str:
    """A sha256 of the layers' names and weights: the same whichever version of Keras wrote them down."""
    digest = hashlib.sha256()
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        for weight in layer.get_weights():
            digest.update(f"{layer.name} {weight.dtype} {weight.shape}".encode())
            digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def guess_values(model: Any) -> str:
    """The key of ``RANGES`` that ``model`` was probably trained on: see ``networks.load_network``."""
    first = next(layer for layer in model.layers if not isinstance(layer, keras.layers.InputLayer))
    if isinstance(first, (keras.layers.Rescaling, keras.layers.Normalization)):
        return "0..255"
    return next((values for name, values in SAVED_AS.items() if model.name.startswith(name)), "0..1")


def load_keras_file(path: Path) -> Any:
    """The model in a ``.keras`` file of anybody's making, made free in its input's size.

    Raises ``NetworkError`` for a file that is damaged, that asks for code of its own, or that takes no RGB picture.
    """
    if not zipfile.is_zipfile(path):  # Keras would say that it is not there
        raise NetworkError(f"cannot load {path}: it is no .keras file, or a damaged one; save it once more in Keras")
    _refuse_bomb(path)
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever it stumbles on, from TypeError to a zip file's own errors
        raise NetworkError(f"cannot load {path}: {_reason(error)}") from error
    return with_free_size(model, str(path))


def _refuse_bomb(path: Path) -> None:
    """Raise ``NetworkError`` for an archive that unpacks to far more than it is: weights hardly shrink."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
    except Exception as error:  # a damaged archive fails in many ways
        raise NetworkError(f"cannot load {path}: {_reason(error)}") from error
    if unpacked > max(_SMALL, _MOST_SHRUNK * path.stat().st_size):
        raise NetworkError(f"cannot load {path}: it unpacks to {unpacked >> 20} MiB, which no weights of its size do")


def _reason(error: Exception) -> str:
    text = str(error)
    if "Lambda" in text or "lambda" in text:
        return "it holds a Lambda layer, that is, code of its own, which dreamvideo does not run"
    if "Could not locate" in text or "registered" in text or "custom" in text.lower():
        return "it needs a custom class, that is, code of its own, which dreamvideo does not run"
    return f"it is no intact .keras file ({' '.join(text.split())[:160]})"


def with_free_size(model: Any, what: str) -> Any:
    """A copy of ``model`` that takes RGB pictures of any size, cut at the last layers that can.

    ``what`` names the model in the ``NetworkError`` that is raised where no layer can.
    """
    if not model.built or getattr(model, "inputs", None) is None:
        raise NetworkError(f"{what} was saved without the shape of its input; call the model once before saving it")
    if len(model.inputs) != 1 or len(model.inputs[0].shape) != 4 or model.inputs[0].shape[3] != 3:
        raise NetworkError(
            f"{what} does not take one RGB picture: its input has the shape"
            f" {' and '.join(str(tensor.shape) for tensor in model.inputs)}, not (None, None, None, 3)"
        )
    free = keras.Input((None, None, 3))
    replay = _Replay()
    pictures = [tensor for tensor in replay.run(model, free) if _is_picture(tensor)]
    if not pictures:
        raise NetworkError(f"{what} has no layer that takes pictures of any size")
    freed = keras.Model(free, pictures, name=model.name)
    for old, new in replay.copies.values():
        if getattr(new, "weights", None):  # a plain operation, such as x * 2, has none
            new.set_weights(old.get_weights())
    return freed


class _Replay:
    """Calls copies of a model's layers on another input, those of models inside it one by one."""

    def __init__(self) -> None:
        self.copies: dict[int, tuple[Any, Any]] = {}
        self.names: set[str] = set()

    def run(self, model: Any, free: Any) -> list[Any]:
        """All that the copies compute from ``free``; where its free size does not fit, what follows is left out."""
        graph = getattr(model, "_functional", None) or model  # a Sequential keeps its graph to itself
        tensors = {id(graph.inputs[0]): free}
        for depth in sorted(graph._nodes_by_depth, reverse=True):
            for node in graph._nodes_by_depth[depth]:
                if node.input_tensors and all(id(tensor) in tensors for tensor in node.input_tensors):
                    self._call(node, tensors)
        self.last = [tensors.get(id(tensor)) for tensor in graph.outputs]
        return [*tensors.values()][1:]

    def _call(self, node: Any, tensors: dict[int, Any]) -> None:
        operation = node.operation
        if isinstance(operation, keras.Model) and len(operation.inputs) == 1:
            inner = self.run(operation, tensors[id(node.input_tensors[0])])
            results = self.last
            tensors.update((id(tensor), tensor) for tensor in inner)
        else:
            args, kwargs = node.arguments.fill_in({id(t): tensors[id(t)] for t in node.input_tensors})
            try:
                found = self._copy(operation)(*args, **kwargs)
            except (ValueError, TypeError):
                return  # a Dense layer after Flatten, say, whose input has no definite length any more
            results = found if isinstance(found, list | tuple) else [found]
        for old, new in zip(node.outputs, results, strict=True):
            if new is not None:
                tensors[id(old)] = new

    def _copy(self, operation: Any) -> Any:
        if id(operation) not in self.copies:
            config = operation.get_config()
            while config.get("name") in self.names:  # layers of a model inside another may be called the same
                config["name"] += "_inner"
            self.names.add(config.get("name", ""))
            self.copies[id(operation)] = operation, _from_config(operation, config)
        return self.copies[id(operation)][1]


def _from_config(operation: Any, config: dict[str, Any]) -> Any:
    """A layer like ``operation``; a fitted Normalization becomes a Rescaling, whose numbers are in its config."""
    if not isinstance(operation, keras.layers.Normalization) or operation.input_mean is not None:
        return type(operation).from_config(config)
    mean, variance = (np.asarray(value, np.float32).ravel() for value in (operation.mean, operation.variance))
    scale = 1 / np.maximum(np.sqrt(variance), keras.config.epsilon())
    return keras.layers.Rescaling(scale.tolist(), (-mean * scale).tolist(), name=config["name"])
