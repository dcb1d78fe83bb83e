"""Writing files so that a half-written one is never seen under its name, and saying what went wrong with a disk."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dreamvideo.errors import OutputError


def output_error(path: str | os.PathLike[str], error: OSError) -> OutputError:
    """The error of the operating system as a sentence about ``path``."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(path)
    return OutputError(f"{os.fspath(path)} cannot be written: {error.strerror or error}.")


def disk_full(path: str | os.PathLike[str]) -> OutputError:
    return OutputError(f"the disk is full: no space left to write {os.fspath(path)}; free some and run again.")


def temporary_beside(path: Path) -> Path:
    """A hidden name in the same folder, so that renaming it to ``path`` is atomic."""
    return path.parent / f".dreamvideo-{secrets.token_hex(6)}.partial"


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
def working_folder(parent: Path) -> Iterator[Path]:
    """A new hidden folder in ``parent``, removed at the end with what is still in it. Raises OutputError."""
    temporary = temporary_beside(parent / "folder")
    try:
        temporary.mkdir()
        yield temporary
    except OSError as error:
        raise output_error(parent, error) from error
    finally:
        _remove(temporary)


def write_bytes(path: str | os.PathLike[str], data: bytes | memoryview) -> None:
    """Write a whole file atomically. Raises OutputError."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
