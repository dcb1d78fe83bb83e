"""Working ahead and writing behind: bounded queues between the renderer and the disk."""

import queue
import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

_DONE = object()
_POLL = 0.05


class prefetch(Generic[T]):  # noqa: N801 - reads as the verb it is: `with prefetch(frames, 4) as ahead`
    """Runs an iterable in a thread, at most ``depth`` items ahead; a context manager and an iterator.

    An exception in the iterable is raised where its item would have come. Leaving the block early stops the thread
    and closes the iterable (a generator's ``finally`` runs, which ends a decoder).
    """

    def __init__(self, iterable: Iterable[T], depth: int) -> None:
        self._iterable = iterable
        self._items: queue.Queue[object] = queue.Queue(max(1, depth))
        self._stop = threading.Event()
        self._error: BaseException | None = None
        self._exhausted = False
        self._thread = threading.Thread(target=self._produce, name="prefetch", daemon=True)
        self._thread.start()

    def _produce(self) -> None:
        iterator = iter(self._iterable)
        try:
            for item in iterator:
                if not self._put(item):
                    return
        except BaseException as error:  # re-raised in the consumer
            self._error = error
        finally:
            self._finish(iterator)

    def _finish(self, iterator: Iterator[T]) -> None:
        try:
            if isinstance(iterator, Generator):
                iterator.close()
        except BaseException as error:  # re-raised in the consumer
            self._error = self._error or error
        self._put(_DONE)

    def _put(self, item: object) -> bool:
        """Queue the item once there is room; False if the consumer has left."""
        while not self._stop.is_set():
            try:
                self._items.put(item, timeout=_POLL)
            except queue.Full:
                continue
            return True
        return False

    def __iter__(self) -> "prefetch[T]":
        return self

    def __next__(self) -> T:
        if self._exhausted or self._stop.is_set():
            raise StopIteration
        item = self._items.get()
        if item is not _DONE:
            return item  # pyright: ignore[reportReturnType]
        self._exhausted = True
        if self._error is not None:
            raise self._error
        raise StopIteration

    def close(self) -> None:
        """Stop the thread, closing the iterable. Blocks until the item in the making is done."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> "prefetch[T]":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Writer(Generic[T]):
    """Hands items to ``function`` in a thread, in order, at most ``depth`` waiting; a context manager.

    An exception in the thread is raised at the next ``put`` or at ``close``; what was queued after it is dropped.
    Leaving the block waits for what is queued, also when the block raised: finished work is kept.
    """

    def __init__(self, function: Callable[[T], object], depth: int) -> None:
        self._function = function
        self._items: queue.Queue[object] = queue.Queue(max(1, depth))
        self._error: BaseException | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._consume, name="writebehind", daemon=True)
        self._thread.start()

    def _consume(self) -> None:
        while (item := self._items.get()) is not _DONE:
            if self._error is not None:
                continue
            try:
                self._function(item)  # pyright: ignore[reportArgumentType]
            except BaseException as error:  # raised again at the next put or close
                self._error = error

    def put(self, item: T) -> None:
        """Queue one item; waits while the queue is full.

        Raises
        ------
        Exception
            Whatever the function raised for an earlier item.
        ValueError
            The writer is closed.
        """
        if self._error is not None:
            self.close()
        if self._closed:
            raise ValueError("the writer is closed")
        self._items.put(item)

    def close(self) -> None:
        """Wait until everything queued is written; raises what the function raised, once."""
        if not self._closed:
            self._closed = True
            self._items.put(_DONE)
            self._thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def __enter__(self) -> "Writer[T]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except BaseException:
            if error is None:
                raise


def writebehind(function: Callable[[T], object], depth: int) -> Writer[T]:
    """A :class:`Writer` for ``function``."""
    return Writer(function, depth)
