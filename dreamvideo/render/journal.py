"""The work folder of one render: finished frames, the state of the last one, and the manifest of what made them.

A frame counts once its PNG is there under its own name; the age it goes on with, and the ascent's memory where that
is carried, are written before it. Frames are kept at 16 bits, and the render goes on from them as they were kept, so
that a resumed render equals an uninterrupted one. Memories are large, and only the latest are kept.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dreamvideo.errors import DreamError, OutputError
from dreamvideo.media.files import output_error, write_bytes
from dreamvideo.media.still import read_png16, write_png16
from dreamvideo.motion.carry import AGE_STEPS, State

FORMAT = "dreamvideo journal 1"
MEMORIES = 8  # kept behind the latest frame: more than a crash can lose


@contextmanager
def keeping(journal: "Journal") -> Iterator[None]:
    """Tell with an error how to go on from what is finished."""
    try:
        yield
    except DreamError as error:
        sentence = str(error).rstrip(".")
        raise type(error)(f"{sentence}. What is finished is kept in {journal.folder}: go on with --resume") from error


class Journal:
    """Finished frames in ``folder``. Raises ``OutputError`` where it can't be made, written or gone on with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest = folder / "dreamvideo.json"
        self._frames, self._ages, self._memories = self._folders = [
            folder / name for name in ("frames", "ages", "memories")
        ]

    def exists(self) -> bool:
        """Whether a render has begun here. What else may lie in the folder is not taken for a journal."""
        try:
            return json.loads(self._manifest.read_text(encoding="utf-8"))["format"] == FORMAT
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def begin(self, manifest: dict[str, Any]) -> None:
        """Make the folder, empty of frames, for the render that ``manifest`` (plain JSON data) describes."""
        self.discard()
        foreign = [path.name for path in (self._manifest, *self._folders) if path.exists()]
        if foreign:
            raise OutputError(f"{self.folder} holds {foreign[0]}, which no render made; choose another --work folder")
        self._make(self.folder)
        # The manifest comes first: killed after it, the folder is still known for a journal.
        write_bytes(self._manifest, json.dumps({"format": FORMAT, **manifest}, indent=1).encode())
        self._make(*self._folders)

    def go_on(self, manifest: dict[str, Any]) -> None:
        """Go on with the render here. Raises ``OutputError`` that says what differs unless it is ``manifest``'s."""
        before = json.loads(self._manifest.read_text(encoding="utf-8"))
        differences = list(_differences(before, {"format": FORMAT, **manifest}))
        if differences:
            raise OutputError(
                f"{self.folder} was made with other settings ({'; '.join(differences)}); "
                "set them back to go on with it, or leave --resume out and use --overwrite to start afresh"
            )
        self._make(*self._folders)

    def _make(self, *folders: Path) -> None:
        try:
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.folder, error) from error

    def finished(self, *, with_memory: bool = False) -> int:
        """How many frames, from the first on, are there and whole: those after a damaged one are made again.

        With ``with_memory`` the last of them has to have its memory, too.
        """
        count = 0
        while self._frame(count).is_file() and self._usable(count):
            count += 1
        while with_memory and count and not self._memory_usable(count - 1):
            count -= 1
        return count

    def _memory_usable(self, index: int) -> bool:
        """Whether a frame's memory is there and whole: one of its numbers counts steps, the others make planes."""
        try:
            numbers, rest = divmod(self._memory(index).stat().st_size, np.float32().itemsize)
        except OSError:
            return False
        return rest == 0 and numbers > 1 and (numbers - 1) % self.frame(index).size == 0

    def _usable(self, index: int) -> bool:
        try:
            self.frame(index)
            self.age(index)
        except (DreamError, OSError):
            return False
        return True

    def keep(self, index: int, dreamed: np.ndarray, state: State) -> None:
        """Keep a finished frame, ``float32 [height, width, 3]``, and what of its state the frame doesn't tell."""
        done, data = cv2.imencode(
            ".png", np.rint(state.age * AGE_STEPS).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1]
        )
        assert done
        write_bytes(self._age(index), data.tobytes())
        if state.memory is not None:
            write_bytes(self._memory(index), np.float32(state.remembered).tobytes() + state.memory.tobytes())
            self._memory(index - MEMORIES).unlink(missing_ok=True)
        write_png16(str(self._frame(index)), dreamed)

    def state(self, index: int, frame: np.ndarray) -> State:
        """The state in which a kept frame, whose input was ``frame``, goes on.

        Raises ``InputError`` or ``OSError`` where it is missing or damaged.
        """
        state = State(frame, self.frame(index) - frame, self.age(index))
        if not self._memory(index).exists():
            return state
        values = np.fromfile(self._memory(index), np.float32)
        return replace(state, memory=values[1:].reshape(*frame.shape[:2], -1), remembered=float(values[0]))

    def frame(self, index: int) -> np.ndarray:
        """The kept frame, ``float32 [height, width, 3]``. Raises ``InputError`` if it is damaged."""
        return read_png16(str(self._frame(index)))

    def age(self, index: int) -> np.ndarray:
        """The kept age, ``float32 [height, width, 1]``. Raises ``OSError`` if it is missing or damaged."""
        pixels = cv2.imdecode(np.frombuffer(self._age(index).read_bytes(), np.uint8), cv2.IMREAD_GRAYSCALE)
        if pixels is None:
            raise OSError(f"{self._age(index)} is damaged")
        return pixels[..., None].astype(np.float32) / np.float32(AGE_STEPS)

    def frames(self, count: int) -> Iterator[np.ndarray]:
        """The first ``count`` kept frames, one after another."""
        return (self.frame(index) for index in range(count))

    def discard(self) -> None:
        """Remove what this journal wrote, if it is one, and the folder if nothing else is in it."""
        if not self.exists():
            return
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        self._manifest.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _frame(self, index: int) -> Path:
        return self._frames / f"{index:06d}.png"

    def _age(self, index: int) -> Path:
        return self._ages / f"{index:06d}.png"

    def _memory(self, index: int) -> Path:
        return self._memories / f"{index:06d}.float32"


def _differences(before: Any, now: Any, key: str = "") -> Iterator[str]:
    """``key: before, now now`` for every leaf that differs between two trees of JSON data."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif before != now:
        yield f"{key} was {before}, is {now}"
