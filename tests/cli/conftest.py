"""A command line whose renderer is a fake, so that no test here dreams."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from dreamvideo.cli import main
from dreamvideo.config import Config, Dream
from dreamvideo.render.job import Job, Listener, Plan, Progress, Report


@dataclass
class FakeRenderer:
    """Remembers the job it got. A test may put its own function in place of ``behave``."""

    jobs: list[tuple[str, Job]] = field(default_factory=list)
    behave: Callable[[Job, Listener], Report] = lambda job, _listener: Report(job.output, 4, 4, 2, 83.0)

    def render(self, kind: str) -> Callable[..., Report]:
        def rendered(job: Job, listener: Listener, *, before_after: bool = False) -> Report:
            self.jobs.append((f"{kind} before after" if before_after else kind, job))
            for done in range(5):
                listener.progress(Progress("dream", done, 4, 0.5 * done))
            listener.progress(Progress("encode", 4, 4))
            listener.note("a cut at frame 2")
            return self.behave(job, listener)

        return rendered

    @property
    def job(self) -> Job:
        (found,) = self.jobs
        return found[1]


def make_plan(job: Job) -> Plan:
    return Plan(
        input=job.input,
        output=job.output,
        frames=240,
        width=1280,
        height=720,
        rate=Fraction(30000, 1001),
        network="inceptionv3",
        precision="bfloat16",
        objective="mean_square(mixed4) + 0.5 * mean_square(mixed5)",
        octaves=[(720, 1280), (480, 853)],
        tiles=[6, 1],
        first_steps=20,
        carried_steps=1,
        seconds_per_frame=0.6,
        seconds_first_frame=14.2,
        seconds=158.0,
        memory_bytes=1_300_000_000,
        notes=["the clip has no sound"],
    )


def preview_config(job: Job) -> Config:
    return job.config.model_copy(update={"dream": Dream(octaves=1)})


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> FakeRenderer:
    fake = FakeRenderer()
    contents: dict[str, dict[str, Any]] = {
        "clip": {"render_clip": fake.render("clip")},
        "picture": {"render_image": fake.render("image")},
        "plan": {"make_plan": make_plan, "preview_config": preview_config},
    }
    for name, functions in contents.items():
        module = ModuleType(f"dreamvideo.render.{name}")
        module.__dict__.update(functions)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    return fake


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


@pytest.fixture
def dreamvideo(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Run one command line in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Outcome:
        code = main(arguments)
        printed = capsys.readouterr()
        return Outcome(code, printed.out, printed.err)

    return run
