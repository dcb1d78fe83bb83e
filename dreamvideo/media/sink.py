"""Where frames go: a clip with its sound, a GIF, a folder of PNGs or one still, chosen by the output's name.

Everything is written under a hidden temporary name beside the target and renamed when it is complete; a failure or an
interruption leaves nothing behind.
"""

import re
import tempfile
from collections.abc import Callable, Iterable
from enum import Enum
from itertools import islice
from pathlib import Path

import numpy as np

from dreamvideo.errors import OutputError
from dreamvideo.media import still
from dreamvideo.media.encode import MUXERS, ClipSpec, Encoding, GifSpec, encode_clip, encode_gif
from dreamvideo.media.files import output_error, replacing, working_folder
from dreamvideo.media.sound import Sound

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
) -> list[str]:
    """Write ``count`` frames to ``output`` and return notes for the user.

    Parameters
    ----------
    output : .mp4, .mov and .mkv are H.264 with yuv420p; .webm is VP9 with Opus; .gif; a folder (see output_kind) holds
        000000.png and on; .png, .jpg, .webp and .tif take one frame.
    frames : gives a fresh iterable of ``float32 [h, w, 3]`` RGB in [0, 1]; called twice for a GIF.
    on_frame : called after each frame that is written.

    Raises
    ------
    OutputError
        As in check_output, or the disk is full, ffmpeg failed, or there are not ``count`` frames. Nothing is left.
    """
    kind = check_output(output, overwrite=overwrite)
    notes = _lost(output, kind, spec)
    encoding = Encoding(output, frames, count, spec, on_frame)
    if kind is OutputKind.FOLDER:
        return notes + _write_folder(encoding)
    if kind is OutputKind.STILL:
        _write_still(encoding)
        return notes
    encode = encode_gif if kind is OutputKind.GIF else encode_clip
    with replacing(output) as temporary:
        return notes + encode(encoding, temporary)


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


def _write_still(encoding: Encoding) -> None:
    pictures = list(islice(encoding.frames(), 2))
    if encoding.count != 1 or len(pictures) != 1:
        raise OutputError(f"{encoding.output} holds one picture; name a clip or a folder for more frames.")
    bits = encoding.spec.png_bits if still.holds_16_bits(encoding.output) else 8
    still.write_image(encoding.output, pictures[0], bits=bits, metadata=encoding.spec.metadata or None)
    encoding.on_frame()


def _write_folder(encoding: Encoding) -> list[str]:
    """Write numbered PNGs. A new folder appears when it is complete; in one that exists, other files are kept."""
    folder = Path(encoding.output)
    exists = folder.is_dir()
    with working_folder(folder if exists else folder.absolute().parent) as temporary:
        _fill_folder(temporary, encoding)
        if not exists:
            temporary.replace(folder)
            return []
        for file in sorted(temporary.iterdir()):
            file.replace(folder / file.name)
    return _stale(folder, encoding.count)


def _fill_folder(folder: Path, encoding: Encoding) -> None:
    written = 0
    for frame in encoding.frames():
        path = str(folder / f"{written:06d}.png")
        still.write_image(path, frame, bits=encoding.spec.png_bits, metadata=encoding.spec.metadata or None)
        written += 1
        encoding.on_frame()
    if written != encoding.count:
        raise OutputError(f"{encoding.count} frames were to be written, but there are {written}.")


def _stale(folder: Path, count: int) -> list[str]:
    """A note on numbered pictures of an earlier, longer render, which would be taken for part of this one."""
    numbered = [file.name for file in folder.iterdir() if re.fullmatch(r"\d{6,}\.png", file.name)]
    stale = sorted(name for name in numbered if int(name[:-4]) >= count)
    return [f"{folder} still holds {len(stale)} older frames, from {stale[0]} on; they are kept."] if stale else []
