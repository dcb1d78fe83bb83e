"""Many jobs in one process: what has to be done of them, and doing it, whatever becomes of each."""

import traceback
from collections.abc import Callable, Generator, Hashable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from dreamvideo.errors import DreamError, InputError, OutputError
from dreamvideo.media.files import output_error
from dreamvideo.media.frames import is_still
from dreamvideo.render.batch_names import Kind, Wish
from dreamvideo.render.batch_record import BatchRecord, Made, made_now
from dreamvideo.render.job import Job, Listener, Report
from dreamvideo.render.journal import GO_ON, Journal
from dreamvideo.render.start import journal_folder, open_input
from dreamvideo.render.stills import together

Standing = Literal["missing", "unfinished", "done", "refused"]
State = Literal["done", "skipped", "failed", "interrupted", "not begun"]

Render = Callable[[Kind, Sequence[Job], Listener], Generator[Report | DreamError, None, None]]
"""Renders jobs of a kind, of which several are for ``render_stills``, and gives how each ended."""


@dataclass(frozen=True)
class Entry:
    """One job of a batch and how it stands before the batch begins.

    ``name`` is its output's in the record; ``frames`` is how many there are, where it is done.
    """

    kind: Kind
    job: Job
    name: str
    standing: Standing
    why: str | None = None
    frames: int | None = None


@dataclass(frozen=True)
class Outcome:
    """What became of a job. ``error`` is a sentence, ``bug`` a traceback; ``seconds`` is the time of this run."""

    input: str
    output: str
    state: State
    error: str | None = None
    bug: str | None = None
    frames: int | None = None
    seconds: float | None = None
    notes: list[str] = field(default_factory=list)


Ends = Generator[tuple[int, Outcome], None, None]
"""What becomes of jobs, as it is known, each with its place in the batch."""


@dataclass(frozen=True)
class Ears:
    """How a batch talks to whoever started it: ``begun`` gives ears for the jobs that begin
    together, ``ended`` hears what became of each."""

    begun: Callable[[Sequence[Entry]], Listener]
    ended: Callable[[Outcome], None]
    stop: Callable[[], bool] = lambda: False


def survey(
    wishes: Sequence[Wish], outputs: Sequence[str], record: BatchRecord, *, overwrite: bool, keep: bool
) -> list[Entry]:
    """How each wish stands, looking at inputs, outputs and journals. Nothing is written."""
    entries = []
    for wish, output in zip(wishes, outputs, strict=True):
        job = Job(wish.input, output, wish.config, keep=keep, frames=wish.frames)
        name = Path(output).relative_to(record.path.parent).as_posix()
        try:
            entries.append(_survey(wish.kind, job, name, record, overwrite=overwrite))
        except (DreamError, OSError) as error:
            problem = error if isinstance(error, DreamError) else output_error(output, error)
            entries.append(Entry(wish.kind, job, name, "refused", str(problem)))
    return entries


def _survey(kind: Kind, job: Job, name: str, record: BatchRecord, *, overwrite: bool) -> Entry:
    _expect_input(job.input)
    there, begun = _is_there(Path(job.output)), Journal(journal_folder(job.output)).exists()
    known = record.get(name)
    change = known.change(made_now(kind, job)) if known is not None and (there or begun) else None
    if there and known is not None and not (change or known.replaces):
        return Entry(kind, job, name, "done", frames=known.frames)
    if there and not overwrite:
        made = "and no batch made it" if known is None else change or "and was to be replaced"
        return Entry(kind, job, name, "refused", f"{job.output} exists already, {made}; -y replaces it")
    if begun and change and not overwrite:
        return Entry(kind, job, name, "refused", f"{job.output} is unfinished, {change}; -y starts it afresh")
    resume = begun and not change and not (known is None and overwrite)
    job = replace(job, resume=resume, overwrite=overwrite)
    return Entry(kind, job, name, "unfinished" if resume else "missing")


def _is_there(output: Path) -> bool:
    """Whether there is anything under that name; an empty folder is nothing."""
    return any(output.iterdir()) if output.is_dir() else output.exists() or output.is_symlink()


def _expect_input(path: str) -> None:
    place = Path(path)
    if not place.exists():
        raise InputError(f"there is no {path}")
    if not place.is_file() and not place.is_dir():
        raise InputError(f"{path} is neither a file nor a folder")


def run_batch(
    entries: Sequence[Entry], record: BatchRecord, render: Render, ears: Ears, *, fail_fast: bool = False
) -> list[Outcome]:
    """Do what is missing and return what became of each job; with ``fail_fast``, until one fails."""
    outcomes: dict[int, Outcome] = {}
    with closing(_ends(entries, record, render, ears)) as ends:
        for index, outcome in ends:
            outcomes[index] = outcome
            ears.ended(outcome)
            if fail_fast and outcome.state == "failed":
                break
    return [outcomes.get(index) or _outcome(entry, "not begun") for index, entry in enumerate(entries)]


