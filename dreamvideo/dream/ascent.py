"""The step loop of one octave as one graph, for every size and number of steps.

    repeat: direction = treat(grad objective(picture)) / its norm;  picture += rate * gain * move(direction)

The gradient is taken in tiles, a batch at a time, and put together before it is treated.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dreamvideo.config import Dream
from dreamvideo.dream.gradients import EPSILON, NORMS, Amount, rms, treatment
from dreamvideo.dream.sight import Features
from dreamvideo.dream.terms import INPUT, Objective, View

ADAM_DECAY = 0.999  # of Adam's mean square, as its authors propose (Kingma and Ba 2015)
FRAME = tf.TensorSpec([None, None, None], tf.float32)  # [height, width, channels]
TAKE = tf.TensorSpec([None, None, None], tf.int32)  # [steps, tiles along the axis, tile size]
PICK = tf.TensorSpec([None, None], tf.int32)  # [steps, frame size]
SCALAR = tf.TensorSpec([], tf.float32)
WEIGHTS = tf.TensorSpec([None], tf.float32)
TILES = tf.TensorSpec([None, None, None, None], tf.float32)

Move = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class Planes(NamedTuple):
    """One octave of a frame, each ``float32 [height, width, channels]``.

    ``base`` and ``residual`` make the picture; ``gain`` multiplies each step; ``maps`` are those that the objective
    sees; ``memory`` is that of the method.
    """

    base: Any
    residual: Any
    gain: Any
    maps: Any
    memory: Any


class Layout(NamedTuple):
    """The tiles of every step: each axis' ``take`` and ``pick``, as ``tiles.Axis`` has them, stacked."""

    rows: Any
    pick_rows: Any
    columns: Any
    pick_columns: Any


class Dials(NamedTuple):
    """The numbers that may differ from frame to frame in one graph, each a ``float32`` scalar.

    ``rate`` is how far a step goes; the others are the settings of their names.
    """

    rate: Any
    smooth: Any
    one_over_f: Any
    natural_colors: Any
    momentum: Any
    max_loss: Any
    min_change: Any


def dials(settings: Dream, rate: float) -> Dials:
    """Where the settings stand; without a limit of the loss it is infinite."""
    most = np.inf if settings.max_loss is None else settings.max_loss
    amounts = (settings.smooth, settings.one_over_f, settings.natural_colors, settings.momentum)
    return Dials(*map(np.float32, (rate, *amounts, most, settings.min_change or 0.0)))


@dataclass(frozen=True)
class Method:
    """How a step follows from the directions so far.

    ``move`` takes a direction ``float32 [height, width, 3]``, the memory ``float32 [height, width, 3 * planes]`` and
    the number of steps in it, this one included; it gives the move and the new memory.
    """

    planes: int
    move: Move


