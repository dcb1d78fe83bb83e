"""Writing files so that a half-written one is never seen under its name, and saying what went wrong with a disk."""

import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from dreamvideo.errors import OutputError

_PREFIX, _SUFFIX = ".dreamvideo-", ".partial"


def output_error(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """The error of the operating system as a sentence about ``path``."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(path)
    return OutputError(f"{os.fspath(path)} cannot be written: {error.strerror or error}.")


def disk_full(path: str | os.PathLike[str]) -> OutputError:
    return OutputError(f"the disk is full: no space left to write {os.fspath(path)}; free some and run again.")


def temporary_beside(path: Path) -> Path:
    """A hidden name in the same folder, so that renaming it to ``path`` is atomic."""
    return path.parent / f"{_PREFIX}{_mark(path)}-{secrets.token_hex(6)}{_SUFFIX}"


def remove_stale(path: str | os.PathLike[str]) -> None:
    """Remove what a process that was killed left of ``path`` under temporary names."""
    target = Path(path).absolute()
    for folder in (target.parent, target):  # an existing folder is filled from inside
        for temporary in folder.glob(f"{_PREFIX}{_mark(target)}-*{_SUFFIX}"):
            _remove(temporary)


def remove_temporaries(folder: Path) -> None:
    """Remove what processes that were killed left in ``folder``, where no other one writes."""
    for temporary in folder.glob(f"{_PREFIX}*{_SUFFIX}"):
        _remove(temporary)


def _mark(path: Path) -> str:
    """What the temporary names of one path have in common; one beside a temporary is of the same path."""
    if path.name.startswith(_PREFIX):
        return path.name.split("-")[1]
    return hashlib.sha256(path.name.encode(errors="surrogateescape")).hexdigest()[:12]


def flush_to_disk(path: str | os.PathLike[str]) -> None:
    """Return when a file, or all of a folder's, is on the disk, as far as the system can tell.

    Some network disks can't tell; that is not an error.
    """
    target = Path(path).absolute()
    for place in [*(target.iterdir() if target.is_dir() else ()), target, target.parent]:
        with suppress(OSError):
            descriptor = os.open(place, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path`` and rename it to ``path`` at the end; remove it if the block raises.

    Raises
    ------
    OutputError
        The operating system refused; says so when the disk is full.
    """
    target = Path(path)
    temporary = temporary_beside(target)
    try:
        yield temporary
        temporary.replace(target)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        _remove(temporary)


@contextmanager
def working_folder(parent: Path, name: str) -> Iterator[Path]:
    """A new hidden folder in ``parent`` for what will be called ``name``, removed at the end with what is still in it.

    Raises OutputError.
    """
    temporary = temporary_beside(parent / name)
    try:
        temporary.mkdir()
        yield temporary
    except OSError as error:
        raise output_error(parent, error) from error
    finally:
        _remove(temporary)


def read_bytes(path: Path) -> bytes:
    """All of a plain file. Raises ``OSError``, also for a pipe or a device, which might never end."""

    def without_waiting(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    with open(path, "rb", opener=without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        return file.read()


def write_bytes(path: str | os.PathLike[str], *parts: bytes | memoryview) -> None:
    """Write a whole file atomically, of ``parts`` one after another. Raises OutputError."""
    with replacing(path) as temporary:
        _write(temporary, *parts)


def _write(path: Path, *parts: bytes | memoryview) -> None:
    with path.open("wb") as file:
        file.writelines(parts)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
