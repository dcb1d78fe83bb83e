"""What it costs that things move: a dive outside the network, and a clip that dances beside one that does not."""

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from measure import alternate

from dreamvideo.cli.zoom import BASE
from dreamvideo.dream.engine import Dreamer
from dreamvideo.merging import resolve
from dreamvideo.render.clip import render_clip
from dreamvideo.render.dive import DiveFilm
from dreamvideo.render.job import Job, Listener, Progress
from dreamvideo.render.zoom import render_zoom

SAMPLES = Path(__file__).parents[1] / "samples" / "inputs"
DIVE: dict[str, Any] = {**BASE, "zoom.seconds": 5.0, "input.width": 640}
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


def dive_shares() -> tuple[float, float]:
    """Shares of a dive from its second frame on, in percent: of camera and schedules, and of all but the network."""
    watch, marks = Stopwatch(), []

    def mark(progress: Progress) -> None:
        if progress.stage == "dream" and progress.done:
            marks.append((time.perf_counter(), watch.seconds.copy()))

    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        for owner, name in ((Dreamer, "dream"), (DiveFilm, "_moved"), (DiveFilm, "_aged"), (DiveFilm, "_at")):
            stack.enter_context(watch.on(owner, name))
        render_zoom(_job(SAMPLES / "chelsea.jpg", f"{folder}/out.mp4", DIVE), Listener(mark))
    (begun, before), (ended, after) = marks[0], marks[-1]
    spent = {name: seconds - before[name] for name, seconds in after.items()}
    camera = spent["_moved"] + spent["_aged"] + spent["_at"]
    return 100 * camera / (ended - begun), 100 * (1 - spent["dream"] / (ended - begun))


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
