"""Reads a TensorFlow GraphDef (``.pb``) as data: nodes with their inputs, attributes and constants. Nothing is run."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from dreamvideo.errors import ConfigError, NetworkError
from dreamvideo.names import nearest

_RENAMED = {"squeeze_dims": "axis"}  # attributes whose names in TensorFlow's functions are others
_LONGEST_NAME = 1000  # characters
_LARGEST_CONSTANT = 2**28


@dataclass(frozen=True)
class Node:
    """One operation: its inputs as (node, output) and its attributes as Python values."""

    name: str
    op: str
    inputs: tuple[tuple[str, int], ...]
    attributes: Mapping[str, Any]


def read_nodes(path: Path) -> dict[str, Node]:
    """The nodes of the GraphDef in ``path`` by name. Raises ``NetworkError`` for a file that is none."""
    definition = tf.compat.v1.GraphDef()
    try:
        definition.ParseFromString(path.read_bytes())
        nodes = {node.name: _node(node) for node in definition.node}
    except Exception as error:  # protobuf's DecodeError has no public name, and hostile tensors raise what they like
        raise NetworkError(f"{path} is no frozen TensorFlow graph (GraphDef)") from error
    if not nodes:
        raise NetworkError(f"{path} is no frozen TensorFlow graph (GraphDef): it has no nodes")
    return nodes


def choose_input(nodes: Mapping[str, Node], path: Path, input_node: str | None) -> str:
    """The node at which pictures enter: ``input_node``, or the one Placeholder for them, or the one called ``input``.

    Raises ``ConfigError`` where that is not plain or not there.
    """
    if input_node is not None:
        if input_node not in nodes:
            raise ConfigError(f"there is no node called '{input_node}' in {path}{nearest(input_node, nodes)}")
        return input_node
    placeholders = [node.name for node in nodes.values() if node.op == "Placeholder" and _takes_pictures(node)]
    if len(placeholders) == 1 or "input" in placeholders:
        return "input" if "input" in placeholders else placeholders[0]
    found = f"it could be {', '.join(placeholders[:8])}" if placeholders else "it has no Placeholder for RGB pictures"
    raise ConfigError(
        f"where pictures enter {path} is not plain to see: {found}; name the node with --input-node NODE"
        " (dream.input_node in a config)"
    )


def _takes_pictures(node: Node) -> bool:
    shape, dtype = node.attributes.get("shape"), node.attributes.get("dtype", tf.float32)
    is_number = dtype.is_floating or dtype == tf.uint8
    return is_number and (shape is None or shape.rank in (None, 0) or (shape.rank == 4 and shape[3] in (3, None)))


def _node(definition: Any) -> Node:
    texts = [definition.name, definition.op, *definition.input]
    if not all(text.isprintable() and len(text) <= _LONGEST_NAME for text in texts):
        raise ValueError("a name that nobody gave")
    inputs = [name.partition(":") for name in definition.input if not name.startswith("^")]
    return Node(
        name=definition.name,
        op=definition.op,
        inputs=tuple((name, int(index or 0)) for name, _, index in inputs),
        attributes={_RENAMED.get(str(name), str(name)): _attribute(value) for name, value in definition.attr.items()},
    )


def _attribute(value: Any) -> Any:
    """An attribute as a Python value; what no allowed operation has, such as a function, as None."""
    kind = value.WhichOneof("value")
    if kind == "s":
        return value.s.decode(errors="replace")
    if kind == "type":
        return tf.as_dtype(value.type)
    if kind == "shape":
        return tf.TensorShape(value.shape)
    if kind == "tensor":
        return _array(value.tensor)
    if kind == "list":
        return [*value.list.i] or [*value.list.f] or [item.decode(errors="replace") for item in value.list.s]
    return getattr(value, kind) if kind in ("i", "f", "b") else None


def _array(tensor: Any) -> np.ndarray:
    count = math.prod(dim.size for dim in tensor.tensor_shape.dim)
    if not 0 <= count <= _LARGEST_CONSTANT:  # one number may stand for a whole tensor: a small file, a full memory
        raise ValueError(f"a constant of {count} numbers")
    return tf.make_ndarray(tensor)
