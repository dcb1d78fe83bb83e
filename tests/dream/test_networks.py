"""Networks: layers by name, sizes, precision, and weights that are the pinned ones or an error."""

import hashlib
import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dreamvideo import catalogue
from dreamvideo.catalogue import NETWORKS, RANGES
from dreamvideo.dream.networks import Network, load_network, resolve_precision
from dreamvideo.errors import ConfigError, NetworkError
from tests.tiny import BRANCH, DEEP, MIXED, picture, tiny_network

BOTTLENECK = "mixed4_7x7_bottleneck_pre_relu"


def activations(network: Network, layer: str, frame: np.ndarray, dtype: str) -> np.ndarray:
    return np.asarray(network.features([layer], dtype)(tf.constant(frame[None]))[layer]).astype(np.float32)


def test_a_frame_enters_scaled_to_the_networks_range() -> None:
    network, frame = tiny_network(), picture(20, 24)
    truth = network.model((frame * 2 - 1)[None], training=False)
    assert np.allclose(activations(network, DEEP, frame, "float32"), truth, atol=1e-5)


def test_several_layers_come_by_their_names_in_any_order() -> None:
    features = tiny_network().features([DEEP, BRANCH, MIXED], "float32")(tf.constant(picture(20, 24)[None]))
    assert {name: value.shape[-1] for name, value in features.items()} == {DEEP: 8, BRANCH: 6, MIXED: 10}


def test_an_unknown_layer_is_refused_with_the_nearest_and_those_that_show_best() -> None:
    network = tiny_network()
    with pytest.raises(ConfigError) as caught:
        network.features(["mixd"], "float32")
    message = str(caught.value)
    assert "'mixd'" in message
    assert "did you mean 'mixed'" in message
    assert all(name in message for name in network.showcase)
    assert "wide_relu" not in message
    assert "`dreamvideo layers --network tiny --all` lists all" in message
    assert caught.value.exit_code == 2


def test_the_smallest_side_is_the_first_that_the_network_takes() -> None:
    network = tiny_network()
    for layer, border in ((MIXED, 0), (MIXED, 3), (DEEP, 0), (DEEP, 2)):
        side = network.smallest_side([layer], border)
        shape = activations(network, layer, picture(side, side), "float32").shape
        assert min(shape[1:3]) == 2 * border + 1
    assert network.smallest_side([MIXED, DEEP]) == network.smallest_side([DEEP])


def test_layers_are_described_in_order_with_channels_and_stride() -> None:
    layers = {layer.name: layer for layer in tiny_network().describe()}
    assert layers[MIXED].channels == 10
    assert (layers["stem_conv"].stride, layers[DEEP].stride) == (2, 4)
    assert layers["stem_conv"].kind == "Conv2D"
    assert next(iter(layers)) == "stem_conv"


def test_an_unknown_network_is_refused_with_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"'inceptionv4'.*'inceptionv3'"):
        load_network("inceptionv4")


@pytest.mark.parametrize("damage", ["cut", "changed", "missing"])
def test_damaged_weights_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str) -> None:
    good = Path(str(NETWORKS["inceptionv3"].path())).read_bytes()
    path = tmp_path / "weights.keras"
    if damage != "missing":
        path.write_bytes(good[:100_000] if damage == "cut" else good[:-1] + bytes([good[-1] ^ 1]))

    class Elsewhere(catalogue.NetworkSpec):
        def path(self) -> Path:
            return path

    spec = Elsewhere(**vars(NETWORKS["inceptionv3"]))
    monkeypatch.setitem(NETWORKS, "inceptionv3", spec)
    with pytest.raises(NetworkError, match=r"weights\.keras.*install dreamvideo again") as caught:
        load_network("inceptionv3")
    assert caught.value.exit_code == 5


def test_the_pinned_hash_is_that_of_the_file() -> None:
    spec = NETWORKS["inceptionv3"]
    assert hashlib.sha256(spec.path().read_bytes()).hexdigest() == spec.sha256


def test_every_network_of_the_table_can_be_loaded_or_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DREAMVIDEO_CACHE", str(tmp_path))
    for spec in NETWORKS.values():
        assert spec.values in RANGES
        assert spec.showcase
        if spec.origin is not None:
            with pytest.raises(NetworkError, match=f"dreamvideo networks pull {spec.name}"):
                load_network(spec.name)


def test_colours_enter_as_torch_and_caffe_expect() -> None:
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Activation("linear", name="same")])
    frame = np.array([1.0, 0.5, 0.0], np.float32).reshape(1, 1, 3)  # red, green, blue
    for name, expected in (
        ("torch", [(1 - 0.485) / 0.229, (0.5 - 0.456) / 0.224, -0.406 / 0.225]),
        ("caffe", [-103.939, 127.5 - 116.779, 255 - 123.68]),
        ("inception5h", [138.0, 10.5, -117.0]),
        ("-1..1", [1.0, 0.0, -1.0]),
        ("0..255", [255.0, 127.5, 0.0]),
    ):
        network = Network(model, name="same", **vars(RANGES[name]))
        assert np.allclose(activations(network, "same", frame, "float32").ravel(), expected, atol=1e-3), name


