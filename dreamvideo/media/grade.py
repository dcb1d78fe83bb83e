"""The colours of the result beside those of its source: keep, match, saturate, contrast, blend.

Frames are ``float32 [height, width, 3]``, RGB, sRGB as encoded, in [0, 1]; a frame and its source have one size. A
colour that leaves that range goes towards grey of its lightness until it fits: clipping each channel by itself would
turn its hue. A function that is asked for nothing gives back the very frame.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from dreamvideo.config import Color

NEUTRAL = Color(keep=0.0, match=0.0, saturation=1.0, contrast=1.0, blend="normal", opacity=1.0)
LEAST_GAIN, MOST_GAIN = 0.25, 2.0  # of one match: neither is a dull frame blown up nor a dream wiped out
FLAT = 1 / 255  # a deviation below this is rounding rather than a picture: the smaller it is, the less it is stretched
UNSEEN = 1e-5  # a match that would do less does nothing: rounding must not add up over a dive
STRIP = 40_000  # pixels that are graded together: what lies between fits the cache, which is twice as fast

# IEC 61966-2-1 (sRGB) to CIE XYZ, each of them over its value for white; the second row is also BT.709's luma.
_TO_XYZ = np.array([[0.41246, 0.35758, 0.18044], [0.21267, 0.71515, 0.07218], [0.01933, 0.11919, 0.95030]])
_TO_XYZ /= _TO_XYZ.sum(axis=1, keepdims=True)
_FROM_XYZ = np.linalg.inv(_TO_XYZ)
_LUMA = _TO_XYZ[1:2]
_COLOR = np.array([[1.0, -1.0, 0.0], [0.0, 0.0, 0.0], [0.0, -1.0, 1.0]])  # of roots of X, Y, Z: what isn't lightness
_TOE = 0.005  # added to X, Y and Z: softens the cube root near black, about as much as CIE Lab does
_TO_CUBE, _FROM_CUBE = np.column_stack([_TO_XYZ, 3 * [_TOE]]), np.column_stack([_FROM_XYZ, 3 * [-_TOE]])
_TO_OPPONENT = np.concatenate([_LUMA, [[0.5, -0.5, 0.0], [-0.25, -0.25, 0.5]]])
_FROM_OPPONENT = np.linalg.inv(_TO_OPPONENT)

Blend = Literal["normal", "screen", "overlay", "soft-light"]


@dataclass(frozen=True)
class Statistics:
    """``mean`` and ``deviation``, ``float32 [3]``, of a frame's luma (BT.709), red-green and blue-yellow.

    Those two are (R - G) / 2 and (2 B - R - G) / 4 of encoded values. To match is then one affine map, exact in
    both directions, which stretches colour apart from light.
    """

    mean: np.ndarray
    deviation: np.ndarray


def is_neutral(settings: Color) -> bool:
    """Whether these settings leave every dream as it is."""
    return settings == NEUTRAL


def grade(source: np.ndarray, dreamed: np.ndarray, settings: Color, reference: Statistics | None = None) -> np.ndarray:
    """``dreamed`` with the colours that ``settings`` ask for; neutral settings give ``dreamed`` itself.

    First its colours are kept and matched to ``reference`` (``None``: the statistics of ``source``), then come
    saturation and contrast; the result is laid over the source.
    """
    if is_neutral(settings):
        return dreamed
    frame = keep_colors(source, dreamed, settings.keep)
    if settings.match > 0:
        frame = match_statistics(frame, reference or statistics(source), settings.match)
    frame = contrast(saturate(frame, settings.saturation), settings.contrast)
    return blend(source, frame, settings.blend, settings.opacity)


def keep_colors(source: np.ndarray, dreamed: np.ndarray, amount: float) -> np.ndarray:
    """The lightness of ``dreamed``, with colour between its own (``amount`` 0) and the source's (1).

    Lightness and colour are those of CIE Lab, but for speed with a gamma of 2 and a smooth toe: in true Lab the hue
    is mostly within a degree of the source's, and the lightness within 1 of the dream's, 4 at most. Where there is no
    room for the source's chroma at a lightness, there is less of it.
    """
    if amount == 0:
        return dreamed
    return _by_strips(lambda kept, dream: _keep(kept, dream, amount), source, dreamed)


def _keep(source: np.ndarray, dreamed: np.ndarray, amount: float) -> np.ndarray:
    kept, root = (np.cbrt(cv2.transform(frame * frame, _TO_CUBE)) for frame in (source, dreamed))
    root += cv2.transform(kept - root, amount * _COLOR)
    cube = root * root
    cube *= root
    return np.sqrt(_into_range(cv2.transform(cube, _FROM_CUBE)))


def statistics(frame: np.ndarray) -> Statistics:
    """The mean and standard deviation of luma and both opponents over ``frame``."""
    mean, deviation = cv2.meanStdDev(cv2.transform(frame, _TO_OPPONENT))
    return Statistics(mean.ravel().astype(np.float32), deviation.ravel().astype(np.float32))


def match_statistics(frame: np.ndarray, reference: Statistics, amount: float) -> np.ndarray:
    """``frame`` with mean and deviation ``amount`` of the way to the reference's (Reinhard et al. 2001).

    No deviation changes by more than ``LEAST_GAIN`` to ``MOST_GAIN``. What fits already is given back as it is.
    """
    now = statistics(frame)
    most = 1 + (MOST_GAIN - 1) * np.minimum(1, now.deviation / FLAT)
    gain = 1 + amount * (np.clip(reference.deviation / np.maximum(now.deviation, 1e-9), LEAST_GAIN, most) - 1)
    moved = amount * (reference.mean - now.mean)
    if max(np.abs(gain - 1).max(), np.abs(moved).max()) < UNSEEN:
        return frame
    scale = _FROM_OPPONENT @ (gain[:, None] * _TO_OPPONENT)
    shift = _FROM_OPPONENT @ (now.mean + moved - gain * now.mean)
    return _affine(frame, np.column_stack([scale, shift]))


def saturate(frame: np.ndarray, factor: float) -> np.ndarray:
    """``frame`` with each colour's distance from grey of its luma times ``factor``."""
    if factor == 1:
        return frame
    return _affine(frame, factor * np.eye(3) + (1 - factor) * _LUMA)


