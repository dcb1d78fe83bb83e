"""Tricky clips, made with the bundled ffmpeg, and ways to measure what was written."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.media import ffmpeg
from dreamvideo.media.colors import HD
from dreamvideo.media.probe import probe
from dreamvideo.media.sink import ClipSpec, write_clip

X264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "12", "-preset", "ultrafast"]
FLASH = 1.6

Make = Callable[..., str]


@dataclass(frozen=True)
class Sync:
    """Seconds into a clip at which its white flash is shown and its beep is heard, and how long its sound is."""

    flash: float
    beep: float
    seconds: float


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """``make(name, *arguments)`` has ffmpeg write a file and returns its path."""

    def build(name: str, *arguments: str) -> str:
        path = tmp_path / name
        status, stderr = ffmpeg.run(["-v", "error", "-y", *arguments, ffmpeg.url(path)])
        assert status == 0, stderr
        return str(path)

    return build


def moving(rate: str = "25", seconds: str = "1", size: str = "64x48") -> list[str]:
    """ffmpeg input: a moving test picture, in RGB so that odd sizes survive."""
    return ["-f", "lavfi", "-i", f"testsrc=s={size}:r={rate}:d={seconds}:decimals=2"]


def tone(seconds: str = "1") -> list[str]:
    return ["-f", "lavfi", "-i", f"sine=d={seconds}:r=48000"]


def flash_and_beep(seconds: str = "3", delay: dict[str, list[str]] | None = None) -> list[str]:
    """ffmpeg inputs: a white flash and a beep at one moment; ``delay`` holds input options of picture or sound."""
    options = {"picture": [], "sound": [], **(delay or {})}
    video = f"nullsrc=s=64x48:r=25:d={seconds},geq=lum='16+219*between(T,{FLASH},1.699)':cb=128:cr=128"
    audio = f"aevalsrc='0.8*sin(2*PI*1000*t)*between(t,{FLASH},1.7)':d={seconds}:s=48000"
    return [*options["picture"], "-f", "lavfi", "-i", video, *options["sound"], "-f", "lavfi", "-i", audio]


def pixels(path: str) -> np.ndarray:
    """All frames of a clip as ffmpeg shows them, ``uint8 [n, h, w, 3]``."""
    info = probe(path)
    arguments = ["-v", "error", "-i", ffmpeg.url(path), "-map", "0:V:0", "-pix_fmt", "rgb24"]
    data = pipe([*arguments, "-fps_mode", "passthrough", "-f", "rawvideo", "-"])
    return np.frombuffer(data, np.uint8).reshape(-1, info.height, info.width, 3)


def samples(path: str, track: int = 0) -> np.ndarray:
    """One sound track from the file's time zero, mono at 48 kHz, ``float32``."""
    arguments = ["-v", "error", "-i", ffmpeg.url(path), "-map", f"0:a:{track}", "-ac", "1", "-ar", "48000"]
    return np.frombuffer(pipe([*arguments, "-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-"]), np.float32)


def pipe(arguments: list[str]) -> bytes:
    return subprocess.run(ffmpeg.command(*arguments), capture_output=True, check=True).stdout


def measure(path: str) -> Sync:
    bright = pixels(path).mean(axis=(1, 2, 3)) > 128
    info = probe(path)
    heard = samples(path)
    return Sync(
        float(info.start + int(np.argmax(bright)) / info.rate),
        float(np.argmax(np.abs(heard) > 0.2)) / 48000,
        len(heard) / 48000,
    )


def log_of(path: str) -> str:
    """What ffmpeg says about a file."""
    return ffmpeg.run(["-i", ffmpeg.url(path)])[1]


def files_in(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def ramp(count: int, height: int = 48, width: int = 64) -> list[np.ndarray]:
    """Frames with a soft gradient that grows lighter."""
    x = np.linspace(0.1, 0.8, width, dtype=np.float32)[None, :, None]
    picture = np.repeat(np.repeat(x, height, axis=0), 3, axis=2)
    return [picture + np.float32(0.2 * index / count) for index in range(count)]


def spec(rate: Fraction = Fraction(25), **changes: object) -> ClipSpec:
    return ClipSpec(**{"rate": rate, "colors": HD, **changes})  # pyright: ignore[reportArgumentType]


def write(output: Path | str, frames: list[np.ndarray], clip: ClipSpec | None = None, **options: bool) -> list[str]:
    """write_clip with the defaults of these tests."""
    overwrite = options.get("overwrite", False)
    return write_clip(
        str(output), lambda: iter(frames), len(frames), clip or spec(), overwrite=overwrite, on_frame=lambda: None
    )
