"""The work folder of one render: finished frames, the state they go on with, and the manifest of what made them.

A frame counts once its record is there under its own name, and as it was written: each carries a checksum. What the
ascent remembers, where that is carried, is written before it; such memories are large, and only the latest are kept.
Frames are kept at 16 bits, and the render goes on from them as they were kept, so that a resumed render equals an
uninterrupted one. Which frames are there is for the folder to say, in any order and with gaps.
"""

import hashlib
import json
import os
import re
import secrets
import shutil
import socket
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from filelock import FileLock, Timeout

from dreamvideo.errors import DreamError, InputError, OutputError
from dreamvideo.media.files import (
    flush_to_disk,
    output_error,
    read_bytes,
    remove_stale,
    remove_temporaries,
    write_bytes,
)
from dreamvideo.motion.carry import State
from dreamvideo.render.record import Record, begins_shot, pack, unpack

FORMAT = "dreamvideo journal 3"
GO_ON = "go on with --resume"
MEMORIES = 8  # kept behind the latest frame: more than a crash can lose
READERS = 4  # frames whose checksums are looked at side by side
AT_ONCE = 64  # frames that wait for that

_MANIFEST, _LOCK, _OWNER, _HEADS = "dreamvideo.json", "dreamvideo.lock", "dreamvideo.owner.json", "heads"
_FRAMES, _MEMORIES = "frames", "memories"
_OLDER = ("ages",)  # folders of earlier versions
_DIGEST = hashlib.sha256().digest_size
_LONGEST = 100  # characters of a value that a message shows


@contextmanager
def keeping(journal: "Journal") -> Iterator[None]:
    """Tell with an error how to go on from what is finished."""
    try:
        yield
    except DreamError as error:
        sentence = str(error).rstrip(".")
        raise type(error)(f"{sentence}. What is finished is kept in {journal.folder}: {GO_ON}") from error


class States(Protocol):
    """Where the state of kept frames is found."""

    def state(self, index: int, frame: np.ndarray, /) -> State:
        """As of a ``Strand``."""
        ...


