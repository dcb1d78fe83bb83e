"""Where one shot ends and the next begins."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import cv2
import numpy as np
from scenedetect import ContentDetector, FrameTimecode
from scenedetect.detector import FlashFilter

from dreamvideo.config import Shots

LARGEST_SIDE = 320  # pixels: colours decide, detail doesn't


class CutFinder:
    """Tells for each frame, fed one after another, whether it begins a shot. The first frame always does.

    Cuts are PySceneDetect's ``ContentDetector``. It is told to suppress cuts that follow within the shortest shot, not
    to merge them, so that its answer is known as soon as the frame is.
    """

    def __init__(self, settings: Shots, rate: Fraction) -> None:
        self._detector = ContentDetector(
            threshold=settings.threshold, min_scene_len=settings.min_frames, filter_mode=FlashFilter.Mode.SUPPRESS
        )
        self._enabled, self._rate, self._next = settings.detect, rate, 0

    def begins_shot(self, frame: np.ndarray) -> bool:
        """``frame`` is ``float32 [height, width, 3]`` RGB in [0, 1]."""
        index = self._next
        self._next += 1
        if not self._enabled:
            return index == 0
        cuts = self._detector.process_frame(FrameTimecode(index, self._rate), _small_bgr(frame))
        return index == 0 or bool(cuts)


def in_shots(frames: Iterable[np.ndarray], finder: "CutFinder") -> Iterator[tuple[np.ndarray, bool]]:
    """Each frame, and whether it begins a shot."""
    for frame in frames:
        yield frame, finder.begins_shot(frame)


def _small_bgr(frame: np.ndarray) -> np.ndarray:
    height, width = frame.shape[:2]
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return (small[..., ::-1] * 255 + 0.5).astype(np.uint8)
