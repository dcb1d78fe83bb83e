"""Clips with known answers, and a tiny network that stands in for the real one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.media.still import write_image
from tests.tiny import picture, tiny_network

Frames = list[np.ndarray]


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Takes the place of every network that is loaded by name."""
    network = tiny_network()
    monkeypatch.setattr("dreamvideo.dream.strength.load_network", lambda _name: network)
    return network


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[str, Sequence[np.ndarray]], str]:
    """``folder(name, frames)`` writes 16-bit PNGs and returns the folder's path."""

    def build(name: str, frames: Sequence[np.ndarray]) -> str:
        (tmp_path / name).mkdir()
        for index, frame in enumerate(frames):
            write_image(str(tmp_path / name / f"{index:04}.png"), frame, bits=16)
        return str(tmp_path / name)

    return build


def still(count: int, seed: int = 0, height: int = 48, width: int = 64) -> Frames:
    return [picture(height, width, seed)] * count


def pan(count: int, seed: int = 0, height: int = 48, width: int = 64) -> Frames:
    """A picture that moves by a pixel a frame."""
    whole = picture(height, width + count, seed)
    return [np.ascontiguousarray(whole[:, index : index + width]) for index in range(count)]


def noisy(frames: Sequence[np.ndarray], deviation: float, seed: int = 1) -> Frames:
    """White noise added, of another draw for each frame."""
    rng = np.random.default_rng(seed)
    return [frame + rng.normal(scale=deviation, size=frame.shape).astype(np.float32) for frame in frames]


def lifted(frames: Sequence[np.ndarray], levels: Sequence[float] | np.ndarray) -> Frames:
    """Each frame brighter by its level."""
    return [frame + np.float32(level) for frame, level in zip(frames, levels, strict=True)]
