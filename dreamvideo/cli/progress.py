"""The progress bars and the notes of a render, or of a batch of them, on stderr."""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from dreamvideo.cli.output import note
from dreamvideo.render.job import Progress

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining} left, {rate_inv_fmt}{postfix}]"
_FORMAT_ALL = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} jobs [{remaining} left{postfix}]"
_FORMAT_ENDLESS = "{desc} {n_fmt} [{elapsed}, {rate_inv_fmt}{postfix}]"


class Display:
    """One bar a stage, only where stderr is a terminal; notes above it. A context manager that closes the bar."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self._bar: Any = None
        self._stage = ""

    def progress(self, progress: Progress) -> None:
        if progress.stage != self._stage:
            self._open(progress)
        bar = self._bar
        bar.total = progress.total
        if progress.objective is not None:
            bar.set_postfix_str(f"objective {progress.objective:.3g}", refresh=False)
        bar.update(progress.done - bar.n)

    def note(self, text: str) -> None:
        if not self.quiet:
            self.say(text)

    def say(self, text: str) -> None:
        """A note that is heard even when quiet: the answer to something that the person just did."""
        if self._bar is None:
            note(text)
            return
        with self._bar.external_write_mode(file=sys.stderr):
            note(text)

    def _open(self, progress: Progress) -> None:
        from tqdm import tqdm

        self.close()
        self._stage = progress.stage
        self._bar = tqdm(
            desc=progress.stage,
            total=progress.total,
            initial=progress.done,
            unit="frame",
            file=sys.stderr,
            disable=True if self.quiet else None,
            leave=False,
            dynamic_ncols=True,
            bar_format=_FORMAT if progress.total else _FORMAT_ENDLESS,
        )

    def close(self) -> None:
        """End the bar; what comes next has one of its own."""
        self._stage = ""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()


class BatchDisplay(Display):
    """The bar of a job, and below it one for all ``jobs`` of a batch."""

    def __init__(self, quiet: bool, jobs: int) -> None:
        super().__init__(quiet)
        from tqdm import tqdm

        self._all = tqdm(
            desc="all",
            total=jobs,
            position=1,
            file=sys.stderr,
            disable=True if quiet else None,
            leave=False,
            dynamic_ncols=True,
            bar_format=_FORMAT_ALL,
        )

    def say(self, text: str) -> None:
        self.write(lambda: note(text))

    def write(self, printing: Callable[[], None]) -> None:
        """Let ``printing`` write to stderr or stdout, above the bars."""
        with self._all.external_write_mode(file=sys.stderr):
            printing()

    def begin_job(self, name: str) -> None:
        self.close()
        self._all.set_postfix_str(f"now {name}")

    def end_job(self) -> None:
        self._all.update()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._all.close()
