"""What a clip is: size, rate, length, colours and sound, read from one decoded frame.

There is no ffprobe in the wheel. ``showinfo`` after ffmpeg's own rotation prints the exact rational rate, the
displayed size, the pixel format and the colour tags; the rest stands in the header that ffmpeg prints.
"""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path

from dreamvideo.config import MAX_PIXELS
from dreamvideo.errors import InputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.colors import Colors
from dreamvideo.media.formats import guards

MAX_RATE = 240

_SHOWN = r"^\[Parsed_showinfo_0 @ \w+\] "  # which no title of the file can begin a line with
_STARTS_AT_0 = re.compile(r"^  Duration: .* start: 0\.000000", re.MULTILINE)
_CHANNELS = {"mono": 1, "stereo": 2, "downmix": 2, "quad": 4, "hexagonal": 6, "octagonal": 8}


@dataclass(frozen=True)
class AudioTrack:
    """One track of sound. ``start`` is in seconds on the file's timeline; ``codec`` is ``none`` if unreadable."""

    codec: str
    sample_rate: int
    channels: int
    start: float


@dataclass(frozen=True)
class ClipInfo:
    """One clip.

    ``width`` and ``height`` are as displayed: after rotation, before the sample aspect. ``start`` and ``duration``
    are in seconds, the picture's start counted from the file's; ``first_tick`` is its start in whole frames of
    ``rate`` as ffmpeg's fps filter rounds it. ``frame_count`` is an estimate from the header.
    """

    path: str
    container: str
    width: int
    height: int
    rate: Fraction
    start: Fraction
    duration: float | None
    pixel_format: str
    depth: int
    alpha: bool
    sample_aspect: Fraction
    colors: Colors
    audio: tuple[AudioTrack, ...]
    seekable: bool

    @property
    def frame_count(self) -> int | None:
        return None if self.duration is None else max(1, round(self.duration * self.rate))

    def first_tick(self, rate: Fraction) -> int:
        """The first frame's number on a constant grid of ``rate`` that starts with the file."""
        return floor(self.start * rate + Fraction(1, 2))


def probe(path: str, *, max_pixels: int = MAX_PIXELS) -> ClipInfo:
    """Read what the clip at ``path`` is.

    Raises
    ------
    InputError
        The file is missing, empty, no video, names other files, not one frame of it can be decoded, or its frames are
        far larger than ``max_pixels``.
    """
    refuse_unreadable(path)
    inputs = [*guards(max_pixels), *ffmpeg.input_arguments(path)]
    arguments = [*inputs, "-map", "0:V:0", "-vf", "showinfo=checksum=0"]
    try:
        _, text = ffmpeg.run([*arguments, "-frames:v", "1", "-fps_mode", "passthrough", "-f", "null", "-"])
    except TimeoutError as error:
        raise InputError(f"{path}: {error}; the file may be damaged or on a disk that does not answer.") from error
    text = text.replace(ffmpeg.url(path), "input")
    frame = re.search(rf"{_SHOWN}n: +\d+ pts: *(-?\d+) .*", text, re.MULTILINE)
    if frame is None:
        raise InputError(_why_not(path, text, max_pixels))
    return _info(path, text, frame.group(0), int(frame.group(1)))


def refuse_unreadable(path: str) -> None:
    """Raise an InputError if ``path`` is no readable file with something in it."""
    file = Path(path)
    try:
        if not file.exists():
            raise InputError(f"{path}: there is no such file.")
        if not file.is_file():
            raise InputError(f"{path} is not a file.")
        with file.open("rb") as stream:
            if not stream.read(1):
                raise InputError(f"{path} is empty (0 bytes); copy or download it again.")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}.") from error


def _why_not(path: str, text: str, max_pixels: int) -> str:
    """One sentence on why no frame of the clip could be decoded."""
    size = re.search(r"Picture size (\d+x\d+) exceeds", text)
    if size is not None:
        return f"{path} is {size[1]}, more than input.max_pixels ({max_pixels}); raise that if you trust the file."
    if is_no_medium(text):
        return (
            f"{path} is not a video, whatever its name says, or a list that names others, which are not opened; "
            "give a clip, a still or a folder of frames."
        )
    if "matches no streams" in text:
        return f"{path} holds no picture, only sound or data; give a clip, a still or a folder of frames."
    if "moov atom not found" in text or "partial file" in text:
        return f"{path} is cut off: its index (moov) or its first frame is missing; copy or record it again."
    if "Input #0" not in text:
        return f"{path} cannot be read as a video ({reason_in(text)}); check the file with a player."
    return f"{path}: not one frame could be decoded ({reason_in(text)}); the file is damaged or cut off."


def is_no_medium(text: str) -> bool:
    """Whether ffmpeg takes the file for a text, a playlist or noise."""
    return "Format not on whitelist" in text or "detected only with low score" in text


def reason_in(text: str) -> str:
    """ffmpeg's reason for failing, without the description of the input that it also prints."""
    logged = "\n".join(line for line in text.splitlines() if line.startswith("["))
    return ffmpeg.reason("\n".join(line for line in logged.splitlines() if "showinfo" not in line) or text)