class Strand:
    """Finished frames in ``folder``, by their numbers.

    Raises ``OutputError`` where one can't be written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def kept(
        self,
        *,
        with_memory: bool = False,
        among: Callable[[int], bool] = lambda _: True,
        goes_on: Callable[[int], bool] | None = None,
        progress: Callable[[int, int], None] = lambda _done, _all: None,
    ) -> set[int]:
        """The frames ``among`` those asked for that are there and whole.

        With ``with_memory`` a gap can't be gone on from unless the memory of the frame before it is there: those
        before it count as missing, back to one that has its memory, or to the beginning of their shot. There is no gap
        where nothing ``goes_on``, by default what is not asked for.
        ``progress`` is told how many have been looked at, of how many.
        """
        listed = sorted(filter(among, self._listed()))
        whole: dict[int, bool] = {}
        with ThreadPoolExecutor(READERS, "journal") as pool:
            for begin in range(0, len(listed), AT_ONCE):
                some = listed[begin : begin + AT_ONCE]
                for count, (index, found) in enumerate(zip(some, pool.map(self._look, some), strict=True), begin + 1):
                    if found is not None:
                        whole[index] = found
                    progress(count, len(listed))
        return self._with_memory(whole, goes_on or among) if with_memory else set(whole)

    def _listed(self) -> Iterator[int]:
        with suppress(FileNotFoundError), os.scandir(self.folder / _FRAMES) as entries:
            yield from (int(entry.name[:-4]) for entry in entries if re.fullmatch(r"\d{6,}\.png", entry.name))

    def _look(self, index: int) -> bool | None:
        """Whether a frame begins a shot; None if it is damaged."""
        with suppress(OSError):
            return begins_shot(read_bytes(self._frame(index)))
        return None

    def _with_memory(self, whole: dict[int, bool], goes_on: Callable[[int], bool]) -> set[int]:
        left = set(whole)
        for index in sorted(whole):
            last = index
            while goes_on(index + 1) and last + 1 not in left and last in left and self._values(last) is None:
                left.remove(last)
                if whole[last]:
                    break
                last -= 1
        return left

    def _values(self, index: int) -> np.ndarray | None:
        """A frame's memory, ``float32 [n]``, the first of which counts steps; None if it is missing or damaged."""
        try:
            data = read_bytes(self._memory(index))
        except OSError:
            return None
        digest, values = data[:_DIGEST], data[_DIGEST:]
        return np.frombuffer(values, np.float32).copy() if hashlib.sha256(values).digest() == digest else None

    def holds(self, index: int) -> bool:
        """Whether the frame is there, damaged or not."""
        return self._frame(index).is_file()

    def keep(self, index: int, dreamed: np.ndarray, state: State, *, begins_shot: bool = False, since: int = 0) -> None:
        """Keep a finished frame, ``float32 [height, width, 3]``, and what of its state the frame doesn't tell.

        The memory of the frame ``MEMORIES`` before it goes, unless that lies before ``since``.
        """
        if state.memory is not None:
            values = np.float32(state.remembered).tobytes(), np.ascontiguousarray(state.memory).data
            digest = hashlib.sha256(values[0])
            digest.update(values[1])
            self._remember(index, since, digest.digest(), *values)
        write_bytes(self._frame(index), pack(Record(dreamed, state.age, begins_shot)))

    def put(self, index: int, record: bytes, memory: bytes | None = None, *, since: int = 0) -> None:
        """Keep a frame that ``take`` gave elsewhere; ``since`` as for ``keep``."""
        if memory is not None:
            self._remember(index, since, memory)
        write_bytes(self._frame(index), record)

    def _remember(self, index: int, since: int, *memory: bytes | memoryview) -> None:
        write_bytes(self._memory(index), *memory)
        if index - MEMORIES >= since:
            self._memory(index - MEMORIES).unlink(missing_ok=True)

    def take(self, index: int) -> tuple[bytes, bytes | None]:
        """The files of a kept frame: its record, and its memory where it has one. Raises ``OSError``."""
        memory = self._memory(index)
        return read_bytes(self._frame(index)), read_bytes(memory) if memory.exists() else None

    def state(self, index: int, frame: np.ndarray) -> State:
        """The state in which a kept frame, whose input was ``frame``, goes on.

        Raises ``InputError`` where it is missing or damaged.
        """
        record = self._record(index)
        if record.dreamed.shape != frame.shape or record.age.shape != (*frame.shape[:2], 1):
            raise InputError(f"{self._frame(index)} is of another size than the input; use --overwrite to start afresh")
        state = State(frame, record.dreamed - frame, record.age)
        if not self._memory(index).exists():
            return state
        values = self._values(index)
        if values is None or values.size % frame[..., 0].size != 1:
            raise InputError(f"{self._memory(index)} is damaged; delete it and go on with --resume")
        return replace(state, memory=values[1:].reshape(*frame.shape[:2], -1), remembered=float(values[0]))

    def frame(self, index: int) -> np.ndarray:
        """The kept frame, ``float32 [height, width, 3]``. Raises ``InputError`` if it is missing or damaged."""
        return self._record(index).dreamed

    def _record(self, index: int) -> Record:
        file = self._frame(index)
        try:
            data = read_bytes(file)
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror}; go on with --resume") from error
        return unpack(data, str(file))

    def make(self) -> None:
        """Make the folders, and clear them of what a process that was killed had half written.

        Raises ``OutputError``, also for links in the journal, which may lead anywhere.
        """
        for name in (_FRAMES, _MEMORIES):
            _make(_no_link(self.folder / name))
            remove_temporaries(self.folder / name)

    def _frame(self, index: int) -> Path:
        return self.folder / _FRAMES / f"{index:06d}.png"

    def _memory(self, index: int) -> Path:
        return self.folder / _MEMORIES / f"{index:06d}.float32"