def method(name: str, keep: Amount) -> Method:
    """The method of ``dream.ascent``; ``keep`` is the share of its memory that outlives a step."""

    def momentum(direction: tf.Tensor, memory: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        memory = keep * memory + (1 - keep) * direction
        return memory / (1 - tf.pow(keep, count) + EPSILON), memory

    def adam(direction: tf.Tensor, memory: tf.Tensor, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        first, second = tf.split(memory, 2, axis=-1)
        mean, first = momentum(direction, first, count)
        second = tf.maximum(second, 0.0)  # moving it, bicubically, may have left less
        second = ADAM_DECAY * second + (1 - ADAM_DECAY) * tf.square(direction)
        square = second / (1 - tf.pow(ADAM_DECAY, count))
        return mean / (tf.sqrt(square) + EPSILON), tf.concat([first, second], axis=-1)

    return {"plain": Method(0, lambda direction, memory, _: (direction, memory)), "momentum": Method(1, momentum)}.get(
        name, Method(2, adam)
    )


def build_ascend(features: Features, objective: Objective, settings: Dream, treated: Collection[str]) -> Any:
    """The graph: see ``ascend`` below for what it takes. ``treated`` are those of ``TREATMENTS`` that are in it.

    It gives the residual, the memory, the steps in that, the objective before the last step, and whether every
    gradient was finite.
    """
    gradient = _build_gradient(features, objective, settings.batch)
    norm = NORMS.get(settings.normalize)

    @tf.function(
        input_signature=[
            Planes(*[FRAME] * len(Planes._fields)),
            Layout(TAKE, PICK, TAKE, PICK),
            Dials(*[SCALAR] * len(Dials._fields)),
            WEIGHTS,
            _given_specs(objective),
            SCALAR,
        ],
        autograph=True,
    )
    def ascend(
        planes: Planes, layout: Layout, dials: Dials, weights: tf.Tensor, given: Sequence[tf.Tensor], count: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        base, residual, gain, maps, memory = planes
        rows, pick_rows, columns, pick_columns = layout
        treat = treatment({name: getattr(dials, name) for name in treated}, settings.laplacian)
        move = method(settings.ascent, dials.momentum).move
        value, finite = tf.constant(0.0), tf.constant(True)
        steps = tf.shape(rows)[0]
        for step in tf.range(steps):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            picture = base + residual
            seen = tf.concat([picture, maps], axis=-1) if objective.maps else picture
            before = value
            tiles, value = gradient(seen, weights, given, rows[step], columns[step])
            raw = tf.gather(tf.gather(tiles, pick_rows[step]), pick_columns[step], axis=1)
            finite = tf.logical_and(finite, tf.math.is_finite(rms(raw)))  # a treatment may hide what isn't
            if value > dials.max_loss:
                break
            if norm is None:  # the gradient of the objective itself, which is a mean over the tile
                raw /= tf.cast(tf.shape(rows)[2] * tf.shape(columns)[2], tf.float32)
            direction = treat(raw, tf.cast(step + 1, tf.float32) / tf.cast(steps, tf.float32))
            if norm is not None:
                direction /= norm(direction) + EPSILON
            count += 1.0
            change, memory = move(direction, memory, count)
            picture += dials.rate * gain * change
            residual = tf.clip_by_value(picture, 0.0, 1.0) - base
            if step > 0 and tf.abs(value - before) < dials.min_change * tf.abs(value):
                break
        return residual, memory, count, value, finite

    return ascend


def _build_gradient(features: Features, objective: Objective, batch: int) -> Any:
    """A frame and its maps to the gradient of every tile, laid end to end, and the mean objective."""

    # Not inlined: inside a loop's cycle, TensorFlow's oneDNN pass meets some gradients of max pooling before the
    # pooling itself and leaves them to a kernel that is ten times slower, at random. A function has no cycle.
    @tf.function(
        input_signature=[TILES, WEIGHTS, _given_specs(objective)],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
    def tile_gradient(tiles: tf.Tensor, weights: tf.Tensor, given: Sequence[tf.Tensor]) -> tuple[tf.Tensor, tf.Tensor]:
        picture, maps = _split(tiles, objective)
        of_input = _float32(features(maps[INPUT])) if INPUT in maps else {}
        with tf.GradientTape() as tape:
            tape.watch(picture)
            view = View(_float32(features(picture)), picture, of_input, maps)
            value = objective.value(view, weights, given)
            # The mean over a batch, as a sum over pixels: independent of the batch, and clear of float16's underflow.
            total = value * tf.cast(tf.reduce_prod(tf.shape(picture)[:3]), tf.float32)
        return tf.convert_to_tensor(tape.gradient(total, picture)), value

    def gradient(
        seen: tf.Tensor, weights: tf.Tensor, given: Sequence[tf.Tensor], rows: tf.Tensor, columns: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """``[tiles down * rows, tiles across * columns, 3]``, and the mean objective."""
        down, across = tf.shape(rows)[0], tf.shape(columns)[0]
        height, width = tf.shape(rows)[1], tf.shape(columns)[1]
        tiles = down * across
        batches = (tiles + batch - 1) // batch
        results = tf.TensorArray(tf.float32, batches, element_shape=[None, None, None, 3], infer_shape=False)
        total = 0.0
        for i in tf.range(batches):
            members = tf.range(i * batch, tf.minimum(tiles, (i + 1) * batch))
            patches = tf.gather(seen, tf.gather(rows, members // across))
            patches = tf.gather(patches, tf.gather(columns, members % across), axis=2, batch_dims=1)
            part, value = tile_gradient(patches, weights, given)
            results = results.write(i, part)
            total += value * tf.cast(tf.size(members), tf.float32)
        grid = tf.reshape(results.concat(), [down, across, height, width, 3])
        flat = tf.reshape(tf.transpose(grid, [0, 2, 1, 3, 4]), [down * height, across * width, 3])
        return flat, total / tf.cast(tiles, tf.float32)

    return gradient


def _given_specs(objective: Objective) -> list[tf.TensorSpec]:
    return [tf.TensorSpec([None] * rank, tf.float32) for rank in objective.ranks]


def _split(tiles: tf.Tensor, objective: Objective) -> tuple[tf.Tensor, dict[str, tf.Tensor]]:
    """The picture, and the maps that lie behind it by their names."""
    if not objective.maps:
        return tiles, {}
    picture, *rest = tf.split(tiles, [3, *objective.maps.values()], axis=-1)
    return picture, dict(zip(objective.maps, rest, strict=True))


def _float32(activations: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    return {name: tf.cast(values, tf.float32) for name, values in activations.items()}
