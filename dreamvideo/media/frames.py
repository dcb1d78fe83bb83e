"""Stills as a source: one picture, or a folder or pattern of them in natural order."""

import glob
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from dreamvideo.errors import InputError
from dreamvideo.media.source import STILL_RATE, Part, Source, cut, file_identity, scaled_size
from dreamvideo.media.still import STILL_EXTENSIONS, describe_image, read_image, resize


def is_still(path: str) -> bool:
    """Whether the name is that of a still."""
    return Path(path).suffix.lower() in STILL_EXTENSIONS


def is_pattern(path: str) -> bool:
    """Whether ``path`` is a glob pattern rather than the name of something that is there."""
    return any(mark in path for mark in "*?[") and not Path(path).exists()


def natural_key(path: Path) -> list[tuple[int, int, str]]:
    """Sorts ``frame2`` before ``frame10``: digits compare as numbers."""
    parts = re.split(r"(\d+)", path.name)
    key = [(0, int(part), part) if part.isdecimal() else (1, 0, part.lower()) for part in parts if part]
    return [*key, (2, 0, path.name)]


class StillSource(Source):
    """One picture, shown for as long as is asked; it has no time of its own, so start and end are refused."""

    still = True
    one_shot = True

    def __init__(self, path: str, part: Part) -> None:
        if part.start is not None or part.end is not None:
            raise InputError(f"{path} is a still: it has no time to cut by start or end.")
        info = describe_image(path)
        self.name = path
        self.warnings = []
        self.width, self.height = scaled_size(path, info.width, info.height, part.width, part.max_pixels)
        self.full_width = info.width
        self._max_pixels = part.max_pixels
        self.rate = part.rate or STILL_RATE
        self.frame_count = self._count = part.frames
        if info.pictures > 1:
            self._warn(f"{path} holds {info.pictures} pictures; only the first is used.")

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        if first < self._count:
            frame = resize(read_image(self.name, max_pixels=self._max_pixels), self.width, self.height)
            yield from (frame.copy() for _ in range(first, self._count))

    def identity(self) -> dict[str, str | int]:
        return file_identity(self.name)


class FolderSource(Source):
    """The pictures of a folder or pattern, all of one size, in natural order of their names."""

    def __init__(self, path: str, part: Part) -> None:
        self.name = path
        self.warnings = []
        found = self._find(path)
        self.rate = part.rate or STILL_RATE
        first, last = cut(path, part.start, part.end, self.rate, len(found))
        self._files = found[first:last]
        self.frame_count = len(self._files)
        self._max_pixels = part.max_pixels
        self._size = self._common_size()
        self.width, self.height = scaled_size(path, *self._size, part.width, part.max_pixels)
        self.full_width = self._size[0]

    @property
    def files(self) -> list[Path]:
        return self._files

    def _find(self, path: str) -> list[Path]:
        pattern = is_pattern(path)
        listed = map(Path, glob.glob(path)) if pattern else Path(path).iterdir()  # noqa: PTH207 - any pattern
        visible = [file for file in listed if not file.name.startswith(".") and file.is_file()]
        found = sorted((file for file in visible if is_still(file.name)), key=natural_key)
        if not found:
            kinds = ", ".join(STILL_EXTENSIONS)
            raise InputError(f"{path}: no frames {'match' if pattern else 'are in this folder'} (looked for {kinds}).")
        if len(found) < len(visible):
            other = min(file.name for file in visible if not is_still(file.name))
            self._warn(f"{path}: {len(visible) - len(found)} other files are left out, {other} among them.")
        return found

    def _common_size(self) -> tuple[int, int]:
        first = describe_image(str(self._files[0]))
        for file in self._files[1:]:
            info = describe_image(str(file))
            if (info.width, info.height) != (first.width, first.height):
                raise InputError(
                    f"{file} is {info.width}x{info.height}, but {self._files[0].name} is {first.width}x{first.height}; "
                    "all frames must have one size."
                )
        return first.width, first.height

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        for file in self._files[first:]:
            frame = read_image(str(file), max_pixels=self._max_pixels)
            if frame.shape[1::-1] != self._size:
                raise InputError(f"{file} has changed its size while it was being read; run again.")
            yield resize(frame, self.width, self.height)

    def identity(self) -> dict[str, str | int]:
        listing = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in self._files]
        digest = hashlib.sha256(json.dumps(listing).encode())
        for file in (self._files[0], self._files[-1]):
            digest.update(str(file_identity(str(file))["sha256"]).encode())
        return {
            "path": str(Path(self.name).absolute()),
            "files": len(listing),
            "size": sum(size for _, size, _ in listing),
            "mtime_ns": max(time for _, _, time in listing),
            "sha256": digest.hexdigest(),
        }