def test_a_layer_that_begins_an_activation_for_every_last_pixel_needs_no_whole_sides() -> None:
    image = keras.Input((None, None, 3))
    same = keras.layers.Conv2D(4, 3, 2, "same", name="same")(image)
    valid = keras.layers.MaxPooling2D(2, name="valid")(same)
    network = Network(keras.Model(image, valid), name="padded")
    assert network.whole_sides(["same"]) == (1, 0)
    assert network.whole_sides(["same", "valid"]) == (4, 3)
    assert tiny_network().whole_sides([DEEP]) != (1, 0)


def test_activations_may_be_finer_than_the_picture() -> None:
    image = keras.Input((None, None, 3))
    finer = keras.layers.UpSampling2D(4, name="finer")(image)
    network = Network(keras.Model(image, keras.layers.Conv2D(4, 3, padding="same", name="after")(finer)), name="up")
    assert network.whole_sides(["after"]) == (1, 0)
    assert {layer.stride for layer in network.describe()} == {0.25}


def test_where_nothing_is_known_to_show_best_all_layers_are_shown() -> None:
    image = keras.Input((None, None, 3))
    model = keras.Model(image, keras.layers.MaxPooling2D(2, name="pool")(image))
    assert Network(model, name="pool").showcase == ["pool"]
    assert Network(model, name="pool", showcase=["absent"]).showcase == ["pool"]


def test_tensorflow_says_nothing_of_new_traces(capfd: pytest.CaptureFixture[str]) -> None:
    traced: Any = tf.function(lambda x: x + 1)
    for number in range(8):  # each Python number is a graph of its own, of which TensorFlow would warn
        traced(number)
    assert capfd.readouterr().err == ""
    assert not tf.get_logger().isEnabledFor(logging.WARNING)


def test_channels_are_those_of_the_activations() -> None:
    network = tiny_network()
    for layer in (MIXED, DEEP):
        assert network.channels(layer) == activations(network, layer, picture(24, 24), "float32").shape[-1]
    with pytest.raises(ConfigError, match="mixd"):
        network.channels("mixd")


def test_a_description_has_the_shapes_and_the_fields_that_activations_see() -> None:
    network, frame = tiny_network(), picture(40, 52)
    for layer in network.describe(40, 52):
        values = activations(network, layer.name, frame, "float32")
        assert (layer.height, layer.width, layer.channels) == values.shape[1:]
    (field,) = {layer.receptive_field for layer in network.describe() if layer.name == DEEP}
    assert field == seen_by_the_middle(network, DEEP)
    with pytest.raises(ConfigError, match=r"4x4 is too small for tiny: it takes \d+x\d+"):
        network.describe(4, 4)


def seen_by_the_middle(network: Network, layer: str) -> int:
    """The side of the region that the middle activation's gradient reaches."""
    features: Any = network.features([layer], "float32")
    frame = tf.constant(picture(65, 65)[None])
    with tf.GradientTape() as tape:
        tape.watch(frame)
        values: Any = features(frame)[layer]
        loss = tf.reduce_sum(values[:, values.shape[1] // 2, values.shape[2] // 2])
    rows = np.flatnonzero(np.abs(np.asarray(tape.gradient(loss, frame))).sum((0, 2, 3)))
    return int(rows[-1] - rows[0] + 1)


def test_a_precision_that_is_asked_for_is_taken() -> None:
    assert [resolve_precision(name) for name in ("float32", "bfloat16", "float16")] == [
        "float32",
        "bfloat16",
        "float16",
    ]
    assert resolve_precision("auto") in {"float32", "bfloat16", "float16"}


def test_a_precision_that_the_network_does_not_compute_in_is_refused() -> None:
    assert resolve_precision("auto", ("float32",)) == "float32"
    with pytest.raises(ConfigError, match=r"bfloat16.*float32 only"):
        resolve_precision("bfloat16", ("float32",))


def test_the_embedded_network_reaches_from_textures_to_mixed9(inception: Network) -> None:
    assert set(NETWORKS["inceptionv3"].showcase) <= set(inception.layer_names)
    assert "mixed10" not in inception.layer_names
    assert inception.sha256 == NETWORKS["inceptionv3"].sha256
    strides = {layer.name: layer.stride for layer in inception.describe()}
    assert (strides["mixed0"], strides["mixed3"], strides["mixed9"]) == (8, 16, 32)


def test_the_embedded_networks_bfloat16_is_near_its_float32(inception: Network) -> None:
    frame = picture(128, 128)
    for layer in ("mixed2", BOTTLENECK):
        wanted = activations(inception, layer, frame, "float32")
        error = np.abs(activations(inception, layer, frame, "bfloat16") - wanted)
        assert 0 < error.mean() < 0.03 * np.abs(wanted).mean()
