"""Ctrl-C and SIGTERM: the first asks the render to stop after its frame, the second ends the process at once."""

import os
import signal
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from types import FrameType
from typing import TypeVar

from dreamvideo.cli.output import note

T = TypeVar("T")
_POLL_SECONDS = 0.2


class Interrupt:
    """Remembers the first signal. ``say`` tells the person that it was heard."""

    def __init__(self, say: Callable[[str], None] = note) -> None:
        self.number: int | None = None
        self._say = say

    def requested(self) -> bool:
        return self.number is not None

    @property
    def exit_code(self) -> int:
        """128 and the signal's number: 130 for Ctrl-C, 143 for SIGTERM."""
        return 128 + (self.number or signal.SIGINT)

    def run(self, work: Callable[[], T]) -> T:
        """Do ``work`` while signals are heard.

        It runs in a thread of its own: Python hears signals in the main thread only, and not before TensorFlow,
        which may hold it for the whole of a frame, has returned.
        """
        before = {number: signal.signal(number, self._hear) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            with ThreadPoolExecutor(1, "render") as pool:
                future = pool.submit(work)
                while not future.done():
                    wait([future], timeout=_POLL_SECONDS)  # Windows hears no Ctrl-C in an endless wait
                return future.result()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        if self.number is not None:
            sys.stderr.flush()
            os._exit(128 + number)
        self.number = number
        again = "; press Ctrl-C again to stop at once" if number == signal.SIGINT else ""
        self._say(f"finishing the frame in flight{again}")
