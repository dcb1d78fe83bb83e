"""ffmpeg encoders fed with frames: H.264 and VP9 with sound, and GIF in two passes."""

import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np

from dreamvideo.errors import OutputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.colors import Colors, from_rgb
from dreamvideo.media.files import disk_full, temporary_beside
from dreamvideo.media.sound import Sound, SoundPlan, plan_sound
from dreamvideo.media.still import to_bytes

MUXERS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}

Tick = Callable[[], None]


@dataclass(frozen=True)
class GifSpec:
    """How a GIF is made: palette size (2 to 256), ffmpeg's dither name, and whether it repeats for ever."""

    colors: int = 256
    dither: str = "sierra2_4a"
    loop: bool = True


@dataclass(frozen=True)
class ClipSpec:
    """What a written clip is like.

    ``crf`` is on H.264's scale (0 lossless, 18 hardly visible, 51 worst); VP9 gets the value that looks alike.
    ``metadata`` is kept in the file's comment. ``png_bits`` (8 or 16) is for folders and stills; ``numbers`` are those
    by which a folder names its pictures, from 0 on if not given.
    """

    rate: Fraction
    colors: Colors
    sample_aspect: Fraction = Fraction(1)
    sound: Sound | None = None
    crf: int = 18
    metadata: str = ""
    png_bits: int = 8
    numbers: Sequence[int] | None = None
    gif: GifSpec = GifSpec()


@dataclass(frozen=True)
class Encoding:
    """One output to encode: the arguments of ``write_clip``. ``output`` is its final name, for messages."""

    output: str
    frames: Callable[[], Iterable[np.ndarray]]
    count: int
    spec: ClipSpec
    on_frame: Tick


@dataclass(frozen=True)
class Encoded:
    """What was encoded: ``count`` frames of ``size`` (width, height) pixels, ``rate`` a second, and their sound."""

    count: int
    size: tuple[int, int]
    rate: Fraction
    sound: SoundPlan
    notes: list[str]


class Encoder:
    """One running ffmpeg that takes raw frames; a context manager that kills it unless it was finished.

    ``file`` is what it writes; ``output`` is the name that this will have, for messages.
    """

    def __init__(self, arguments: list[str], file: Path, output: str) -> None:
        self._file, self._output = file, output
        self._stalled = False
        self._log = ffmpeg.ErrorLog()
        self._process = ffmpeg.spawn(["-v", "error", *arguments], stdin=subprocess.PIPE, stderr=self._log.file)

    def write(self, pixels: np.ndarray) -> None:
        """Hand over one frame, ``uint8 [h, w, 3]``. Raises OutputError if ffmpeg has failed or does not take it."""
        pipe = self._process.stdin
        if pipe is None:
            return
        view = np.ascontiguousarray(pixels).reshape(-1).data
        try:
            with ffmpeg.stall_guard(self._process, ffmpeg.STALL_SECONDS, self._on_stall):
                while view:
                    view = view[pipe.write(view) :]
        except OSError as error:
            raise self._failure() from error

    def finish(self) -> None:
        """Close the input and wait for ffmpeg to complete the file. Raises OutputError if it fails or stalls."""
        if self._process.stdin is not None:
            ffmpeg.close_quietly(self._process.stdin)
        self._wait()
        if self._process.returncode != 0:
            raise self._failure()

    def _wait(self) -> None:
        """Wait for as long as the file changes: to complete a large one takes its time."""
        before = None
        while self._process.poll() is None:
            try:
                self._process.wait(ffmpeg.STALL_SECONDS)
            except subprocess.TimeoutExpired:
                now = self._state()
                if now == before:
                    self._on_stall()
                    self._process.kill()
                before = now

    def _state(self) -> tuple[int, int] | None:
        """What changes when something is written to the file."""
        try:
            stat = self._file.stat()
        except OSError:
            return None
        return stat.st_size, stat.st_mtime_ns

    def _on_stall(self) -> None:
        self._stalled = True

    def _failure(self) -> OutputError:
        if self._process.stdin is not None:
            ffmpeg.close_quietly(self._process.stdin)
        self._wait()
        if self._stalled:
            return OutputError(
                f"{self._output} could not be encoded: ffmpeg has not moved for {ffmpeg.STALL_SECONDS:g} s; "
                "check the disk and the load of this machine, and run again."
            )
        text = self._log.text()
        if ffmpeg.disk_is_full(text):
            return disk_full(self._output)
        return OutputError(f"{self._output} could not be encoded: {ffmpeg.reason(text)}.")

    def __enter__(self) -> "Encoder":
        return self

    def __exit__(self, *_: object) -> None:
        ffmpeg.kill(self._process)
        self._log.close()


def encode_clip(encoding: Encoding, temporary: Path) -> Encoded:
    """Encode H.264 or VP9 with sound to ``temporary``. Raises OutputError."""
    spec = encoding.spec
    extension = Path(encoding.output).suffix.lower()
    first, rest = _peek(encoding.frames())
    height, width = first.shape[:2]
    padding = (0, 0) if extension == ".webm" else (height % 2, width % 2)
    notes = [_padding_note(width, height)] if any(padding) else []
    plan = SoundPlan() if spec.sound is None else plan_sound(spec.sound, extension, float(encoding.count / spec.rate))
    size = (width + padding[1], height + padding[0])
    arguments = [
        *_raw_input(size, spec.rate),
        *plan.inputs,
        *("-map", "0:v:0", *plan.options),
        *("-vf", f"{from_rgb(spec.colors)},setsar={spec.sample_aspect}"),
        *_video_options(extension, spec),
        *("-map_chapters", "-1", "-metadata", f"comment={spec.metadata}"),
        *("-f", MUXERS[extension], "-y", ffmpeg.url(temporary)),
    ]
    with Encoder(arguments, temporary, encoding.output) as encoder:
        _feed(encoder, chain([first], rest), encoding.count, padding, encoding.on_frame)
        encoder.finish()
    return Encoded(encoding.count, size, spec.rate, plan, notes + plan.notes)


