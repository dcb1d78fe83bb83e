"""Reads weights out of pickles without running what pickles can run.

A pickle is a program that may name any function there is. These readers know the few names that arrays need, give
each a harmless stand-in of their own, and refuse the rest; torch is not needed for its files.
"""

import collections
import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, BinaryIO

import numpy as np

from dreamvideo.errors import NetworkError
from dreamvideo.names import brief

_MAGIC = 0x1950A86A20F9469CFC6C  # at the beginning of a torch file that is no zip
_NUMBERS = {"f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "b1"}
_STORAGES = {
    **{"HalfStorage": "<f2", "FloatStorage": "<f4", "DoubleStorage": "<f8"},
    **{"LongStorage": "<i8", "IntStorage": "<i4", "ByteStorage": "<u1"},
}


class Unpickler(pickle.Unpickler):
    """Knows the names in ``allowed``, (module, name) to what takes their place, and raises for all others."""

    def __init__(
        self,
        file: BinaryIO,
        allowed: Mapping[tuple[str, str], Any],
        storage: Callable[[Any], Any] | None = None,
        *,
        modules: bool = False,
        encoding: str = "ASCII",
    ) -> None:
        """``storage`` makes of what a pickle says about an outside array what stands for it.

        With ``modules`` all modules of TorchScript are allowed, as plain ``Module``.
        """
        super().__init__(file, encoding=encoding)
        self._allowed, self._storage, self._modules = allowed, storage, modules

    def find_class(self, module: str, name: str) -> Any:
        if self._modules and module.startswith("__torch__."):
            return Module
        if (module, name) not in self._allowed:
            raise pickle.UnpicklingError(f"it asks for {brief(f'{module}.{name}')}, which no weights need")
        return self._allowed[module, name]

    def persistent_load(self, pid: Any) -> Any:
        if self._storage is None:
            raise pickle.UnpicklingError("it refers to data outside itself")
        return self._storage(pid)


class Module:
    """A module of TorchScript: something to hang attributes on."""


def read_numpy_pickle(file: BinaryIO, what: str) -> Any:
    """Nested dictionaries of arrays, as ``pickle.dump`` writes them. ``what`` names the file in errors.

    Raises ``NetworkError`` for a pickle that holds anything else.
    """
    allowed = {
        **{(f"numpy.{core}.multiarray", "_reconstruct"): _ArrayState for core in ("core", "_core")},
        ("numpy", "ndarray"): None,
        ("numpy", "dtype"): _TypeState,
        ("_codecs", "encode"): _encode,
    }
    return _refusing(what, lambda: _resolve(Unpickler(file, allowed).load()))


def read_torch(file: BinaryIO, what: str) -> dict[str, np.ndarray]:
    """The arrays of a torch ``.pth`` with a state dictionary, of the older format or of the zipped one.

    Raises ``NetworkError`` for a file that holds anything else.
    """
    data = file.read()
    read = _read_zipped if zipfile.is_zipfile(io.BytesIO(data)) else _read_stream
    return _refusing(what, lambda: _resolve(read(data)))


def read_torchscript(archive: zipfile.ZipFile, root: str) -> Any:
    """The object in a TorchScript archive: modules as plain attribute holders, tensors as arrays."""
    return _refusing(root, lambda: _resolve(_load_archive(archive, root, modules=True)))


def _refusing(what: str, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except NetworkError:
        raise
    except Exception as error:  # a pickle that is not what it should be fails in any way it likes
        raise NetworkError(f"{what} is refused: {' '.join(str(error).split()) or type(error).__name__}") from error


def _read_zipped(data: bytes) -> Any:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (root,) = {name.partition("/")[0] for name in archive.namelist()}
        return _load_archive(archive, root)


def _load_archive(archive: zipfile.ZipFile, root: str, *, modules: bool = False) -> Any:
    def storage(pid: Any) -> _Storage:
        _, kind, key, *_ = pid
        return _Storage(kind, np.frombuffer(archive.read(f"{root}/data/{key}"), kind))

    file: Any = archive.open(f"{root}/data.pkl")
    return Unpickler(file, _torch_names(), storage, modules=modules).load()


def _read_stream(data: bytes) -> Any:
    """Five pickles (magic, protocol, machine, the dictionary, the keys of the storages), then the storages."""
    file, storages = io.BytesIO(data), {}

    def storage(pid: Any) -> _Storage:
        _, kind, key, _, _, *view = pid
        if view and view[0] is not None:
            raise pickle.UnpicklingError("it has views of storages, which no weights need")
        return storages.setdefault(key, _Storage(kind))

    def load() -> Any:
        return Unpickler(file, _torch_names(), storage).load()

    if load() != _MAGIC:
        raise pickle.UnpicklingError("it is no torch file")
    _protocol, _machine, result, keys = (load() for _ in range(4))
    for key in keys:
        count = int.from_bytes(file.read(8), "little")
        kind = np.dtype(storages[key].kind)
        storages[key].values = np.frombuffer(file.read(count * kind.itemsize), kind)
    return result


def _torch_names() -> dict[tuple[str, str], Any]:
    return {
        ("torch._utils", "_rebuild_tensor_v2"): _Tensor,
        ("torch.jit._pickle", "build_intlist"): list,
        ("collections", "OrderedDict"): collections.OrderedDict,
        **{("torch", name): kind for name, kind in _STORAGES.items()},
    }


class _Storage:
    """The numbers that tensors are cut from; they may come after the tensors."""

    def __init__(self, kind: str, values: np.ndarray | None = None) -> None:
        self.kind, self.values = kind, values


class _Tensor:
    """What torch says about a tensor: where in a storage its numbers are."""

    def __init__(self, storage: _Storage, offset: int, size: Any, stride: Any, *_: Any) -> None:
        self.storage, self.offset, self.size, self.stride = storage, offset, tuple(size), tuple(stride)

    def resolve(self) -> np.ndarray:
        values = self.storage.values
        last = self.offset + sum((size - 1) * step for size, step in zip(self.size, self.stride, strict=True))
        if values is None or min((self.offset, *self.size, *self.stride)) < 0 or last >= values.size:
            raise NetworkError("the weights are refused: a tensor reaches outside its storage")
        strides = [step * values.itemsize for step in self.stride]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.size, strides, writeable=False)


class _TypeState:
    """What numpy says about a dtype."""

    def __init__(self, code: str, *_: Any) -> None:
        if code not in _NUMBERS:
            raise pickle.UnpicklingError(f"it holds an array of the type {code!r}, not of numbers")
        self.code, self.order = code, "="

    def __setstate__(self, state: Any) -> None:
        self.order = state[1] if state[1] in ("<", ">") else "="


class _ArrayState:
    """What numpy says about an array."""

    def __init__(self, *_: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def resolve(self) -> np.ndarray:
        _, shape, kind, is_fortran, data = self.state
        values = np.frombuffer(data, kind.order + kind.code)
        return values.reshape(shape, order="F" if is_fortran else "C")


def _encode(text: str, encoding: str) -> bytes:
    """How pickles of protocol 2 write bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it encodes text as {encoding!r}")
    return text.encode("latin1")


def _resolve(value: Any) -> Any:
    """Stand-ins to the arrays they stand for, in dictionaries and attributes."""
    if isinstance(value, _Tensor | _ArrayState):
        return value.resolve()
    if isinstance(value, Mapping):
        return {key: _resolve(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_resolve(child) for child in value)
    if hasattr(value, "__dict__"):
        for name, child in vars(value).items():
            setattr(value, name, _resolve(child))
    return value