def _info(path: str, text: str, frame: str, pts: int) -> ClipInfo:
    """Assemble the clip's description from ffmpeg's whole stderr, the line of the first frame and its timestamp."""
    header = header_in(text)
    link = _match(rf"{_SHOWN}config in time_base: (\d+/\d+), frame_rate: (\d+)/(\d+)", text)
    start = pts * Fraction(link[0])
    duration = _duration(header)
    pixels = _match(r" fmt:(\S+)", frame)[0]
    width, height = map(int, _match(r" s:(\d+)x(\d+)", frame))
    container = _match(r"^Input #0, (\S+), from", header)[0]
    return ClipInfo(
        path=path,
        container=container,
        width=width,
        height=height,
        rate=_rate(int(link[1]), int(link[2]), header),
        start=start,
        duration=None if duration is None else max(0.0, duration - float(start)),
        pixel_format=pixels,
        depth=_depth(pixels),
        alpha=pixels.startswith(("yuva", "rgba", "bgra", "argb", "abgr", "gbrap", "ya8", "ya16", "pal8", "ayuv")),
        sample_aspect=_aspect(*_match(r" sar:(\d+)/(\d+)", frame)),
        colors=_colors(text, pixels),
        audio=audio_tracks(header),
        seekable=container.startswith(("mov,", "matroska,")) and bool(_STARTS_AT_0.search(header)),
    )


def _match(pattern: str, text: str) -> tuple[str, ...]:
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise InputError(f"ffmpeg's description of the clip is not understood (no {pattern!r}).")
    return found.groups()


def _duration(header: str) -> float | None:
    found = re.search(r"^  Duration: (\d+):(\d+):([\d.]+)", header, re.MULTILINE)
    return None if found is None else int(found[1]) * 3600 + int(found[2]) * 60 + float(found[3])


def _rate(numerator: int, denominator: int, header: str) -> Fraction:
    """The nominal rate; a clip whose header gives only its clock (1000 ticks a second) is taken at its mean rate."""
    rate = Fraction(numerator, denominator) if numerator and denominator else Fraction(0)
    mean = re.search(r"^  Stream #0:\S+ Video: .*? ([\d.]+) fps", header, re.MULTILINE)
    if (not 0 < rate <= MAX_RATE) and mean is not None and 0 < float(mean[1]) <= MAX_RATE:
        return Fraction(mean[1]).limit_denominator(1001)
    return rate if rate > 0 else Fraction(25)


def _depth(pixels: str) -> int:
    """Bits a channel of an ffmpeg pixel format: 10 for yuv420p10le, 16 for rgb48le, 8 where the name has none."""
    found = re.search(r"(9|10|12|14|16|30|32|36|48|64)(?:le|be)$", pixels)
    packed = {"30": 10, "36": 12}
    return 8 if found is None else packed.get(found[1], min(16, int(found[1])))


def _aspect(numerator: str, denominator: str) -> Fraction:
    return Fraction(int(numerator), int(denominator)) if int(numerator) and int(denominator) else Fraction(1)


def _colors(text: str, pixels: str) -> Colors:
    tags = _match(rf"{_SHOWN}color_range:(\S+) color_space:(\S+) color_primaries:(\S+) color_trc:(\S+)", text)
    known = Colors(*("unknown" if tag in {"reserved", "unspecified"} else tag for tag in tags))
    if pixels.startswith(("rgb", "bgr", "gbr", "argb", "abgr", "0rgb", "pal")):
        return Colors("pc", "gbr", known.primaries, known.transfer)
    return known


def header_in(text: str) -> str:
    """The description of the input in all that ffmpeg printed."""
    return re.split(r"^Stream mapping:", text, maxsplit=1, flags=re.MULTILINE)[0]


def audio_tracks(header: str) -> tuple[AudioTrack, ...]:
    lines = re.findall(r"^  Stream #0:\S+ Audio: (.*)$", header, re.MULTILINE)
    return tuple(_track(line) for line in lines)


def _track(line: str) -> AudioTrack:
    start = re.search(r", start (-?[\d.]+)", line)
    sample_rate = re.search(r", (\d+) Hz, ", line)
    layout = re.search(r" Hz, ([^,]+)", line)
    return AudioTrack(
        codec=re.split(r"[ ,]", line, maxsplit=1)[0],
        sample_rate=int(sample_rate[1]) if sample_rate else 0,
        channels=_channel_count(layout[1]) if layout else 0,
        start=float(start[1]) if start else 0.0,
    )


def _channel_count(layout: str) -> int:
    """6 for ``5.1(side)``, 2 for ``stereo``, 3 for ``3 channels``."""
    if layout.split(maxsplit=1)[0] in _CHANNELS:
        return _CHANNELS[layout.split(maxsplit=1)[0]]
    return sum(int(digit) for digit in re.findall(r"\d+", layout.split("(", maxsplit=1)[0])) or 2
