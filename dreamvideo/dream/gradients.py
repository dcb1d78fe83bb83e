"""Treatments of a gradient before it is added to the picture. They decide how a dream looks, and they compose.

A treatment takes a gradient ``float32 [height, width, 3]`` and gives one of the same shape; its scale is free, since
the engine normalises the result over the whole frame.
"""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

Treatment = Callable[[tf.Tensor], tf.Tensor]

EPSILON = 1e-12
SMALLEST_BAND = 4  # pixels on the shorter side below which a pyramid level is only the mean colour

# Square root of the colour covariance of natural images (columns: lightness, blue-orange, green-magenta), as used for
# decorrelated colours in feature visualisation (Olah, Mordvintsev and Schubert 2017).
COLOR_ROOT = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)


def compose(*treatments: Treatment) -> Treatment:
    """First to last, as one treatment; none at all is the identity."""

    def treat(gradient: tf.Tensor) -> tf.Tensor:
        for treatment in treatments:
            gradient = treatment(gradient)
        return gradient

    return treat


def laplacian(levels: int) -> Treatment:
    """Give every octave of the gradient's spectrum the same power, as natural images have (Burt and Adelson 1983).

    The gradient is split into ``levels`` bands, each is divided by its own RMS, and they are merged again. Level k+1
    is level k averaged over 2x2. Bands too small to be more than a mean colour are left out, and so is the mean itself,
    so that frames carried for hours keep their brightness.
    """

    def treat(gradient: tf.Tensor) -> tf.Tensor:
        bands, current = [], gradient[None]
        for _ in range(levels - 1):
            smaller = tf.nn.avg_pool2d(current, 2, 2, "SAME")
            bands.append(current - _resize_like(smaller, current))
            current = smaller
        merged = _unit(current - tf.reduce_mean(current, [1, 2], keepdims=True))
        for band in reversed(bands):
            merged = _resize_like(merged, band) + _unit(band)
        return merged[0] - tf.reduce_mean(merged, [0, 1, 2])  # odd sizes let some of the mean back in

    return treat


def natural_colors(amount: float) -> Treatment:
    """Pull the gradient's colours towards those of natural images: 0 leaves them, 1 is the full covariance."""
    root = COLOR_ROOT / np.max(np.linalg.norm(COLOR_ROOT, axis=0))
    matrix = ((1 - amount) * np.eye(3) + amount * root @ root.T).astype(np.float32)

    def treat(gradient: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.reshape(gradient, [-1, 3]) @ matrix, tf.shape(gradient))

    return treat


def rms(values: tf.Tensor) -> tf.Tensor:
    """Root mean square of all values: a scalar."""
    return tf.sqrt(tf.reduce_mean(tf.square(values)))


def _unit(band: tf.Tensor) -> tf.Tensor:
    large = tf.cast(tf.reduce_min(tf.shape(band)[1:3]) >= SMALLEST_BAND, tf.float32)
    return band * (large / (rms(band) + EPSILON))


def _resize_like(values: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    return tf.image.resize(values, tf.shape(target)[1:3], method="bilinear")
