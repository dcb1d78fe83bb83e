"""The camera: where it stands at every frame, as one affine map each, and a picture seen through it.

Coordinates are those of the output's pixels, whose centres lie at halves: (0, 0) is the frame's upper left corner,
(width, height) its lower right one. A map is ``float64 [3, 3]`` and takes a point of the later picture to where it is
found in the earlier one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import cv2
import numpy as np

from dreamvideo.motion.sampling import Sampler

GRID = 32  # parts of a pixel that OpenCV tells apart in sampling
COARSEST = 16  # pixels on the shorter side of the smallest picture in a pyramid
UNMOVED = {"zoom": 1.0, "rotate": 0.0, "pan_x": 0.0, "pan_y": 0.0, "center_x": 0.5, "center_y": 0.5, "scale": 1.0}


@dataclass(frozen=True)
class Path:
    """A camera's way over ``count`` frames of one size.

    ``steps``: ``float64 [count, 3, 3]``, from each frame to the one before, the first to the unmoved picture;
    ``places``: all of them to the unmoved picture.
    """

    steps: np.ndarray
    places: np.ndarray

    @property
    def closest(self) -> float:
        """The largest magnification on the way: output pixels to one of the unmoved picture."""
        return float(1 / magnification(self.places).min())

    def reversed(self) -> "Path":
        """The same way back: its last frame, unmoved, comes first."""
        back = np.linalg.inv(self.steps[:0:-1])
        return _path(np.concatenate([np.eye(3)[None], back]))


def plan_path(
    moves: Mapping[str, np.ndarray], rate: Fraction, width: int, height: int, aspect: Fraction = Fraction(1)
) -> Path:
    """The way of a camera whose settings (``config.Camera``) are given for every frame: ``float64 [count]`` each.

    Speeds are per second, so that ``rate`` changes how smoothly the camera goes and never how fast. ``aspect`` is that
    of a pixel.
    """
    seconds = float(1 / rate)
    size = np.array([width, height])
    center = np.stack([moves["center_x"], moves["center_y"]], axis=-1) * size
    shift = np.stack([moves["pan_x"], moves["pan_y"]], axis=-1) * size * seconds
    scale = np.asarray(moves["scale"], float)
    closer = np.asarray(moves["zoom"], float) ** seconds * scale / np.concatenate([scale[:1], scale[:-1]])
    angle = np.radians(moves["rotate"]) * seconds
    closer[0], angle[0], shift[0] = scale[0], 0.0, 0.0
    return _path(_around(center, 1 / closer, angle, shift, float(aspect)))


def _around(center: np.ndarray, scale: np.ndarray, angle: np.ndarray, shift: np.ndarray, aspect: float) -> np.ndarray:
    """``x -> center + scale * turn(angle) (x - center) + shift`` for each frame: ``float64 [count, 3, 3]``."""
    cosine, sine = scale * np.cos(angle), scale * np.sin(angle)
    steps = np.zeros((len(angle), 3, 3))
    steps[:, :2, :2] = np.stack([np.stack([cosine, -sine / aspect], -1), np.stack([sine * aspect, cosine], -1)], axis=1)
    steps[:, :2, 2] = center + shift - np.einsum("nij,nj->ni", steps[:, :2, :2], center)
    steps[:, 2, 2] = 1
    return steps


def _path(steps: np.ndarray) -> Path:
    places = np.empty_like(steps)
    place = np.eye(3)
    for index, step in enumerate(steps):
        place = place @ step
        places[index] = place
    return Path(steps, places)


def magnification(maps: np.ndarray) -> np.ndarray:
    """How many pixels of the earlier picture lie side by side in one of the later, for maps ``[..., 3, 3]``."""
    return np.sqrt(np.abs(np.linalg.det(maps[..., :2, :2])))


class Pyramid:
    """A picture at full size and halved again and again, to be seen from any distance without aliasing."""

    def __init__(self, picture: np.ndarray) -> None:
        """``picture``: ``float32 [height, width, channels]``."""
        self.levels = [picture]

    def level(self, index: int) -> np.ndarray:
        while len(self.levels) <= index and min(self.levels[-1].shape[:2]) >= 2 * COARSEST:
            height, width = self.levels[-1].shape[:2]
            half = ((width + 1) // 2, (height + 1) // 2)
            smaller = cv2.resize(self.levels[-1], half, interpolation=cv2.INTER_AREA)
            self.levels.append(smaller.reshape(*half[::-1], -1))
        return self.levels[min(index, len(self.levels) - 1)]

    def seen(self, place: np.ndarray, width: int, height: int) -> np.ndarray:
        """The picture through a camera at ``place``, stretched to its frames of ``width`` and ``height``.

        ``place`` takes a point of the result to one of the picture as it lies unmoved in a frame of that size. Between
        two levels both are mixed, so that nothing jumps on the way.
        """
        whole = self.levels[0]
        stretch = np.diag([whole.shape[1] / width, whole.shape[0] / height, 1.0])
        depth = max(0.0, float(np.log2(magnification(stretch @ place))))
        fine = int(depth)
        result = self._sampled(fine, place, width, height)
        rest = np.float32(depth - fine)
        if rest > 0:
            coarse = self._sampled(fine + 1, place, width, height)
            coarse -= result
            coarse *= rest
            result += coarse
        return result

    def _sampled(self, index: int, place: np.ndarray, width: int, height: int) -> np.ndarray:
        picture = self.level(index)
        stretch = np.diag([picture.shape[1] / width, picture.shape[0] / height, 1.0])
        return sample(picture, stretch @ place, width, height)


def sample(picture: np.ndarray, place: np.ndarray, width: int, height: int) -> np.ndarray:
    """``picture``, ``float32 [h, w, channels]``, where ``place`` leads from pixels of a ``width`` x ``height`` frame.

    Beyond its border the picture is mirrored. The result is bicubic and not clipped.
    """
    return sampler(picture.shape[:2], place, width, height).bicubic(picture)


def sampler(size: tuple[int, int], place: np.ndarray, width: int, height: int) -> Sampler:
    """What samples pictures of ``size`` (height, width), each as ``sample`` does."""
    columns, rows = np.arange(width)[None] + 0.5, np.arange(height)[:, None] + 0.5
    if place[0, 1] == 0 == place[1, 0]:  # then each of them depends on one axis only
        x, y = place[0, 0] * columns + place[0, 2] - 0.5, place[1, 1] * rows + place[1, 2] - 0.5
    else:
        x, y = (row[0] * columns + row[1] * rows + row[2] - 0.5 for row in place[:2])
    # OpenCV never comes to an end of mirroring a single pixel.
    border = cv2.BORDER_REFLECT_101 if min(size) > 1 else cv2.BORDER_REPLICATE
    return Sampler(x.astype(np.float32), y.astype(np.float32), border)


def dithered(step: np.ndarray, seed: int, index: int) -> np.ndarray:
    """``step`` to frame ``index``, a little aside: by parts of the grid of 1/32 pixel to which OpenCV 4 rounds.

    What moves more slowly than that would never move at all; so each frame rounds elsewhere. Over many frames the
    offsets, a function of ``seed`` and ``index``, cancel out.
    """
    now, before = (np.random.default_rng([seed, frame]).uniform(-0.5, 0.5, 2) for frame in (index, index - 1))
    moved = step.copy()
    moved[:2, 2] += (now - before) / GRID
    return moved


def inside(place: np.ndarray, width: int, height: int) -> np.ndarray:
    """1 where ``place`` leads into a ``width`` x ``height`` frame, else 0: ``float32 [height, width, 1]``."""
    x, y = np.arange(width, dtype=np.float32) + 0.5, np.arange(height, dtype=np.float32)[:, None] + 0.5
    there_x = place[0, 0] * x + place[0, 1] * y + place[0, 2]
    there_y = place[1, 0] * x + place[1, 1] * y + place[1, 2]
    within = (there_x >= 0) & (there_x <= width) & (there_y >= 0) & (there_y <= height)
    return within.astype(np.float32)[..., None]


def stays_inside(place: np.ndarray, width: int, height: int) -> bool:
    """Whether ``place`` leads from all of a ``width`` x ``height`` frame into that frame."""
    corners = place @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], float)
    slack = 1e-6 * max(width, height)
    return bool(
        (corners[:2] >= -slack).all() and (corners[0] <= width + slack).all() and (corners[1] <= height + slack).all()
    )
