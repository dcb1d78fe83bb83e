"""The engine: a tiled gradient ascent on a residual, from the coarsest octave to the finest.

    for k from coarsest to 0:
        base_k  = resize(frame, octave k);  r_k = resize(start, octave k) + up(delta_{k+1})
        r_k'    = n steps of  r += rate * treat(grad objective(base_k + r)),  keeping base_k + r in [0, 1]
        delta_k = r_k' - resize(start, octave k)
    residual = start + delta_0

With a zero start this is the octave scheme of the original DeepDream (Mordvintsev, Olah and Tyka 2015); with a carried
start it refines what is already there. Randomness is a pure function of (seed, frame index, octave, step).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from dreamvideo.config import Dream
from dreamvideo.dream.gradients import EPSILON, SMALLEST_BAND, Treatment, compose, laplacian, natural_colors, rms
from dreamvideo.dream.networks import Network, load_network, resolve_precision
from dreamvideo.dream.objectives import Objective, weighted_layers
from dreamvideo.dream.tiles import Axis, tile_axis
from dreamvideo.errors import DreamFailed

FLOAT_FRAME = tf.TensorSpec([None, None, 3], tf.float32)
GAIN = tf.TensorSpec([None, None, 1], tf.float32)
TAKE = tf.TensorSpec([None, None, None], tf.int32)
PICK = tf.TensorSpec([None, None], tf.int32)
SCALAR = tf.TensorSpec([], tf.float32)
WEIGHTS = tf.TensorSpec([None], tf.float32)
TILES = tf.TensorSpec([None, None, None, 3], tf.float32)


@dataclass(frozen=True)
class Dreamed:
    """What one ascent gives: the residual, ``float32 [height, width, 3]`` in [-1, 1], and the objective it reached."""

    residual: np.ndarray
    objective: float


class Dreamer:
    """Dreams frames with one network, one objective and one set of treatments; the graph is traced once.

    Raises ``ConfigError`` for an unknown network or layer and ``NetworkError`` for its weights.
    """

    def __init__(self, settings: Dream, *, seed: int, network: Network | None = None) -> None:
        self.settings, self.seed = settings, seed
        self.network = network or load_network(settings.network)
        self.objective = weighted_layers(settings.layers, settings.objective, settings.crop)
        self.precision = resolve_precision(settings.precision)
        self.smallest = self.network.smallest_side(self.objective.layers, self.objective.border)
        self._stride, self._phase = self.network.whole_sides(self.objective.layers)
        features = self.network.features(self.objective.layers, self.precision)
        self._ascend = _build_ascend(features, self.objective, _treatment(settings), settings.batch)
        self._weights = np.array(self.objective.weights, np.float32)

    def octave_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(height, width) of each octave, full size first; those too small for the network are left out."""
        scales = [self.settings.octave_scale**k for k in range(self.settings.octaves)]
        sizes = [(max(1, round(height / scale)), max(1, round(width / scale))) for scale in scales]
        return sizes[:1] + [size for size in sizes[1:] if min(size) >= self.smallest]

    def notes(self, height: int, width: int) -> list[str]:
        """Sentences for the user about what can't be done as asked on frames of this size."""
        notes = []
        done = len(self.octave_sizes(height, width))
        if done < self.settings.octaves:
            notes.append(
                f"{done} of {self.settings.octaves} octaves are dreamed: the network needs {self.smallest} pixels on "
                f"the shorter side, and the others of a {width}x{height} frame would be smaller"
            )
        if self.settings.laplacian and min(height, width) < SMALLEST_BAND:
            notes.append(f"a {width}x{height} frame is too small for dream.laplacian and stays as it is; set it to 0")
        return notes

    def dream(
        self,
        frame: np.ndarray,
        start: np.ndarray,
        *,
        index: int,
        steps: int,
        rate: float,
        gain: np.ndarray | None = None,
    ) -> Dreamed:
        """Ascend from the residual ``start`` by ``steps`` in each octave.

        ``frame`` and ``start`` are ``float32 [height, width, 3]``. One step changes the picture by ``rate`` (RMS, of
        the range [0, 1]), multiplied by ``gain`` (``float32 [height, width, 1]``) where that is given. ``index`` keys
        the randomness. Raises ``DreamFailed`` if a gradient isn't finite or memory runs out; the message names the
        frame.
        """
        rate *= self.settings.strength
        if rate == 0:
            return Dreamed(start, 0.0)
        gain = np.ones((*frame.shape[:2], 1), np.float32) if gain is None else gain
        delta, objective = np.zeros((1, 1, 3), np.float32), 0.0
        sizes = self.octave_sizes(*frame.shape[:2])
        for octave, size in reversed(list(enumerate(sizes))):
            carried = resize(start, size)
            residual, objective = self._octave(
                resize(frame, size),
                carried + resize(delta, size),
                resize(gain, size),
                rate,
                steps,
                (index, self.settings.octaves - octave),
            )
            delta = residual - carried
        return Dreamed(start + delta, objective)

    def _octave(
        self, base: np.ndarray, residual: np.ndarray, gain: np.ndarray, rate: float, steps: int, key: tuple[int, int]
    ) -> tuple[np.ndarray, float]:
        rows, columns = self._layout(base.shape, steps, key)
        try:
            result, objective, finite = self._ascend(
                base, residual, gain, np.float32(rate), self._weights, *_stack(rows), *_stack(columns)
            )
        except tf.errors.ResourceExhaustedError as error:
            raise DreamFailed(f"out of memory at frame {key[0]}; use a smaller dream.tile or dream.batch") from error
        if not finite:
            raise DreamFailed(
                f"the gradient at frame {key[0]} is not finite; use dream.precision = float32 or a smaller dream.step"
            )
        return result.numpy(), float(objective)

    def tile_axis(self, size: int, place: float = 0.0) -> Axis:
        """How tiles lie along an axis of a frame, ``size`` pixels long, at an offset chosen by ``place`` in [0, 1)."""
        settings = self.settings
        return tile_axis(
            size,
            place=place,
            jitter=settings.jitter,
            tile=settings.tile,
            halo=min(settings.halo, settings.tile // 4),  # a tile has to have a middle
            smallest=self.smallest,
            stride=self._stride,
            phase=self._phase,
        )

    def _layout(self, shape: tuple[int, ...], steps: int, key: tuple[int, int]) -> tuple[list[Axis], list[Axis]]:
        """The tiles' rows and columns for every step, each at its own random offset."""
        both: tuple[list[Axis], list[Axis]] = ([], [])
        for step in range(steps):
            places = np.random.default_rng([self.seed, *key, step]).random(2)
            for axes, size, place in zip(both, shape[:2], places, strict=True):
                axes.append(self.tile_axis(size, place))
        return both


def resize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``float32 [height, width, channels]`` to ``size`` (height, width): area average down, bicubic up."""
    if values.shape[:2] == size:
        return values
    down = size[0] < values.shape[0]
    resized = cv2.resize(values, size[::-1], interpolation=cv2.INTER_AREA if down else cv2.INTER_CUBIC)
    return resized.reshape(*size, values.shape[2])


def _treatment(settings: Dream) -> Treatment:
    treatments = []
    if settings.laplacian:
        treatments.append(laplacian(settings.laplacian))
    if settings.natural_colors:
        treatments.append(natural_colors(settings.natural_colors))
    return compose(*treatments)


def _stack(axes: list[Axis]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([axis.take for axis in axes]), np.stack([axis.pick for axis in axes])


def _build_ascend(
    features: Callable[[tf.Tensor], dict[str, tf.Tensor]], objective: Objective, treat: Treatment, batch: int
) -> Any:
    """The step loop of one octave as one graph for every size and number of steps."""

    # Not inlined: inside a loop's cycle, TensorFlow's oneDNN pass meets some gradients of max pooling before the
    # pooling itself and leaves them to a kernel that is ten times slower, at random. A function has no cycle.
    @tf.function(input_signature=[TILES, WEIGHTS], autograph=False, experimental_attributes={"_noinline": True})
    def tile_gradient(tiles: tf.Tensor, weights: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        with tf.GradientTape() as tape:
            tape.watch(tiles)
            value = objective.value(features(tiles), weights)
            # The mean over a batch, as a sum over pixels: independent of the batch, and clear of float16's underflow.
            total = value * tf.cast(tf.reduce_prod(tf.shape(tiles)[:3]), tf.float32)
        return tf.convert_to_tensor(tape.gradient(total, tiles)), value

    def gradient(
        picture: tf.Tensor, weights: tf.Tensor, rows: tf.Tensor, columns: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """The gradient of every tile, ``[tiles down * rows, tiles across * columns, 3]``, and the mean objective."""
        down, across = tf.shape(rows)[0], tf.shape(columns)[0]
        height, width = tf.shape(rows)[1], tf.shape(columns)[1]
        tiles = down * across
        batches = (tiles + batch - 1) // batch
        results = tf.TensorArray(tf.float32, batches, element_shape=[None, None, None, 3], infer_shape=False)
        total = 0.0
        for i in tf.range(batches):
            members = tf.range(i * batch, tf.minimum(tiles, (i + 1) * batch))
            patches = tf.gather(picture, tf.gather(rows, members // across))
            patches = tf.gather(patches, tf.gather(columns, members % across), axis=2, batch_dims=1)
            part, value = tile_gradient(patches, weights)
            results = results.write(i, part)
            total += value * tf.cast(tf.size(members), tf.float32)
        grid = tf.reshape(results.concat(), [down, across, height, width, 3])
        flat = tf.reshape(tf.transpose(grid, [0, 2, 1, 3, 4]), [down * height, across * width, 3])
        return flat, total / tf.cast(tiles, tf.float32)

    @tf.function(
        input_signature=[FLOAT_FRAME, FLOAT_FRAME, GAIN, SCALAR, WEIGHTS, TAKE, PICK, TAKE, PICK], autograph=True
    )
    def ascend(
        base: tf.Tensor,
        residual: tf.Tensor,
        gain: tf.Tensor,
        rate: tf.Tensor,
        weights: tf.Tensor,
        rows: tf.Tensor,
        pick_rows: tf.Tensor,
        columns: tf.Tensor,
        pick_columns: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        value, finite = tf.constant(0.0), tf.constant(True)
        for step in tf.range(tf.shape(rows)[0]):
            tf.autograph.experimental.set_loop_options(parallel_iterations=1)
            picture = base + residual
            tiles, value = gradient(picture, weights, rows[step], columns[step])
            raw = tf.gather(tf.gather(tiles, pick_rows[step]), pick_columns[step], axis=1)
            finite = tf.logical_and(finite, tf.math.is_finite(rms(raw)))  # a treatment may hide what isn't
            direction = treat(raw)
            scale = rms(direction)
            picture += (rate / (scale + EPSILON)) * gain * direction
            residual = tf.clip_by_value(picture, 0.0, 1.0) - base
        return residual, value, finite

    return ascend
