"""Where frames come from: a clip, a still, or a folder of frames, all read the same way."""

import hashlib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Self

import numpy as np

from dreamvideo.config import MAX_PIXELS
from dreamvideo.errors import InputError
from dreamvideo.media.colors import HD, Colors
from dreamvideo.media.probe import AudioTrack
from dreamvideo.media.sound import Sound
from dreamvideo.names import brief

STILL_RATE = Fraction(25)
_EDGE = 1 << 20


@dataclass(frozen=True)
class Part:
    """What is wanted of an input: the arguments of ``open_source``."""

    start: float | None
    end: float | None
    width: int | None
    rate: Fraction | None
    max_pixels: int
    frames: int = 1


class Source(ABC):
    """Frames chosen from an input; a context manager whose end closes what iterating has opened.

    Attributes
    ----------
    name : the input as the user gave it.
    width, height : pixels of each frame.
    full_width : what the width would be if nobody had asked for another.
    rate : frames a second, exact.
    frame_count : how many frames there should be; an estimate for clips, None if unknown.
    still : whether the input is one picture without time.
    one_shot : whether ``frame_count`` is exact, and no cuts have to be looked for.
    colors, sample_aspect : the tags an output should carry.
    audio : the input's sound tracks; ``sound`` is the part that belongs to the chosen frames.
    warnings : sentences for the user, added while opening and iterating.
    damage : that of them which says what the decoder could not make out; empty if there is none.
    """

    name: str
    width: int
    height: int
    full_width: int
    rate: Fraction
    frame_count: int | None
    still: bool = False
    one_shot: bool = False
    colors: Colors = HD
    sample_aspect: Fraction = Fraction(1)
    audio: tuple[AudioTrack, ...] = ()
    warnings: list[str]
    damage: str = ""

    @property
    def sound(self) -> Sound | None:
        """The sound that belongs to the chosen frames, None where there is none."""
        return None

    @abstractmethod
    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        """A fresh iterator over the chosen frames from number ``first`` on.

        They are ``float32 [height, width, 3]`` RGB in [0, 1], each array the caller's own. ``first`` counts from 0, the
        frame at ``start``; the frames are the very same whatever it is, and none where it lies behind the last.
        Raises InputError where a frame cannot be read.
        """

    @property
    def files(self) -> list[Path]:
        """The files that the input is read from."""
        return [Path(self.name)]

    @abstractmethod
    def identity(self) -> dict[str, str | int]:
        """What identifies the input on disk, so that a changed one is noticed: plain values, fit for JSON."""

    def close(self) -> None:
        """End what iterating has opened; iterating again opens it again."""
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _warn(self, sentence: str) -> None:
        if sentence not in self.warnings:
            self.warnings.append(sentence)


def open_source(
    path: str,
    *,
    start: float | None = None,
    end: float | None = None,
    width: int | None = None,
    rate: Fraction | None = None,
    max_pixels: int = MAX_PIXELS,
    frames: int = 1,
) -> Source:
    """Open a clip, a still, a folder of frames or a glob pattern of frames.

    Parameters
    ----------
    path : the input. A pattern is only tried where no file has that very name.
    start, end : seconds; the frames are ``round(start * rate)`` up to, not including, ``round(end * rate)``.
    width : scale to this many pixels wide, keeping the aspect.
    rate : for a clip, resample to this rate in time; for stills, the rate they are shown at (default 25).
    max_pixels : the largest frame that is accepted.
    frames : for a still, how many frames it is shown for.

    Raises
    ------
    InputError
        The input is missing or cannot be decoded, a frame is too large or of another size than the first, or the
        range from ``start`` to ``end`` holds no frame.
    """
    from dreamvideo.media.clip import ClipSource
    from dreamvideo.media.frames import FolderSource, StillSource, is_pattern, is_still

    _check_options(start, end, width, rate)
    part = Part(start, end, width, rate, max_pixels, frames)
    try:
        folder = Path(path).is_dir()
        pattern = is_pattern(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{brief(path)} is no name that a file can have.") from error
    still = is_still(path) and not folder
    if frames > 1 and not still:
        raise InputError(f"{path} is no still: it has its own number of frames, and {frames} can't be set.")
    if folder or pattern:
        return FolderSource(path, part)
    if still:
        return StillSource(path, part)
    return ClipSource(path, part)


def _check_options(start: float | None, end: float | None, width: int | None, rate: Fraction | None) -> None:
    if start is not None and not (math.isfinite(start) and start >= 0):
        raise InputError(f"start is {start:g} s; it must be 0 or more.")
    if end is not None and not (math.isfinite(end) and end > (start or 0)):
        raise InputError(f"end is {end:g} s; it must lie after start ({start or 0:g} s).")
    if width is not None and width < 1:
        raise InputError(f"width is {width}; it must be at least 1 pixel.")
    if rate is not None and rate <= 0:
        raise InputError(f"the rate is {rate}; it must be more than 0 frames a second.")


def cut(name: str, start: float | None, end: float | None, rate: Fraction, count: int | None) -> tuple[int, int | None]:
    """The half-open range of frames from ``start`` to ``end`` seconds, of ``count`` frames (None if unknown).

    Times are rounded to frames, halves up. Raises InputError where that leaves no frame.
    """
    first = frame_at(start or 0.0, rate)
    last = None if end is None else frame_at(end, rate)
    if count is not None and first >= count:
        length = float(count / rate)
        raise InputError(f"start is {start or 0:g} s, but {name} is only {length:.3f} s long; choose an earlier start.")
    if last is not None and last <= first:
        raise InputError(f"{name}: no frame lies between {start or 0:g} s and {end:g} s at {float(rate):g} frames/s.")
    if count is not None:
        last = count if last is None else min(last, count)
    return first, last


def frame_at(seconds: float, rate: Fraction) -> int:
    """The frame nearest to a time, halves up; exact for the decimal number that ``seconds`` prints as."""
    return math.floor(Fraction(repr(float(seconds))) * rate + Fraction(1, 2))


def scaled_size(name: str, width: int, height: int, wanted: int | None, max_pixels: int) -> tuple[int, int]:
    """Width and height after scaling to ``wanted`` wide (None keeps them). Raises InputError above ``max_pixels``."""
    if width * height > max_pixels:
        raise InputError(
            f"{name} is {width}x{height}, more than input.max_pixels ({max_pixels}); raise that if you trust the file."
        )
    if wanted is None:
        return width, height
    scaled = wanted, max(1, math.floor(Fraction(height * wanted, width) + Fraction(1, 2)))
    if scaled[0] * scaled[1] > max_pixels:
        raise InputError(
            f"{name} would be {scaled[0]}x{scaled[1]}, more than input.max_pixels ({max_pixels}); "
            "choose a smaller width."
        )
    return scaled


def file_identity(path: str) -> dict[str, str | int]:
    """Absolute path, size and the SHA-256 of the first and last MiB. Raises InputError.

    For a file with more between them, the time of its last modification as well.
    """
    file = Path(path).absolute()
    try:
        stat = file.stat()
        digest = hashlib.sha256()
        with file.open("rb") as stream:
            digest.update(stream.read(_EDGE))
            stream.seek(max(0, stat.st_size - _EDGE))
            digest.update(stream.read(_EDGE))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error
    identity = {"path": str(file), "size": stat.st_size, "sha256": digest.hexdigest()}
    return identity | ({"mtime_ns": stat.st_mtime_ns} if stat.st_size > 2 * _EDGE else {})
