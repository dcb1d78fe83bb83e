"""Weights out of pickles: what is in them, and nothing that they would run."""

import collections
import io
import os
import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.dream.unpickle import read_numpy_pickle, read_torch, read_torchscript
from dreamvideo.errors import NetworkError

ARRAYS = {"w": np.arange(24, dtype=np.float32).reshape(2, 3, 4), "b": np.array([1.5, -2.0], np.float16)}


@pytest.mark.parametrize("protocol", range(5))
def test_arrays_come_out_as_they_went_in(protocol: int) -> None:
    tree = {"layer": {**ARRAYS, "turned": np.asfortranarray(ARRAYS["w"][0]), "big": np.arange(3, dtype=">i4")}}
    found = read_numpy_pickle(io.BytesIO(pickle.dumps(tree, protocol)), "weights")
    for name, array in tree["layer"].items():
        assert np.array_equal(found["layer"][name], array)
        assert found["layer"][name].dtype == array.dtype


class Hostile:
    def __reduce__(self) -> Any:
        return os.mkdir, ("owned",)


@pytest.mark.parametrize("read", [read_numpy_pickle, read_torch])
def test_a_pickle_that_would_run_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NetworkError, match=r"weights\.pkl is refused: it asks for \w+\.mkdir") as caught:
        read(io.BytesIO(pickle.dumps({"w": Hostile()})), "weights.pkl")
    assert caught.value.exit_code == 5
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "content",
    [pickle.dumps(np.array([Hostile()])), pickle.dumps(np.dtype("O")), b"", b"text", pickle.dumps(ARRAYS)[:-40]],
    ids=["objects", "type", "empty", "text", "cut"],
)
def test_what_is_no_weights_is_refused(content: bytes) -> None:
    for read in (read_numpy_pickle, read_torch):
        with pytest.raises(NetworkError, match="it is refused"):
            read(io.BytesIO(content), "it")


class Tensor:
    """Pickled as torch pickles a tensor."""

    def __init__(self, key: str, count: int, size: tuple[int, ...], stride: tuple[int, ...], offset: int = 0) -> None:
        self.storage, self.rest = Storage(key, count), (offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self) -> Any:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (self.storage, *self.rest)


class Storage:
    def __init__(self, key: str, count: int) -> None:
        self.key, self.count = key, count


class Pickler(pickle.Pickler):
    def persistent_id(self, obj: Any) -> Any:
        if not isinstance(obj, Storage):
            return None
        return ("storage", sys.modules["torch"].FloatStorage, obj.key, "cpu", obj.count, *self.more)

    more: tuple[Any, ...] = ()


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Just enough of torch to write its files."""
    module, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")

    def _rebuild_tensor_v2(*_: Any) -> None:
        raise AssertionError("torch's own function was called")

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    storage = type("FloatStorage", (), {"__module__": "torch", "__qualname__": "FloatStorage"})
    monkeypatch.setattr(utils, "_rebuild_tensor_v2", _rebuild_tensor_v2, raising=False)
    monkeypatch.setattr(module, "FloatStorage", storage, raising=False)
    monkeypatch.setitem(sys.modules, "torch", module)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


def dumped(state: Any, more: tuple[Any, ...] = ()) -> bytes:
    file = io.BytesIO()
    pickler = Pickler(file, 2)
    pickler.more = more
    pickler.dump(state)
    return file.getvalue()


def legacy(state: Any, numbers: np.ndarray) -> bytes:
    head = [pickle.dumps(value, 2) for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True})]
    storage = numbers.size.to_bytes(8, "little") + numbers.tobytes()
    return b"".join([*head, dumped(state, (None,)), pickle.dumps(["0"], 2), storage])


def zipped(state: Any, numbers: np.ndarray) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("weights/data.pkl", dumped(state))
        archive.writestr("weights/data/0", numbers.tobytes())
    return file.getvalue()


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("write", [legacy, zipped])
def test_torch_files_are_read_without_torch(write: Any) -> None:
    numbers = np.arange(30, dtype=np.float32)
    state = collections.OrderedDict(
        {"0.weight": Tensor("0", 30, (2, 3, 4), (12, 4, 1)), "0.bias": Tensor("0", 30, (2,), (3,), 24)}
    )
    found = read_torch(io.BytesIO(write(state, numbers)), "weights.pth")
    assert np.array_equal(found["0.weight"], numbers[:24].reshape(2, 3, 4))
    assert np.array_equal(found["0.bias"], [24, 27])


@pytest.mark.usefixtures("torch")
@pytest.mark.parametrize("size", [(31,), (-1,)])
def test_a_tensor_that_reaches_outside_its_numbers_is_refused(size: tuple[int, ...]) -> None:
    data = zipped({"w": Tensor("0", 30, size, (1,))}, np.arange(30, dtype=np.float32))
    with pytest.raises(NetworkError, match="outside its storage"):
        read_torch(io.BytesIO(data), "weights.pth")


def test_only_torchscript_may_hold_modules_and_they_are_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    code = types.ModuleType("__torch__.net")
    block = type("Block", (), {"__module__": "__torch__.net", "__qualname__": "Block"})
    monkeypatch.setattr(code, "Block", block, raising=False)
    monkeypatch.setitem(sys.modules, "__torch__", types.ModuleType("__torch__"))
    monkeypatch.setitem(sys.modules, "__torch__.net", code)
    module: Any = block()
    module.width = 3
    data = zipped(module, np.zeros(1, np.float32))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        found = read_torchscript(archive, "weights")
    assert vars(found) == {"width": 3}
    assert not isinstance(found, block)
    with pytest.raises(NetworkError, match=r"asks for __torch__\.net\.Block"):
        read_torch(io.BytesIO(data), "weights.pth")
