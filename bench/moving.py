"""What it costs that things move: a dive outside the network, and a clip that dances beside one that does not."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from clips import SAMPLES
from measure import alternate

from dreamvideo.cli.zoom import BASE
from dreamvideo.dream.engine import Dreamer
from dreamvideo.merging import resolve
from dreamvideo.render import dive
from dreamvideo.render.clip import render_clip
from dreamvideo.render.dive import DiveFilm
from dreamvideo.render.job import Job, Listener, Progress
from dreamvideo.render.zoom import render_zoom

DIVE: dict[str, Any] = {**BASE, "zoom.seconds": 5.0, "input.width": 640}
CAMERA = ("_moved", "_aged", "_at")
DANCE: dict[str, Any] = {
    "camera.scale": "1 + 0.07 * beat",
    "dream.strength": "1 + 0.2 * sin(t) + 0 * onset",
    "dream.layers": {"mixed4": "0.9 + 0.1 * bass", "mixed5": 1.0},
}


class Stopwatch:
    """The seconds that functions have taken in all, by their names."""

    def __init__(self) -> None:
        self.seconds: defaultdict[Any, float] = defaultdict(float)

    def on(self, owner: Any, name: str, kind: Callable[..., Any] | None = None) -> Any:
        """A patch of ``owner`` that keeps the time of its ``name``, by what ``kind`` says of the arguments if given."""
        original = getattr(owner, name)

        def timed(*arguments: Any, **options: Any) -> Any:
            key = kind(*arguments, **options) if kind else name
            begun = time.perf_counter()
            try:
                return original(*arguments, **options)
            finally:
                self.seconds[key] += time.perf_counter() - begun

        return mock.patch.object(owner, name, timed)


def dive_shares() -> dict[str, float]:
    """Shares of a dive from its second frame on: of each part of camera and schedules, and of all but the network."""
    watch, marks = Stopwatch(), []

    def mark(progress: Progress) -> None:
        if progress.stage == "dream" and progress.done:
            marks.append((time.perf_counter(), watch.seconds.copy()))

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for owner, name in ((Dreamer, "dream"), (dive, "hold_sharpness"), *((DiveFilm, part) for part in CAMERA)):
            stack.enter_context(watch.on(owner, name))
        render_zoom(_job(SAMPLES / "chelsea.jpg", f"{folder}/out.mp4", DIVE), Listener(mark))
    (begun, before), (ended, after) = marks[0], marks[-1]
    spent = {name: seconds - before[name] for name, seconds in after.items()}
    shares = {name: seconds / (ended - begun) for name, seconds in spent.items()}
    return {**shares, "outside": 1 - shares["dream"]}


def dance_cost() -> float:
    """How much longer a clip takes whose camera, layers and strength follow its sound."""
    with tempfile.TemporaryDirectory() as folder:

        def render(settings: Mapping[str, Any]) -> Callable[[], object]:
            job = _job(SAMPLES / "bunny.mp4", f"{folder}/out.mp4", settings)
            return lambda: render_clip(job, Listener())

        plain: dict[str, Any] = {"dream.layers": {"mixed4": 1.0, "mixed5": 1.0}}
        return alternate(render(plain), render(DANCE), rounds=3)[2] - 1


def _job(source: Path, output: str, settings: Mapping[str, Any]) -> Job:
    return Job(str(source), output, resolve(named=settings), overwrite=True)
