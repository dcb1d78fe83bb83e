"""Pretrained networks: where their weights are, what values they expect, and which layers they have."""

import hashlib
import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import as_file, files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from dreamvideo.dream.folding import rewrite
from dreamvideo.errors import NetworkError
from dreamvideo.names import expect_name


@dataclass(frozen=True)
class NetworkSpec:
    """One row of ``NETWORKS``: a network as data. An RGB frame in [0, 1] enters it as ``frame * scale + offset``."""

    name: str
    weights: str
    sha256: str
    scale: float
    offset: float
    source: str
    licence: str
    showcase: tuple[str, ...]

    def path(self) -> Traversable:
        return files("dreamvideo") / "data" / self.weights


NETWORKS = {
    spec.name: spec
    for spec in (
        NetworkSpec(
            name="inceptionv3",
            weights="inceptionv3.keras",
            sha256="1703c24bb5a2faccf4151ca8c92640a869697765809bea05441a65691ad2e247",
            scale=2.0,
            offset=-1.0,
            source="InceptionV3, 2015-12-05, Google; see NOTICE",
            licence="Apache-2.0",
            showcase=tuple(f"mixed{i}" for i in range(10)),
        ),
    )
}


@dataclass(frozen=True)
class Layer:
    """A layer as the user sees it. ``stride`` is how many image pixels lie between neighbouring activations."""

    name: str
    kind: str
    channels: int
    stride: int


class Network:
    """A loaded network. It is not changed by use; ``features`` makes the callables that dream."""

    def __init__(self, model: Any, *, name: str, scale: float = 1.0, offset: float = 0.0, sha256: str = "") -> None:
        self.model, self.name, self.scale, self.offset, self.sha256 = model, name, scale, offset, sha256

    @cached_property
    def layer_names(self) -> list[str]:
        """The names of all layers that can be dreamed on: those with a picture-shaped output."""
        return [
            layer.name
            for layer in self.model.layers
            if not isinstance(layer, keras.layers.InputLayer) and len(layer.output.shape) == 4
        ]

    def check_layers(self, layers: Sequence[str]) -> None:
        """Raise ``ConfigError`` for a layer that is not there, with the nearest and all that are."""
        suffix = "_pre_relu"
        listed = [name for name in self.layer_names if not name.endswith(suffix)]
        if len(listed) < len(self.layer_names):
            listed[-1] += f"; most with {suffix} as well"
        for layer in layers:
            expect_name(layer, self.layer_names, f"layer of {self.name}", listed=listed)

    def features(self, layers: Sequence[str], dtype: str) -> Callable[[tf.Tensor], dict[str, tf.Tensor]]:
        """Frames ``float32 [batch, height, width, 3]`` in [0, 1] to the activations of ``layers``, in ``dtype``.

        The graph is cut at the deepest layer asked for, with batch norm folded.
        """
        self.check_layers(layers)
        model = rewrite(self.model, layers, dtype=dtype, constant=True)

        def compute(frames: tf.Tensor) -> dict[str, tf.Tensor]:
            outputs = model(tf.cast(frames * self.scale + self.offset, dtype), training=False)
            return dict(zip(layers, outputs if isinstance(outputs, list) else [outputs], strict=True))

        return compute

    def smallest_side(self, layers: Sequence[str], border: int = 0) -> int:
        """The smallest square picture, in pixels, for which each layer has an activation inside ``border`` cells."""
        sides = self._sides(layers)
        return _bisect(1, 4096, lambda side: min(sides(side), default=0) > 2 * border)

    def whole_sides(self, layers: Sequence[str]) -> tuple[int, int]:
        """(stride, phase): a picture whose side is ``phase`` modulo ``stride`` is looked at to its last pixel.

        For other sizes the layer with the largest stride leaves a strip at the far end out.
        """
        sides, base, step = self._sides(layers), 1024, 1024
        strides = [round(step / (b - a)) for a, b in zip(sides(base), sides(base + step), strict=True)]
        stride = max(strides)
        layer = strides.index(stride)
        before = sides(base)[layer]
        return stride, _bisect(base + 1, base + stride, lambda side: sides(side)[layer] > before) % stride

    def _sides(self, layers: Sequence[str]) -> Callable[[int], list[int]]:
        """A picture's side to the sides of the layers' activations; none at all if the picture is too small."""
        self.check_layers(layers)
        model = keras.Model(self.model.inputs, [self.model.get_layer(name).output for name in layers])

        def sides(side: int) -> list[int]:
            try:
                shapes = model.compute_output_shape((1, side, side, 3))
            except ValueError:
                return []
            return [min(shape[1:3]) for shape in (shapes if isinstance(shapes, list) else [shapes])]

        return sides

    def describe(self) -> list[Layer]:
        """Every layer that can be dreamed on, in the order of the graph."""
        model = keras.Model(self.model.inputs, [self.model.get_layer(name).output for name in self.layer_names])
        sides = 1024, 2048  # the difference of two sizes leaves out what borders take away
        small, large = (model.compute_output_shape((1, side, side, 3)) for side in sides)
        return [
            Layer(name, type(self.model.get_layer(name)).__name__, a[3], round((sides[1] - sides[0]) / (b[1] - a[1])))
            for name, a, b in zip(self.layer_names, small, large, strict=True)
        ]


def _bisect(low: int, high: int, fits: Callable[[int], bool]) -> int:
    """The smallest number from ``low`` to ``high`` that fits, where all larger ones fit, too."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle + 1, high)
    return low


def load_network(name: str) -> Network:
    """The network called ``name`` in ``NETWORKS``.

    Raises ``ConfigError`` for an unknown name and ``NetworkError`` if its weights are missing or not the pinned ones.
    """
    expect_name(name, NETWORKS, "network")
    spec = NETWORKS[name]
    with as_file(spec.path()) as path:
        model = _load_checked(path, spec.sha256)
    return Network(model, name=spec.name, scale=spec.scale, offset=spec.offset, sha256=spec.sha256)


def _load_checked(path: Path, sha256: str) -> Any:
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise NetworkError(f"cannot read the weights {path} ({error.strerror}); install dreamvideo again") from error
    if digest != sha256:
        raise NetworkError(
            f"the weights {path} are corrupt (sha256 {digest[:12]}..., expected {sha256[:12]}...)"
            "; install dreamvideo again"
        )
    return keras.models.load_model(path, compile=False, safe_mode=True)


def resolve_precision(precision: str) -> str:
    """``auto`` to the fastest of float32, bfloat16 and float16 that this machine computes in; others unchanged."""
    if precision != "auto":
        return precision
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
