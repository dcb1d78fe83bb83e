"""Frozen graphs: what TensorFlow computes, in any size and precision, and nothing that a picture does not need."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.dream.networks import Network, load_network
from dreamvideo.errors import ConfigError, NetworkError
from tests.tiny import picture

GOOGLENET = Path(
    os.environ.get("DREAMVIDEO_GOOGLENET") or Path(__file__).parents[3] / "shared" / "networks" / "googlenet_frozen.pb"
)


def weights(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(0, 0.3, shape).astype(np.float32)


def conv(x: Any, channels: int, name: str, *, size: int = 3, stride: int = 1) -> Any:
    kernel = tf.identity(weights(size, size, x.shape[-1], channels), name=f"{name}_w/read")
    x = tf.nn.conv2d(x, kernel, stride, "SAME", name=f"{name}_pre_relu/conv")
    x = tf.nn.bias_add(x, tf.constant(weights(channels)), name=f"{name}_pre_relu")
    return tf.nn.relu(x, name=name)


def body(x: Any) -> Any:
    """Everything that inception5h has: padding, a local response norm, branches, a classifier."""
    x = conv(tf.pad(x - 3.0, [[0, 0], [1, 1], [1, 1], [0, 0]], name="pad"), 8, "stem", stride=2)
    x = tf.nn.local_response_normalization(tf.nn.max_pool2d(x, 3, 2, "SAME", name="pool"), 2, name="norm")
    scale, offset, mean, variance = (tf.constant(np.abs(weights(8)) + 0.5) for _ in range(4))
    x = tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3, name="batchnorm")
    x = tf.concat([conv(x, 4, "narrow", size=1), conv(x, 6, "wide", size=5)], 3, name="mixed")
    pooled = tf.reduce_mean(x, [1, 2], name="everywhere")
    tf.nn.softmax(tf.matmul(tf.reshape(pooled, [-1, 10]), weights(10, 3)), name="softmax")
    return x


def frozen(path: Path, build: Callable[..., Any] = body, name: str = "input", **more: Any) -> Path:
    with tf.Graph().as_default() as graph:
        build(tf.compat.v1.placeholder(tf.float32, (None, 32, 32, 3), name=name), **more)
    path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return frozen(tmp_path_factory.mktemp("frozen") / "tiny.pb")


@pytest.fixture(scope="module")
def network(path: Path) -> Network:
    return load_network(str(path))


def truth(path: Path, layer: str, values: np.ndarray) -> np.ndarray:
    """What TensorFlow itself makes of the graph."""
    definition = tf.compat.v1.GraphDef()
    definition.ParseFromString(path.read_bytes())
    with tf.Graph().as_default() as graph:
        (result,) = tf.graph_util.import_graph_def(definition, {"input": tf.constant(values)}, [f"{layer}:0"], name="")
        with tf.compat.v1.Session(graph=graph) as session:
            return session.run(result)


def test_its_convolutions_are_listed_with_their_channels(network: Network) -> None:
    layers = {layer.name: layer for layer in network.describe(64, 64)}
    assert {name: layer.channels for name, layer in layers.items() if layer.kind == "Conv2D"} == {
        "stem_pre_relu/conv": 8,
        "narrow_pre_relu/conv": 4,
        "wide_pre_relu/conv": 6,
    }
    assert {"stem", "pool", "norm", "wide_pre_relu", "wide", "mixed"} <= set(layers)
    assert not {"everywhere", "softmax"} & set(layers)
    mixed = layers["mixed"]
    assert (mixed.channels, mixed.stride, mixed.receptive_field) == (10, 4, 3 + 2 * 2 + 4 * 4)
    assert set(network.showcase) == {"stem_pre_relu/conv", "narrow_pre_relu/conv", "wide_pre_relu/conv", "mixed"}


@pytest.mark.parametrize("layer", ["norm", "wide_pre_relu", "mixed"])
def test_it_computes_what_tensorflow_does(path: Path, network: Network, layer: str) -> None:
    frame = picture(32, 32)
    found = np.asarray(network.features([layer], "float32")(tf.constant(frame[None]))[layer])
    assert np.allclose(found, truth(path, layer, frame[None] * 255 - 117), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_it_computes_in_another_precision_than_it_was_saved_in(network: Network, dtype: str) -> None:
    frame = tf.constant(picture(40, 40)[None])
    wanted = np.asarray(network.features(["mixed"], "float32")(frame)["mixed"])
    values = network.features(["mixed"], dtype)(frame)["mixed"]
    assert values.dtype == dtype
    assert 0 < np.abs(np.asarray(values, np.float32) - wanted).mean() < 0.03 * np.abs(wanted).mean()


def test_one_trace_serves_every_size_and_batch_and_has_a_gradient(network: Network) -> None:
    features, traces = network.features(["mixed", "stem"], "float32"), []

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3))])
    def gradient(frames: tf.Tensor) -> Any:
        traces.append(1)
        with tf.GradientTape() as tape:
            tape.watch(frames)
            loss = tf.add_n([tf.reduce_mean(value**2) for value in features(frames).values()])
        return tape.gradient(loss, frames)

    for shape in ((1, 33, 47, 3), (3, 64, 40, 3)):
        result = np.asarray(gradient(tf.random.stateless_uniform(shape, (1, 2))))
        assert result.shape == shape
        assert np.isfinite(result).all()
        assert result.any()
    assert len(traces) == 1


def test_a_padded_graph_sees_every_size_whole(network: Network) -> None:
    assert network.whole_sides(["mixed"]) == (1, 0)
    assert network.channels("mixed") == 10
    assert network.smallest_side(["mixed"]) == 1
    assert network.precisions == ("float32", "bfloat16", "float16")


def hostile(x: Any, operation: str) -> Any:
    if operation == "ReadFile":
        x = x * tf.strings.to_number(tf.io.read_file("secret"))
    elif operation == "EagerPyFunc":
        x = tf.ensure_shape(tf.py_function(lambda value: value, [x], tf.float32), (None, 32, 32, 3))
    else:
        with tf.control_dependencies([tf.io.write_file("owned", "text")]):
            x = tf.raw_ops.PlaceholderWithDefault(input=x, shape=(None, 32, 32, 3))
        x = x + tf.strings.to_number(tf.raw_ops.ReadFile(filename="secret"))
    return conv(x, 4, "stem")


@pytest.mark.parametrize("operation", ["ReadFile", "EagerPyFunc", "WriteFile"])
def test_a_graph_that_does_more_than_see_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = frozen(tmp_path / "hostile.pb", hostile, operation=operation)
    with pytest.raises(NetworkError, match=r"hostile\.pb.*which dreamvideo does not run") as caught:
        load_network(str(path))
    assert caught.value.exit_code == 5
    assert [file.name for file in tmp_path.iterdir()] == ["hostile.pb"]


def test_what_a_picture_does_not_pass_is_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def build(x: Any) -> None:
        with tf.control_dependencies([tf.io.write_file("owned", "text")]):
            conv(x, 4, "stem")

    network = load_network(str(frozen(tmp_path / "beside.pb", build)))
    network.features(["stem"], "float32")(tf.constant(picture(16, 16)[None]))
    assert not (tmp_path / "owned").exists()


def two_inputs(x: Any) -> Any:
    return conv(x + tf.compat.v1.placeholder(tf.float32, (None, 32, 32, 3), name="second"), 4, "stem")


def test_a_graph_without_an_obvious_input_asks_for_the_node(tmp_path: Path) -> None:
    path = str(frozen(tmp_path / "two.pb", two_inputs, name="first"))
    with pytest.raises(ConfigError, match=r"two\.pb.*first, second.*--input-node NODE") as caught:
        load_network(path)
    assert caught.value.exit_code == 2
    with pytest.raises(ConfigError, match=r"'frist'.*did you mean 'first'"):
        load_network(path, input_node="frist")
    with pytest.raises(NetworkError, match="second is another input"):
        load_network(path, input_node="first")


def test_pictures_can_enter_in_the_middle(path: Path) -> None:
    network = load_network(str(path), input_node="sub", input_range="0..255")
    assert "mixed" in network.layer_names
    assert network.scale == 255.0
    late = load_network(str(path), input_node="stem_pre_relu")
    assert late.showcase
    assert set(late.showcase) <= set(late.layer_names)


def test_what_is_no_graph_is_refused(tmp_path: Path) -> None:
    for name, content in (("text.pb", b"hello, this is no graph"), ("empty.pb", b"")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(NetworkError, match=rf"{name} is no frozen TensorFlow graph"):
            load_network(str(tmp_path / name))
    with pytest.raises(NetworkError, match=r"cannot read the network .*absent\.pb"):
        load_network(str(tmp_path / "absent.pb"))


@pytest.mark.skipif(not GOOGLENET.is_file(), reason="googlenet_frozen.pb is not here")
def test_googlenet_has_inception5hs_layers() -> None:
    network = load_network(str(GOOGLENET))
    layers = {layer.name: layer for layer in network.describe(224, 224)}
    assert sum(layer.kind == "Conv2D" for layer in layers.values()) == 57
    assert layers["mixed4d_3x3_bottleneck_pre_relu"].channels == 144
    assert (layers["mixed4d"].height, layers["mixed4d"].stride) == (14, 16)
    blocks = [f"mixed{block}" for block in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")]
    branches = ("1x1", "3x3_bottleneck", "3x3", "5x5_bottleneck", "5x5", "pool_reduce")
    named = {f"{block}_{branch}{suffix}" for block in blocks for branch in branches for suffix in ("", "_pre_relu")}
    assert named | {*blocks, "conv2d0", "conv2d1", "conv2d2"} <= set(layers)
    values = network.features(["mixed4d_3x3_bottleneck_pre_relu"], "float32")(tf.constant(picture(64, 64)[None]))
    assert values["mixed4d_3x3_bottleneck_pre_relu"].shape == (1, 4, 4, 144)
