"""A sound file of its own, or a clip's sound, opened, measured and decoded to samples."""

import math
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from dreamvideo.errors import InputError
from dreamvideo.media import ffmpeg, probe
from dreamvideo.media.formats import guards
from dreamvideo.media.probe import AudioTrack
from dreamvideo.media.sound import Sound, seek_before

SAMPLE_RATE = 22050
BLOCK = 20 * SAMPLE_RATE


def open_track(path: str, *, start: float = 0.0, seconds: float | None = None) -> Sound:
    """The first sound track of a sound file, or of a clip, from ``start`` seconds on, for ``seconds`` (None: all).

    Its ``seconds`` is how long the file really sounds from ``start`` on; finding that out decodes it once.

    Raises
    ------
    InputError
        The file is missing, has no sound or none that can be decoded, or ends before ``start``.
    """
    _check_range(start, seconds)
    probe.refuse_unreadable(path)
    sound = Sound(path, start, None, (_first_track(path),))
    end = None if seconds is None else start + seconds
    return replace(sound, end=end, seconds=track_seconds(sound))


def track_seconds(sound: Sound) -> float:
    """How many seconds of ``sound`` there are to hear, counted by decoding it: headers lie. Raises InputError."""
    return sum(len(block) for block in blocks(sound)) / SAMPLE_RATE


def decode(sound: Sound, *, seconds: float | None = None) -> np.ndarray:
    """The first track, mono ``float32 [n]`` at SAMPLE_RATE, from ``sound.start`` to its end or for ``seconds``.

    Full scale is -1 to 1; silence stands where the track begins late. 5 MB a minute. Raises InputError where nothing
    can be decoded.
    """
    return np.concatenate(list(blocks(sound, seconds=seconds)))


def blocks(sound: Sound, *, seconds: float | None = None) -> Iterator[np.ndarray]:
    """What ``decode`` gives, in blocks of BLOCK samples, the last one shorter: long tracks need no more memory.

    Raises InputError where nothing can be decoded, or ffmpeg stops answering.
    """
    log = ffmpeg.ErrorLog()
    arguments = ["-v", "error", *_arguments(sound, seconds)]
    process = ffmpeg.spawn(arguments, stdout=subprocess.PIPE, stderr=log.file)
    try:
        empty = True
        while (block := _read(process, sound.path)).size:
            empty = False
            yield block
        process.wait()
        if empty:
            raise InputError(_why_nothing(sound, log.text()))
    finally:
        ffmpeg.kill(process)
        log.close()


def _check_range(start: float, seconds: float | None) -> None:
    if not (math.isfinite(start) and start >= 0):
        raise InputError(f"the track's start is {start:g} s; it must be 0 or more.")
    if seconds is not None and not (math.isfinite(seconds) and seconds > 0):
        raise InputError(f"the track's length is {seconds:g} s; it must be more than 0.")


def _first_track(path: str) -> AudioTrack:
    """What the first sound track is, proved by decoding its first piece. Raises InputError."""
    inputs = [*guards(), *ffmpeg.input_arguments(path)]
    arguments = [*inputs, "-map", "0:a:0", "-af", "ashowinfo", "-frames:a", "1", "-f", "null"]
    try:
        _, text = ffmpeg.run([*arguments, "-"])
    except TimeoutError as error:
        raise InputError(f"{path}: {error}; the file may be damaged or on a disk that does not answer.") from error
    text = text.replace(ffmpeg.url(path), "input")
    tracks = probe.audio_tracks(probe.header_in(text))
    if not tracks or not re.search(r"^\[Parsed_ashowinfo_0 @ \w+\] n:0 ", text, re.MULTILINE):
        raise InputError(_why_not(path, text, heard=bool(tracks)))
    return tracks[0]


def _why_not(path: str, text: str, *, heard: bool) -> str:
    """One sentence on why the file gives no sound; ``heard`` where its header speaks of some."""
    if probe.is_no_medium(text):
        return (
            f"{path} is no sound, whatever its name says, or a list that names others, which are not opened; "
            "give a sound file or a clip with sound."
        )
    reason = probe.reason_in(text).removeprefix("Error opening input: ")
    if "Input #0" not in text:
        return f"{path} cannot be read as sound ({reason}); check the file with a player."
    if not heard:
        return f"{path} holds no sound; give a sound file or a clip with sound."
    return f"{path}: none of its sound could be decoded ({reason}); the file is damaged or cut off."


def _why_nothing(sound: Sound, stderr: str) -> str:
    detail = f" ({ffmpeg.reason(stderr)})" if stderr.strip() else ""
    if sound.start > 0:
        return f"{sound.path}: no sound could be decoded from {sound.start:g} s on{detail}; choose an earlier start."
    return f"{sound.path}: no sound could be decoded{detail}; check the file with a player."


def _arguments(sound: Sound, seconds: float | None) -> list[str]:
    """ffmpeg arguments that write raw mono samples, cut where the output's sound is cut, to the sample."""
    seek = seek_before(sound.start)
    start = sound.start - seek
    lengths = [seconds, None if sound.end is None else sound.end - sound.start]
    length = min((known for known in lengths if known is not None), default=None)
    end = "" if length is None else f":end={start + length:.6f}"
    # Without a limit ffmpeg adds the channels of float samples up instead of averaging them.
    filters = (
        f"atrim=start={start:.6f}{end},asetpts=PTS-{start:.6f}/TB,"
        f"aresample={SAMPLE_RATE}:async=1:first_pts=0:rematrix_maxval=1,"
        "aformat=sample_fmts=flt:channel_layouts=mono"
    )
    opened = [*guards(), *(["-ss", f"{seek:.6f}"] if seek else []), *ffmpeg.input_arguments(sound.path)]
    return [*opened, "-map", "0:a:0", "-af", filters, "-f", "f32le", "-"]


def _read(process: "subprocess.Popen[bytes]", path: str) -> np.ndarray:
    """The next BLOCK samples, fewer at the end. Raises InputError if they do not come in time."""
    stalled: list[bool] = []
    data = bytearray()
    with ffmpeg.stall_guard(process, ffmpeg.STALL_SECONDS, lambda: stalled.append(True)):
        while process.stdout is not None and len(data) < 4 * BLOCK:
            got = process.stdout.read(4 * BLOCK - len(data))
            if not got:
                break
            data += got
    if stalled:
        raise InputError(f"{path} stopped answering while its sound was decoded; check the disk it is on.")
    samples = np.frombuffer(data, "<f4", count=len(data) // 4).astype(np.float32)
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
