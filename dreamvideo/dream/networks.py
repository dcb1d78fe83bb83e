"""Pretrained networks, ready to dream: by name or from a file, with their layers and what they compute."""

import hashlib
import math
import platform
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import as_file
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Protocol

import keras
import tensorflow as tf

from dreamvideo.catalogue import NETWORKS, RANGES, Channels, NetworkSpec, ValueRange, expect_network
from dreamvideo.dream.frozen_graph import load_frozen_graph
from dreamvideo.dream.keras_graph import KerasGraph, guess_values, load_keras_file, weights_digest
from dreamvideo.dream.receptive import Step, receptive_fields
from dreamvideo.dream.sides import LARGE, Grid, Sides
from dreamvideo.dream.tiles import round_up
from dreamvideo.errors import ConfigError, NetworkError
from dreamvideo.names import expect_name

PRECISIONS = ("float32", "bfloat16", "float16")
FILES = (".keras", ".pb")
_MOST_LISTED = 24  # layers in a message
_KEPT = 2  # networks, for whoever loads one again


@dataclass(frozen=True)
class Layer:
    """A layer as the user sees it, for a picture of some size.

    ``height`` and ``width`` are those of its activations, and ``stride`` is how many pixels of the picture lie between
    neighbours among them: less than 1 where they are finer than the picture. ``receptive_field`` is the side of what
    one of them sees, in pixels; None is all of it.
    """

    name: str
    kind: str
    height: int
    width: int
    channels: int
    stride: float
    receptive_field: int | None


class Graph(Protocol):
    """What networks of any format have in common: see ``KerasGraph`` and ``FrozenGraph``."""

    @property
    def precisions(self) -> tuple[str, ...]: ...
    @property
    def layer_names(self) -> list[str]: ...
    def kind(self, layer: str) -> str: ...
    def channels(self, layer: str) -> int: ...
    def sizes(self, layers: Sequence[str]) -> Callable[[int, int], list[tuple[int, int]]]: ...
    def compute(self, layers: Sequence[str], dtype: str) -> Callable[[tf.Tensor], list[tf.Tensor]]: ...
    def steps(self) -> Mapping[str, Step]: ...


