"""Whether an output is whole: it is decoded again before it gets its name, and before any frame behind it is let go."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedReader
from pathlib import Path

import cv2
import numpy as np

from dreamvideo.config import MAX_PIXELS
from dreamvideo.errors import InputError, OutputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.encode import Encoded
from dreamvideo.media.probe import probe
from dreamvideo.media.sound import SoundPlan

SOUND_SLACK = 0.1  # seconds: a few packets
COPIED_SLACK = 0.3  # seconds: containers differ in how they hide a codec's delay, and in packets that cross a cut

Tick = Callable[[], None]


@dataclass
class Decoded:
    """One track, decoded to its end: ``frames``, the seconds they last, those from the first's begin to the last's end.

    ``complaint`` is what ffmpeg found wrong, empty if nothing.
    """

    frames: int = 0
    seconds: Fraction = Fraction(0)
    span: Fraction = Fraction(0)
    complaint: str = ""


def verify_clip(output: str, file: Path, encoded: Encoded, on_verified: Tick) -> None:
    """Decode ``file``, which is to be named ``output``, and compare it with what was ``encoded``.

    The number of frames and their size have to be exact, the length right within a frame, and each sound track as long
    as what was planned for it, within SOUND_SLACK (COPIED_SLACK for a copied one). ``on_verified`` is called after
    each frame.

    Raises
    ------
    OutputError
        Something differs, ffmpeg complains of the file, or it stops answering.
    """
    try:
        info = probe(str(file), max_pixels=max(MAX_PIXELS, encoded.size[0] * encoded.size[1]))
        _check_picture(file, (info.width, info.height), encoded, on_verified)
        _check_sound(file, len(info.audio), encoded.sound)
    except InputError as error:
        raise _not_whole(output, str(error).replace(str(file), "the file")) from error


def verify_pictures(output: str, files: list[Path], size: tuple[int, int], on_verified: Tick) -> None:
    """Decode ``files``, which are to be named ``output``: pictures of ``size`` (width, height) pixels.

    ``on_verified`` is called after each. Raises OutputError where one is missing, damaged or of another size.
    """
    for file in files:
        found = _picture_size(file)
        if found is None:
            raise _not_whole(output, f"{file.name} is missing or can't be decoded")
        if found != size:
            raise _not_whole(output, f"{file.name} is {found[0]}x{found[1]} instead of {size[0]}x{size[1]}")
        on_verified()


def _not_whole(output: str, fault: str) -> OutputError:
    return OutputError(
        f"{output} was not written, because what was encoded is not whole ({fault.rstrip('.')}); check the disk."
    )


def _picture_size(file: Path) -> tuple[int, int] | None:
    """Width and height of a picture, None where it is missing or damaged."""
    try:
        pixels = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        return None
    return None if pixels is None else (pixels.shape[1], pixels.shape[0])


def _check_picture(file: Path, size: tuple[int, int], encoded: Encoded, on_verified: Tick) -> None:
    """Raise an InputError with what is wrong with the frames."""
    if size != encoded.size:
        raise InputError(f"it is {size[0]}x{size[1]} instead of {encoded.size[0]}x{encoded.size[1]}")
    # One pixel of each frame is passed on: it stands for the frame, and costs nothing.
    pixel = ["-map", "0:V:0", "-vf", "crop=1:1:0:0:exact=1", "-fps_mode", "passthrough"]
    found = _decode([*ffmpeg.input_arguments(file), *pixel], on_verified)
    detail = f" ({found.complaint})" if found.complaint else ""
    if found.frames != encoded.count:
        raise InputError(f"it holds {found.frames} frames instead of {encoded.count}{detail}")
    wanted = encoded.count / encoded.rate
    if abs(found.span - wanted) > 1 / encoded.rate:
        raise InputError(f"it lasts {float(found.span):.3f} s instead of {float(wanted):.3f} s{detail}")
    if found.complaint:
        raise InputError(f"its picture is damaged: {found.complaint}")


def _check_sound(file: Path, tracks: int, plan: SoundPlan) -> None:
    """Raise an InputError with what is wrong with the ``tracks`` sound tracks of ``file``.

    A track is to be as long as what ffmpeg decodes where it was taken from, cut alike. One of which nothing lies
    beside the picture is left out by some containers.
    """
    planned = [(track, _decode_track(track.input, track.index, f"{track.filters},")) for track in plan.tracks]
    due = [(track, wanted) for track, wanted in planned if wanted.frames]
    decoded = [_decode_track(ffmpeg.input_arguments(file), index) for index in range(tracks)]
    heard = [found for found in decoded if found.frames]
    if len(heard) != len(due):
        raise InputError(f"it holds {len(heard)} sound tracks that can be decoded instead of {len(due)}")
    for number, ((track, wanted), found) in enumerate(zip(due, heard, strict=True), 1):
        slack = COPIED_SLACK if track.copied else SOUND_SLACK
        if abs(found.seconds - wanted.seconds) > slack:
            lengths = f"{float(found.seconds):.3f} s instead of {float(wanted.seconds):.3f} s"
            raise InputError(f"its sound track {number} lasts {lengths}")
        if found.complaint and not (track.copied and wanted.complaint):
            raise InputError(f"its sound track {number} is damaged: {found.complaint}")


def _decode_track(inputs: list[str], index: int, filters: str = "") -> Decoded:
    """Decode one sound track, joined to frames of a second or so: each of them makes ffmpeg print a line."""
    return _decode([*inputs, "-map", f"0:a:{index}", "-af", f"{filters}asetnsamples=48000:p=0"])


def _decode(arguments: list[str], on_frame: Tick = lambda: None) -> Decoded:
    """Decode the one track that ffmpeg's ``arguments`` choose. Raises InputError if ffmpeg stops answering."""
    report = ["-flush_packets", "1", "-f", "framecrc", "-"]  # a line for each frame, as soon as it is decoded
    log = ffmpeg.ErrorLog()
    process = ffmpeg.spawn(["-v", "error", *arguments, *report], stdout=subprocess.PIPE, stderr=log.file)
    decoded, begin, tick = Decoded(), None, Fraction(1)
    try:
        for line in _lines(process):
            if line.startswith("#tb"):
                tick = Fraction(line.split()[-1])
            elif not line.startswith("#"):
                time, duration = (int(word) * tick for word in line.split(",")[2:4])
                begin = time if begin is None else begin
                decoded.frames += 1
                decoded.seconds += duration
                decoded.span = time + duration - begin
                on_frame()
        if log.text().strip() or process.returncode != 0:
            decoded.complaint = ffmpeg.reason(log.text())
        return decoded
    finally:
        ffmpeg.kill(process)
        log.close()


def _lines(process: "subprocess.Popen[bytes]") -> Iterator[str]:
    """What ``process`` prints, until it has ended. Raises InputError if it stops answering."""
    stalled: list[bool] = []
    with BufferedReader(process.stdout) as printed:  # pyright: ignore[reportArgumentType]
        while True:
            with ffmpeg.stall_guard(process, ffmpeg.STALL_SECONDS, lambda: stalled.append(True)):
                line = printed.readline()
                if not line:
                    process.wait()
            if stalled:
                raise InputError(f"ffmpeg has stopped answering for {ffmpeg.STALL_SECONDS:g} s while decoding it")
            if not line:
                return
            yield line.decode()
