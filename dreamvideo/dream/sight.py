"""What an objective sees besides the dreamed picture: other pictures, and maps of the frame."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import tensorflow as tf

from dreamvideo.dream.octaves import resize
from dreamvideo.dream.sides import Grid
from dreamvideo.dream.terms import INPUT, PLACE, PREVIOUS, TRUST, Objective, Sight
from dreamvideo.dream.tiles import round_up

MOST_SIGHT = 512  # pixels on the longer side at which pictures are looked at whole

Features = Callable[[tf.Tensor], dict[str, tf.Tensor]]
"""Frames ``float32 [batch, height, width, 3]`` in [0, 1] to the activations of an objective's layers."""


@dataclass(frozen=True)
class Prepared:
    """What the objective found out before the ascent: arrays for the graph, and the pictures that they came from."""

    given: list[np.ndarray]
    pictures: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Eye:
    """Looks at whole pictures through a network, which takes sides from ``smallest`` on that lie on ``grid``."""

    features: Features
    channels: Callable[[str], int]
    smallest: int
    grid: Grid

    def prepare(
        self,
        objective: Objective,
        frame: np.ndarray,
        pictures: Mapping[str, np.ndarray],
        *,
        begins_shot: bool,
        before: Prepared | None,
    ) -> Prepared:
        """What the terms ask for; that which ``before`` found and which can't have changed is taken over."""
        sight = Sight(frame, pictures, self.look, self.channels)
        given: list[np.ndarray] = []
        for term in objective.terms:
            mine = slice(len(given), len(given) + len(term.ranks))
            changed = before is None or any(before.pictures[name] is not pictures[name] for name in term.pictures)
            if before is None or changed or (term.per_shot and begins_shot):
                given += [np.asarray(array, np.float32) for array in (term.prepare(sight) if term.prepare else [])]
            else:
                given += before.given[mine]
        return Prepared(given, pictures)

    def look(self, picture: np.ndarray, layers: Sequence[str]) -> dict[str, np.ndarray]:
        """The activations of a whole picture, made smaller where it is large and larger where it is small."""
        height, width = picture.shape[:2]
        scale = max(min(1.0, MOST_SIGHT / max(height, width)), self.smallest / min(height, width))
        sides = [min(max(self.smallest, round(side * scale)), 4 * MOST_SIGHT) for side in (height, width)]
        fitting = [round_up(side, *self.grid) for side in sides]
        found = self.features(tf.constant(resize(picture, (fitting[0], fitting[1]))[None]))
        return {layer: tf.cast(found[layer][0], tf.float32).numpy() for layer in layers}


def frame_maps(
    objective: Objective,
    frame: np.ndarray,
    pictures: Mapping[str, np.ndarray],
    before: tuple[np.ndarray, np.ndarray] | None,
) -> np.ndarray:
    """The maps that the objective sees of a frame, one behind the other: ``float32 [height, width, channels]``."""
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
        for name in objective.maps
    ]
    return np.concatenate([nothing[..., :0], *maps], axis=-1).astype(np.float32)


def region(objective: Objective, maps: np.ndarray) -> np.ndarray:
    """Where the dream may go, ``float32 [height, width, 1]``: everywhere, unless every term has a mask.

    A gradient's treatments spread it beyond its mask.
    """
    if not all(term.mask for term in objective.terms):
        return np.ones((*maps.shape[:2], 1), np.float32)
    masks = len(objective.masks)  # which come last
    return maps[..., -masks:].max(axis=-1, keepdims=True)


def _fractions(size: int) -> np.ndarray:
    return np.linspace(0, 1, size, dtype=np.float32)