class Network:
    """A loaded network. It is not changed by use; ``features`` makes the callables that dream.

    ``scale``, ``offset`` and ``bgr`` say how a frame enters it: see ``ValueRange``.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str,
        scale: Channels = 1.0,
        offset: Channels = 0.0,
        bgr: bool = False,
        sha256: str = "",
        showcase: Sequence[str] = (),
    ) -> None:
        """``model``: a Keras model or a ``Graph``. ``showcase``: the layers that are worth dreaming on, where known."""
        self.model, self.name, self.sha256 = model, name, sha256
        self.scale, self.offset, self.bgr = scale, offset, bgr
        self.graph: Graph = KerasGraph(model) if isinstance(model, keras.Model) else model
        self.precisions = self.graph.precisions
        self._showcase = tuple(showcase)
        self._sides: dict[tuple[str, ...], Sides] = {}

    @cached_property
    def layer_names(self) -> list[str]:
        """The names of all layers that can be dreamed on: those with a picture-shaped output."""
        return self.graph.layer_names

    @cached_property
    def showcase(self) -> list[str]:
        """The layers to show first: those known to be worth it, or the convolutions and where branches meet, or all."""
        kinds = re.compile("Conv2[Dd]|Concat")
        known = [name for name in self._showcase if name in self.layer_names]
        return known or [name for name in self.layer_names if kinds.search(self.graph.kind(name))] or self.layer_names

    def check_layers(self, layers: Sequence[str]) -> None:
        """Raise ``ConfigError`` for a layer that is not there, with the nearest and how to list all that are."""
        command = f"`dreamvideo layers --network {shlex.quote(self.name)} --all` lists all {len(self.layer_names)}"
        listed = [*self.showcase[:_MOST_LISTED], f"...; {command}"]
        for layer in layers:
            expect_name(layer, self.layer_names, f"layer of {self.name}", listed=listed)

    def channels(self, layer: str) -> int:
        """How many channels ``layer`` has."""
        self.check_layers([layer])
        return self.graph.channels(layer)

    def features(self, layers: Sequence[str], dtype: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """Frames ``float32 [batch, height, width, 3]`` in [0, 1] to the activations of ``layers``, in ``dtype``.

        The graph is cut at the deepest layer asked for, with batch norm folded.
        """
        self.check_layers(layers)
        activations = self.graph.compute(layers, dtype)

        def compute(frames: tf.Tensor) -> dict[str, tf.Tensor]:
            values = tf.cast(frames * self.scale + self.offset, dtype)
            return dict(zip(layers, activations(tf.reverse(values, [-1]) if self.bgr else values), strict=True))

        return compute

    def smallest_side(self, layers: Sequence[str], border: int = 0) -> int:
        """The smallest square picture, in pixels, for which each layer has an activation inside ``border`` cells."""
        return self.sides(layers).smallest(border)

    def whole_sides(self, layers: Sequence[str]) -> Grid:
        """(stride, phase): a picture whose side is ``phase`` modulo ``stride`` fits, and is seen to its last pixel."""
        return self.sides(layers).whole

    def sides(self, layers: Sequence[str]) -> Sides:
        """What is known of the sides of pictures for ``layers``; finding out takes a moment, so it is kept.

        Without any layer it is the picture itself that is looked at.
        """
        self.check_layers(layers)
        key = tuple(layers)
        if key not in self._sides:
            measure = self.graph.sizes(layers) if layers else lambda height, width: [(height, width)]
            self._sides[key] = Sides(measure)
        return self._sides[key]

    def describe(self, height: int = 512, width: int = 512) -> list[Layer]:
        """Every layer that can be dreamed on, in the order of the graph, for pictures of ``height`` and ``width``.

        Where these don't fit it is for the next larger ones that do, as tiles are. Raises ``ConfigError`` for a picture
        that is too small for some layer.
        """
        names = self.layer_names
        sizes, fields = self.graph.sizes(names), receptive_fields(self.graph.steps())
        step, phase = self.sides(names).fitting
        try:
            shown = sizes(*(round_up(side, step, phase) for side in (height, width)))
        except ValueError as error:
            least = self.smallest_side(names)
            raise ConfigError(
                f"a picture of {width}x{height} is too small for {self.name}: it takes {least}x{least}"
            ) from error
        side = round_up(LARGE, step, phase)
        small, large = (sizes(side, side) for side in (side, side + LARGE * step))
        return [
            Layer(
                name=name,
                kind=self.graph.kind(name),
                height=size[0],
                width=size[1],
                channels=self.graph.channels(name),
                stride=_stride((b[0] - a[0]) / step),  # the difference leaves out what borders take away
                receptive_field=None if math.isinf(fields[name]) else round(fields[name]),
            )
            for name, size, a, b in zip(names, shown, small, large, strict=True)
        ]


def _stride(more: float) -> float:
    """The pixels from one activation to the next, where ``more`` of them come with ``LARGE`` pixels more."""
    return round(LARGE / more) if more <= LARGE else 1 / round(more / LARGE)


def load_network(name: str, *, input_range: str = "auto", input_node: str | None = None) -> Network:
    """The network called ``name`` in ``NETWORKS``, or the one in the ``.keras`` or ``.pb`` file of that path.

    ``input_range`` (a key of ``RANGES``) takes the place of what the table says, or of the guess for a file: what the
    graph's beginning tells, else "0..1" for Keras; "inception5h" for a GraphDef whose input is called ``input``, as
    that of inception5h is, else "-1..1". ``input_node`` is where pictures enter a GraphDef. One of the last that were
    loaded is given again, unless its file has changed.

    Raises ``ConfigError`` for an unknown name or node, and ``NetworkError`` if the weights are missing, not the pinned
    ones, or nothing that can be dreamed with.
    """
    if input_node is not None and not _is_graph_def(name):
        raise ConfigError(f"dream.input_node is for .pb files, and {name} is none")
    if name.endswith(FILES):
        return _load(Path(name), input_range, input_node, _stamp(Path(name)))
    expect_network(name)
    return _load(NETWORKS[name], input_range, input_node, _stamp(NETWORKS[name].path()))


@lru_cache(_KEPT)
def _load(
    origin: Path | NetworkSpec, input_range: str, input_node: str | None, _stamp: tuple[str, int, int]
) -> Network:
    network = _from_file(origin, input_node) if isinstance(origin, Path) else _from_table(origin, input_node)
    if input_range != "auto":
        _set_range(network, RANGES[input_range])
    return network


def _stamp(file: Path | Traversable) -> tuple[str, int, int]:
    """The file's name, when it was changed, and its size; zeros where it isn't there or lies in an archive."""
    try:
        stat = Path(str(file)).stat()
    except OSError:
        return str(file), 0, 0
    return str(file), stat.st_mtime_ns, stat.st_size


def _is_graph_def(name: str) -> bool:
    return name.endswith(".pb") or (name in NETWORKS and str(NETWORKS[name].path()).endswith(".pb"))


def _set_range(network: Network, values: ValueRange) -> None:
    network.scale, network.offset, network.bgr = values.scale, values.offset, values.bgr


def _from_file(path: Path, input_node: str | None) -> Network:
    sha256 = _file_digest(path)
    if path.suffix == ".pb":
        model: Any = load_frozen_graph(path, input_node)
        values = "inception5h" if model.input == "input" else "-1..1"
    else:
        model = load_keras_file(path)
        values = guess_values(model)
    return Network(model, name=str(path), sha256=sha256, **vars(RANGES[values]))


def _from_table(spec: NetworkSpec, input_node: str | None) -> Network:
    if spec.origin is not None and not spec.path().is_file():
        pull = f"`dreamvideo networks pull {spec.name}`"
        raise NetworkError(f"the network {spec.name} is not on this machine yet; fetch it with {pull}")
    with as_file(spec.path()) as path:
        model, sha256 = open_weights(spec, path, input_node)
    return Network(model, name=spec.name, sha256=sha256, showcase=spec.showcase, **vars(RANGES[spec.values]))


def open_weights(spec: NetworkSpec, path: Path, input_node: str | None = None) -> tuple[Any, str]:
    """The model or graph in ``path``, with its hash; ``NetworkError`` if that is not the pinned one."""
    again = f"`dreamvideo networks pull {spec.name}` fetches them again"
    cure = "install dreamvideo again" if spec.origin is None else again
    if spec.keeps_file:
        _expect_digest(path, _file_digest(path, cure), spec.sha256, cure)
        if path.suffix == ".pb":
            return load_frozen_graph(path, input_node), spec.sha256
        return keras.models.load_model(path, compile=False, safe_mode=True), spec.sha256
    try:
        model = keras.models.load_model(path, compile=False, safe_mode=True)
    except Exception as error:  # Keras raises whatever it stumbles on
        raise NetworkError(f"the weights {path} are corrupt; {cure}") from error
    digest = weights_digest(model)
    _expect_digest(path, digest, spec.sha256 or digest, cure)
    return model, digest


def _expect_digest(path: Path, digest: str, expected: str, cure: str) -> None:
    if digest != expected:
        raise NetworkError(
            f"the weights {path} are corrupt (sha256 {digest[:12]}..., expected {expected[:12]}...); {cure}"
        )


def _file_digest(path: Path, cure: str = "give the path of a file that is there") -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise NetworkError(f"cannot read the network {path} ({error.strerror}); {cure}") from error


def resolve_precision(precision: str, precisions: Sequence[str] = PRECISIONS) -> str:
    """``auto`` to the fastest of ``precisions`` that this machine computes in; others unchanged.

    Raises ``ConfigError`` for a precision that is not among ``precisions``, those of the network.
    """
    if precision == "auto":
        fastest = _fastest_precision()
        return fastest if fastest in precisions else precisions[0]
    if precision not in precisions:
        raise ConfigError(
            f"dream.precision is {precision}, but this network computes in {' or '.join(precisions)} only"
        )
    return precision


def _fastest_precision() -> str:
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        capability = tf.config.experimental.get_device_details(gpus[0]).get("compute_capability", (0, 0))
        return "bfloat16" if capability >= (8, 0) else "float16" if capability >= (7, 0) else "float32"
    return "bfloat16" if _processor_has_bfloat16() else "float32"


def _processor_has_bfloat16() -> bool:
    if platform.system() != "Linux":
        return False
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    return "avx512_bf16" in flags or "amx_bf16" in flags
