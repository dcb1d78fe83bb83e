"""The step loop of one octave as one graph, for every size and number of steps.

It takes a stack of frames: a single one, or several pictures of one size that share their layout and nothing else.

    repeat: direction = treat(grad objective(picture)) / its norm;  picture += rate * gain * move(direction)

The gradient is taken in tiles, a batch at a time, and put together before it is treated.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from dreamvideo.config import Dream
from dreamvideo.dream.gradients import EPSILON, NORMS, Amount, per_frame, rms, treatment
from dreamvideo.dream.sight import Features
from dreamvideo.dream.terms import INPUT, Objective, View

ADAM_DECAY = 0.999  # of Adam's mean square, as its authors propose (Kingma and Ba 2015)
FRAMES = tf.TensorSpec([None, None, None, None], tf.float32)  # [frames, height, width, channels]
TAKE = tf.TensorSpec([None, None, None], tf.int32)  # [steps, tiles along the axis, tile size]
PICK = tf.TensorSpec([None, None], tf.int32)  # [steps, frame size]
SCALAR = tf.TensorSpec([], tf.float32)
WEIGHTS = tf.TensorSpec([None], tf.float32)
COUNT = tf.TensorSpec([], tf.int32)
TILES = tf.TensorSpec([None, None, None, None], tf.float32)
TOLD = tf.TensorSpec([], tf.bool)

Move = Callable[[tf.Tensor, tf.Tensor, tf.Tensor], tuple[tf.Tensor, tf.Tensor]]


class Planes(NamedTuple):
    """One octave of each frame, ``float32 [frames, height, width, channels]``.

    ``base`` and ``residual`` make the picture; ``gain`` multiplies each step; ``maps`` are those that the objective
    sees; ``memory`` is that of the method.
    """

    base: Any
    residual: Any
    gain: Any
    maps: Any
    memory: Any


class Layout(NamedTuple):
    """The tiles of every step: each axis' ``take`` and ``pick``, as ``tiles.Axis`` has them, stacked.

    ``batch``: how many tiles go through the network at once, whichever frame they are from.
    """

    rows: Any
    pick_rows: Any
    columns: Any
    pick_columns: Any
    batch: Any


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

    ``move`` takes directions ``float32 [frames, height, width, 3]``, the memory ``float32 [frames, height, width, 3 *
    planes]`` and the number of steps in it, this one included; it gives the moves and the new memory.
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
        second = tf.maximum(second, 0.0)  # resizing it, bicubically, may have left less
        second = ADAM_DECAY * second + (1 - ADAM_DECAY) * tf.square(direction)
        square = second / (1 - tf.pow(ADAM_DECAY, count))
        return mean / (tf.sqrt(square) + EPSILON), tf.concat([first, second], axis=-1)

    return {"plain": Method(0, lambda direction, memory, _: (direction, memory)), "momentum": Method(1, momentum)}.get(
        name, Method(2, adam)
    )


def build_ascend(
    features: Features, objective: Objective, settings: Dream, treated: Collection[str], *, several: bool
) -> Any:
    """The graph: see ``ascend`` below for what it takes. ``treated`` are those of ``TREATMENTS`` that are in it.

    It gives the residuals, the memory, the steps in that, and for each frame the objective before the last step and
    whether every gradient was finite. With ``several`` frames nothing ends the steps early.
    """
    gradient = _build_gradient(features, objective, several=several)
    norm = NORMS.get(settings.normalize)

    @tf.function(  # loops are written out: turning this file's Python into graphs would take most of a second
        input_signature=[
            Planes(*[FRAMES] * len(Planes._fields)),
            Layout(TAKE, PICK, TAKE, PICK, COUNT),
            Dials(*[SCALAR] * len(Dials._fields)),
            WEIGHTS,
            _given_specs(objective),
            SCALAR,
        ],
        autograph=False,
    )
    def ascend(
        planes: Planes, layout: Layout, dials: Dials, weights: tf.Tensor, given: Sequence[tf.Tensor], count: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        base, residual, gain, maps, memory = planes
        rows, pick_rows, columns, pick_columns, batch = layout
        treat = treatment({name: getattr(dials, name) for name in treated}, settings.laplacian)
        move = method(settings.ascent, dials.momentum).move
        steps = tf.shape(rows)[0]

        def goes_on(step: tf.Tensor, ended: tf.Tensor, *_: tf.Tensor) -> tf.Tensor:
            return tf.logical_and(step < steps, tf.logical_not(ended))

        def one_step(
            step: tf.Tensor,
            _ended: tf.Tensor,
            residual: tf.Tensor,
            memory: tf.Tensor,
            count: tf.Tensor,
            before: tf.Tensor,
            finite: tf.Tensor,
        ) -> tuple[tf.Tensor, ...]:
            picture = base + residual
            seen = tf.concat([picture, maps], axis=-1) if objective.maps else picture
            last = tf.equal(step, steps - 1)
            tiles, value = gradient(seen, weights, given, rows[step], columns[step], batch, last)
            raw = tf.gather(tf.gather(tiles, pick_rows[step], axis=1), pick_columns[step], axis=2)
            finite = tf.logical_and(finite, tf.math.is_finite(rms(raw)))  # a treatment may hide what isn't

            def moved() -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
                # Without a norm it is the gradient of the objective itself, which is a mean over the tile.
                pixels = tf.cast(tf.shape(rows)[2] * tf.shape(columns)[2], tf.float32)
                direction = treat(
                    raw / pixels if norm is None else raw, tf.cast(step + 1, tf.float32) / tf.cast(steps, tf.float32)
                )
                if norm is not None:
                    direction /= per_frame(norm(direction) + EPSILON)
                change, kept = move(direction, memory, count + 1.0)
                return tf.clip_by_value(picture + dials.rate * gain * change, 0.0, 1.0) - base, kept, count + 1.0

            if several:
                return (step + 1, tf.constant(False), *moved(), value, finite)
            enough = value[0] > dials.max_loss
            new = tf.cond(enough, lambda: (residual, memory, count), moved)
            little = tf.abs(value - before)[0] < dials.min_change * tf.abs(value)[0]
            return (step + 1, tf.logical_or(enough, tf.logical_and(step > 0, little)), *new, value, finite)

        each = tf.zeros_like(base[:, 0, 0, 0])  # a number for each frame
        start = (
            tf.constant(0),
            tf.constant(False),
            residual,
            memory,
            count,
            each,
            tf.ones_like(each, tf.bool),
        )
        _, _, residual, memory, count, value, finite = tf.while_loop(goes_on, one_step, start, parallel_iterations=1)
        return residual, memory, count, value, finite

    return ascend


def _build_gradient(features: Features, objective: Objective, *, several: bool) -> Any:
    """Frames and their maps to the gradient of every tile, laid end to end, and the mean objective of each frame."""

    # Not inlined: inside a loop's cycle, TensorFlow's oneDNN pass meets some gradients of max pooling before the
    # pooling itself and leaves them to a kernel that is ten times slower, at random. A function has no cycle.
    @tf.function(
        input_signature=[TILES, WEIGHTS, _given_specs(objective), TOLD],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
    def tile_gradient(
        tiles: tf.Tensor, weights: tf.Tensor, given: Sequence[tf.Tensor], told: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        picture, maps = _split(tiles, objective)
        of_input = _float32(features(maps[INPUT])) if INPUT in maps else {}
        with tf.GradientTape() as tape:
            tape.watch(picture)
            view = View(_float32(features(picture)), picture, of_input, maps)
            value = objective.value(view, weights, given)
            # The mean over a batch, as a sum over pixels: independent of the batch, and clear of float16's underflow.
            total = value * tf.cast(tf.reduce_prod(tf.shape(picture)[:3]), tf.float32)
        found = tf.convert_to_tensor(tape.gradient(total, picture))
        count = tf.shape(picture)[:1]
        if not several:
            return found, tf.fill(count, value)
        return found, tf.cond(
            told,
            lambda: _of_each_tile(view, lambda alone: objective.value(alone, weights, given)),
            lambda: tf.zeros(count),
        )

    def gradient(
        seen: tf.Tensor,
        weights: tf.Tensor,
        given: Sequence[tf.Tensor],
        rows: tf.Tensor,
        columns: tf.Tensor,
        batch: tf.Tensor,
        told: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """``[frames, tiles down * rows, tiles across * columns, 3]``, and the mean objective of each frame.

        With several frames, the objective is found only where it is to be ``told``: what mixes their tiles is cheaper.
        """
        frames, side = tf.shape(seen)[0], tf.shape(seen)[1]
        lines = tf.reshape(seen, tf.concat([[frames * side], tf.shape(seen)[2:]], 0))  # all frames, one below the other
        down, across = tf.shape(rows)[0], tf.shape(columns)[0]
        height, width = tf.shape(rows)[1], tf.shape(columns)[1]
        tiles = down * across  # of one frame
        batches = (frames * tiles + batch - 1) // batch
        results = tf.TensorArray(tf.float32, batches, element_shape=[None, None, None, 3], infer_shape=False)
        values = tf.TensorArray(tf.float32, batches, element_shape=[None], infer_shape=False)

        def one_batch(
            i: tf.Tensor, results: tf.TensorArray, values: tf.TensorArray
        ) -> tuple[tf.Tensor, tf.TensorArray, tf.TensorArray]:
            members = tf.range(i * batch, tf.minimum(frames * tiles, (i + 1) * batch))
            frame, tile = members // tiles, members % tiles
            patches = tf.gather(lines, tf.gather(rows, tile // across) + side * frame[:, None])
            patches = tf.gather(patches, tf.gather(columns, tile % across), axis=2, batch_dims=1)
            part, value = tile_gradient(patches, weights, given, told)
            return i + 1, results.write(i, part), values.write(i, value)

        _, results, values = tf.while_loop(lambda i, *_: i < batches, one_batch, (tf.constant(0), results, values))
        grid = tf.reshape(results.concat(), [frames, down, across, height, width, 3])
        flat = tf.reshape(tf.transpose(grid, [0, 1, 3, 2, 4, 5]), [frames, down * height, across * width, 3])
        return flat, tf.reduce_mean(tf.reshape(values.concat(), [frames, tiles]), axis=1)

    return gradient


def _of_each_tile(view: View, value: Callable[[View], tf.Tensor]) -> tf.Tensor:
    """``value`` of each tile of ``view``: ``float32 [tiles]``."""

    def one(parts: Any) -> tf.Tensor:
        return value(View(*tf.nest.map_structure(lambda values: values[None], parts)))

    parts = (view.activations, view.picture, view.of_input, view.maps)
    return tf.map_fn(one, parts, fn_output_signature=tf.float32)


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
