"""Running the bundled ffmpeg: argument lists, never a shell, and its stderr as one clear sentence."""

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from dreamvideo.errors import DreamError

PROBE_SECONDS = 60.0
STALL_SECONDS = 120.0

_PREFIX = re.compile(r"^(\[[^\]]*\] )+")
_NOISE = re.compile(
    r"Error (opening|while|submitting|sending|muxing|writing|closing|during)|Task finished|Terminating thread"
    r"|Nothing was written|misdetection possible|Conversion failed|Could not open encoder"
    r"|Error parsing options|To ignore this"
)


@cache
def executable() -> str:
    """Path of the ffmpeg that imageio-ffmpeg brings (or that IMAGEIO_FFMPEG_EXE names)."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise DreamError(f"no ffmpeg was found: {error}. Reinstall with `pip install imageio-ffmpeg`.") from error


def url(path: str | os.PathLike[str]) -> str:
    """The path as ffmpeg takes it literally, whatever its name: no option, protocol or pattern is read into it."""
    return f"file:{Path(path).absolute()}"


def input_arguments(path: str | os.PathLike[str]) -> list[str]:
    """``-i path``, kept from reaching for the network when the file is a playlist."""
    return ["-protocol_whitelist", "file,pipe,data,crypto", "-i", url(path)]


def command(*arguments: str) -> list[str]:
    return [executable(), "-nostdin", "-hide_banner", *arguments]


def spawn(
    arguments: list[str],
    *,
    stdin: int | IO[bytes] = subprocess.DEVNULL,
    stdout: int | IO[bytes] = subprocess.DEVNULL,
    stderr: int | IO[bytes] = subprocess.DEVNULL,
) -> "subprocess.Popen[bytes]":
    """Start ffmpeg in a session of its own, so that Ctrl-C at the terminal reaches us and not it.

    Interrupted, the program finishes the frame in flight; ffmpeg must still be there to take it.
    """
    return subprocess.Popen(
        command(*arguments),
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        bufsize=0,
        env={**os.environ, "AV_LOG_FORCE_NOCOLOR": "1"},
        start_new_session=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def run(arguments: list[str], *, seconds: float = PROBE_SECONDS) -> tuple[int, str]:
    """Run ffmpeg to its end and return its exit status and stderr.

    Raises
    ------
    TimeoutError
        It took longer than ``seconds``; it has been killed.
    """
    process = spawn(arguments, stderr=subprocess.PIPE)
    try:
        _, stderr = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise TimeoutError(f"ffmpeg did not answer within {seconds:g} s") from error
    finally:
        kill(process)
    return process.returncode, stderr.decode(errors="replace")


def kill(process: "subprocess.Popen[bytes]") -> None:
    """End the process if it still runs, and close its pipes. Calling it twice is harmless."""
    if process.poll() is None:
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            close_quietly(pipe)


def close_quietly(pipe: IO[bytes]) -> None:
    """Close a pipe whose other end may already be gone."""
    with suppress(OSError):
        pipe.close()


@contextmanager
def stall_guard(process: "subprocess.Popen[bytes]", seconds: float, on_stall: Callable[[], None]) -> Iterator[None]:
    """Kill ``process`` if the block takes longer than ``seconds``: a blocked pipe then ends instead of hanging."""

    def stalled() -> None:
        on_stall()
        process.kill()

    timer = threading.Timer(seconds, stalled)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class ErrorLog:
    """A file on disk that takes ffmpeg's stderr: unlike a pipe it can never fill up and block it.

    It is read once ffmpeg has ended: both sides share one position in the file.
    """

    def __init__(self) -> None:
        self.file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close()
        self._text = ""
        self._begin = 0

    def skip(self) -> None:
        """Leave what was written so far out of ``text``."""
        self._begin = os.fstat(self.file.fileno()).st_size

    def text(self) -> str:
        """What was written, at most its first 64 KiB and last 64 KiB."""
        if not self.file.closed:
            size = self.file.seek(0, os.SEEK_END)
            self.file.seek(self._begin)
            data = self.file.read(1 << 16)
            if size - self._begin > 1 << 17:
                self.file.seek(size - (1 << 16))
            self._text = (data + self.file.read()).decode(errors="replace")
        return self._text

    def close(self) -> None:
        self.text()
        self.file.close()


def reasons(stderr: str) -> list[str]:
    """The lines of ffmpeg's stderr that say what is wrong, without its prefixes and follow-up noise."""
    lines = [_PREFIX.sub("", line).strip() for line in stderr.splitlines()]
    lines = [line for line in lines if line and not line.startswith("Last message repeated")]
    return [line for line in lines if not _NOISE.search(line)] or lines


def reason(stderr: str) -> str:
    """The one line that says best why ffmpeg failed."""
    return next(iter(reasons(stderr)), "ffmpeg gave no reason").rstrip(".")


def disk_is_full(stderr: str) -> bool:
    return "No space left on device" in stderr or "Disk quota exceeded" in stderr
