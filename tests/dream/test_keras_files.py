"""``.keras`` files of anybody's making: freed in size, guessed in range, and refused where they hold code."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.dream.networks import Network, load_network
from dreamvideo.errors import ConfigError, NetworkError
from tests.tiny import picture, randomize


def saved(path: Path, *layers: Any, side: int | None = 32) -> Path:
    model = keras.Sequential([keras.Input((side, side, 3)), *layers])
    randomize(model, 0)
    model.save(path)
    return path


def conv(name: str = "conv", **more: Any) -> Any:
    return keras.layers.Conv2D(4, 3, name=name, **more)


def outputs(network: Network, layer: str, frame: np.ndarray) -> np.ndarray:
    return np.asarray(network.features([layer], "float32")(tf.constant(frame[None]))[layer])


def test_a_fixed_size_is_made_free_and_what_cannot_be_is_left_out(tmp_path: Path) -> None:
    path = saved(tmp_path / "fixed.keras", conv(), conv("deep"), keras.layers.Flatten(), keras.layers.Dense(5))
    network = load_network(str(path))
    assert network.layer_names == ["conv", "deep"]
    whole: Any = keras.models.load_model(path)
    truth = keras.Model(whole.inputs, whole.get_layer("deep").output)
    frame = picture(32, 32)
    assert np.allclose(outputs(network, "deep", frame), truth([frame[None]]), atol=1e-5)
    assert outputs(network, "deep", picture(20, 50)).shape == (1, 16, 46, 4)


def test_layers_of_a_model_inside_the_model_can_be_dreamed_on(tmp_path: Path) -> None:
    inner = keras.Sequential([keras.Input((16, 16, 3)), conv("conv"), conv("deep")], name="body")
    path = saved(tmp_path / "nested.keras", inner, conv("head"), side=16)
    network, frame = load_network(str(path)), picture(16, 16)
    whole: Any = keras.models.load_model(path)
    assert {"conv", "deep", "head"} <= set(network.layer_names)
    assert np.allclose(outputs(network, "head", frame), whole(frame[None]), atol=1e-5)


def test_a_network_that_rescales_gets_0_to_255_and_any_other_0_to_1_unless_told(tmp_path: Path) -> None:
    plain = str(saved(tmp_path / "plain.keras", conv()))
    rescaling = str(saved(tmp_path / "rescaling.keras", keras.layers.Rescaling(1 / 255), conv()))
    assert [load_network(name).scale for name in (plain, rescaling)] == [1.0, 255.0]
    told = load_network(plain, input_range="caffe")
    assert told.bgr
    assert told.scale == 255.0


def test_a_fitted_normalization_keeps_its_numbers(tmp_path: Path) -> None:
    layer = keras.layers.Normalization()
    layer.adapt(np.random.default_rng(0).uniform(0, 255, (20, 8, 8, 3)).astype(np.float32))
    model = keras.Sequential([keras.Input((8, 8, 3)), layer, conv()])
    model.save(tmp_path / "normalized.keras")
    network, frame = load_network(str(tmp_path / "normalized.keras")), picture(8, 8)
    assert np.allclose(outputs(network, "conv", frame), model(frame[None] * 255), atol=1e-4)


def test_the_same_file_has_the_same_hash_and_a_name_that_says_where_it_is(tmp_path: Path) -> None:
    path = str(saved(tmp_path / "plain.keras", conv()))
    assert load_network(path).sha256 == load_network(path).sha256
    assert load_network(path).name == path


class Custom(keras.layers.Layer):
    def call(self, inputs: Any) -> Any:
        return inputs


@pytest.mark.parametrize(
    ("layer", "reason"),
    [(lambda: keras.layers.Lambda(lambda x: x * 2), "Lambda layer"), (Custom, "custom class")],
    ids=["lambda", "class"],
)
def test_code_in_a_file_is_refused(tmp_path: Path, layer: Any, reason: str) -> None:
    path = saved(tmp_path / "code.keras", layer(), conv())
    with pytest.raises(NetworkError, match=rf"code\.keras.*{reason}.*does not run") as caught:
        load_network(str(path))
    assert caught.value.exit_code == 5


def test_files_that_are_no_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match=r"absent\.keras.*No such file"):
        load_network(str(tmp_path / "absent.keras"))
    (tmp_path / "text.keras").write_text("hello", encoding="utf-8")
    whole = saved(tmp_path / "whole.keras", conv()).read_bytes()
    (tmp_path / "cut.keras").write_bytes(whole[: len(whole) // 2])
    for name in ("text.keras", "cut.keras"):
        with pytest.raises(NetworkError, match=rf"{name}: it is no \.keras file, or a damaged one") as caught:
            load_network(str(tmp_path / name))
        assert "not found" not in str(caught.value)
    (tmp_path / "flipped.keras").write_bytes(whole.replace(b"config.json", b"confug.json"))
    with pytest.raises(NetworkError, match=r"flipped\.keras.*no intact \.keras file"):
        load_network(str(tmp_path / "flipped.keras"))
    grey = keras.Sequential([keras.Input((8, 8, 1)), conv()])
    grey.save(tmp_path / "grey.keras")
    with pytest.raises(NetworkError, match=r"does not take one RGB picture.*\(None, 8, 8, 1\)"):
        load_network(str(tmp_path / "grey.keras"))
    path = saved(tmp_path / "dense.keras", keras.layers.Flatten(), keras.layers.Dense(2))
    with pytest.raises(NetworkError, match="no layer that takes pictures of any size"):
        load_network(str(path))


def test_an_input_node_is_for_graph_defs_only() -> None:
    with pytest.raises(ConfigError, match=r"input_node is for \.pb files, and inceptionv3 is none"):
        load_network("inceptionv3", input_node="input")
