"""The pictures and clips that an objective looks at beside its input: guides, styles and masks, frame by frame."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from dreamvideo.errors import ConfigError, DreamError
from dreamvideo.media.source import Source, open_source

FURTHEST_READ = 250  # frames of a gap that is read through


class Companions:
    """Opens every picture once. A clip runs along with the input, and its last frame goes on after its end.

    ``paths``: by the names that the objective calls them. ``start``: where in the input, and in clips, the render
    begins, in seconds. Raises ``ConfigError`` for a name without a file and ``InputError`` for a file that can't be
    read.
    """

    def __init__(self, paths: Mapping[str, str], source: Source, *, start: float | None = None) -> None:
        for name, path in paths.items():
            if name == path and name.isidentifier() and not Path(path).exists():
                raise ConfigError(f"the objective looks at the picture '{name}'; give it with --picture {name}=FILE")
        with ExitStack() as stack:
            self._sources = {
                name: stack.enter_context(_open(name, path, source, start)) for name, path in paths.items()
            }
            self._stack = stack.pop_all()
        self._frames: dict[str, Iterator[np.ndarray]] = {name: each.frames() for name, each in self._sources.items()}
        self._index = -1
        self._latest: dict[str, np.ndarray] = {}
        self._ended: list[str] = []

    def __enter__(self) -> "Companions":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def at(self, index: int) -> dict[str, np.ndarray]:
        """The pictures for frame ``index``, ``float32 [height, width, 3]``, the very same arrays where none changed.

        Quick where frames are asked for in their order.
        """
        if not self._index <= index <= self._index + FURTHEST_READ:
            self._jump(index)
        while self._index < index:
            self._index += 1
            for name in list(self._frames):
                self._advance(name)
        return dict(self._latest)

    def _jump(self, index: int) -> None:
        """Read clips on from frame ``index``."""
        self._index = index - 1
        for name, source in self._sources.items():
            if not (source.still and name in self._latest):
                self._frames[name] = _from(source, index)

    def _advance(self, name: str) -> None:
        try:
            frame = next(self._frames[name], None)
        except DreamError as error:
            raise type(error)(f"the picture {name}: {error}") from error
        if frame is not None:
            self._latest[name] = frame
            return
        del self._frames[name]
        if not self._sources[name].still:
            count = self._sources[name].frame_count or self._index
            self._ended.append(f"the clip {name} has {count} frames here; its last one goes on after them")

    def identity(self) -> dict[str, Any]:
        """What the journal pins of each file."""
        return {name: each.identity() for name, each in self._sources.items()}

    def notes(self, masks: list[str], source: Source) -> list[str]:
        """What the user should know of the files: their own warnings, and masks that have to be scaled."""
        scaled = [
            f"the mask {name} is {mask.width}x{mask.height}; it is scaled to the frame's {source.width}x{source.height}"
            for name in masks
            if ((mask := self._sources[name]).width, mask.height) != (source.width, source.height)
        ]
        return [*self.warnings, *scaled]

    @property
    def warnings(self) -> list[str]:
        """What was found wrong with the files so far, though they could be used."""
        found = [f"the picture {name}: {text}" for name, each in self._sources.items() for text in each.warnings]
        return [*found, *self._ended]


def _from(source: Source, index: int) -> Iterator[np.ndarray]:
    """Frames from ``index`` on; where there are none, the last."""
    frame = None
    for frame in source.frames(index):
        yield frame
    if frame is None:
        for frame in source.frames():  # noqa: B007 - the last is wanted
            pass
        if frame is not None:
            yield frame


def _open(name: str, path: str, source: Source, start: float | None) -> Source:
    """A picture as it is; a clip at the input's rate, and from where the input begins."""
    try:
        opened = open_source(path)
        if opened.still or (not start and (opened.rate == source.rate or source.still)):
            return opened
        opened.close()
        return open_source(path, start=start, rate=None if source.still else source.rate)
    except DreamError as error:
        raise type(error)(f"the picture {name}: {error}") from error
