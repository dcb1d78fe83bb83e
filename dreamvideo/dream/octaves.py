"""How a dream goes from octave to octave, from the coarsest to the finest.

    for k from coarsest to 0:
        base_k  = resize(frame, octave k);  r_k = resize(start, octave k) + up(delta_{k+1})
        r_k'    = n steps of  r += rate * treat(grad objective(base_k + r)),  keeping base_k + r in [0, 1]
        delta_k = r_k' - resize(start, octave k)
    residual = start + delta_0

With a zero start this is the octave scheme of the original DeepDream (Mordvintsev, Olah and Tyka 2015); with a carried
start it refines what is already there. The modes ``detail`` and ``grow`` hand the dreamed picture itself from octave
to octave.

All go the same way with one picture and with several of one size, which are a stack ``float32 [pictures, height, width,
3]``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from dreamvideo.config import Dream
from dreamvideo.quality import QUALITIES, octave_count

Size = tuple[int, int]
"""(height, width) in pixels."""

Octaves = Sequence[tuple[int, Size]]
"""The octaves that are dreamed: their numbers, 0 for the largest of all, and their sizes; largest first."""

Remembered = tuple[np.ndarray | None, float]
"""What momentum and Adam remember, ``float32 [height, width, 3 * planes]``, and of how many steps."""


@dataclass(frozen=True)
class Dreamed:
    """What an ascent gives: the residual, ``float32 [height, width, 3]`` in [-1, 1], and the objective it reached."""

    residual: np.ndarray
    objective: float
    remembered: Remembered = (None, 0.0)


Ascend = Callable[[np.ndarray, np.ndarray, int], np.ndarray]
"""The steps of one octave: from pictures, residuals and the octave's number, 0 for the largest, to residuals."""


def octave_sizes(height: int, width: int, settings: Dream, smallest: int) -> list[Size]:
    """The size of each octave, largest first; those below the frame's that are less than ``smallest`` are left out."""
    above, quality = settings.octaves_above, QUALITIES[settings.quality]
    shrink = quality.shrink if min(height, width) >= quality.shrink * smallest else 1.0
    scales = [shrink * settings.octave_scale ** (k - above) for k in range(octave_count(settings))]
    sizes = [(max(1, round(height / scale)), max(1, round(width / scale))) for scale in scales]
    return sizes[: above + 1] + [size for size in sizes[above + 1 :] if min(size) >= smallest]


def by_residual(frames: np.ndarray, start: np.ndarray, octaves: Octaves, ascend: Ascend) -> np.ndarray:
    """Hand on the dream alone, as above; octaves may be missing anywhere."""
    carried = reached = np.zeros((1, 1, 1, 3), np.float32)
    for octave, size in reversed(octaves):
        delta = reached - carried
        carried = resize(start, size)
        reached = ascend(resize(frames, size), carried + resize(delta, size), octave)
    if octaves[0][1] == _size(frames):
        return reached
    residual = start + resize(reached - carried, _size(frames))
    return np.clip(frames + residual, 0, 1) - frames  # resized, it no longer keeps the picture in its range by itself


def by_detail(frames: np.ndarray, start: np.ndarray, octaves: Octaves, ascend: Ascend) -> np.ndarray:
    """Dream the shrunk picture, enlarge it, dream again, and add what the shrinking lost."""
    original = frames + start
    picture = shrunk = resize(original, octaves[-1][1])
    for octave, size in reversed(octaves):
        wanted = resize(original, size)
        picture = resize(picture, size)
        picture = ascend(np.zeros_like(picture), np.clip(picture, 0, 1), octave) + (wanted - resize(shrunk, size))
        shrunk = wanted
    if _is_smaller(octaves, frames):
        return np.clip(original + resize(picture - shrunk, _size(frames)), 0, 1) - frames
    return _as_residual(picture, frames)


def by_growing(frames: np.ndarray, start: np.ndarray, octaves: Octaves, ascend: Ascend) -> np.ndarray:
    """Dream the shrunk picture, enlarge it and dream again, as when starting from noise."""
    picture = frames + start
    for octave, size in reversed(octaves):
        picture = np.clip(resize(picture, size), 0, 1)
        picture = ascend(np.zeros_like(picture), picture, octave)
    if _is_smaller(octaves, frames):
        original = frames + start
        grown = picture - resize(original, octaves[0][1])
        return np.clip(original + resize(grown, _size(frames)), 0, 1) - frames
    return _as_residual(picture, frames)


MODES = {"residual": by_residual, "detail": by_detail, "grow": by_growing}


def _is_smaller(octaves: Octaves, frames: np.ndarray) -> bool:
    """Whether even the largest octave has less detail than the frame, which then keeps its own."""
    return octaves[0][1] < _size(frames)


def _as_residual(pictures: np.ndarray, frames: np.ndarray) -> np.ndarray:
    return np.clip(resize(pictures, _size(frames)), 0, 1) - frames


def _size(pictures: np.ndarray) -> Size:
    return (pictures.shape[1], pictures.shape[2])


def resize(values: np.ndarray, size: Size) -> np.ndarray:
    """``float32 [height, width, channels]``, or a stack of such, to ``size``: area average down, bicubic up."""
    if values.ndim == 4:
        return _stacked([resize(each, size) for each in values]) if values.shape[1:3] != size else values
    channels = values.shape[2]
    if values.shape[:2] == size or channels == 0:
        return values if channels else np.zeros((*size, 0), np.float32)
    down = size[0] < values.shape[0]
    interpolation = cv2.INTER_AREA if down else cv2.INTER_CUBIC
    parts = [values[..., i : i + 4] for i in range(0, channels, 4)]  # as many channels as OpenCV takes at once
    resized = [cv2.resize(part, size[::-1], interpolation=interpolation).reshape(*size, -1) for part in parts]
    return resized[0] if len(resized) == 1 else np.concatenate(resized, axis=-1)


def _stacked(pictures: Sequence[np.ndarray]) -> np.ndarray:
    return pictures[0][None] if len(pictures) == 1 else np.stack(pictures)
