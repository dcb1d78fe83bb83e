"""The progress bar and the notes of a render, on stderr."""

import sys
from types import TracebackType
from typing import Any

from dreamvideo.cli.output import note
from dreamvideo.render.job import Progress

_FORMAT = "{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{remaining} left, {rate_inv_fmt}{postfix}]"
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

        self._close()
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

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def __enter__(self) -> "Display":
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._close()
