"""Sheets of dreams: cell after cell is dreamed and kept in a journal, and when all are there, they are one picture.

What goes for a render goes here: an interrupted sheet can be gone on with, by the same settings only.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from dreamvideo import __version__
from dreamvideo.config import MAX_PIXELS, Config
from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.sheet import LARGEST_SIDE, Label, Layout, contact_sheet
from dreamvideo.media.still import resize
from dreamvideo.motion.carry import State
from dreamvideo.render.job import Progress
from dreamvideo.render.journal import Journal, keeping
from dreamvideo.render.picture import check_picture, write_picture
from dreamvideo.render.start import Notes, journal_folder

_NO_AGE = np.zeros((1, 1, 1), np.float32)  # nothing goes on from a cell


@dataclass(frozen=True)
class SheetJob:
    """A sheet to make, by ``config``. ``cell`` is the longer side of a cell, in pixels; the rest is as in ``Job``."""

    output: str
    config: Config
    cell: int
    resume: bool = False
    keep: bool = False
    overwrite: bool = False
    work: Path | None = None


@dataclass(frozen=True)
class SheetReport:
    """How a sheet ended, with all that was noted on the way; ``interrupted`` as in ``Report``."""

    output: str
    cells: int
    dreamed: int
    seconds: float
    interrupted: bool = False
    work: Path | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Cell:
    """One picture of a sheet and how to make it: a frame of any size, and the objective it reached, if any."""

    label: Label
    dream: Callable[[], tuple[np.ndarray, float | None]]


def open_journal(job: SheetJob) -> Journal:
    """The journal of a job, after everything that can be refused before a network is loaded has been.

    Raises ``ConfigError`` and ``OutputError``.
    """
    check_picture(job.output, overwrite=job.overwrite)
    journal = Journal(job.work or journal_folder(job.output))
    if journal.exists() and not job.resume and not job.overwrite:
        raise OutputError(
            f"{journal.folder} holds an unfinished sheet; go on with --resume, or start afresh with --overwrite"
        )
    return journal


def make_sheet(
    job: SheetJob, journal: Journal, layout: Layout, cells: Sequence[Cell], made_of: dict[str, Any], notes: Notes
) -> SheetReport:
    """Dream the cells that are not in the journal yet, then draw the sheet.

    ``made_of``: what decides the cells beside the job, as plain JSON data.
    """
    begun = time.monotonic()
    check_size(layout, job.output)
    with journal.owned(lambda text: notes.add([text])):
        kept = {index for index in _begin(job, journal, layout, made_of, notes) if index < len(cells)}
        count = _dream(journal, cells, layout, kept, notes)
        stopped = count < len(cells)
        if not stopped:
            sheet = contact_sheet(layout, [cell.label for cell in cells], journal.frames(range(count)))
            with keeping(journal):
                write_picture(job.output, sheet, job.config)
        if not (stopped or job.keep):
            journal.discard()
    return SheetReport(
        output=job.output,
        cells=count,
        dreamed=count - len(kept),
        seconds=time.monotonic() - begun,
        interrupted=stopped,
        work=journal.folder if stopped or job.keep else None,
        notes=notes.all,
    )


def _begin(job: SheetJob, journal: Journal, layout: Layout, made_of: dict[str, Any], notes: Notes) -> set[int]:
    """Go on with the journal, or begin it; the numbers of the cells that are finished."""
    config = job.config.model_dump(mode="json", exclude={"output"})
    manifest = {"version": __version__, "cell": list(layout.cell), "config": config, **made_of}
    if job.resume and journal.exists():
        journal.go_on(manifest)
        kept = journal.kept()
        notes.add([f"resuming after {len(kept)} finished cell{'s' * (len(kept) != 1)}"])
        return kept
    if job.resume:
        notes.add([f"there is nothing to resume in {journal.folder}; dreaming from the start"])
    journal.begin(manifest)
    return set()


def _dream(journal: Journal, cells: Sequence[Cell], layout: Layout, kept: set[int], notes: Notes) -> int:
    """Dream and keep the cells that aren't ``kept`` until the last, or a stop; how many are finished then."""
    listener, done = notes.listener, len(kept)
    listener.progress(Progress("dream", done, len(cells)))
    with keeping(journal):
        for index, cell in enumerate(cells):
            if index in kept:
                continue
            if listener.stop():
                break
            picture, objective = cell.dream()
            small = resize(picture, *layout.cell)
            journal.keep(index, small, State(small, small, _NO_AGE))
            done += 1
            listener.progress(Progress("dream", done, len(cells), objective))
    return done


def check_size(layout: Layout, output: str) -> None:
    """Raise ``ConfigError`` for a sheet that no picture can hold, before it is made."""
    width, height = layout.size
    limit = LARGEST_SIDE.get(Path(output).suffix.lower(), MAX_PIXELS)
    if width * height > MAX_PIXELS or max(width, height) > limit:
        raise ConfigError(
            f"the sheet would have {width}x{height} pixels, more than {output} can hold; "
            "use smaller cells (--cell) or fewer of them"
        )


def fit(height: int, width: int, longest: int) -> tuple[int, int]:
    """Width and height of a picture whose longer side is brought to ``longest`` pixels."""
    scale = longest / max(height, width)
    return max(1, round(width * scale)), max(1, round(height * scale))
