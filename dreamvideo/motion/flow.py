"""Optical flow between neighbouring input frames, how far it can be trusted, and warping along it."""

from dataclasses import dataclass

import cv2
import numpy as np

from dreamvideo.motion.sampling import Sampler

LARGEST_SIDE = 960  # pixels: flow of larger frames is estimated at this size, where motion is already resolved
PATCH_STRIDE = 4  # pixels from patch to patch, each of 8: 3, as in OpenCV's preset, takes 1.4 times as long
SMALLEST_SIDE = 16  # pixels: the estimator's patches need a little room


def luma(frame: np.ndarray) -> np.ndarray:
    """The picture that flow is estimated on: ``uint8 [h, w]``, at most ``LARGEST_SIDE``, at least ``SMALLEST_SIDE``.

    ``frame`` is ``float32 [height, width, 3]`` RGB in [0, 1].
    """
    height, width = frame.shape[:2]
    scale = min(1.0, LARGEST_SIDE / max(height, width))
    size = max(SMALLEST_SIDE, round(width * scale)), max(SMALLEST_SIDE, round(height * scale))
    if size != (width, height):
        frame = cv2.resize(frame, size, interpolation=cv2.INTER_AREA)
    return (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) * 255 + 0.5).astype(np.uint8)


def estimate(previous: np.ndarray, current: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Backward flow and trust from two ``luma`` pictures of one size.

    The flow, ``float32 [h, w, 2]`` in pixels (dx, dy), says where in ``previous`` each pixel of ``current`` was: dense
    inverse search (Kroeger et al. 2016). The trust is ``float32 [h, w, 1]`` in [0, 1].
    """
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    search.setPatchStride(PATCH_STRIDE)
    backward = search.calc(current, previous, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    forward = search.calc(previous, current, None)  # pyright: ignore[reportCallIssue, reportArgumentType]
    return backward, trust(backward, forward)


def trust(backward: np.ndarray, forward: np.ndarray) -> np.ndarray:
    """How far ``backward`` flow can be believed: ``float32 [height, width, 1]``, 0 where something was uncovered.

    A pixel is trusted where going back and forth again leads home, ``|B + F(p + B)|^2 < 0.01 (|B|^2 + |F|^2) + 0.5``,
    and where p + B lies inside the frame (Sundaram, Brox and Keutzer 2010; Ruder, Dosovitskiy and Brox 2016); the
    edge is softened by a small Gaussian.
    """
    x, y = _lookup(backward)
    there = cv2.remap(forward, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    error = _square(backward + there)
    believed = error < 0.01 * (_square(backward) + _square(there)) + 0.5
    height, width = backward.shape[:2]
    inside = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return cv2.GaussianBlur((believed & inside).astype(np.float32), (5, 5), 0.8)[..., None]


def warp(values: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """``values`` of the previous frame where ``flow`` says they now are, both ``float32 [height, width, channels]``.

    Bicubic; outside the frame the border's values are repeated.
    """
    return _sampler(flow).bicubic(values)


@dataclass(frozen=True)
class Along:
    """How to follow a frame from an earlier one, at the frame's own size; ``trust`` is ``float32 [h, w, 1]``."""

    sampler: Sampler
    trust: np.ndarray

    def move(self, values: np.ndarray) -> np.ndarray:
        """What is seen, ``float32 [height, width, channels]``, to where it now is, as sharp as it was: see ``warp``."""
        return self.sampler.bicubic(values)

    def move_unseen(self, values: np.ndarray) -> np.ndarray:
        """What nobody sees, and what needs no sharpness, sooner."""
        return self.sampler.bilinear(values)


def along(flow: np.ndarray, trust: np.ndarray, size: tuple[int, int]) -> Along:
    """``flow`` and ``trust`` for frames of ``size`` (height, width)."""
    whole = trust if trust.shape[:2] == size else cv2.resize(trust, size[::-1])[..., None]
    return Along(_sampler(resize_flow(flow, size)), whole)


def resize_flow(flow: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """``flow`` at another ``size`` (height, width), its vectors scaled along."""
    height, width = flow.shape[:2]
    if (height, width) == size:
        return flow
    scale = np.array([size[1] / width, size[0] / height], np.float32)
    return cv2.resize(flow, size[::-1], interpolation=cv2.INTER_LINEAR) * scale


def _sampler(flow: np.ndarray) -> Sampler:
    return Sampler(*_lookup(flow), cv2.BORDER_REPLICATE)


def _lookup(flow: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    height, width = flow.shape[:2]
    x = flow[..., 0] + np.arange(width, dtype=np.float32)
    y = flow[..., 1] + np.arange(height, dtype=np.float32)[:, None]
    return x, y


def _square(vectors: np.ndarray) -> np.ndarray:
    return np.einsum("hwc,hwc->hw", vectors, vectors)