def contrast(frame: np.ndarray, factor: float) -> np.ndarray:
    """``frame`` with each value's distance from mid-grey times ``factor``, clipped by channel."""
    if factor == 1:
        return frame
    return _by_strips(lambda part: np.clip((part - 0.5) * np.float32(factor) + 0.5, 0, 1), frame)


def blend(source: np.ndarray, dreamed: np.ndarray, mode: Blend, opacity: float) -> np.ndarray:
    """``dreamed`` laid over ``source``, covering it by ``opacity``.

    The formulas are those of W3C's Compositing and Blending Level 1, section 9.1, over an opaque backdrop.
    """
    if opacity == 0:
        return source
    if mode == "normal" and opacity == 1:
        return dreamed
    return _by_strips(lambda below, above: _cover(below, _BLENDS[mode](below, above), opacity), source, dreamed)


def _cover(below: np.ndarray, above: np.ndarray, opacity: float) -> np.ndarray:
    return np.clip(below + np.float32(opacity) * (above - below), 0, 1)


def _normal(_: np.ndarray, above: np.ndarray) -> np.ndarray:
    return above


def _screen(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    return below + above - below * above


def _overlay(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    """Multiply where it is dark below and screen where it is light, both in one: mid-grey above changes nothing."""
    return below + np.minimum(below, 1 - below) * (2 * above - 1)


def _soft_light(below: np.ndarray, above: np.ndarray) -> np.ndarray:
    lit = np.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, np.sqrt(below))
    weight = 2 * above - 1
    return below + np.minimum(weight, 0) * (below - below * below) + np.maximum(weight, 0) * (lit - below)


_BLENDS: dict[Blend, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "normal": _normal,
    "screen": _screen,
    "overlay": _overlay,
    "soft-light": _soft_light,
}


def _affine(frame: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return _by_strips(lambda part: _into_range(cv2.transform(part, matrix)), frame)


def _by_strips(function: Callable[..., np.ndarray], *frames: np.ndarray) -> np.ndarray:
    """What ``function`` makes of ``frames``, a few rows at a time: it must treat each pixel by itself."""
    height, width = frames[0].shape[:2]
    rows = max(1, STRIP // width)
    result = np.empty_like(frames[0])
    for top in range(0, height, rows):
        result[top : top + rows] = function(*(frame[top : top + rows] for frame in frames))
    return result


def _into_range(color: np.ndarray) -> np.ndarray:
    """``color`` mixed with grey of its luma until it lies in [0, 1] (ClipColor in W3C's Compositing, section 9.2)."""
    red, green, blue = (color[..., channel] for channel in range(3))
    highest, lowest = np.maximum(np.maximum(red, green), blue), np.minimum(np.minimum(red, green), blue)
    if lowest.min() >= 0 and highest.max() <= 1:
        return color
    grey = np.clip(cv2.transform(color, _LUMA), 0, 1)
    tiny = np.float32(1e-9)
    room_above, room_below = (1 - grey) / np.maximum(highest - grey, tiny), grey / np.maximum(grey - lowest, tiny)
    share = np.minimum(np.minimum(room_above, room_below), 1)
    mixed = color * _on_channels(share)
    mixed += _on_channels(grey * (1 - share))
    return np.clip(mixed, 0, 1, out=mixed)


def _on_channels(plane: np.ndarray) -> np.ndarray:
    """``plane``, ``[height, width]``, three times: numpy's own broadcasting over a last axis of 3 is slow."""
    return cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB)