def _ends(entries: Sequence[Entry], record: BatchRecord, render: Render, ears: Ears) -> Ends:
    for group in _groups(entries):
        index, entry = group[0]
        if ears.stop():
            return
        if entry.standing == "done":
            yield index, _outcome(entry, "skipped", frames=entry.frames)
        elif entry.standing == "refused":
            yield index, _outcome(entry, "failed", error=entry.why)
        else:
            yield from _do(group, record, render, ears)


def _groups(entries: Sequence[Entry]) -> list[list[tuple[int, Entry]]]:
    """The jobs with their places, in order, but those beside the first of them that can be dreamed together with it."""
    groups: dict[Hashable, list[tuple[int, Entry]]] = {}
    for index, entry in enumerate(entries):
        groups.setdefault(_together(entry) or index, []).append((index, entry))
    return list(groups.values())


def _together(entry: Entry) -> Hashable | None:
    """What jobs have in common that can be dreamed together; None where this one goes alone."""
    if entry.standing != "missing" or entry.kind == "zoom" or not is_still(entry.job.input):
        return None
    try:
        with open_input(entry.job) as source:
            return together(entry.job, source)
    except DreamError:  # which is told when its turn comes
        return None


@dataclass(frozen=True)
class _Begun:
    """A job in flight, what is making its output, and what the record said before."""

    index: int
    entry: Entry
    made: Made
    before: Made | None


def _do(group: Sequence[tuple[int, Entry]], record: BatchRecord, render: Render, ears: Ears) -> Ends:
    """Do a group of jobs. Those that a stop leaves undone stand in the record as they did before."""
    left: list[_Begun] = []
    for index, entry in group:
        try:
            left.append(_Begun(index, entry, _begin(entry), record.get(entry.name)))
        except Exception as error:
            yield index, _failed(entry, error)
    try:
        record.put({begun.entry.name: begun.made for begun in left})
    except DreamError as error:
        yield from ((begun.index, _failed(begun.entry, error)) for begun in left)
        return
    try:
        go_on = True
        while left and go_on and not ears.stop():
            entries = [begun.entry for begun in left]
            jobs = [entry.job for entry in entries]
            with closing(render(entries[0].kind, jobs, ears.begun(entries))) as reports:
                go_on = yield from _follow(left, reports, record)
    finally:
        with suppress(OutputError):  # what is in the way has been told by then
            record.put({begun.entry.name: begun.before for begun in left})


def _begin(entry: Entry) -> Made:
    """Look at the input and make the folder."""
    made, output = made_now(entry.kind, entry.job), Path(entry.job.output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        return replace(made, replaces=_is_there(output))
    except OSError as error:
        raise output_error(output.parent, error) from error


def _follow(
    left: list[_Begun], reports: Iterator[Report | DreamError], record: BatchRecord
) -> Generator[tuple[int, Outcome], None, bool]:
    """The outcomes of jobs, which are taken off ``left``, up to the first that is left undone or raises.

    Returns whether to go on with those that are left.
    """
    while left:
        begun, raised = left[0], False
        try:
            outcome = _outcome_of(begun, next(reports), record)
        except Exception as error:
            outcome, raised = _failed(begun.entry, error), True
        if outcome.state == "not begun":
            return False
        left.pop(0)
        yield begun.index, outcome
        if raised:
            return True
    return False


def _outcome_of(begun: _Begun, report: Report | DreamError, record: BatchRecord) -> Outcome:
    if isinstance(report, DreamError):
        return _failed(begun.entry, report)
    found = {"frames": report.frames, "seconds": report.seconds, "notes": report.notes}
    if report.interrupted:
        return _outcome(begun.entry, "interrupted" if report.frames else "not begun", **found)
    made = replace(begun.made, frames=report.frames, seconds=round(report.seconds, 3), replaces=False)
    record.put({begun.entry.name: made})
    return _outcome(begun.entry, "done", **found)


def _failed(entry: Entry, error: Exception) -> Outcome:
    if isinstance(error, DreamError):
        return _outcome(entry, "failed", error=str(error).replace(GO_ON, "the same command goes on"))
    told = "".join(traceback.format_exception_only(error)).strip()
    bug = "".join(traceback.format_exception(error))
    return _outcome(entry, "failed", error=f"this is a bug in dreamvideo: {told}", bug=bug)


def _outcome(entry: Entry, state: State, **found: Any) -> Outcome:
    return Outcome(entry.job.input, entry.job.output, state, **found)
