"""What can be raised, one function each: ``0.2 * mean_square(mixed2) + channel(mixed4, 139)`` names them.

A function here takes the arguments of the formula, converted by their annotations (``Layer``, ``Picture``, ``int``,
``float``), and gives a ``Term``. ``crop=N`` and ``mask=PICTURE`` may be added to any of them. Those that compare two
things give minus their distance, so that a positive weight always means more of what the name says.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

import numpy as np
import tensorflow as tf

from dreamvideo.dream.terms import INPUT, PLACE, PREVIOUS, TRUST, Layer, Objective, Picture, Sight, Term, View

OBJECTIVES: dict[str, Callable[..., Objective]] = {}
MOST_CELLS = 1024  # of a guide: every place of the dream is compared with each of them


def objective(function: Callable[..., Term]) -> Callable[..., Objective]:
    """Make ``function`` known to formulas under its own name, less the ``_`` that keeps it off a builtin's."""

    @wraps(function)
    def make(*arguments: Any, crop: int = 0, mask: str | None = None, **named: Any) -> Objective:
        term = function(*arguments, **named)
        return Objective((replace(term, crop=crop if term.croppable else 0, mask=mask),), (1.0,))

    OBJECTIVES[function.__name__.rstrip("_")] = make
    return make


@objective
def mean(layer: Layer) -> Term:
    """The mean activation of a layer."""
    return Term(lambda view: view.mean(view[layer]), (layer,))


@objective
def mean_square(layer: Layer) -> Term:
    """The mean of the squared activations of a layer: what is there already grows fastest."""
    return Term(lambda view: view.mean(tf.square(view[layer])), (layer,))


@objective
def l1(layer: Layer) -> Term:
    """The mean size of the activations of a layer; differs from ``mean`` only before a ReLU."""
    return Term(lambda view: view.mean(tf.abs(view[layer])), (layer,))


@objective
def max_(layer: Layer) -> Term:
    """The mean, over places, of the strongest channel at each."""
    return Term(lambda view: view.mean(tf.reduce_max(view[layer], axis=-1, keepdims=True)), (layer,))


@objective
def channel(layer: Layer, index: int, *more: int) -> Term:
    """The mean activation of one channel of a layer, or of several together."""
    chosen = (index, *more)

    def prepare(sight: Sight) -> list[np.ndarray]:
        return [_chosen(sight.channels(layer), chosen)]

    return Term(_weighted_channels(layer), (layer,), prepare, (1,), indices=tuple((layer, i) for i in chosen))


@objective
def strongest(layer: Layer, n: int) -> Term:
    """The ``n`` channels that respond most to a shot's first frame."""
    return _by_response(layer, n, -1)


@objective
def weakest(layer: Layer, n: int) -> Term:
    """The ``n`` channels that respond least to a shot's first frame."""
    return _by_response(layer, n, 1)


@objective
def neuron(layer: Layer, y: float, x: float, channel: int) -> Term:
    """One channel of a layer at one place of the frame: (0, 0) is its first pixel, (1, 1) its last."""
    if not (0 <= y <= 1 and 0 <= x <= 1):
        raise ValueError(f"y and x of a neuron go from 0 to 1 across the frame; they are {y:g} and {x:g}")

    def measure(view: View) -> tf.Tensor:
        values = (view[layer] * view.weight(view[layer]))[..., channel]
        place, pixels = view.map(PLACE, view[layer]), view.maps[PLACE]
        cells = tf.cast(tf.shape(pixels)[1:3] / tf.shape(values)[1:3], tf.float32)  # pixels from cell to cell
        pixel = tf.stack(
            [
                tf.reduce_max(tf.abs(pixels[:, 1:] - pixels[:, :-1])[..., 0]),
                tf.reduce_max(tf.abs(pixels[:, :, 1:] - pixels[:, :, :-1])[..., 1]),
            ]
        )
        nearness = tf.maximum(0.0, 1 - tf.abs(place - tf.constant([y, x], tf.float32)) / (cells * pixel + 1e-9))
        return tf.reduce_sum(values * tf.reduce_prod(nearness, axis=-1)) / tf.cast(tf.shape(values)[0], tf.float32)

    return Term(measure, (layer,), sees=(PLACE,), indices=((layer, channel),), croppable=False)


