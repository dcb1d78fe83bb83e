"""A tiny seeded network that stands in for the real one, settings that suit it, and pictures to dream on."""

from collections.abc import Collection
from functools import cache
from typing import Any

import numpy as np

from dreamvideo.config import Config, Dream
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import Network

BRANCH = "wide_relu"
MIXED = "mixed"
DEEP = "deep_relu"


def tiny_network(seed: int = 0, *, stride: int = 2) -> Network:
    """Two VALID convolutions of one stride around two branches; every convolution with a batch norm and a relu."""
    import keras

    image = keras.Input((None, None, 3))
    stem = _block(image, "stem", 8, 3, strides=stride, padding="valid")
    narrow = _block(stem, "narrow", 4, 1)
    wide = _block(stem, "wide", 6, 3)
    mixed = keras.layers.Concatenate(name=MIXED)([narrow, wide])
    deep = _block(mixed, "deep", 8, 3, strides=stride, padding="valid")
    model = keras.Model(image, deep)
    randomize(model, seed)
    return Network(model, name="tiny", scale=2.0, offset=-1.0, sha256=f"tiny-{seed}")


def randomize(model: Any, seed: int) -> None:
    """Give every weight of a Keras model a seeded random value, and every batch norm statistics to match."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights([_draw(rng, weight) for weight in layer.weights])


def tiny_dream(**changes: Any) -> Dream:
    """Settings that suit the tiny network: float32, one layer, no treatment, small steps."""
    plain = {"layers": {MIXED: 1.0}, "precision": "float32", "laplacian": 0, "natural_colors": 0.0, "octaves": 2}
    return Dream(**{**plain, "steps": 3, "jitter": 4, "tile": 256, "halo": 16, **changes})


def tiny_config(**changes: Any) -> Config:
    """A config around ``tiny_dream``; ``dream`` holds its changes."""
    return Config(dream=tiny_dream(**changes.pop("dream", {})), **changes)


def tiny_dreamer(*, seed: int = 0, **changes: Any) -> Dreamer:
    """A dreamer with the tiny network: the same one for the same settings, since tracing its graph takes a moment."""
    return shared_dreamer(tiny_dream(**changes), seed=seed)


def shared_dreamer(settings: Dream, *, seed: int, moving: Collection[str] = ()) -> Dreamer:
    """Takes the place of ``Dreamer`` where renders are tested."""
    return _dreamer(settings.model_dump_json(), seed, frozenset(moving))


@cache
def _dreamer(settings: str, seed: int, moving: frozenset[str]) -> Dreamer:
    return Dreamer(Dream.model_validate_json(settings), seed=seed, network=tiny_network(), moving=moving)


def picture(height: int, width: int, seed: int = 0, *, low: float = 0.25, high: float = 0.75) -> np.ndarray:
    """A smooth random frame, ``float32 [height, width, 3]`` in [low, high]: blobs of about eight pixels."""
    import cv2

    rng = np.random.default_rng(seed)
    coarse = rng.random((height // 8 + 2, width // 8 + 2, 3), np.float32)
    smooth = np.clip(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    return low + (high - low) * smooth


def zeros(frame: np.ndarray) -> np.ndarray:
    return np.zeros_like(frame)


def _block(x: Any, name: str, channels: int, size: int, *, strides: int = 1, padding: str = "same") -> Any:
    import keras

    conv = keras.layers.Conv2D(channels, size, strides, padding, use_bias=False, name=f"{name}_conv")
    norm = keras.layers.BatchNormalization(scale=False, epsilon=1e-3, name=f"{name}_norm")
    return keras.layers.Activation("relu", name=f"{name}_relu")(norm(conv(x)))


def _draw(rng: np.random.Generator, weight: Any) -> np.ndarray:
    shape = tuple(weight.shape)
    if weight.name == "moving_variance":
        return rng.uniform(0.5, 2.0, shape).astype(np.float32)
    if weight.name == "gamma":
        return rng.uniform(0.5, 1.5, shape).astype(np.float32)
    if len(shape) > 1:
        return (rng.normal(size=shape) / np.sqrt(np.prod(shape[:-1]))).astype(np.float32)
    return rng.normal(scale=0.3, size=shape).astype(np.float32)
