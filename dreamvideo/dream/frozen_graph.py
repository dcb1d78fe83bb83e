"""Frozen TensorFlow graphs (GraphDef, ``.pb``), such as the inception5h of the first DeepDream.

Such a file is a program. It is never handed to TensorFlow: its nodes are played one by one, and only operations of the
list below that lie between the picture and a layer, so that none can read a file, open a connection or run code.
Playing them ourselves also lets the network compute in another precision than it was saved in.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dreamvideo.dream.graph_def import Node, choose_input, read_nodes
from dreamvideo.dream.receptive import EVERYTHING, Pair, Step
from dreamvideo.errors import DreamError, NetworkError

CONVOLUTIONS = ("Conv2D", "DepthwiseConv2dNative")
POOLS = ("MaxPool", "AvgPool")
NORMS = ("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "LRN")
ACTIVATIONS = ("BiasAdd", "Relu", "Relu6", "Elu", "Selu", "LeakyRelu", "Sigmoid", "Tanh", "Softplus", "Softsign")
JOINS = ("ConcatV2", "Concat", "Add", "AddV2", "AddN", "Mul", "Maximum")
LAYERS = frozenset((*CONVOLUTIONS, *POOLS, *NORMS, *ACTIVATIONS, *JOINS))

ARITHMETIC = ("Sub", "RealDiv", "Div", "Minimum", "Neg", "Square", "SquaredDifference", "Sqrt", "Rsqrt", "Exp", "Pow")
SHAPES = (
    *("Reshape", "Squeeze", "ExpandDims", "Transpose", "ReverseV2", "Pad", "PadV2", "MirrorPad", "Split", "SplitV"),
    *("Slice", "StridedSlice", "Pack", "Shape", "SpaceToBatchND", "BatchToSpaceND", "SpaceToDepth", "DepthToSpace"),
    *("ResizeBilinear", "ResizeNearestNeighbor"),
)
REDUCTIONS = ("Mean", "Sum", "Max", "Min", "MatMul", "Softmax")
PASSED_ON = ("Identity", "CheckNumerics", "StopGradient", "PlaceholderWithDefault")
ALLOWED = frozenset((*LAYERS, *ARITHMETIC, *SHAPES, *REDUCTIONS, *PASSED_ON, "Cast", "Const"))

_IN_FLOAT32 = frozenset((*NORMS, "Rsqrt", "Sqrt", "Pow", "ResizeBilinear"))  # not exact, or not there, in 16 bits
_LISTS = {"ConcatV2": 0, "Concat": 1, "AddN": 0, "Pack": 0}  # which argument takes as many inputs as there are


class FrozenGraph:
    """The part of a GraphDef that can be dreamed on, from the node ``input`` on."""

    precisions: tuple[str, ...] = ("float32", "bfloat16", "float16")

    def __init__(self, nodes: Mapping[str, Node], input_node: str) -> None:
        """``layer_names`` are the operations whose output is a picture that grows with the input, in the graph's order.

        Raises ``NetworkError`` if one depends on an operation that is not ``ALLOWED``, or if there is none.
        """
        self.input = input_node
        self._nodes = nodes
        self._order = _from_input(nodes, input_node)
        self._constants = self._fold_constants()
        self.layer_names = self._pictures()
        if not self.layer_names:
            raise NetworkError(f"there is no picture-shaped layer after the node {input_node}")

    def _pictures(self) -> list[str]:
        candidates = [name for name in self._order if self._nodes[name].op in LAYERS and name not in self._constants]
        small, large = (self._shapes(candidates, side, side) for side in (512, 1024))
        return [name for name in candidates if _grows(small.get(name), large.get(name))]

    def kind(self, layer: str) -> str:
        return self._nodes[layer].op

    def channels(self, layer: str) -> int:
        return self._channels[layer]

    @cached_property
    def _channels(self) -> dict[str, int]:
        return {name: shape[3] for name, shape in self._shapes(self.layer_names, 512, 512).items()}

    def sizes(self, layers: Sequence[str]) -> Callable[[int, int], list[tuple[int, int]]]:
        """A picture's (height, width) to those of ``layers``; ``ValueError`` if the picture is too small."""

        def sizes(height: int, width: int) -> list[tuple[int, int]]:
            shapes = self._shapes(layers, height, width)
            if any(0 in shapes.get(name, (0,)) for name in layers):
                raise ValueError(f"{width}x{height} is too small")
            return [(shapes[name][1], shapes[name][2]) for name in layers]

        return sizes

    def _shapes(self, layers: Sequence[str], height: int, width: int) -> dict[str, tuple[int, ...]]:
        """The shapes of the layers that have one for a picture of this size; nothing is computed."""
        with tf.Graph().as_default():
            picture = tf.compat.v1.placeholder(tf.float32, (1, height, width, 3))
            values = self._play(layers, picture, skip_misfits=True)
            shapes = {name: values[name][0].shape for name in layers if name in values}
        return {name: tuple(shape) for name, shape in shapes.items() if shape.is_fully_defined()}

    def compute(self, layers: Sequence[str], dtype: str) -> Callable[[tf.Tensor], list[tf.Tensor]]:
        """The network's own input to the activations of ``layers``, in ``dtype``."""

        def compute(values: tf.Tensor) -> list[tf.Tensor]:
            played = self._play(layers, tf.cast(values, dtype))
            return [played[name][0] for name in layers]

        return compute

    def steps(self) -> dict[str, Step]:
        """Every operation that sees the picture, with its window, inputs first."""
        seen = [self._nodes[name] for name in self._order if name not in self._constants]
        return {node.name: self._step(node) for node in seen}

    def _step(self, node: Node) -> Step:
        inputs = tuple(name for name, _ in node.inputs if name not in self._constants and name != self.input)
        if node.op in CONVOLUTIONS:
            kernel = self._constants.get(node.inputs[1][0], [np.ones((1, 1))])[0].shape
            spread = _pair(node.attributes.get("dilations", [1, 1, 1, 1]))
            window = ((kernel[0] - 1) * spread[0] + 1, (kernel[1] - 1) * spread[1] + 1)
            return Step(inputs, window, _pair(node.attributes["strides"]))
        if node.op in POOLS:
            return Step(inputs, _pair(node.attributes["ksize"]), _pair(node.attributes["strides"]))
        return Step(inputs, EVERYTHING) if node.op in REDUCTIONS else Step(inputs)

    def _fold_constants(self) -> dict[str, list[np.ndarray]]:
        """What does not depend on the picture, computed once and in the precision of the file."""
        folded: dict[str, list[np.ndarray]] = {}
        for name in self._order:
            node = self._nodes[name]
            if node.op == "Const":
                folded[name] = [node.attributes["value"]]
            elif all(source in folded for source, _ in node.inputs):
                inputs = [tf.constant(folded[source][index]) for source, index in node.inputs]
                folded[name] = [result.numpy() for result in _run(node, inputs, "float32")]
        return folded

    def _play(self, layers: Sequence[str], picture: tf.Tensor, *, skip_misfits: bool = False) -> dict[str, list[Any]]:
        """All values up to ``layers``, with ``picture`` in the place of the input node and in its dtype."""
        values: dict[str, list[Any]] = {**self._constants, self.input: [picture]}
        wanted = _ancestors(self._nodes, layers, self.input)
        for name in self._order:
            node = self._nodes[name]
            if name in values or name not in wanted:
                continue
            if skip_misfits and any(source not in values for source, _ in node.inputs):
                continue
            try:
                values[name] = _run(node, [values[source][i] for source, i in node.inputs], picture.dtype.name)
            except ValueError:
                if not skip_misfits:
                    raise
        return values


