"""The work folder of one render: finished frames, the state of the last one, and the manifest of what made them.

A frame counts once its PNG is there under its own name; the age it goes on with is written before it. Frames are kept
at 16 bits, and the render goes on from them as they were kept, so that a resumed render equals an uninterrupted one.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dreamvideo.errors import DreamError, OutputError
from dreamvideo.media.files import output_error, write_bytes
from dreamvideo.media.still import read_png16, write_png16
from dreamvideo.motion.carry import AGE_STEPS

FORMAT = "dreamvideo journal 1"


class Journal:
    """Finished frames in ``folder``. Raises ``OutputError`` where it can't be made, written or gone on with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._manifest, self._frames, self._ages = (folder / name for name in ("dreamvideo.json", "frames", "ages"))

    def exists(self) -> bool:
        """Whether a render has begun here. What else may lie in the folder is not taken for a journal."""
        try:
            return json.loads(self._manifest.read_text(encoding="utf-8"))["format"] == FORMAT
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def begin(self, manifest: dict[str, Any]) -> None:
        """Make the folder, empty of frames, for the render that ``manifest`` (plain JSON data) describes."""
        self.discard()
        foreign = [path.name for path in (self._manifest, self._frames, self._ages) if path.exists()]
        if foreign:
            raise OutputError(f"{self.folder} holds {foreign[0]}, which no render made; choose another --work folder")
        self._make(self.folder)
        # The manifest comes first: killed after it, the folder is still known for a journal.
        write_bytes(self._manifest, json.dumps({"format": FORMAT, **manifest}, indent=1).encode())
        self._make(self._frames, self._ages)

    def go_on(self, manifest: dict[str, Any]) -> None:
        """Go on with the render here. Raises ``OutputError`` that says what differs unless it is ``manifest``'s."""
        before = json.loads(self._manifest.read_text(encoding="utf-8"))
        differences = list(_differences(before, {"format": FORMAT, **manifest}))
        if differences:
            raise OutputError(
                f"{self.folder} was made with other settings ({'; '.join(differences)}); "
                "set them back to go on with it, or leave --resume out and use --overwrite to start afresh"
            )
        self._make(self._frames, self._ages)

    def _make(self, *folders: Path) -> None:
        try:
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise output_error(self.folder, error) from error

    def finished(self) -> int:
        """How many frames, from the first on, are there and whole: those after a damaged one are made again."""
        count = 0
        while self._frame(count).is_file() and self._usable(count):
            count += 1
        return count

    def _usable(self, index: int) -> bool:
        try:
            self.frame(index)
            self.age(index)
        except (DreamError, OSError):
            return False
        return True

    def keep(self, index: int, dreamed: np.ndarray, age: np.ndarray) -> None:
        """Keep a finished frame, ``float32 [height, width, 3]``, and its age, ``float32 [height, width, 1]``."""
        done, data = cv2.imencode(".png", np.rint(age * AGE_STEPS).astype(np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])
        assert done
        write_bytes(self._age(index), data.tobytes())
        write_png16(str(self._frame(index)), dreamed)

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
        for folder in (self._frames, self._ages):
            shutil.rmtree(folder, ignore_errors=True)
        self._manifest.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _frame(self, index: int) -> Path:
        return self._frames / f"{index:06d}.png"

    def _age(self, index: int) -> Path:
        return self._ages / f"{index:06d}.png"


def _differences(before: Any, now: Any, key: str = "") -> Iterator[str]:
    """``key: before, now now`` for every leaf that differs between two trees of JSON data."""
    if isinstance(before, dict) and isinstance(now, dict):
        for name in sorted(before.keys() | now.keys()):
            yield from _differences(before.get(name), now.get(name), f"{key}.{name}" if key else name)
    elif before != now:
        yield f"{key} was {before}, is {now}"
