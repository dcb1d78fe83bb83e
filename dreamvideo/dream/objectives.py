"""What the ascent maximises: terms over activations, composed by weight, so that a recipe reads like its formula.

0.2 * mean_square("mixed2") + mean("mixed4")
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Term:
    """One scalar of one layer. ``measure`` takes activations ``float32 [batch, height, width, channels]``."""

    layer: str
    measure: Callable[[tf.Tensor], tf.Tensor]
    border: int = 0


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
        return list(dict.fromkeys(term.layer for term in self.terms))

    @property
    def border(self) -> int:
        """The largest number of activations that any term leaves out at each border."""
        return max(term.border for term in self.terms)

    def value(self, activations: Mapping[str, tf.Tensor], weights: tf.Tensor | np.ndarray) -> tf.Tensor:
        """The objective, a ``float32`` scalar. ``weights`` (``float32 [terms]``) may differ from call to call."""
        return tf.add_n(
            [
                weights[i] * term.measure(tf.cast(activations[term.layer], tf.float32))
                for i, term in enumerate(self.terms)
            ]
        )


def mean(layer: str, crop: int = 0) -> Objective:
    """The mean activation of ``layer``, ``crop`` cells at each border left out."""
    return Objective((Term(layer, lambda x: tf.reduce_mean(_inside(x, crop)), crop),), (1.0,))


def mean_square(layer: str, crop: int = 0) -> Objective:
    """The mean of the squared activations of ``layer``, ``crop`` cells at each border left out."""
    return Objective((Term(layer, lambda x: tf.reduce_mean(tf.square(_inside(x, crop))), crop),), (1.0,))


MEASURES: dict[str, Callable[[str, int], Objective]] = {"mean": mean, "mean_square": mean_square}


def weighted_layers(layers: Mapping[str, float], measure: str, crop: int) -> Objective:
    """The objective of a config: ``sum of weight * measure(layer)``."""
    first, *rest = [weight * MEASURES[measure](layer, crop) for layer, weight in layers.items()]
    return sum(rest, start=first)


def _inside(activations: tf.Tensor, crop: int) -> tf.Tensor:
    return activations[:, crop:-crop, crop:-crop] if crop else activations
