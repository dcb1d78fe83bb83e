"""Renders with the tiny network: small clips, a listener that records, and everything in a temporary folder."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.config import Config
from dreamvideo.dream import engine
from dreamvideo.dream.engine import Dreamer
from dreamvideo.media import ffmpeg
from dreamvideo.media.still import write_image
from dreamvideo.render.clip import render_clip
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.start import journal_folder
from tests.tiny import picture, shared_dreamer, tiny_config

FRAMES = 8


@dataclass
class Studio:
    """A folder with an input, and how to render it."""

    folder: Path
    input: str
    config: Config = field(default_factory=tiny_config)
    notes: list[str] = field(default_factory=list)
    progress: list[Progress] = field(default_factory=list)

    def job(self, output: str = "out.mp4", **changes: Any) -> Job:
        return replace(Job(self.input, str(self.folder / output), self.config), **changes)

    def render(self, output: str = "out.mp4", *, stop_after: int | None = None, **changes: Any) -> Report:
        """Render; ``stop_after`` asks for an end once so many frames are dreamed."""
        begun = len(self.progress)

        def stop() -> bool:
            dreamed = [step.done for step in self.progress[begun:] if step.stage == "dream"]
            return stop_after is not None and bool(dreamed) and dreamed[-1] - dreamed[0] >= stop_after

        listener = Listener(self.progress.append, self.notes.append, stop)
        return render_clip(self.job(output, **changes), listener)

    def kept(self, output: str = "out.mp4") -> list[bytes]:
        """The journal's frames, as they are on disk."""
        files = sorted((Path(journal_folder(str(self.folder / output))) / "frames").iterdir())
        return [file.read_bytes() for file in files]

    def files(self) -> list[str]:
        return sorted(file.name for file in self.folder.iterdir())


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "Dreamer", shared_dreamer)


@pytest.fixture
def dreamed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The indices of the frames that the engine has been asked for, in order, each once."""
    asked: list[int] = []
    original = Dreamer.dream

    def spy(self: Dreamer, *arguments: Any, index: int, **options: Any) -> Any:
        if index not in asked[-1:]:
            asked.append(index)
        return original(self, *arguments, index=index, **options)

    monkeypatch.setattr(Dreamer, "dream", spy)
    return asked


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A moving clip with sound, at a rate that is no whole number."""
    path = tmp_path_factory.mktemp("clip") / "in.mp4"
    seconds = f"{FRAMES * 1001 / 30000:.6f}"
    picture = ["-f", "lavfi", "-i", f"testsrc2=s=64x48:r=30000/1001:d={seconds}"]
    sound = ["-f", "lavfi", "-i", f"sine=d={seconds}:r=48000"]
    coding = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf", "10", "-preset", "ultrafast", "-c:a", "aac"]
    status, stderr = ffmpeg.run(["-v", "error", *picture, *sound, *coding, "-movflags", "+faststart", ffmpeg.url(path)])
    assert status == 0, stderr
    return str(path)


@pytest.fixture
def studio(out: Path, clip: str) -> Studio:
    return Studio(out, clip)


@pytest.fixture
def folder_studio(tmp_path: Path, out: Path) -> Callable[..., Studio]:
    """``folder_studio(frames, **config)``: the frames as 8-bit PNGs in a folder."""

    def build(frames: list[np.ndarray], **changes: Any) -> Studio:
        pictures = tmp_path / "pictures"
        pictures.mkdir()
        for index, frame in enumerate(frames):
            write_image(str(pictures / f"{index:04d}.png"), frame)
        return Studio(out, str(pictures), tiny_config(**changes))

    return build


def pan(frames: int, seed: int = 0, *, low: float = 0.25, high: float = 0.75) -> list[np.ndarray]:
    """A slow pan over one picture."""
    large = picture(40, 56 + 2 * frames, seed, low=low, high=high)
    return [np.ascontiguousarray(large[:, 2 * i : 2 * i + 56]) for i in range(frames)]