def _run(node: Node, inputs: Sequence[Any], dtype: str) -> list[Any]:
    """The outputs of one operation. Floating-point values are in ``dtype``, whatever the file says."""
    if node.op in PASSED_ON:
        return [inputs[0]]
    inside = "float32" if node.op in _IN_FLOAT32 else dtype
    arguments = [_in(value, inside) for value in inputs]
    if node.op == "Cast":
        to = node.attributes["DstT"]
        return [arguments[0] if to.is_floating and arguments[0].dtype.is_floating else tf.cast(arguments[0], to)]
    operation, names = _operation(node.op)
    attributes = {name: value for name, value in node.attributes.items() if name in names}
    if node.op in _LISTS:
        first = _LISTS[node.op]
        last = first + node.attributes["N"]
        arguments = [*arguments[:first], arguments[first:last], *arguments[last:]]
    results = operation(**dict(zip(names, arguments, strict=False)), **attributes)
    listed = list(results) if isinstance(results, (list, tuple)) else [results]
    return [_in(value, dtype) for value in listed]


def _in(value: Any, dtype: str) -> Any:
    """A tensor, or an array as one; in ``dtype`` if it is of floating point."""
    if isinstance(value, np.ndarray):
        is_floating = np.issubdtype(value.dtype, np.floating)
        return tf.constant(value.astype(tf.as_dtype(dtype).as_numpy_dtype) if is_floating else value)
    return tf.cast(value, dtype) if value.dtype.is_floating else value