def _peek(frames: Iterable[np.ndarray]) -> tuple[np.ndarray, Iterable[np.ndarray]]:
    iterator = iter(frames)
    first = next(iterator, None)
    if first is None:
        raise OutputError("there is no frame to write.")
    return first, iterator


def _raw_input(size: tuple[int, int], rate: Fraction) -> list[str]:
    raw = ["-f", "rawvideo", "-pixel_format", "rgb24", "-video_size", f"{size[0]}x{size[1]}"]
    return [*raw, "-framerate", str(rate), "-i", "pipe:0"]


def _video_options(extension: str, spec: ClipSpec) -> list[str]:
    if extension == ".webm":
        # VP9 reaches the look of H.264's 18 at about 28; its scale ends at 63.
        quality = min(63, spec.crf + 10) if spec.crf else 0
        return ["-c:v", "libvpx-vp9", "-crf", str(quality), "-b:v", "0", "-row-mt", "1", "-cpu-used", "2"]
    fast_start = ["-movflags", "+faststart"] if extension in {".mp4", ".mov"} else []
    return ["-c:v", "libx264", "-preset", "faster", "-crf", str(spec.crf), *fast_start]


def _padding_note(width: int, height: int) -> str:
    return (
        f"{width}x{height} was written as {width + width % 2}x{height + height % 2}, the last row or column repeated: "
        "H.264 players need even sizes. A .webm keeps the exact size."
    )


def _feed(encoder: Encoder, frames: Iterable[np.ndarray], count: int, padding: tuple[int, int], on_frame: Tick) -> None:
    """Write all frames, edges repeated by ``padding`` rows and columns; OutputError unless there are ``count``."""
    written = 0
    for frame in frames:
        pixels = to_bytes(frame)
        if any(padding):
            pixels = np.pad(pixels, ((0, padding[0]), (0, padding[1]), (0, 0)), mode="edge")
        encoder.write(pixels)
        written += 1
        on_frame()
    if written != count:
        raise OutputError(f"{count} frames were to be written, but there are {written}.")


def snap_rate(rate: Fraction) -> Fraction:
    """The nearest rate a GIF can hold: whole centiseconds a frame, at least 2, as viewers slow down shorter ones."""
    return min((Fraction(100, delay) for delay in range(2, 1001)), key=lambda snapped: abs(snapped - rate))


def encode_gif(encoding: Encoding, temporary: Path) -> Encoded:
    """Encode a GIF with one palette, in two passes over the frames so that memory stays flat.

    Raises OutputError.
    """
    spec, rate = encoding.spec, snap_rate(encoding.spec.rate)
    palette = temporary_beside(temporary)
    try:
        _gif_pass(replace(encoding, on_frame=lambda: None), rate, _palette_arguments(spec, palette), palette)
        size = _gif_pass(encoding, rate, _gif_arguments(spec, palette, temporary), temporary)
    finally:
        palette.unlink(missing_ok=True)
    _append_comment(temporary, spec.metadata)
    notes = [] if rate == spec.rate else [_snapping_note(encoding.count, spec.rate, rate)]
    return Encoded(encoding.count, size, rate, SoundPlan(), notes)


def _snapping_note(count: int, rate: Fraction, snapped: Fraction) -> str:
    return (
        f"a GIF counts in hundredths of a second: it plays at {float(snapped):.4g} instead of {float(rate):.4g} "
        f"frames/s, {float(count / snapped):.2f} s instead of {float(count / rate):.2f} s."
    )


def _gif_pass(encoding: Encoding, rate: Fraction, arguments: list[str], file: Path) -> tuple[int, int]:
    """Feed all frames to an ffmpeg that writes ``file``; returns their width and height."""
    first, rest = _peek(encoding.frames())
    size = (first.shape[1], first.shape[0])
    with Encoder([*_raw_input(size, rate), *arguments], file, encoding.output) as encoder:
        _feed(encoder, chain([first], rest), encoding.count, (0, 0), encoding.on_frame)
        encoder.finish()
    return size


def _palette_arguments(spec: ClipSpec, palette: Path) -> list[str]:
    choose = f"palettegen=max_colors={spec.gif.colors}:reserve_transparent=0"
    return ["-vf", choose, "-frames:v", "1", "-update", "1", "-c:v", "png", "-f", "image2", "-y", ffmpeg.url(palette)]


def _gif_arguments(spec: ClipSpec, palette: Path, temporary: Path) -> list[str]:
    use = f"[0:v][1:v]paletteuse=dither={spec.gif.dither}"
    loop = "0" if spec.gif.loop else "-1"
    return [
        *("-f", "png_pipe", "-i", ffmpeg.url(palette), "-lavfi", use),
        *("-loop", loop, "-f", "gif", "-y", ffmpeg.url(temporary)),
    ]


def _append_comment(path: Path, text: str) -> None:
    """Put a comment extension before the GIF's trailer byte (GIF89a, section 24): ffmpeg's muxer writes none."""
    if not text:
        return
    data = text.encode()
    blocks = b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255))
    with path.open("r+b") as stream:
        stream.seek(-1, 2)
        stream.write(b"\x21\xfe" + blocks + b"\0\x3b")
