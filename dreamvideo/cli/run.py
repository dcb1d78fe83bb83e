"""Start a render, listen to it, and say how it ended; shared by ``render``, ``image`` and ``noise``."""

import os
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from dreamvideo.cli.interrupt import Interrupt
from dreamvideo.cli.output import as_json, duration, note, result
from dreamvideo.cli.plan import plan_text
from dreamvideo.cli.progress import Display
from dreamvideo.config import Config
from dreamvideo.render.job import PREVIEW_FRAMES, Job, Listener, Plan, Report


@dataclass(frozen=True)
class Manner:
    """How a job is done and told of, as far as it leaves the picture alone. ``arguments`` are the command line's."""

    arguments: Sequence[str]
    dry_run: bool
    preview: bool
    json: bool
    quiet: bool


Kind = Literal["clip", "cluster", "zoom", "image", "before-after"]


def run(kind: Kind, job: Job, manner: Manner) -> int:
    """Do one job and return the exit status."""
    make_plan, preview, render = room("cluster" if kind == "clip" and job.cluster else kind)
    if manner.preview:
        job = _previewed(job, preview(job))
    if manner.dry_run:
        return tell_plan(make_plan(job), manner)
    if kind in {"image", "before-after"}:
        return run_picture(lambda listener: render(job, listener), manner)
    report, interrupt = _interruptible(render, job, manner)
    return _tell(report, manner, interrupt)


def _previewed(job: Job, config: Config) -> Job:
    """The first frames of ``job`` by ``config``, in a journal of their own: none of the whole's is dropped for them."""
    from dreamvideo.render.start import journal_folder

    work = job.work or journal_folder(f"{Path(job.output)}.preview")
    return replace(job, config=config, first=PREVIEW_FRAMES, work=work)


def room(kind: Kind) -> tuple[Callable[[Job], Plan], Callable[[Job], Config], Callable[[Job, Listener], Report]]:
    """What plans, previews and renders a job of that kind."""
    if kind == "zoom":
        from dreamvideo.render.zoom import plan_zoom, preview_zoom, render_zoom

        return plan_zoom, preview_zoom, render_zoom
    from dreamvideo.render.plan import make_plan, preview_config

    if kind == "cluster":
        from dreamvideo.render.cluster import plan_on_cluster, render_on_cluster

        return plan_on_cluster, preview_config, render_on_cluster
    if kind == "clip":
        from dreamvideo.render.clip import render_clip

        return make_plan, preview_config, render_clip
    from dreamvideo.render.picture import render_image

    return make_plan, preview_config, partial(render_image, before_after=kind == "before-after")


def tell_plan(plan: Plan, manner: Manner) -> int:
    """Print what would be done, and return the exit status."""
    result(as_json(plan) if manner.json else plan_text(plan))
    return 0


def run_picture(render: Callable[[Listener], Report], manner: Manner) -> int:
    """Make one picture and return the exit status; Ctrl-C ends it at once, since there is nothing to keep."""
    with Display(manner.quiet) as display:
        report = render(Listener(display.progress, display.note))
    return _tell(report, manner, Interrupt())


def _interruptible(render: Callable[[Job, Listener], Report], job: Job, manner: Manner) -> tuple[Report, Interrupt]:
    with Display(manner.quiet) as display:
        interrupt = Interrupt(display.say)
        listener = Listener(display.progress, display.note, interrupt.requested)
        return interrupt.run(lambda: render(job, listener)), interrupt


def _tell(report: Report, manner: Manner, interrupt: Interrupt) -> int:
    """Print the result, say how it went, and return the exit status."""
    if report.interrupted:
        command = resume_command(manner.arguments)
        if manner.json:
            result(as_json(report, resume=command))
        kept = f" in {report.work}" if report.work is not None else ""
        note(f"interrupted; {_frames(report.frames)} kept{kept}. Go on with:\n  {command}")
        return interrupt.exit_code
    result(as_json(report) if manner.json else report.output)
    if not manner.quiet:
        note(_summary(report))
    return 0


def resume_command(arguments: Sequence[str]) -> str:
    """The same command line with ``--resume``, quoted for the shell."""
    command, *rest = arguments
    resume = [] if "--resume" in rest else ["--resume"]
    words = ["dreamvideo", command, *resume, *rest]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def _summary(report: Report) -> str:
    shots = f" in {report.shots} shots" if report.shots > 1 else ""
    dreamed = f" ({report.dreamed} of them now)" if report.dreamed < report.frames else ""
    return f"dreamed {_frames(report.frames)}{shots}{dreamed} in {duration(report.seconds)}"


def _frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"
