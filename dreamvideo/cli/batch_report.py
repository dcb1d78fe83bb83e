"""What a batch says: how its jobs stand, what becomes of each, and how it went."""

import sys
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dreamvideo.cli.interrupt import Interrupt
from dreamvideo.cli.output import as_json, duration, error, note, result, table
from dreamvideo.cli.progress import BatchDisplay
from dreamvideo.render.job import Listener

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dreamvideo.render.batch import Ears, Entry, Outcome

_WORDS = {"skipped": "done before"}


def tell_standing(entries: "Sequence[Entry]", *, json: bool) -> None:
    """Print the table of jobs."""
    from dreamvideo.render.batch_names import shown

    if json:
        jobs = [
            {"input": entry.job.input, "output": entry.job.output, "state": entry.standing, "error": entry.why}
            for entry in entries
        ]
        result(as_json({"jobs": jobs, **Counter(entry.standing for entry in entries)}))
        return
    rows = [
        (entry.standing, shown(entry.job.input), shown(entry.job.output), shown(entry.why or "")) for entry in entries
    ]
    result(table([("state", "input", "output", ""), *rows]))


def listen(display: BatchDisplay, interrupt: Interrupt, *, json: bool) -> "Ears":
    """Ears that show each job on ``display``; the outputs go to stdout, unless the end tells of them as JSON."""
    from dreamvideo.render.batch import Ears
    from dreamvideo.render.batch_names import shown

    def begun(entries: "Sequence[Entry]") -> Listener:
        name = shown(entries[0].job.input) + (f" and {len(entries) - 1} more" if len(entries) > 1 else "")
        display.begin_job(name)
        return Listener(display.progress, lambda text: display.note(f"{name}: {text}"), interrupt.requested)

    def ended(outcome: "Outcome") -> None:
        if outcome.state in {"done", "skipped"} and not json:
            display.write(lambda: result(outcome.output))
        if outcome.state == "skipped":
            return
        display.end_job()
        if outcome.bug is not None:
            display.write(lambda: print(outcome.bug, file=sys.stderr))
        display.note(_line(outcome))

    return Ears(begun, ended, interrupt.requested)


def _line(outcome: "Outcome") -> str:
    from dreamvideo.render.batch_names import shown

    if outcome.state == "failed":
        return f"failed {_why(outcome)}"
    frames = f"{outcome.frames} frame{'s' * (outcome.frames != 1)}"
    return f"{outcome.state} {shown(outcome.output)}, {frames} in {duration(outcome.seconds or 0)}"


def _why(outcome: "Outcome") -> str:
    from dreamvideo.render.batch_names import shown

    return "\n".join(map(shown, f"{shown(outcome.input)}: {outcome.error}".split("\n")))


def tell_outcomes(outcomes: "Sequence[Outcome]", seconds: float, *, json: bool, quiet: bool) -> None:
    """Print the summary: how many jobs ended how, and what failed and why."""
    counts = Counter(outcome.state for outcome in outcomes)
    if json:
        jobs = [_plain(outcome) for outcome in outcomes]
        numbers = {
            state.replace(" ", "_"): counts[state]
            for state in ("done", "failed", "skipped", "interrupted", "not begun")
        }
        result(as_json({"jobs": jobs, **numbers, "seconds": round(seconds, 3)}))
    if not quiet:
        told = ", ".join(f"{count} {_WORDS.get(state, state)}" for state, count in counts.items())
        note(f"{told}, in {duration(seconds)}")
    for outcome in outcomes:
        if outcome.state == "failed":
            error(_why(outcome))
    if not quiet and (counts["interrupted"] or counts["not begun"]):
        note("the same command goes on with what is missing")


def _plain(outcome: "Outcome") -> dict[str, Any]:
    return {name: value for name, value in asdict(outcome).items() if name != "bug"}