@objective
def guide(layer: Layer, image: Picture) -> Term:
    """Dream towards another picture: at each place, the largest dot product with any of its features.

    As in the original DeepDream notebook (Mordvintsev, Olah and Tyka 2015). Frame t of a clip guides frame t.
    """

    def prepare(sight: Sight) -> list[np.ndarray]:
        features = sight.features(sight.pictures[image], [layer])[layer]
        step = int(np.ceil(np.sqrt(features.shape[0] * features.shape[1] / MOST_CELLS)))
        return [features[::step, ::step].reshape(-1, features.shape[2])]

    def measure(view: View) -> tf.Tensor:
        likeness = tf.einsum("byxc,nc->byxn", view[layer], view.given[0])
        return view.mean(tf.reduce_max(likeness, axis=-1, keepdims=True))

    return Term(measure, (layer,), prepare, (2,), pictures=(image,))


@objective
def style(layers: tuple[Layer, ...], image: Picture) -> Term:
    """Nearness to a picture's style: the mean squared difference of Gram matrices (Gatys, Ecker and Bethge 2016)."""

    def prepare(sight: Sight) -> list[np.ndarray]:
        features = sight.features(sight.pictures[image], layers)
        return [_gram(tf.constant(features[layer][None])).numpy()[0] for layer in layers]

    def measure(view: View) -> tf.Tensor:
        differences = [
            tf.reduce_mean(tf.square(_gram(view.inside(view[layer]), view.inside(view.weight(view[layer]))) - wanted))
            for layer, wanted in zip(layers, view.given, strict=True)
        ]
        return -tf.add_n(differences) / len(layers)

    return Term(measure, tuple(layers), prepare, (2,) * len(layers), pictures=(image,))


@objective
def content(layer: Layer) -> Term:
    """Nearness to the input: the mean squared difference of a layer's activations (Gatys, Ecker and Bethge 2016)."""
    return Term(lambda view: -view.mean(tf.square(view[layer] - view.of_input[layer])), (layer,), sees=(INPUT,))


@objective
def tv() -> Term:
    """Smoothness: minus the total variation, the absolute differences of neighbours summed over a picture."""

    def measure(view: View) -> tf.Tensor:
        weight, fixed = view.weight(view.picture), tf.stop_gradient(view.picture)
        return -tf.reduce_mean(tf.image.total_variation(fixed + weight * (view.picture - fixed)))

    return Term(measure, croppable=False)


@objective
def temporal(weight: float = 1.0) -> Term:
    """Nearness to the previous dream, warped along the flow, where that can be trusted (Ruder et al. 2016)."""

    def measure(view: View) -> tf.Tensor:
        return -weight * view.mean(view.maps[TRUST] * tf.square(view.picture - view.maps[PREVIOUS]))

    return Term(measure, sees=(PREVIOUS, TRUST), croppable=False)


def _by_response(layer: Layer, n: int, sign: int) -> Term:
    if n < 1:
        raise ValueError("at least 1 channel has to be chosen")

    def prepare(sight: Sight) -> list[np.ndarray]:
        response = sight.features(sight.frame, [layer])[layer].mean(axis=(0, 1))
        return [_chosen(len(response), np.argsort(sign * response, kind="stable")[:n])]

    return Term(_weighted_channels(layer), (layer,), prepare, (1,), per_shot=True, indices=((layer, n - 1),))


def _weighted_channels(layer: Layer) -> Callable[[View], tf.Tensor]:
    """The choice of channels is an input of the graph, so that one graph serves them all."""
    return lambda view: view.mean(tf.einsum("byxc,c->byx", view[layer], view.given[0])[..., None])


def _chosen(channels: int, index: Sequence[int] | np.ndarray) -> np.ndarray:
    weights = np.zeros(channels, np.float32)
    np.add.at(weights, np.asarray(index), np.float32(1 / len(index)))
    return weights


def _gram(values: tf.Tensor, weight: tf.Tensor | float = 1.0) -> tf.Tensor:
    """``[batch, rows, columns, channels]`` to ``[batch, channels, channels]``: the mean product of two channels."""
    places = tf.cast(tf.shape(values)[1] * tf.shape(values)[2], tf.float32)
    return tf.einsum("byxc,byxd->bcd", values * weight, values) / places