class Journal(Strand):
    """The work folder; its own frames are what the output is made of.

    ``heads`` holds the first frames of chunks, which are faded into those of the chunk before. Raises ``OutputError``
    where the folder can't be made, written or gone on with.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.heads = Strand(folder / _HEADS)
        self._manifest = folder / _MANIFEST

    def exists(self) -> bool:
        """Whether a render has begun here. What else may lie in the folder is not taken for a journal."""
        try:
            return self._read()["format"] == FORMAT
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return False

    def is_damaged(self) -> bool:
        """Whether a journal lies here, and nothing else, whose manifest can't be read, or is another version's."""
        mine = {_MANIFEST, _LOCK, _OWNER, _FRAMES, _MEMORIES, _HEADS, *_OLDER}
        with suppress(OSError):
            found = {entry.name for entry in self.folder.iterdir()}
            return {_MANIFEST, _FRAMES} <= found <= mine and not self.exists()
        return False

    def _read(self) -> Any:
        return json.loads(read_bytes(self._manifest))

    @contextmanager
    def owned(self, note: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Keep other processes out, on this machine and on others that see the folder, as far as its disk can.

        Raises ``OutputError`` that names the process which has it. The system frees the lock of a process that is
        gone; what it left is taken over, with a ``note``.
        """
        mine = not self.folder.exists() or self.exists() or self.is_damaged() or (self.folder / _LOCK).exists()
        _make(self.folder)
        lock = FileLock(self.folder / _LOCK, timeout=0)
        try:
            lock.acquire()
        except Timeout:
            owner = self._owner() or "another process"
            raise OutputError(
                f"{self.folder} is in use by {owner}; wait until that ends, or choose another --work folder"
            ) from None
        except OSError as error:
            raise output_error(self.folder, error) from error
        try:
            for file in (self.folder / _OWNER, self._manifest):
                remove_stale(file)
            gone = self._owner()
            if gone is not None:
                note(f"{self.folder} was left behind by {gone}, which is gone; taking it over")
            owner = {"process": os.getpid(), "host": socket.gethostname(), "mark": secrets.token_hex(8)}
            write_bytes(self.folder / _OWNER, json.dumps(owner).encode())
            yield
        finally:
            (self.folder / _OWNER).unlink(missing_ok=True)
            (self.folder / _LOCK).unlink(missing_ok=True)
            lock.release()
            with suppress(OSError):  # something is in it
                if mine:
                    self.folder.rmdir()

    def mark(self) -> str:
        """What tells this ownership from any other, for those who see the same folder; empty if nobody has it."""
        with suppress(OSError):
            return read_bytes(self.folder / _OWNER).decode()
        return ""

    def _owner(self) -> str | None:
        """Who has the folder, or had it: "process 123 on host"."""
        try:
            owner = json.loads(read_bytes(self.folder / _OWNER))
            return f"process {int(owner['process'])} on {str(owner['host'])[:100]}"
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return "a process unknown"

    def begin(self, manifest: dict[str, Any]) -> None:
        """Make the folder, empty of frames, for the render that ``manifest`` (plain JSON data) describes."""
        self.discard()
        mine = [self._manifest, self.folder / _FRAMES, self.folder / _MEMORIES, self.heads.folder]
        foreign = [path.name for path in mine if path.exists() or path.is_symlink()]
        if foreign:
            raise OutputError(
                f"{self.folder} holds {foreign[0]}, but no whole manifest of a render; "
                "move it away, or choose another --work folder"
            )
        # The manifest comes first: killed after it, the folder is still known for a journal.
        write_bytes(self._manifest, json.dumps({"format": FORMAT, **manifest}, indent=1).encode())
        flush_to_disk(self._manifest)
        self.make()

    def is_of(self, manifest: dict[str, Any]) -> bool:
        """Whether what is kept here was made of ``manifest``, too. Raises ``OutputError`` where nobody can tell."""
        return not self._changes(manifest)

    def _changes(self, manifest: dict[str, Any]) -> list[tuple[str, str]]:
        """``_differences`` of the manifest here and ``manifest``."""
        try:
            before = self._read()
        except (OSError, ValueError, RecursionError) as error:
            raise OutputError(f"{self._manifest} cannot be read; use --overwrite to start afresh") from error
        return list(_differences(before, {"format": FORMAT, **manifest}))

    def overlaps(self, path: Path) -> bool:
        """Whether ``path`` is the folder, or lies among what the journal writes, or holds the folder."""
        place, folder = path.resolve(), self.folder.resolve()
        own = [folder / name for name in (_MANIFEST, _LOCK, _OWNER, _FRAMES, _MEMORIES, _HEADS)]
        return place == folder or place in folder.parents or any(place == each or each in place.parents for each in own)

    def spare(self, asked: Callable[[int], bool]) -> int:
        """How many frames are kept that nobody ``asked`` for."""
        return sum(not asked(index) for index in self._listed())

    def go_on(self, manifest: dict[str, Any]) -> None:
        """Go on with the render here. Raises ``OutputError`` that says what differs unless it is ``manifest``'s."""
        differences = self._changes(manifest)
        changed = sorted({key.partition(".")[0] for key, _ in differences} & {"input", "sound", "pictures"})
        if changed:
            what = "; ".join(text for key, text in differences if key.partition(".")[0] in changed)
            raise OutputError(
                f"{' and '.join(changed)} changed on disk since {self.folder} was begun ({what}); "
                "bring back what it was, or leave --resume out and use --overwrite to start afresh"
            )
        if differences:
            raise OutputError(
                f"{self.folder} was made with other settings ({'; '.join(text for _, text in differences)}); "
                "set them back to go on with it, or leave --resume out and use --overwrite to start afresh"
            )
        self.make()

    def make(self) -> None:
        _no_link(self.heads.folder)
        super().make()

    def frames(self, indices: Iterable[int]) -> Iterator[np.ndarray]:
        """Kept frames by their numbers, one after another."""
        return (self.frame(index) for index in indices)

    def discard(self) -> None:
        """Remove what this journal wrote, if it is one, and the folder if nothing else is in it."""
        if not (self.exists() or self.is_damaged()):
            return
        for name in (_FRAMES, _MEMORIES, _HEADS, *_OLDER):
            shutil.rmtree(self.folder / name, ignore_errors=True)
        self._manifest.unlink(missing_ok=True)
        with suppress(OSError):  # something else is in it
            self.folder.rmdir()


def _no_link(path: Path) -> Path:
    if path.is_symlink():
        raise OutputError(f"{path} is a link, and a journal is not written through one; remove it")
    return path


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error


def _differences(before: Any, now: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """The key and ``key was before, is now`` for every leaf that differs between two trees of JSON data."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif before != now:
        yield key, f"{key} was {_shown(before)}, is {_shown(now)}"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
