"""Treatments of a gradient before it is added to the picture. They decide how a dream looks, and they compose.

A treatment takes gradients ``float32 [frames, height, width, 3]`` and how far the octave's steps have come, in (0, 1],
and gives gradients of the same shape, each from that of its own frame alone. Their scale is free, since the result is
normalised over each frame. How much of a treatment there is may be a tensor: then one graph serves all amounts, and 0
is the identity.
"""

from collections.abc import Callable, Mapping

import numpy as np
import tensorflow as tf

Treatment = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
Amount = float | tf.Tensor
Measure = Callable[[tf.Tensor], tf.Tensor]

EPSILON = 1e-20  # far below any gradient, also one of a mean over many pixels
SHRINKAGE = 0.875  # of a smoothing's sigma, over the steps of an octave
AXES = (-3, -2, -1)  # the axes of one frame: height, width and colour
SMALLEST_BAND = 4  # pixels on the shorter side below which a pyramid level is only the mean colour

# Square root of the colour covariance of natural images (columns: lightness, blue-orange, green-magenta), as used for
# decorrelated colours in feature visualisation (Olah, Mordvintsev and Schubert 2017).
COLOR_ROOT = np.array([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]], np.float32)


def treatment(amounts: Mapping[str, Amount], levels: int) -> Treatment:
    """In the order in which it makes sense: shape, then spectrum, then colour.

    ``amounts`` has the numbers of those of ``TREATMENTS`` that are wanted; ``levels`` are those of the Laplacian.
    """
    treatments = [make(amounts[name]) for name, make in SHAPES.items() if name in amounts]
    if levels:
        treatments.append(laplacian(levels))
    if "natural_colors" in amounts:
        treatments.append(natural_colors(amounts["natural_colors"]))
    return compose(*treatments)


def compose(*treatments: Treatment) -> Treatment:
    """First to last, as one treatment; none at all is the identity."""

    def treat(gradient: tf.Tensor, progress: tf.Tensor) -> tf.Tensor:
        for treatment in treatments:
            gradient = treatment(gradient, progress)
        return gradient

    return treat


def laplacian(levels: int) -> Treatment:
    """Give every octave of the gradient's spectrum the same power, as natural images have (Burt and Adelson 1983).

    The gradient is split into ``levels`` bands, each is divided by its own RMS, and they are merged again. Level k+1
    is level k averaged over 2x2. Bands too small to be more than a mean colour are left out, and so is the mean itself,
    so that frames carried for hours keep their brightness.
    """

    def treat(gradient: tf.Tensor, _progress: tf.Tensor) -> tf.Tensor:
        bands, current = [], gradient
        for _ in range(levels - 1):
            smaller = tf.nn.avg_pool2d(current, 2, 2, "SAME")
            bands.append(current - _resize_like(smaller, current))
            current = smaller
        merged = _unit(current - tf.reduce_mean(current, [1, 2], keepdims=True))
        for band in reversed(bands):
            merged = _resize_like(merged, band) + _unit(band)
        return merged - tf.reduce_mean(merged, [1, 2], keepdims=True)  # odd sizes let some of the mean back in

    return treat


def natural_colors(amount: Amount) -> Treatment:
    """Pull the gradient's colours towards those of natural images: 0 leaves them, 1 is the full covariance."""
    root = COLOR_ROOT / np.max(np.linalg.norm(COLOR_ROOT, axis=0))
    matrix = (1 - amount) * np.eye(3, dtype=np.float32) + amount * (root @ root.T)

    def treat(gradient: tf.Tensor, _progress: tf.Tensor) -> tf.Tensor:
        return tf.reshape(tf.reshape(gradient, [-1, 3]) @ matrix, tf.shape(gradient))

    return treat


