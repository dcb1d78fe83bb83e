"""What it costs that things move: a dive outside the network, and a clip that dances beside one that does not."""

import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

from measure import alternate

from dreamvideo.dream.engine import Dreamer
from dreamvideo.merging import resolve
from dreamvideo.render.clip import render_clip
from dreamvideo.render.job import Job, Listener, Progress
from dreamvideo.render.zoom import render_zoom

SAMPLES = Path(__file__).parents[1] / "samples" / "inputs"
DIVE: dict[str, Any] = {"camera.zoom": 1.5, "color.match": 1.0, "zoom.seconds": 5.0, "input.width": 640}
DANCE: dict[str, Any] = {
    "camera.scale": "1 + 0.07 * beat",
    "dream.strength": "1 + 0.2 * sin(t) + 0 * onset",
    "dream.layers": {"mixed4": "0.9 + 0.1 * bass", "mixed5": 1.0},
}


def dive_share() -> float:
    """The share of a dive's frames, from the second on, that is spent outside ``Dreamer.dream``, in percent."""
    inside, marks = 0.0, []
    original = Dreamer.dream

    def timed(*arguments: Any, **options: Any) -> Any:
        nonlocal inside
        begun = time.perf_counter()
        try:
            return original(*arguments, **options)
        finally:
            inside += time.perf_counter() - begun

    def mark(progress: Progress) -> None:
        if progress.stage == "dream" and progress.done:
            marks.append((time.perf_counter(), inside))

    with tempfile.TemporaryDirectory() as folder, mock.patch.object(Dreamer, "dream", timed):
        render_zoom(_job(SAMPLES / "chelsea.jpg", f"{folder}/out.mp4", DIVE), Listener(mark))
    (begun, before), (ended, after) = marks[0], marks[-1]
    return 100 * (1 - (after - before) / (ended - begun))


def dance_cost() -> float:
    """How much longer a clip takes whose camera, layers and strength follow its sound, in percent."""
    with tempfile.TemporaryDirectory() as folder:

        def render(settings: Mapping[str, Any]) -> Callable[[], object]:
            job = _job(SAMPLES / "bunny.mp4", f"{folder}/out.mp4", settings)
            return lambda: render_clip(job, Listener())

        plain: dict[str, Any] = {"dream.layers": {"mixed4": 1.0, "mixed5": 1.0}}
        return 100 * (alternate(render(plain), render(DANCE), rounds=3)[2] - 1)


def _job(source: Path, output: str, settings: Mapping[str, Any]) -> Job:
    return Job(str(source), output, resolve(named=settings), overwrite=True)
