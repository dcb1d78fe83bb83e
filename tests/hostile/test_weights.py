"""Networks out of strangers' files: nothing in them is run, written, read from elsewhere or blown up."""

import ast
import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

import dreamvideo
from dreamvideo.dream.networks import load_network
from dreamvideo.dream.unpickle import read_numpy_pickle, read_torch
from dreamvideo.errors import ConfigError, DreamError, NetworkError
from tests.dream.test_frozen_graph import conv, frozen
from tests.hostile.fuzz import EDITS, Edit, draws, sentence_of, spoil

SOURCES = sorted(Path(dreamvideo.__file__).parent.rglob("*.py"))
Parts = dict[str, bytes]


class Owner:
    """Makes a folder when it is unpickled the plain way."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("owned",)


PICKLED = pickle.dumps({"w": np.arange(6, dtype=np.float32).reshape(2, 3), "b": [np.ones(2), (np.ones(1), "x")]}, 4)
OWNING = pickle.dumps({"w": [Owner(), np.ones(2)]}, 2)


@draws(300)
@given(st.sampled_from([read_numpy_pickle, read_torch]), st.sampled_from([PICKLED, OWNING]), EDITS)
def test_a_spoiled_pickle_gives_arrays_or_is_refused(read: Any, data: bytes, edits: list[Edit]) -> None:
    sentence_of(lambda: read(io.BytesIO(spoil(data, edits, OWNING)), "it"), NetworkError)


class Untyped:
    """Pickled as an array whose type is a text."""

    def __reduce__(self) -> Any:
        return np.zeros(2).__reduce__()[0], (np.ndarray, (0,), b"b"), (1, (2,), "f4", False, bytes(8))


def test_what_is_no_array_after_all_is_refused() -> None:
    with pytest.raises(NetworkError, match="it is refused"):
        read_numpy_pickle(io.BytesIO(pickle.dumps(Untyped())), "it")
    loop: dict[str, Any] = {}
    loop["loop"] = loop
    with pytest.raises(NetworkError, match="it is refused"):
        read_numpy_pickle(io.BytesIO(pickle.dumps(loop)), "it")


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> Parts:
    """What is in a good .keras file."""
    path = tmp_path_factory.mktemp("keras") / "good.keras"
    keras.Sequential([keras.Input((32, 32, 3)), keras.layers.Conv2D(4, 3, name="conv")]).save(path)
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path: Path, parts: Parts, **options: Any) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return str(path)


def with_config(parts: Parts, change: Callable[[dict[str, Any]], None]) -> Parts:
    config = json.loads(parts["config.json"])
    change(config)
    return {**parts, "config.json": json.dumps(config).encode()}


@pytest.mark.filterwarnings("ignore:Skipping invalid path")
def test_names_that_lead_out_of_an_archive_lead_nowhere(tmp_path: Path, parts: Parts) -> None:
    slips = {"../slip": b"x", "assets/../../../slip": b"x", str(tmp_path / "slip"): b"x"}
    path = packed(tmp_path / "slip.keras", {**parts, **slips})
    sentence_of(lambda: load_network(path), NetworkError)
    assert not [*tmp_path.parent.rglob("slip")]


@pytest.mark.parametrize("name", ["config.json", "metadata.json", "other.json"])
def test_an_archive_that_blows_up_is_refused(tmp_path: Path, parts: Parts, name: str) -> None:
    path = packed(tmp_path / "bomb.keras", {**parts, name: bytes(100 << 20)})
    with pytest.raises(NetworkError, match=r"bomb\.keras: it unpacks to 100 MiB, which no weights of its size do"):
        load_network(path)


CLASSES = [
    *(
        ("os", "system"),
        ("subprocess", "Popen"),
        ("builtins", "exec"),
        ("numpy", "load"),
        ("keras.saving", "load_model"),
    ),
    *(("keras.utils", "get_file"), ("keras.src.utils.file_utils", "get_file"), ("keras.layers", "TFSMLayer")),
    *(("keras.config", "enable_unsafe_deserialization"), ("keras.layers", "TorchModuleWrapper")),
    ("keras.src.saving.serialization_lib", "enable_unsafe_deserialization"),
]
LAYER = {"name": "l", "arguments": ["touch owned"], "filepath": "x", "fname": "x", "origin": "file:///etc/passwd"}


@pytest.mark.parametrize(("module", "name"), CLASSES)
def test_a_config_can_name_no_code(tmp_path: Path, parts: Parts, module: str, name: str) -> None:
    whole = {"module": module, "class_name": name, "config": LAYER, "registered_name": None, "inbound_nodes": []}
    function = {"module": module, "class_name": "function", "config": name, "registered_name": name}

    def layer(config: dict[str, Any]) -> None:
        config["config"]["layers"].append(whole)

    def activation(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["activation"] = function

    def initializer(config: dict[str, Any]) -> None:
        config["config"]["layers"][1]["config"]["kernel_initializer"] = whole

    def top(config: dict[str, Any]) -> None:
        config.update(module=module, class_name=name)

    for change in (layer, activation, initializer, top):
        with pytest.raises(NetworkError):
            load_network(packed(tmp_path / "code.keras", with_config(parts, change)))


def external_link(group: Any, other: Path) -> None:
    group["0"] = h5py.ExternalLink(str(other), "/x")


def external_data(group: Any, other: Path) -> None:
    group.create_dataset("0", shape=(3, 3, 3, 4), dtype="f4", external=[(str(other), 0, 432)])


def giant(group: Any, _: Path) -> None:
    group.create_dataset("0", shape=(2**16, 2**16, 3, 4), dtype="f4", chunks=(1024, 1024, 1, 1), compression="gzip")


@pytest.mark.parametrize("change", [external_link, external_data, giant])
def test_weights_come_from_the_file_itself(tmp_path: Path, parts: Parts, change: Any) -> None:
    other, weights = tmp_path / "other.h5", tmp_path / "weights.h5"
    with h5py.File(other, "w") as file:
        file["x"] = np.ones((3, 3, 3, 4), np.float32)
    weights.write_bytes(parts["model.weights.h5"])
    with h5py.File(weights, "r+") as file:
        group: Any = next(file[f"layers/{name}/vars"] for name in ("conv2d", "conv") if f"layers/{name}/vars" in file)
        del group["0"]
        change(group, other)
    with pytest.raises(NetworkError, match="no intact"):
        load_network(packed(tmp_path / "linked.keras", {**parts, "model.weights.h5": weights.read_bytes()}))


@draws(40)
@given(st.sampled_from(["config.json", "metadata.json", "model.weights.h5", None]), EDITS)
def test_a_spoiled_keras_file_is_loaded_or_refused(
    tmp_path: Path, parts: Parts, name: str | None, edits: list[Edit]
) -> None:
    path = tmp_path / "it.keras"
    whole = parts if name is None else {**parts, name: spoil(parts[name], edits, b"{}")}
    packed(path, whole)
    if name is None:
        path.write_bytes(spoil(path.read_bytes(), edits, b"PK"))
    sentence_of(lambda: load_network(str(path)), NetworkError)


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    def build(x: Any) -> None:
        x = tf.nn.max_pool2d(conv(x, 4, "stem"), 2, 2, "SAME", name="pool")
        tf.concat([conv(x, 2, "narrow", size=1), tf.reshape(x, (-1, 16, 16, 4))], 3, name="mixed")

    return frozen(tmp_path_factory.mktemp("graph") / "good.pb", build).read_bytes()


@draws(120)
@given(edits=EDITS)
def test_a_spoiled_graph_is_loaded_or_refused(tmp_path: Path, graph: bytes, edits: list[Edit]) -> None:
    (tmp_path / "it.pb").write_bytes(spoil(graph, edits, b"\x0a\xff\xff\xff\xff\x0f"))
    sentence_of(lambda: load_network(str(tmp_path / "it.pb")), DreamError)


def test_a_few_bytes_are_no_giant_constant(tmp_path: Path) -> None:
    definition = tf.compat.v1.GraphDef()
    definition.node.add(name="input", op="Placeholder").attr["dtype"].type = 1
    giant = definition.node.add(name="w", op="Const").attr["value"].tensor
    giant.dtype = 1
    giant.float_val.append(1.0)
    for _ in range(3):
        giant.tensor_shape.dim.add(size=2**20)
    (tmp_path / "giant.pb").write_bytes(definition.SerializeToString())
    with pytest.raises((NetworkError, ConfigError), match="no frozen TensorFlow graph"):
        load_network(str(tmp_path / "giant.pb"))


@pytest.mark.parametrize("name", ["a\0b", "\x1b[2J", "x" * 5000])
def test_a_node_with_a_name_that_nobody_gave_is_refused(tmp_path: Path, name: str) -> None:
    definition = tf.compat.v1.GraphDef()
    definition.node.add(name=name, op="Relu", input=["input"])
    (tmp_path / "it.pb").write_bytes(definition.SerializeToString())
    with pytest.raises(NetworkError, match="no frozen TensorFlow graph"):
        load_network(str(tmp_path / "it.pb"))


JUSTIFIED = {"dreamvideo/dream/unpickle.py": {"pickle"}, "dreamvideo/expression.py": {"ast.literal_eval"}}
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib", "yaml", "code", "runpy"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "ast.literal_eval", "np.load"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_source_runs_what_it_reads(path: Path) -> None:
    """Nothing is unpickled, evaluated or handed to a shell, but where it is shown above to be harmless."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import(names):
                found |= {name.name for name in names} & FORBIDDEN_MODULES
            case ast.ImportFrom(module=str(module)):
                found |= {module} & FORBIDDEN_MODULES
            case ast.Call(function, keywords=keywords):
                found |= {ast.unparse(function)} & FORBIDDEN_CALLS
                found |= {
                    keyword.arg
                    for keyword in keywords
                    if keyword.arg in {"shell", "allow_pickle"}
                    or (keyword.arg == "safe_mode" and ast.unparse(keyword.value) != "True")
                }
                if ast.unparse(function).endswith("load_model"):
                    found |= set() if "safe_mode" in [keyword.arg for keyword in keywords] else {"load_model"}
    name = path.relative_to(Path(dreamvideo.__file__).parents[1]).as_posix()
    assert found == JUSTIFIED.get(name, set())