def smooth(sigma: Amount) -> Treatment:
    """Blur the gradient with a cascade of Gaussians: the mean of sigma / 2, sigma and 2 sigma, in pixels.

    ``sigma`` shrinks over an octave's steps to an eighth, so that large shapes come first and detail last. At the
    frame's border it is mirrored.
    """

    def treat(gradient: tf.Tensor, progress: tf.Tensor) -> tf.Tensor:
        now = sigma * (1 - SHRINKAGE * progress)

        def response(squared: tf.Tensor) -> tf.Tensor:
            widths = [factor * now for factor in (0.5, 1.0, 2.0)]
            return tf.add_n([tf.exp(-2 * np.pi**2 * tf.square(width) * squared) for width in widths]) / 3

        return _filtered(gradient, response)

    return treat


def one_over_f(power: Amount) -> Treatment:
    """Divide the gradient's spectrum by frequency ** ``power``, as natural images fall off with 1 / f.

    As the preconditioner of decorrelated feature visualisation (Olah, Mordvintsev and Schubert 2017), but in cosines,
    which have no seam where the left border would meet the right. The mean is left out, unless the power is 0.
    """

    def treat(gradient: tf.Tensor, _progress: tf.Tensor) -> tf.Tensor:
        def response(squared: tf.Tensor) -> tf.Tensor:
            mean = tf.cast(tf.equal(power, 0.0), tf.float32)
            return tf.where(squared > 0, tf.pow(tf.maximum(squared, 1e-12), -power / 2), mean)

        return _filtered(gradient, response)

    return treat


SHAPES: dict[str, Callable[[Amount], Treatment]] = {"smooth": smooth, "one_over_f": one_over_f}
TREATMENTS = (*SHAPES, "natural_colors")  # by the names of their settings: those with an amount


def rms(values: tf.Tensor) -> tf.Tensor:
    """Root mean square of ``[..., height, width, 3]`` over each frame: ``[...]``."""
    return tf.sqrt(tf.reduce_mean(tf.square(values), AXES))


NORMS: dict[str, Measure] = {
    "rms": rms,
    "std": lambda values: tf.math.reduce_std(values, AXES),
    "mean_abs": lambda values: tf.reduce_mean(tf.abs(values), AXES),
    "l2": lambda values: tf.sqrt(tf.reduce_sum(tf.square(values), AXES)),
}
"""What a gradient may be divided by, over the whole of each frame, before a step; shapes as those of ``rms``."""


def per_frame(numbers: tf.Tensor) -> tf.Tensor:
    """``[frames]`` as ``[frames, 1, 1, 1]``, which multiplies frames."""
    return numbers[:, None, None, None]


def _filtered(values: tf.Tensor, response: Callable[[tf.Tensor], tf.Tensor]) -> tf.Tensor:
    """``[frames, height, width, 3]`` with its spectrum multiplied by ``response`` (of the squared cycles per pixel).

    In cosines, as if it were mirrored at its borders.
    """
    planes = tf.transpose(values, [0, 3, 1, 2])
    height, width = tf.shape(planes)[2], tf.shape(planes)[3]
    squared = tf.expand_dims(tf.square(_frequencies(height)), 1) + tf.expand_dims(tf.square(_frequencies(width)), 0)
    return tf.transpose(_cosines(_cosines(planes) * response(squared), inverse=True), [0, 2, 3, 1])


def _cosines(planes: tf.Tensor, *, inverse: bool = False) -> tf.Tensor:
    """The orthonormal discrete cosine transform of ``[frames, 3, height, width]`` along its sides, or its inverse."""
    transform = tf.signal.idct if inverse else tf.signal.dct
    for _ in range(2):
        planes = tf.transpose(transform(planes, norm="ortho"), [0, 1, 3, 2])
    return planes


def _frequencies(size: tf.Tensor) -> tf.Tensor:
    """Cycles per pixel of each cosine along an axis of ``size`` pixels."""
    return tf.cast(tf.range(size), tf.float32) / (2 * tf.cast(size, tf.float32))


def _unit(band: tf.Tensor) -> tf.Tensor:
    large = tf.cast(tf.reduce_min(tf.shape(band)[1:3]) >= SMALLEST_BAND, tf.float32)
    return band * per_frame(large / (rms(band) + EPSILON))


def _resize_like(values: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    return tf.image.resize(values, tf.shape(target)[1:3], method="bilinear")
