"""One step at 512x512 beside the textbook's, and beside what the network's convolutions take when they run alone."""

import statistics
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from equal import LAYERS, MEASURE, RAW
from measure import alternate, seconds
from table import Table
from tensorflow.tsl.profiler.protobuf import xplane_pb2
from textbook import textbook_gradient

from dreamvideo.config import Dream
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import load_network

SIDE = 512  # pixels
STEPS = 4
ROUNDS = 9
AROUND = ("Process", "Run")  # what the profiler calls the threads' own work, operations and all
LARGE = 4  # pictures at once in a convolution that runs alone, which then reaches what the machine can


def step(table: Table) -> None:
    """The engine's, with and without its treatments, against the textbook's."""
    picture = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    nothing = np.zeros_like(picture)
    gradient = textbook_gradient(LAYERS, MEASURE)

    def textbook() -> None:
        for _ in range(STEPS):
            gradient(tf.constant(picture)).numpy()

    treated: dict[str, Any] = {"layers": LAYERS, "objective": MEASURE}
    plain: dict[str, Any] = {**RAW, "precision": "float32"}
    for name, settings in (("raw", RAW), ("treated", treated), ("raw", plain)):
        dreamer = Dreamer(Dream(octaves=1, tile=640, **settings), seed=0)

        def ours(dreamer: Dreamer = dreamer) -> None:
            dreamer.dream(picture, nothing, index=0, steps=STEPS, rate=0.01)

        ours_seconds, _, ratio = alternate(ours, textbook, rounds=7)
        text = f"{ratio:.2f}x ({ours_seconds / STEPS:.3f} s)"
        label = f"step at {SIDE}x{SIDE} over the textbook's, {name}, {dreamer.precision}"
        if dreamer.precision == "float32":
            table.add(label, ratio, text)
        else:
            table.at_least(label, ratio, 1.7, text)


@dataclass(frozen=True)
class Convolution:
    """One of a network: what it sees (height, width, channels), and what it does to that."""

    seen: tuple[int, ...]
    kernel: tuple[int, ...]
    filters: int
    strides: tuple[int, ...]
    padding: Any

    def runs(self) -> tuple[Any, Any]:
        """It and the gradient of its input, with random values in bfloat16."""
        shape = (LARGE, *self.seen)
        picture = _random(shape)
        kernel = _random((*self.kernel, self.seen[2], self.filters))
        forward = tf.function(lambda: tf.nn.conv2d(picture, kernel, self.strides, self.padding))
        gradient = _random(forward().shape)
        backward = tf.function(
            lambda: tf.raw_ops.Conv2DBackpropInput(
                input_sizes=shape,
                filter=kernel,
                out_backprop=gradient,
                strides=[1, *self.strides, 1],
                padding=self.padding,
            )
        )
        return forward, backward

    def operations(self) -> float:
        """Multiplications and additions of both, for one picture."""
        rows, columns = (-(-side // stride) for side, stride in zip(self.seen[:2], self.strides, strict=True))
        return 4.0 * rows * columns * self.kernel[0] * self.kernel[1] * self.seen[2] * self.filters


def _random(shape: tuple[int, ...]) -> tf.Tensor:
    return tf.cast(tf.random.normal(shape), tf.bfloat16)


def convolutions() -> Counter[Convolution]:
    """Those of a step of the network, and how often each is there."""
    model = load_network("inceptionv3").model
    model = keras.Model(model.inputs, [model.get_layer(name).output for name in LAYERS])
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    seen = keras.Model(model.inputs, [layer.input for layer in layers])(np.zeros((1, SIDE, SIDE, 3), np.float32))
    return Counter(
        Convolution(tuple(picture.shape[1:]), layer.kernel_size, layer.filters, layer.strides, layer.padding.upper())
        for layer, picture in zip(layers, seen, strict=True)
    )


def peak(table: Table) -> None:
    """How much of a step its convolutions would take, each as fast as it runs alone on large input."""
    alone = operations = fastest = 0.0
    for convolution, count in convolutions().items():
        taken = sum(statistics.median(_times(run)) for run in convolution.runs()) / LARGE
        alone += count * taken
        operations += count * convolution.operations()
        fastest = max(fastest, convolution.operations() / taken)
    picture = np.random.default_rng(0).random((SIDE, SIDE, 3), np.float32)
    dreamer = Dreamer(Dream(octaves=1, tile=640, jitter=1, **RAW), seed=0)

    def steps() -> None:
        dreamer.dream(picture, np.zeros_like(picture), index=0, steps=STEPS, rate=0.01)

    whole = statistics.median(_times(steps))
    share = alone / (whole / STEPS)
    text = f"{100 * share:.0f} % ({1000 * alone:.0f} ms)"
    table.at_least(f"step at {SIDE}x{SIDE}: share of its convolutions' own peak", share, 0.70, text)
    for kind, taken in _profile(steps):
        table.add(f"  of a step, all threads: {kind}", taken / STEPS, f"{taken / STEPS:.0f} ms")
    rate = operations / (whole / STEPS)
    text = f"{rate / 1e9:.0f}, {fastest / 1e9:.0f} Gflop/s"
    table.add("  operations a second in a step, and in its fastest convolution", rate, text)


def _profile(run: Callable[[], object]) -> list[tuple[str, float]]:
    """The milliseconds that each kind of operation takes, of all threads together, the longest first."""
    taken = defaultdict[str, float](float)
    space: Any = xplane_pb2.XSpace()  # pyright: ignore[reportAttributeAccessIssue] - it is made when imported
    with TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder):
            run()
        (file,) = Path(folder).rglob("*.xplane.pb")
        space.ParseFromString(file.read_bytes())
    for plane in space.planes:
        for event in (event for line in plane.lines for event in line.events):
            name, _, kind = plane.event_metadata[event.metadata_id].name.rpartition(":")
            if name and kind.isidentifier() and not kind.startswith("__"):
                taken[kind] += event.duration_ps / 1e9
    longest = sorted(taken.items(), key=lambda item: -item[1])
    return [(kind, spent) for kind, spent in longest if kind not in AROUND][:8]


def _times(run: Any) -> list[float]:
    run()
    return [seconds(run) for _ in range(ROUNDS)]
