"""What a render is asked, what it tells while it runs, and what it found: plain data, shared with the command line."""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Literal

from dreamvideo.config import Config
from dreamvideo.render.selection import Selection

PREVIEW_FRAMES = 24


@dataclass(frozen=True)
class Job:
    """One input to one output.

    ``work`` is the journal's folder; by default it lies beside the output. ``frames``: only these of a clip's frames,
    and ``first``: only so many from the beginning on; they are the same as in the whole. ``cluster``: "local", or the
    address of a Ray cluster, and ``workers`` at most of it.
    """

    input: str
    output: str
    config: Config
    resume: bool = False
    keep: bool = False
    overwrite: bool = False
    work: Path | None = None
    frames: Selection | None = None
    first: int | None = None
    cluster: str | None = None
    workers: int | None = None


@dataclass(frozen=True)
class Progress:
    """One step of a render. ``total`` is an estimate until the last frame is known; ``None`` when there is none."""

    stage: Literal["look", "check", "dream", "encode", "verify"]
    done: int
    total: int | None
    objective: float | None = None


@dataclass(frozen=True)
class Listener:
    """How a render talks to whoever started it. ``stop`` is asked between frames; true ends the render, resumable."""

    progress: Callable[[Progress], None] = lambda _: None
    note: Callable[[str], None] = lambda _: None
    stop: Callable[[], bool] = lambda: False


class Stopped(Exception):
    """Raised where a stop is asked for while something is done that can't be gone on with: it is left undone."""


@dataclass(frozen=True)
class Report:
    """How a render ended, with all that it noted on the way.

    ``interrupted`` means that the journal in ``work`` holds ``frames`` finished frames.
    """

    output: str
    frames: int
    dreamed: int
    shots: int
    seconds: float
    interrupted: bool = False
    work: Path | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Plan:
    """What a render would do. ``octaves`` are (height, width), full size first; ``tiles`` are tiles in each of them."""

    input: str
    output: str
    frames: int | None
    width: int
    height: int
    rate: Fraction
    network: str
    precision: str
    objective: str
    octaves: list[tuple[int, int]]
    tiles: list[int]
    first_steps: int
    carried_steps: int
    seconds_per_frame: float
    seconds_first_frame: float
    seconds: float | None
    memory_bytes: int
    notes: list[str] = field(default_factory=list)
    crew: "CrewPlan | None" = None


@dataclass(frozen=True)
class CrewPlan:
    """How a cluster shares a render: ``dreamed`` frames in ``chunks`` of ``shots``, with what leads in and is faded.

    Each of ``workers`` has ``cores`` and ``gpus``.
    """

    shots: int
    chunks: int
    dreamed: int
    workers: int
    cores: int
    gpus: int
