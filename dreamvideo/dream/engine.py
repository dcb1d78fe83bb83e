"""The engine: gradient ascent on a residual, octave by octave, from the coarsest to the finest.

    for k from coarsest to 0:
        base_k  = resize(frame, octave k);  r_k = resize(start, octave k) + up(delta_{k+1})
        r_k'    = n steps of  r += rate * treat(grad objective(base_k + r)),  keeping base_k + r in [0, 1]
        delta_k = r_k' - resize(start, octave k)
    residual = start + delta_0

With a zero start this is the octave scheme of the original DeepDream (Mordvintsev, Olah and Tyka 2015); with a carried
start it refines what is already there. The modes ``detail`` and ``grow`` hand the dreamed picture itself from octave
to octave. Randomness is a pure function of (seed, frame index, octave, step).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import tensorflow as tf

from dreamvideo.config import Dream, has_formula
from dreamvideo.dream.ascent import build_ascend, method
from dreamvideo.dream.binding import bind_objective
from dreamvideo.dream.gradients import SMALLEST_BAND, treatment
from dreamvideo.dream.networks import Network, load_network, resolve_precision
from dreamvideo.dream.terms import INPUT, PLACE, PREVIOUS, TRUST, Sight
from dreamvideo.dream.tiles import Axis, tile_axis
from dreamvideo.errors import ConfigError, DreamFailed

OWN_LAYERS = ("mixed4", "mixed5")  # of InceptionV3: the default look
MOST_SIGHT = 512  # pixels on the longer side at which pictures are looked at whole


Remembered = tuple[np.ndarray | None, float]
"""What momentum and Adam remember, ``float32 [height, width, 3 * planes]``, and of how many steps."""


@dataclass(frozen=True)
class Prepared:
    """What the objective found out before the ascent: arrays for the graph, and the pictures that they came from."""

    given: list[np.ndarray]
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Dreamed:
    """What an ascent gives: the residual, ``float32 [height, width, 3]`` in [-1, 1], and the objective it reached."""

    residual: np.ndarray
    objective: float
    remembered: Remembered = (None, 0.0)


@dataclass(frozen=True)
class _Task:
    """What stays the same from octave to octave of one frame."""

    index: int
    steps: int
    rate: float
    gain: np.ndarray
    maps: np.ndarray
    remembered: Remembered
    given: Sequence[np.ndarray]


class Dreamer:
    """Dreams frames with one network, one objective and one set of treatments; the graph is traced once.

    Raises ``ConfigError`` for an unknown network, layer, channel or objective, and ``NetworkError`` for weights.
    """

    def __init__(self, settings: Dream, *, seed: int, network: Network | None = None) -> None:
        self.network = network or load_network(
            settings.network, input_range=settings.input_range, input_node=settings.input_node
        )
        self.settings = settings = _with_layers(settings, self.network)
        self.seed = seed
        self.objective = bind_objective(settings)
        self._check_indices()
        self.precision = resolve_precision(settings.precision, self.network.precisions)
        layers = self.objective.layers
        self.smallest = self.network.smallest_side(layers, self.objective.border) if layers else 1
        self._stride, self._phase = self.network.whole_sides(layers) if layers else (1, 0)
        self._features = self.network.features(layers, self.precision) if layers else lambda _: {}
        self._ascend = build_ascend(self._features, self.objective, treatment(settings), settings)
        self._weights = np.array(self.objective.weights, np.float32)
        self._planes = 3 * method(settings.ascent, settings.momentum).planes

    @property
    def pictures(self) -> dict[str, str]:
        """The pictures that the objective looks at: their names in it, and where they lie."""
        return {name: self.settings.pictures.get(name, name) for name in self.objective.pictures}

    @property
    def sees_previous(self) -> bool:
        """Whether the objective looks at the warped previous dream, which takes time to make."""
        return PREVIOUS in self.objective.maps

    @property
    def carries_memory(self) -> bool:
        """Whether a frame goes on with what the ascent of the one before it remembers."""
        return self._planes > 0 and self.settings.memory == "carry"

    def octave_sizes(self, height: int, width: int) -> list[tuple[int, int]]:
        """(height, width) of each octave, largest first; those too small for the network are left out."""
        above = self.settings.octaves_above
        scales = [self.settings.octave_scale ** (k - above) for k in range(self.settings.octaves)]
        sizes = [(max(1, round(height / scale)), max(1, round(width / scale))) for scale in scales]
        return sizes[: above + 1] + [size for size in sizes[above + 1 :] if min(size) >= self.smallest]

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
        unused = [name for name in self.settings.pictures if name not in self.objective.pictures]
        if unused:
            notes.append(f"the objective does not look at the picture{'s' * (len(unused) > 1)} {', '.join(unused)}")
        return notes

    def prepare(
        self,
        frame: np.ndarray,
        pictures: Mapping[str, np.ndarray] | None = None,
        *,
        begins_shot: bool = True,
        before: Prepared | None = None,
    ) -> Prepared:
        """Look at what the objective asks for besides the picture itself.

        ``pictures``: by the names of ``self.pictures``, ``float32 [height, width, 3]``. What ``before`` found is taken
        over unless a shot begins or a picture is another one.
        """
        pictures = pictures or {}
        sight = Sight(frame, pictures, self._look, self.network.channels)
        given: list[np.ndarray] = []
        for term in self.objective.terms:
            mine = slice(len(given), len(given) + len(term.ranks))
            changed = before is None or any(before.pictures[name] is not pictures[name] for name in term.pictures)
            if before is None or changed or (term.per_shot and begins_shot):
                given += [np.asarray(array, np.float32) for array in (term.prepare(sight) if term.prepare else [])]
            else:
                given += before.given[mine]
        return Prepared(given, pictures)

    def dream(
        self,
        frame: np.ndarray,
        start: np.ndarray,
        *,
        index: int,
        steps: int,
        rate: float,
        gain: np.ndarray | None = None,
        prepared: Prepared | None = None,
        before: tuple[np.ndarray, np.ndarray] | None = None,
        remembered: Remembered = (None, 0.0),
        refine: bool = False,
    ) -> Dreamed:
        """Ascend from the residual ``start`` by ``steps`` in each octave.

        ``frame`` and ``start`` are ``float32 [height, width, 3]``. One step changes the picture by ``rate``, as
        ``dream.normalize`` measures it and of the range [0, 1], multiplied by ``gain`` (``float32 [height, width, 1]``)
        where that is given. ``index`` keys the randomness. ``prepared`` is what ``prepare`` gave for this frame,
        ``before`` the warped previous dream and its trust, ``remembered`` what the frame before gave. With ``refine``
        the octaves go by residuals, whatever ``dream.octave_mode`` says: others would blur a dream that is there.
        Raises ``DreamFailed`` if a gradient isn't finite or memory runs out; the message names the frame.
        """
        rate *= self.settings.strength
        if rate == 0:
            return Dreamed(start, 0.0, remembered)
        size = frame.shape[:2]
        prepared = prepared or self.prepare(frame)
        maps = self._maps(frame, prepared.pictures, before)
        task = _Task(
            index,
            steps,
            rate,
            self._region(maps) * (np.float32(1) if gain is None else gain),
            maps,
            remembered if remembered[0] is not None else (np.zeros((*size, self._planes), np.float32), 0.0),
            prepared.given,
        )
        modes = {"residual": self._by_residual, "detail": self._by_detail, "grow": self._by_growing}
        return modes["residual" if refine else self.settings.octave_mode](frame, start, task)

    def _by_residual(self, frame: np.ndarray, start: np.ndarray, task: _Task) -> Dreamed:
        delta, result = np.zeros((1, 1, 3), np.float32), Dreamed(start, 0.0)
        for octave, size in self._octaves(frame):
            carried = resize(start, size)
            result = self._octave(resize(frame, size), carried + resize(delta, size), task, octave)
            delta = result.residual - carried
        residual = start + resize(delta, frame.shape[:2])
        if self.settings.octaves_above:  # made smaller, it no longer keeps the picture in its range by itself
            residual = np.clip(frame + residual, 0, 1) - frame
        return Dreamed(residual, result.objective, self._kept(result, frame))

    def _by_detail(self, frame: np.ndarray, start: np.ndarray, task: _Task) -> Dreamed:
        """Dream the shrunk picture, enlarge it, dream again, and add what the shrinking lost."""
        original, result = frame + start, Dreamed(start, 0.0)
        picture = shrunk = None
        for octave, size in self._octaves(frame):
            wanted = resize(original, size)
            picture = wanted if picture is None else resize(picture, size)
            result = self._octave(np.zeros_like(picture), np.clip(picture, 0, 1), task, octave)
            lost = 0 if shrunk is None else wanted - resize(shrunk, size)
            picture, shrunk = result.residual + lost, wanted
        return self._as_residual(picture, frame, start, result)

    def _by_growing(self, frame: np.ndarray, start: np.ndarray, task: _Task) -> Dreamed:
        """Dream the shrunk picture, enlarge it and dream again, as when starting from noise."""
        picture, result = None, Dreamed(start, 0.0)
        for octave, size in self._octaves(frame):
            picture = np.clip(resize(frame + start if picture is None else picture, size), 0, 1)
            result = self._octave(np.zeros_like(picture), picture, task, octave)
            picture = result.residual
        return self._as_residual(picture, frame, start, result)

    def _as_residual(self, picture: np.ndarray | None, frame: np.ndarray, start: np.ndarray, last: Dreamed) -> Dreamed:
        if picture is None:
            return Dreamed(start, 0.0)
        whole = np.clip(resize(picture, frame.shape[:2]), 0, 1)
        return Dreamed(whole - frame, last.objective, self._kept(last, frame))

    def _octaves(self, frame: np.ndarray) -> list[tuple[int, tuple[int, int]]]:
        """Octaves from the coarsest to the finest, each with its size."""
        return list(reversed(list(enumerate(self.octave_sizes(*frame.shape[:2])))))

    def _octave(self, base: np.ndarray, residual: np.ndarray, task: _Task, octave: int) -> Dreamed:
        size = base.shape[:2]
        key = (task.index, self.settings.octaves - octave)
        rows, columns = self._layout(size, task.steps, key)
        memory, count = task.remembered
        assert memory is not None
        try:
            result, memory, count, objective, finite = self._ascend(
                base,
                residual,
                resize(task.gain, size),
                resize(task.maps, size),
                resize(memory, size),
                np.float32(count),
                np.float32(task.rate),
                self._weights,
                list(task.given),
                *_stack(rows),
                *_stack(columns),
            )
        except tf.errors.ResourceExhaustedError as error:
            raise DreamFailed(f"out of memory at frame {key[0]}; use a smaller dream.tile or dream.batch") from error
        if not finite:
            raise DreamFailed(
                f"the gradient at frame {key[0]} is not finite; use dream.precision = float32 or a smaller dream.step"
            )
        return Dreamed(result.numpy(), float(objective), (memory.numpy(), float(count)))

    def _kept(self, last: Dreamed, frame: np.ndarray) -> Remembered:
        """What goes on to the next frame: the finest octave's memory at the frame's size, or nothing."""
        memory, count = last.remembered
        if not self.carries_memory or memory is None:
            return None, 0.0
        return resize(memory, frame.shape[:2]), count

    def _maps(
        self, frame: np.ndarray, pictures: Mapping[str, np.ndarray], before: tuple[np.ndarray, np.ndarray] | None
    ) -> np.ndarray:
        """The maps of a frame, one behind the other: ``float32 [height, width, channels]``."""
        height, width = frame.shape[:2]
        nothing = np.zeros((height, width, 1), np.float32)
        before = before or (frame, nothing)
        ready = {
            INPUT: lambda: frame,
            PREVIOUS: lambda: before[0],
            TRUST: lambda: before[1],
            PLACE: lambda: np.stack(np.meshgrid(*map(_fractions, (height, width)), indexing="ij"), axis=-1),
        }
        maps = [
            ready[name]() if name in ready else resize(pictures[name], (height, width)).mean(axis=-1, keepdims=True)
            for name in self.objective.maps
        ]
        return np.concatenate([nothing[..., :0], *maps], axis=-1).astype(np.float32)

    def _region(self, maps: np.ndarray) -> np.ndarray:
        """Where the dream may go, ``float32 [height, width, 1]``: everywhere, unless every term has a mask.

        A gradient's treatments spread it beyond its mask.
        """
        if not all(term.mask for term in self.objective.terms):
            return np.ones((*maps.shape[:2], 1), np.float32)
        masks = len(self.objective.masks)  # which come last
        return maps[..., -masks:].max(axis=-1, keepdims=True)

    def _look(self, picture: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """The activations of a whole picture, made smaller where it is large and larger where it is small."""
        height, width = picture.shape[:2]
        scale = max(min(1.0, MOST_SIGHT / max(height, width)), self.smallest / min(height, width))
        sides = [min(max(self.smallest, round(side * scale)), 4 * MOST_SIGHT) for side in (height, width)]
        resized = resize(picture, (sides[0], sides[1]))
        found = self._features(tf.constant(resized[None]))
        return {layer: tf.cast(found[layer][0], tf.float32).numpy() for layer in layers}

    def _check_indices(self) -> None:
        self.network.check_layers(self.objective.layers)
        for layer, index in [pair for term in self.objective.terms for pair in term.indices]:
            channels = self.network.channels(layer)
            if not 0 <= index < channels:
                raise ConfigError(
                    f"{layer} of {self.network.name} has {channels} channels, from 0 to {channels - 1}; "
                    f"there is no channel {index}"
                )

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


def _with_layers(settings: Dream, network: Network) -> Dream:
    """``settings`` with layers of the network's, where the user named none."""
    if settings.layers or has_formula(settings.objective):
        return settings
    known, shown = set(network.layer_names), network.showcase
    layers = OWN_LAYERS if known.issuperset(OWN_LAYERS) else shown[len(shown) // 2 :][:1]
    return settings.model_copy(update={"layers": dict.fromkeys(layers, 1.0)})


def resize(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``float32 [height, width, channels]`` to ``size`` (height, width): area average down, bicubic up."""
    channels = values.shape[2]
    if values.shape[:2] == size or channels == 0:
        return values if channels else np.zeros((*size, 0), np.float32)
    down = size[0] < values.shape[0]
    interpolation = cv2.INTER_AREA if down else cv2.INTER_CUBIC
    parts = [values[..., i : i + 4] for i in range(0, channels, 4)]  # as many channels as OpenCV takes at once
    resized = [cv2.resize(part, size[::-1], interpolation=interpolation).reshape(*size, -1) for part in parts]
    return resized[0] if len(resized) == 1 else np.concatenate(resized, axis=-1)


def _fractions(size: int) -> np.ndarray:
    return np.linspace(0, 1, size, dtype=np.float32)


def _stack(axes: list[Axis]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([axis.take for axis in axes]), np.stack([axis.pick for axis in axes])
