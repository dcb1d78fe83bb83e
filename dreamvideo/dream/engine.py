"""The engine: gradient ascent on a residual, octave by octave, from the coarsest to the finest (see ``octaves``).

Randomness is a pure function of (seed, frame index, octave, step).
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from dreamvideo.config import Dream, has_formula
from dreamvideo.dream.ascent import Layout, Planes, build_ascend, dials, method
from dreamvideo.dream.binding import bind_objective
from dreamvideo.dream.gradients import SMALLEST_BAND, TREATMENTS
from dreamvideo.dream.networks import Network, load_network, resolve_precision
from dreamvideo.dream.octaves import MODES, Dreamed, Remembered, Size, octave_sizes, resize
from dreamvideo.dream.sight import Eye, Prepared, frame_maps, region
from dreamvideo.dream.terms import PREVIOUS, Objective
from dreamvideo.dream.tiles import Axis, Grid
from dreamvideo.errors import ConfigError, DreamFailed
from dreamvideo.quality import Turn, octave_count, turns

OWN_LAYERS = ("mixed4", "mixed5")  # of InceptionV3: the default look
TOGETHER = 4  # passes through the network at full size for a stack of pictures, whose coarser octaves fill theirs, too
STEADY = ("network", "pictures", "normalize", "ascent", "memory", "precision")  # what no frame has for itself


@dataclass(frozen=True)
class _Task:
    """What stays the same from octave to octave of a stack of frames, ``[frames, height, width, channels]``."""

    settings: Dream
    weights: np.ndarray
    index: int
    steps: int
    rate: float
    gain: np.ndarray
    maps: np.ndarray
    memory: np.ndarray
    count: float
    given: Sequence[np.ndarray]
    finer: int = 1
    turns: Mapping[int, Turn] | None = None

    @property
    def moves(self) -> bool:
        """Whether a step changes anything."""
        return self.rate != 0 and bool(self.weights.any())


@dataclass(frozen=True)
class _Reached:
    """Where an octave ends, or all of them: stacks as a task's, and of each frame two numbers, ``[frames]``.

    ``objective`` is that before the last step; ``finite`` says whether all gradients were.
    """

    residual: np.ndarray
    memory: np.ndarray
    count: float
    objective: np.ndarray
    finite: np.ndarray


class Dreamer:
    """Dreams frames with one network and one objective.

    The numbers of the settings may differ from frame to frame: see ``dream``. A graph is traced once, and once more for
    each other ``laplacian`` and ``crop``, and for several pictures together. Raises ``ConfigError`` for an unknown
    network, layer, channel or objective, and ``NetworkError`` for weights.
    """

    def __init__(
        self, settings: Dream, *, seed: int, network: Network | None = None, moving: Collection[str] = frozenset()
    ) -> None:
        """``moving``: the full names of the settings that differ from frame to frame, such as "dream.smooth".

        A treatment that is off here and is not named there is left out of the graph, and costs nothing.
        """
        self.network = network or load_network(
            settings.network, input_range=settings.input_range, input_node=settings.input_node
        )
        self.settings = settings = _with_layers(settings, self.network)
        self.seed = seed
        may_rest = any(name.startswith(("dream.layers", "dream.objective")) for name in moving)
        self.objective = bind_objective(settings, may_rest=may_rest)
        self._check_indices()
        self.precision = resolve_precision(settings.precision, self.network.precisions)
        layers = self.objective.layers
        self._sides = self.network.sides(layers)
        self._features = self.network.features(layers, self.precision) if layers else lambda _: {}
        self._planes = 3 * method(settings.ascent, settings.momentum).planes
        self._treated = [name for name in TREATMENTS if getattr(settings, name) or f"dream.{name}" in moving]
        self._graphs: dict[tuple[int, int, bool], Any] = {}
        self._smallest: dict[int, int] = {}
        self._eye = Eye(self._features, self.network.channels, self.smallest, self._sides.fitting)

    @property
    def smallest(self) -> int:
        """The shortest side of a picture that the network takes, in pixels."""
        return self._smallest_at(self.settings)

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

    def octave_sizes(self, height: int, width: int, settings: Dream | None = None) -> list[Size]:
        """The size of each octave, largest first; those too small for the network are left out."""
        settings = settings or self.settings
        return octave_sizes(height, width, settings, self._smallest_at(settings))

    def notes(self, height: int, width: int, settings: Dream | None = None) -> list[str]:
        """Sentences for the user about what can't be done as asked on frames of this size."""
        settings, notes = settings or self.settings, []
        done = len(self.octave_sizes(height, width, settings))
        if done < (wanted := octave_count(settings)):
            notes.append(
                f"{done} of {wanted} octaves are dreamed: the network needs {self._smallest_at(settings)} "
                f"pixels on the shorter side, and the others of a {width}x{height} frame would be smaller"
            )
        if settings.laplacian and min(height, width) < SMALLEST_BAND:
            notes.append(f"a {width}x{height} frame is too small for dream.laplacian and stays as it is; set it to 0")
        unused = [name for name in settings.pictures if name not in self.objective.pictures]
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
        return self._eye.prepare(self.objective, frame, pictures or {}, begins_shot=begins_shot, before=before)

    def dream(
        self,
        frame: np.ndarray,
        start: np.ndarray,
        *,
        index: int,
        steps: int,
        rate: float,
        finer: int = 1,
        gain: np.ndarray | None = None,
        prepared: Prepared | None = None,
        before: tuple[np.ndarray, np.ndarray] | None = None,
        remembered: Remembered = (None, 0.0),
        refine: bool = False,
        by_turns: bool = False,
        settings: Dream | None = None,
    ) -> Dreamed:
        """Ascend from the residual ``start`` by ``steps`` in each octave.

        ``frame`` and ``start`` are ``float32 [height, width, 3]``. One step changes the picture by ``rate``, as
        ``dream.normalize`` measures it and of the range [0, 1], multiplied by ``gain`` (``float32 [height, width, 1]``)
        where that is given. The finest octave has ``finer`` times as many steps, so much shorter. ``index`` keys the
        randomness. ``prepared`` is what ``prepare`` gave for this frame, ``before`` the warped previous dream and its
        trust, ``remembered`` what the frame before gave. With ``refine`` the octaves go by residuals, whatever
        ``dream.octave_mode`` says: others would blur a dream that is there.
        With ``by_turns`` an octave has only the steps that ``dream.quality`` leaves it in frame ``index`` of a clip.
        ``settings`` are those of this frame, where its numbers differ from the dreamer's; nothing else in them may.
        Raises ``DreamFailed`` if a gradient isn't finite or memory runs out; the message names the frame.
        """
        settings = self._of_frame(settings)
        memory, count = remembered
        if memory is None:
            memory, count = self._nothing_remembered(frame), 0.0
            remembered = (memory, count) if self.carries_memory else remembered
        weights, rate = self._weights(settings), rate * settings.strength
        chosen = turns(settings, index, steps, carried=refine) if by_turns else None
        if rate == 0 or not weights.any() or chosen == {}:
            return Dreamed(start, 0.0, remembered)
        prepared = prepared or self.prepare(frame)
        maps = frame_maps(self.objective, frame, prepared.pictures, before)
        gain = region(self.objective, maps) * (np.float32(1) if gain is None else gain)
        task = _Task(
            settings,
            weights,
            index,
            steps,
            rate,
            gain[None],
            maps[None],
            memory[None],
            count,
            prepared.given,
            finer,
            chosen,
        )
        mode = "residual" if refine else settings.octave_mode
        return self._dreamed(self._octaves(task, mode, frame[None], start[None]), 0)

    def most_together(self, height: int, width: int, settings: Dream | None = None) -> int:
        """How many pictures of a size ``dream_several`` may be given, for all that memory holds: at least 1."""
        settings = settings or self.settings
        if settings.max_loss is not None or settings.min_change is not None:
            return 1
        rows, columns = self.octave_sizes(height, width, settings)[0]
        return max(1, TOGETHER * settings.batch * settings.tile**2 // (rows * columns))

    def dream_several(
        self,
        frames: Sequence[np.ndarray],
        *,
        steps: int,
        rate: float,
        prepared: Sequence[Prepared] | None = None,
        settings: Dream | None = None,
    ) -> list[Dreamed | DreamFailed]:
        """Dream pictures of one size, each as ``dream`` alone would from nothing and at index 0.

        ``frames`` are ``float32 [height, width, 3]``; ``prepared`` has one for each. What fails is given back in its
        place. Tiles of all pictures go through the network together, as many as have the pixels of ``dream.batch`` full
        ones. Pictures are dreamed one by one where there are more than ``most_together``, where ``dream.max_loss`` or
        ``dream.min_change`` may end their steps early, and where what the objective found out beforehand differs.

        A library may round otherwise for another number of tiles at once, and what steps make of the last bits grows:
        a deep network's picture then looks like the one dreamed alone, but has other pixels.
        """
        settings = self._of_frame(settings)
        prepared = prepared or [self.prepare(frame) for frame in frames]
        height, width = frames[0].shape[:2]
        if 1 < len(frames) <= self.most_together(height, width, settings) and _given_alike(prepared):
            task = self._task_of_several(frames, prepared, steps, rate, settings)
            stack = np.stack(frames)
            if task.moves:
                with suppress(DreamFailed):  # what fails for all of them may yet succeed for one
                    reached = self._octaves(task, settings.octave_mode, stack, np.zeros_like(stack))
                    return [
                        self._dreamed(reached, i) if finite else _not_finite(0)
                        for i, finite in enumerate(reached.finite)
                    ]
        alone = {"index": 0, "steps": steps, "rate": rate, "settings": settings}
        return [self._alone(frame, prepared=each, **alone) for frame, each in zip(frames, prepared, strict=True)]

    def _task_of_several(
        self, frames: Sequence[np.ndarray], prepared: Sequence[Prepared], steps: int, rate: float, settings: Dream
    ) -> _Task:
        maps = [
            frame_maps(self.objective, frame, each.pictures, None) for frame, each in zip(frames, prepared, strict=True)
        ]
        return _Task(
            settings,
            self._weights(settings),
            0,
            steps,
            rate * settings.strength,
            np.stack([region(self.objective, each) for each in maps]),
            np.stack(maps),
            np.stack([self._nothing_remembered(frame) for frame in frames]),
            0.0,
            prepared[0].given,
        )

    def _alone(self, frame: np.ndarray, **options: Any) -> Dreamed | DreamFailed:
        try:
            return self.dream(frame, np.zeros_like(frame), **options)
        except DreamFailed as error:
            return error

    def _octaves(self, task: _Task, mode: str, frames: np.ndarray, start: np.ndarray) -> _Reached:
        """All octaves of a stack of frames."""
        sizes = enumerate(self.octave_sizes(frames.shape[1], frames.shape[2], task.settings))
        octaves = [(number, size) for number, size in sizes if task.turns is None or number in task.turns]
        reached: list[_Reached] = []

        def octave(base: np.ndarray, residual: np.ndarray, number: int) -> np.ndarray:
            turn = Turn(task.steps) if task.turns is None else task.turns[number]
            finer = 1 if number else task.finer
            own = replace(task, steps=turn.steps * finer, rate=task.rate * turn.farther / finer)
            reached.append(self._octave(own, base, residual, number))
            return reached[-1].residual

        residual = MODES[mode](frames, start, octaves, octave)
        finite = np.all([each.finite for each in reached], axis=0)
        return replace(reached[-1], residual=residual, finite=finite)

    def _octave(self, task: _Task, base: np.ndarray, residual: np.ndarray, octave: int) -> _Reached:
        size = (base.shape[1], base.shape[2])
        rows, columns = self._layout(size, task.steps, (task.index, task.settings.octaves - octave), task.settings)
        several, batch = len(base) > 1, task.settings.batch
        if several:
            tile = rows[0].take.shape[1] * columns[0].take.shape[1]  # in pixels
            batch = max(batch, batch * task.settings.tile**2 // tile)
        try:
            result, memory, count, objective, finite = self._graph(task.settings, several=several)(
                Planes(base, residual, *(resize(plane, size) for plane in (task.gain, task.maps, task.memory))),
                Layout(*_stack(rows), *_stack(columns), batch),
                dials(task.settings, task.rate),
                task.weights,
                list(task.given),
                np.float32(task.count),
            )
        except tf.errors.ResourceExhaustedError as error:
            raise DreamFailed(
                f"out of memory at frame {task.index}; use a smaller dream.tile or dream.batch"
            ) from error
        if not np.any(finite):
            raise _not_finite(task.index)
        return _Reached(result.numpy(), memory.numpy(), float(count), objective.numpy(), finite.numpy())

    def _of_frame(self, settings: Dream | None) -> Dream:
        """A frame's settings; ``ValueError`` where they ask for what this dreamer was not made for."""
        if settings is None:
            return self.settings
        other = [name for name in STEADY if getattr(settings, name) != getattr(self.settings, name)]
        other += [name for name in TREATMENTS if getattr(settings, name) and name not in self._treated]
        if other:
            raise ValueError(f"dream.{other[0]} differs on a frame, of which the dreamer was not told")
        return _with_layers(settings, self.network)

    def _graph(self, settings: Dream, *, several: bool) -> Any:
        """The steps of an octave as a graph; built at first for these settings' structure."""
        key = (settings.laplacian, settings.crop, several)
        if key not in self._graphs:
            objective = self._bind(settings)
            self._graphs[key] = build_ascend(self._features, objective, settings, self._treated, several=several)
        return self._graphs[key]

    def _weights(self, settings: Dream) -> np.ndarray:
        return np.array(self._bind(settings).weights, np.float32)

    def _bind(self, settings: Dream) -> Objective:
        """The objective with a frame's weights and crop."""
        if settings is self.settings:
            return self.objective
        objective = bind_objective(settings, may_rest=True)
        if [term.layers for term in objective.terms] != [term.layers for term in self.objective.terms]:
            raise ValueError("the objective differs on a frame in more than its weights")
        return objective

    def _smallest_at(self, settings: Dream) -> int:
        """The shortest side that leaves the objective something inside the border of ``dream.crop``."""
        if settings.crop not in self._smallest:
            objective = self.objective if settings.crop == self.settings.crop else self._bind(settings)
            self._smallest[settings.crop] = self._sides.smallest(objective.border)
        return self._smallest[settings.crop]

    def _nothing_remembered(self, frame: np.ndarray) -> np.ndarray:
        return np.zeros((*frame.shape[:2], self._planes), np.float32)

    def _dreamed(self, reached: _Reached, i: int) -> Dreamed:
        """Frame ``i``. What goes on to the next frame is the finest octave's memory at the frame's size, or nothing."""
        size = (reached.residual.shape[1], reached.residual.shape[2])
        remembered = (resize(reached.memory[i], size), reached.count) if self.carries_memory else (None, 0.0)
        return Dreamed(reached.residual[i], float(reached.objective[i]), remembered)

    def _check_indices(self) -> None:
        self.network.check_layers(self.objective.layers)
        for layer, index in [pair for term in self.objective.terms for pair in term.indices]:
            channels = self.network.channels(layer)
            if not 0 <= index < channels:
                raise ConfigError(
                    f"{layer} of {self.network.name} has {channels} channels, from 0 to {channels - 1}; "
                    f"there is no channel {index}"
                )

    def tile_axes(self, size: Size, places: Iterable[float] = (0, 0), settings: Dream | None = None) -> list[Axis]:
        """How tiles lie along both axes of a frame, at offsets chosen by ``places`` in [0, 1)."""
        settings = settings or self.settings
        stride, phase = self._sides.whole
        grid = Grid(
            settings.tile**2,
            jitter=settings.jitter,
            halo=min(settings.halo, settings.tile // 4),  # a tile has to have a middle
            smallest=self._smallest_at(settings),
            stride=stride,
            phase=phase,
        )
        counts = grid.counts(*size)
        return [grid.axis(side, count, place) for side, count, place in zip(size, counts, places, strict=True)]

    def _layout(
        self, size: Size, steps: int, key: tuple[int, int], settings: Dream | None = None
    ) -> tuple[list[Axis], list[Axis]]:
        """The tiles' rows and columns for every step, each at its own random offset."""
        places = [np.random.default_rng([self.seed, *key, step]).random(2) for step in range(steps)]
        rows, columns = zip(*[self.tile_axes(size, place, settings) for place in places], strict=True)
        return list(rows), list(columns)


def _with_layers(settings: Dream, network: Network) -> Dream:
    """``settings`` with layers of the network's, where the user named none."""
    if settings.layers or has_formula(settings.objective):
        return settings
    known, shown = set(network.layer_names), network.showcase
    layers = OWN_LAYERS if known.issuperset(OWN_LAYERS) else shown[len(shown) // 2 :][:1]
    return settings.model_copy(update={"layers": dict.fromkeys(layers, 1.0)})


def _stack(axes: list[Axis]) -> tuple[np.ndarray, np.ndarray]:
    return np.stack([axis.take for axis in axes]), np.stack([axis.pick for axis in axes])


def _given_alike(prepared: Sequence[Prepared]) -> bool:
    """Whether the objective found out the same for all pictures."""
    first, *others = prepared
    return all(np.array_equal(*pair) for other in others for pair in zip(first.given, other.given, strict=True))


def _not_finite(index: int) -> DreamFailed:
    return DreamFailed(
        f"the gradient at frame {index} is not finite; use dream.precision = float32 or a smaller dream.step"
    )
