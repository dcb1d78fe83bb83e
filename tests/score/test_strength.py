"""Strength: what it is the mean of, and on which crops."""

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.config import Dream
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.strength import Excitation
from dreamvideo.errors import ConfigError
from dreamvideo.score.strength import LARGEST_SIDE, OFFSETS, STRIDE, Strength, corners
from tests.tiny import DEEP, MIXED, picture, tiny_network


def test_it_is_the_mean_square_of_the_layers_over_crops_at_all_offsets() -> None:
    network, frame = tiny_network(), picture(56, 72)
    features = network.features([MIXED, DEEP], "float32")
    values = []
    for y, x in OFFSETS:
        found = features(tf.constant(frame[None, y : y + 43, x : x + 59]))
        values.append(sum(float(np.mean(np.square(each))) for each in found.values()))
    strength = Strength(network, [MIXED, DEEP])
    assert strength.at(frame) == pytest.approx(np.mean(values), rel=1e-5)
    assert strength.layers == (MIXED, DEEP)


def test_of_is_output_over_input() -> None:
    strength = Strength(tiny_network(), {MIXED: 0.5})
    inputs = [picture(48, 64, seed) for seed in (0, 1)]
    dreamed = [np.clip(1.5 * frame - 0.25, 0, 1) for frame in inputs]
    assert strength.of(inputs, inputs) == 1
    expected = sum(map(strength.at, dreamed)) / sum(map(strength.at, inputs))
    assert strength.of(dreamed, inputs) == pytest.approx(expected)
    assert expected > 1.01


def test_a_pattern_locked_to_the_stride_grid_is_stronger_at_one_offset_only() -> None:
    network = tiny_network(stride=4)
    locked = np.full((80, 80, 3), 0.5, np.float32)
    locked[::16, ::16] = 1
    excitation = Excitation(network, {DEEP: 1.0}, "mean_square")
    at_one = excitation(locked[:64, :64])
    shifted = [excitation(locked[y : y + 64, x : x + 64]) for y, x in OFFSETS]
    assert len({round(value, 6) for value in shifted}) > 1
    assert Strength(network, [DEEP]).at(locked[:77, :77]) == pytest.approx(np.mean(shifted), rel=1e-5)
    assert at_one == shifted[0]


@pytest.mark.parametrize(("height", "width"), [(60, 700), (2160, 3840), (653, 653)])
def test_crops_of_a_large_frame_are_bounded_and_spread(height: int, width: int) -> None:
    crop = min(height - 13, LARGEST_SIDE), min(width - 13, LARGEST_SIDE)
    found = corners((height, width, 3), crop)
    for (y, x), (down, right) in zip(found, OFFSETS, strict=True):
        assert ((y - down) % STRIDE, (x - right) % STRIDE) == (0, 0)
        assert y + crop[0] <= height
        assert x + crop[1] <= width
    assert height - (max(y for y, _ in found) + crop[0]) < STRIDE + 13
    assert width - (max(x for _, x in found) + crop[1]) < STRIDE + 13


def test_no_crop_is_larger_than_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    shapes = []
    monkeypatch.setattr(Excitation, "__call__", lambda _self, crop: float(shapes.append(crop.shape) is None))
    assert Strength(tiny_network(), [MIXED]).at(np.zeros((60, 900, 3), np.float32)) == 1
    assert shapes == [(47, LARGEST_SIDE, 3)] * len(OFFSETS)


def test_without_layers_they_are_the_networks_own() -> None:
    network = tiny_network()
    own = Dreamer(Dream(), seed=0, network=network).objective.layers
    assert Strength(network).layers == tuple(own)


def test_a_frame_that_is_too_small_says_how_large_it_has_to_be() -> None:
    strength = Strength(tiny_network(), [DEEP])
    with pytest.raises(ConfigError, match=r"frames of 18x16 are too small .* deep_relu of tiny: that takes 20x20"):
        strength.at(picture(16, 18))
    for size in ((18, 30), (30, 18)):
        with pytest.raises(ConfigError, match=f"frames of {size[0]}x{size[1]} are too small"):
            strength.require(size)
    strength.require((20, 20))


def test_an_unknown_layer_is_refused() -> None:
    with pytest.raises(ConfigError, match="layer of tiny"):
        Strength(tiny_network(), ["nope"])
