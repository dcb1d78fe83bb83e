"""Start a sheet, listen to it, and say how it ended; shared by ``features`` and ``atlas``."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from dreamvideo.cli.interrupt import Interrupt
from dreamvideo.cli.output import as_json, duration, note, result
from dreamvideo.cli.progress import Display
from dreamvideo.cli.run import Manner, resume_command
from dreamvideo.render.job import Listener

if TYPE_CHECKING:
    from dreamvideo.render.sheets import SheetReport


MakeSheet = Callable[[Listener], "SheetReport"]


def run_sheet(make: MakeSheet, manner: Manner) -> int:
    """Make one sheet and return the exit status. Ctrl-C ends it after the cell in flight."""
    with Display(manner.quiet) as display:
        interrupt = Interrupt(display.say)
        listener = Listener(display.progress, display.note, interrupt.requested)
        report = interrupt.run(lambda: make(listener))
    if report.interrupted:
        command = resume_command(manner.arguments)
        if manner.json:
            result(as_json(report, resume=command))
        note(f"interrupted; {_cells(report.cells)} kept in {report.work}. Go on with:\n  {command}")
        return interrupt.exit_code
    result(as_json(report) if manner.json else report.output)
    if not manner.quiet:
        now = f" ({report.dreamed} of them now)" if report.dreamed < report.cells else ""
        note(f"made {_cells(report.cells)}{now} in {duration(report.seconds)}")
    return 0


def _cells(count: int) -> str:
    return f"{count} cell" if count == 1 else f"{count} cells"
