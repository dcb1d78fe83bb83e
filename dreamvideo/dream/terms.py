"""What objectives are made of: terms, each one number found in a batch of tiles, and their weighted sum.

A term is data and two small functions: ``measure`` runs inside the graph, at every step, on tiles; ``prepare`` runs
outside, once for a shot or a picture, and gives arrays that ``measure`` then finds in ``View.given``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NewType

import numpy as np
import tensorflow as tf

Layer = NewType("Layer", str)  # the name of a layer
Picture = NewType("Picture", str)  # a picture or clip: a name of dream.pictures, or a path

INPUT, PREVIOUS, TRUST, PLACE = "<input>", "<previous>", "<trust>", "<place>"  # no names of masks
CHANNELS = {INPUT: 3, PREVIOUS: 3, TRUST: 1, PLACE: 2}  # of the maps that are no mask


@dataclass(frozen=True)
class View:
    """What one term sees of a batch of tiles, all ``float32``.

    ``activations`` and ``of_input``: ``[batch, rows, columns, channels]`` of the dreamed picture and of its input.
    ``picture``: ``[batch, height, width, 3]`` in [0, 1]. ``maps``: by name, ``[batch, height, width, n]``: the warped
    previous dream and its trust, masks, and each pixel's place in the frame as (y, x) in [0, 1]. ``given``: what
    ``prepare`` gave.
    """

    activations: Mapping[str, Any]
    picture: Any
    of_input: Mapping[str, Any]
    maps: Mapping[str, Any]
    given: Sequence[Any] = ()
    crop: int = 0
    mask: str | None = None

    def __getitem__(self, layer: str) -> Any:
        """The activations of a layer."""
        return self.activations[layer]

    def mean(self, values: tf.Tensor) -> tf.Tensor:
        """The mean of ``[batch, rows, columns, n]``, without the cropped border, weighted by the mask: a scalar."""
        return tf.reduce_mean(self.inside(values * self.weight(values) if self.mask else values))

    def inside(self, values: tf.Tensor) -> tf.Tensor:
        """``values`` without ``crop`` cells at each border."""
        crop = self.crop
        return values[:, crop:-crop, crop:-crop] if crop else values

    def weight(self, values: Any) -> Any:
        """How much each cell of ``values`` counts, ``[batch, rows, columns, 1]``: the mask at their own size, or 1."""
        return self.map(self.mask, values) if self.mask else tf.ones_like(values[..., :1])

    def map(self, name: str, values: tf.Tensor) -> Any:
        """The map ``name`` averaged over the cells of ``values``: ``[batch, rows, columns, n]``."""
        return tf.image.resize(self.maps[name], tf.shape(values)[1:3], method="area")


@dataclass(frozen=True)
class Sight:
    """What ``prepare`` may look at: the input frame, other pictures (all ``float32 [height, width, 3]``) and a network.

    ``features`` takes a picture and layers and gives their activations, ``float32 [rows, columns, channels]``;
    ``channels`` counts those of a layer.
    """

    frame: np.ndarray
    pictures: Mapping[str, np.ndarray]
    features: Callable[[np.ndarray, Sequence[str]], dict[str, np.ndarray]]
    channels: Callable[[str], int]


@dataclass(frozen=True)
class Term:
    """One scalar to raise, and what it needs.

    ``ranks``: the number of dimensions of each array that ``prepare`` gives. ``per_shot``: prepare again for each shot,
    from its first frame; else only when one of ``pictures`` changes. ``sees``: maps of the frame beside the picture.
    ``indices``: channels that must exist, each with its layer. ``croppable``: whether there are borders to leave out.
    """

    measure: Callable[[View], tf.Tensor]
    layers: tuple[str, ...] = ()
    prepare: Callable[[Sight], Sequence[np.ndarray]] | None = None
    ranks: tuple[int, ...] = ()
    per_shot: bool = False
    pictures: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()
    indices: tuple[tuple[str, int], ...] = ()
    crop: int = 0
    mask: str | None = None
    croppable: bool = True


@dataclass(frozen=True)
class Objective:
    """A weighted sum of terms; closed under ``+``, ``-`` and multiplication by a number."""

    terms: tuple[Term, ...]
    weights: tuple[float, ...]

    def __add__(self, other: "Objective") -> "Objective":
        return Objective(self.terms + other.terms, self.weights + other.weights)

    def __mul__(self, factor: float) -> "Objective":
        return Objective(self.terms, tuple(factor * weight for weight in self.weights))

    __rmul__ = __mul__

    def __neg__(self) -> "Objective":
        return -1.0 * self

    def __sub__(self, other: "Objective") -> "Objective":
        return self + -other

    @property
    def layers(self) -> list[str]:
        """The layers that the terms look at, each once."""
        return list(dict.fromkeys(layer for term in self.terms for layer in term.layers))

    @property
    def border(self) -> int:
        """The largest number of activations that any term leaves out at each border."""
        return max(term.crop for term in self.terms)

    @property
    def pictures(self) -> list[str]:
        """The pictures that the terms look at, masks included, each once."""
        named = [[*term.pictures, *([term.mask] if term.mask else [])] for term in self.terms]
        return list(dict.fromkeys(name for names in named for name in names))

    @property
    def masks(self) -> list[str]:
        """The pictures that limit a term to a region, each once."""
        return list(dict.fromkeys(term.mask for term in self.terms if term.mask))

    @property
    def maps(self) -> dict[str, int]:
        """The maps of a frame that the terms see, each with its number of channels."""
        seen = dict.fromkeys(name for term in self.terms for name in term.sees)
        return {name: CHANNELS[name] for name in seen} | dict.fromkeys(self.masks, 1)

    @property
    def ranks(self) -> list[int]:
        """The number of dimensions of each array in ``given``."""
        return [rank for term in self.terms for rank in term.ranks]

    def value(
        self, view: View, weights: tf.Tensor | np.ndarray | Sequence[float], given: Sequence[tf.Tensor] = ()
    ) -> tf.Tensor:
        """The objective, a ``float32`` scalar. ``weights`` (``float32 [terms]``) may differ from call to call."""
        rest, parts = list(given), []
        for i, term in enumerate(self.terms):
            mine, rest = rest[: len(term.ranks)], rest[len(term.ranks) :]
            parts.append(weights[i] * term.measure(replace(view, given=mine, crop=term.crop, mask=term.mask)))
        return tf.add_n(parts)


def view_of(activations: Mapping[str, tf.Tensor], picture: tf.Tensor | None = None) -> View:
    """A view of activations alone (cast to ``float32``), for objectives that see nothing else."""
    nothing = tf.zeros([0, 0, 0, 3]) if picture is None else picture
    return View({name: tf.cast(values, tf.float32) for name, values in activations.items()}, nothing, {}, {})
