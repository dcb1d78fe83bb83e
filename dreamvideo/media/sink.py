"""Where frames go: a clip with its sound, a GIF, a folder of PNGs or one still, chosen by the output's name.

Everything is written under a hidden temporary name beside the target, decoded again, and renamed when it is found to be
whole; a failure or an interruption leaves nothing behind, and what had the name before untouched.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from itertools import islice
from pathlib import Path

import numpy as np

from dreamvideo.errors import OutputError
from dreamvideo.media import still
from dreamvideo.media.encode import MUXERS, ClipSpec, Encoding, GifSpec, encode_clip, encode_gif
from dreamvideo.media.files import output_error, replacing, working_folder
from dreamvideo.media.sound import Sound
from dreamvideo.media.verify import verify_clip, verify_pictures

__all__ = ["ClipSpec", "GifSpec", "OutputKind", "Sound", "check_output", "output_kind", "write_clip"]


class OutputKind(Enum):
    """What an output is, by its name."""

    CLIP = "clip"
    GIF = "gif"
    FOLDER = "folder"
    STILL = "still"


def output_kind(output: str) -> OutputKind:
    """The kind of output a name asks for: a folder if it ends in a slash, has no extension or is one already.

    Raises
    ------
    OutputError
        The extension is none that can be written.
    """
    extension = Path(output).suffix.lower()
    if output.endswith(("/", "\\")) or not extension or Path(output).is_dir():
        return OutputKind.FOLDER
    if extension in MUXERS:
        return OutputKind.CLIP
    if extension == ".gif":
        return OutputKind.GIF
    if extension in still.WRITABLE_EXTENSIONS:
        return OutputKind.STILL
    known = ", ".join([*MUXERS, ".gif", *still.WRITABLE_EXTENSIONS])
    raise OutputError(f"{output}: {extension} cannot be written; use {known}, or a name ending in / for a folder.")


def check_output(output: str, *, overwrite: bool) -> OutputKind:
    """Refuse early what could not be written in the end; leaves the disk as it was.

    Raises
    ------
    OutputError
        Unknown extension; the output exists and ``overwrite`` is false (an empty folder does not count); its folder
        is missing or cannot be written to.
    """
    kind = output_kind(output)
    target = Path(output)
    try:
        if kind is OutputKind.FOLDER and target.exists() and not target.is_dir():
            raise OutputError(f"{output} is a file, but without an extension it would be a folder; choose another.")
        occupied = any(target.iterdir()) if target.is_dir() else target.exists() or target.is_symlink()
        if occupied and not overwrite:
            raise OutputError(f"{output} exists already; choose another name or overwrite it with -y.")
        folder = target if target.is_dir() else target.absolute().parent
        if not folder.is_dir():
            raise OutputError(f"{output}: the folder {folder} does not exist; make it first.")
        with tempfile.TemporaryFile(dir=folder):
            return kind
    except OSError as error:
        raise output_error(output, error) from error


def write_clip(
    output: str,
    frames: Callable[[], Iterable[np.ndarray]],
    count: int,
    spec: ClipSpec,
    *,
    overwrite: bool,
    on_frame: Callable[[], None],
    on_verified: Callable[[], None] = lambda: None,
) -> list[str]:
    """Write ``count`` frames to ``output``, decode it again to see that it is whole, and return notes for the user.

    Parameters
    ----------
    output : .mp4, .mov and .mkv are H.264 with yuv420p; .webm is VP9 with Opus; .gif; a folder (see output_kind) holds
        000000.png and on; .png, .jpg, .webp and .tif take one frame.
    frames : gives a fresh iterable of ``float32 [h, w, 3]`` RGB in [0, 1]; called twice for a GIF.
    on_frame : called after each frame that is written.
    on_verified : called after each frame that was decoded again.

    Raises
    ------
    OutputError
        As in check_output, or the disk is full, ffmpeg failed or does not answer, there are not ``count`` frames, or
        what was written is not whole. Nothing is left, and an older output is as it was.
    """
    kind = check_output(output, overwrite=overwrite)
    notes = _lost(output, kind, spec)
    encoding = Encoding(output, frames, count, spec, on_frame)
    if kind is OutputKind.FOLDER:
        return notes + _write_folder(encoding, on_verified)
    if kind is OutputKind.STILL:
        _write_still(encoding, on_verified)
        return notes
    encode = encode_gif if kind is OutputKind.GIF else encode_clip
    with replacing(output) as temporary:
        encoded = encode(encoding, temporary)
        verify_clip(output, temporary, encoded, on_verified)
    return notes + encoded.notes


def _lost(output: str, kind: OutputKind, spec: ClipSpec) -> list[str]:
    """What the kind of output cannot hold, in sentences."""
    if kind is OutputKind.CLIP:
        return []
    notes: list[str] = []
    what = {OutputKind.GIF: "a GIF", OutputKind.FOLDER: "a folder of pictures", OutputKind.STILL: "a picture"}[kind]
    if spec.sound is not None and spec.sound.tracks:
        whose = "the source's" if spec.sound.seconds is None else spec.sound.path
        notes.append(f"{what} has no sound: {whose} is left out.")
    if spec.sample_aspect != 1:
        notes.append(f"{what} has square pixels: the source's aspect of {spec.sample_aspect} is not kept.")
    if kind is OutputKind.STILL and spec.metadata and not still.can_embed(output):
        notes.append(f"{Path(output).suffix} does not hold the settings; use .png or .jpg to keep them.")
    return notes


def _write_still(encoding: Encoding, on_verified: Callable[[], None]) -> None:
    pictures = list(islice(encoding.frames(), 2))
    if encoding.count != 1 or len(pictures) != 1:
        raise OutputError(f"{encoding.output} holds one picture; name a clip or a folder for more frames.")
    bits = encoding.spec.png_bits if still.holds_16_bits(encoding.output) else 8
    target = Path(encoding.output)
    with working_folder(target.absolute().parent, target.name) as temporary:
        file = temporary / target.name
        still.write_image(str(file), pictures[0], bits=bits, metadata=encoding.spec.metadata or None)
        encoding.on_frame()
        verify_pictures(encoding.output, [file], _size(pictures[0]), on_verified)
        file.replace(target)


def _size(frame: np.ndarray) -> tuple[int, int]:
    return frame.shape[1], frame.shape[0]


def _write_folder(encoding: Encoding, on_verified: Callable[[], None]) -> list[str]:
    """Write numbered PNGs. A new folder appears when it is complete; in one that exists, other files are kept."""
    folder = Path(encoding.output)
    exists, numbers = folder.is_dir(), encoding.spec.numbers or range(encoding.count)
    with working_folder(folder if exists else folder.absolute().parent, folder.name) as temporary:
        size = _fill_folder(temporary, encoding, numbers)
        files = [_numbered(temporary, number) for number in numbers]
        verify_pictures(encoding.output, files, size, on_verified)
        if not exists:
            temporary.replace(folder)
            return []
        for file in files:
            file.replace(folder / file.name)
    return [] if encoding.spec.numbers else _stale(folder, encoding.count)


def _numbered(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.png"


def _fill_folder(folder: Path, encoding: Encoding, numbers: Sequence[int]) -> tuple[int, int]:
    """Write all frames; returns their width and height. Raises OutputError unless there is one for each number."""
    written, size = 0, (0, 0)
    for frame in encoding.frames():
        if written < len(numbers):
            path = str(_numbered(folder, numbers[written]))
            still.write_image(path, frame, bits=encoding.spec.png_bits, metadata=encoding.spec.metadata or None)
        written, size = written + 1, _size(frame)
        encoding.on_frame()
    if written != encoding.count:
        raise OutputError(f"{encoding.count} frames were to be written, but there are {written}.")
    return size


def _stale(folder: Path, count: int) -> list[str]:
    """A note on numbered pictures of an earlier, longer render, which would be taken for part of this one."""
    numbered = [file.name for file in folder.iterdir() if re.fullmatch(r"\d{6,}\.png", file.name)]
    stale = sorted(name for name in numbered if int(name[:-4]) >= count)
    return [f"{folder} still holds {len(stale)} older frames, from {stale[0]} on; they are kept."] if stale else []