@cache
def _operation(op: str) -> tuple[Callable[..., Any], tuple[str, ...]]:
    """TensorFlow's own function for an operation, and the names of its inputs and attributes, in this order."""
    function = getattr(tf.raw_ops, op)
    return function, tuple(name for name in inspect.signature(function).parameters if name != "name")


def _grows(small: tuple[int, ...] | None, large: tuple[int, ...] | None) -> bool:
    if small is None or large is None or len(small) != 4 or len(large) != 4:
        return False
    return 0 < small[1] < large[1] and 0 < small[2] < large[2]


def _pair(values: Sequence[int]) -> Pair:
    return (values[1], values[2])


def _from_input(nodes: Mapping[str, Node], input_node: str) -> list[str]:
    """Every node on the way from the input to a layer, and what these need, inputs first; all of them are allowed."""
    seen = {input_node}
    for name in (order := _sorted(nodes)):
        if any(source in seen for source, _ in nodes[name].inputs):
            seen.add(name)
    wanted = _ancestors(nodes, [name for name in seen if nodes[name].op in LAYERS], input_node)
    for name in order:
        node = nodes[name]
        if name not in wanted or name == input_node:
            continue
        if node.op.startswith("Placeholder") and node.op not in ALLOWED:
            raise NetworkError(f"the node {name} is another input; freeze the graph with a constant in its place")
        if node.op not in ALLOWED:
            raise NetworkError(
                f"the node {name} is an operation of the kind {node.op}, which dreamvideo does not run:"
                " only those that a picture passes through in a convolutional network"
            )
        if node.attributes.get("data_format", "NHWC") != "NHWC":
            raise NetworkError(f"the node {name} wants channels first (NCHW); freeze the graph with channels last")
    return [name for name in order if name in wanted and name != input_node]


def _sorted(nodes: Mapping[str, Node]) -> list[str]:
    """All names, inputs first. Raises ``NetworkError`` for a graph with a loop or with inputs that are not there."""
    order: dict[str, None] = {}
    pending: set[str] = set()
    stack = [*nodes][::-1]
    while stack:
        name = stack[-1]
        missing = [source for source, _ in nodes[name].inputs if source not in order] if name not in order else []
        if name in order or not missing:
            order[stack.pop()] = None
            pending.discard(name)
        elif name in pending or any(source not in nodes for source in missing):
            raise NetworkError(
                f"the graph is not whole: the node {name} reads {missing[0]}, which is a loop or missing"
            )
        else:
            pending.add(name)
            stack.extend(missing)
    return list(order)


def _ancestors(nodes: Mapping[str, Node], names: Iterable[str], stop: str) -> set[str]:
    """``names`` and all that they depend on, not looking past ``stop``."""
    found: set[str] = set()
    stack = list(names)
    while stack:
        name = stack.pop()
        if name not in found:
            found.add(name)
            stack.extend(source for source, _ in nodes[name].inputs if name != stop)
    return found


def load_frozen_graph(path: Path, input_node: str | None = None) -> FrozenGraph:
    """The GraphDef in ``path``. Pictures enter at ``input_node``, or at the one plain place.

    Raises ``ConfigError`` where that is not plain or not there, and ``NetworkError`` for a file that is no GraphDef or
    that must not be run.
    """
    nodes = read_nodes(path)
    try:
        return FrozenGraph(nodes, choose_input(nodes, path, input_node))
    except NetworkError as error:
        raise NetworkError(f"cannot dream with {path}: {error}") from error
    except DreamError:
        raise
    except Exception as error:  # operations with other inputs than they take raise what they like
        raise NetworkError(f"cannot dream with {path}: its operations do not fit together") from error
