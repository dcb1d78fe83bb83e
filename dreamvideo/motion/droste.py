"""The Droste effect: a picture that sits inside itself, so that a dive into it ends where it began.

Jan Cornelis Droste's cocoa tin shows a nurse with a tin that shows the nurse; at the end of the way the inner picture
fills the frame, and is the outer one.
"""

from typing import Any

import numpy as np

from dreamvideo.errors import ConfigError
from dreamvideo.motion.camera import Path, Pyramid, magnification

LEAST = 3.0  # how much closer the whole dive has to come, at least: the inner picture is a third of the outer
EDGE = 0.3  # of half the inner picture's size: how softly it begins, while it is small
ROUNDNESS = 2.5  # exponent of the inner picture's outline, a superellipse, while it is small
RIM = 0.85  # size of the inner picture from which on the rest gives way to the first frame
TURNS = 4  # pictures within pictures that can be seen


class Droste:
    """Where the inner picture lies in each frame of a dive along ``path``, whose last frame is the first again."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        """Raises ``ConfigError`` for a way that doesn't come close enough, or leaves the inner picture aside."""
        self.width, self.height = width, height
        self._to_inner = np.linalg.inv(path.places[-1]) @ path.places
        first = float(magnification(self._to_inner[0]))
        corners = np.array([[0, 0, 1], [width, 0, 1], [0, height, 1], [width, height, 1]]).T
        inner = (np.linalg.inv(self._to_inner[0]) @ corners)[:2].T
        if first < LEAST:
            raise ConfigError(
                f"a droste loop has to come at least {LEAST:g} times as close in all, and this one {first:.2f} times; "
                "raise camera.zoom or zoom.seconds"
            )
        if (inner < 0).any() or (inner > [width, height]).any():
            raise ConfigError(
                "the camera leaves the picture on its way, and a droste loop ends inside it; lower the pan, or move "
                "the center inwards"
            )

    def within_itself(self, picture: np.ndarray) -> np.ndarray:
        """``picture`` with itself inside, and so on, as the first frame of the dive has it."""
        for _ in range(TURNS):  # each over the last, as the frames of the dive will do
            picture, _ = self.lay(picture, Pyramid(picture), 0)
        return picture

    def lay(self, frame: np.ndarray, picture: Pyramid, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Frame ``index`` with the inner ``picture`` in it; and how far it is that: ``float32 [height, width, 1]``."""
        covered, rim = self._covered(self._to_inner[index]), self._rim(self._to_inner[index])
        inner = picture.seen(self._to_inner[index], self.width, self.height)
        around = frame + rim * (picture.level(0) - frame)
        return np.clip(around + covered * (inner - around), 0, 1), 1 - (1 - covered) * (1 - rim)

    def _rim(self, to_inner: np.ndarray) -> np.float32:
        """How far what is left around the inner picture gives way to the first frame, which comes next, at the end."""
        return _smooth(np.float32((1 / magnification(to_inner) - RIM) / (1 - RIM)))

    def _covered(self, to_inner: np.ndarray) -> np.ndarray:
        """1 in the inner picture, which is round and soft while small, and a rectangle when it fills the frame."""
        size = min(1.0, 1 / float(magnification(to_inner)))
        x, y = np.arange(self.width, dtype=np.float32) + 0.5, np.arange(self.height, dtype=np.float32) + 0.5
        inner_x = to_inner[0, 0] * x + to_inner[0, 1] * y[:, None] + to_inner[0, 2]
        inner_y = to_inner[1, 0] * x + to_inner[1, 1] * y[:, None] + to_inner[1, 2]
        across, down = np.abs(2 * inner_x / self.width - 1), np.abs(2 * inner_y / self.height - 1)
        exponent = ROUNDNESS / max(1 - size, 1e-3)
        distance = _superellipse(across, down, exponent)
        edge = max(EDGE * (1 - size), 1e-6)
        return _smooth(((1 - distance) / edge).astype(np.float32))[..., None]


def _smooth(share: Any) -> Any:
    """From 0 to 1 without a corner, for a share from 0 to 1."""
    share = np.clip(share, 0, 1)
    return share * share * (3 - 2 * share)


def _superellipse(across: np.ndarray, down: np.ndarray, exponent: float) -> np.ndarray:
    """``(across^e + down^e)^(1/e)``, for any exponent, without overflow."""
    larger, smaller = np.maximum(across, down), np.minimum(across, down)
    return larger * (1 + (smaller / np.maximum(larger, 1e-9)) ** exponent) ** (1 / exponent)
