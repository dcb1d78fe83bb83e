"""Bounded queues: in order, never too far ahead, errors where they belong, and a prompt end."""

import threading
from collections.abc import Iterator

import pytest

from dreamvideo.media.prefetch import prefetch, writebehind


def test_items_come_in_order() -> None:
    with prefetch(range(50), 3) as ahead:
        assert list(ahead) == list(range(50))
        assert list(ahead) == []


def test_never_more_than_depth_ahead() -> None:
    made: list[int] = []
    full = threading.Event()

    def items() -> Iterator[int]:
        for index in range(100):
            made.append(index)
            if index == 3:
                full.set()
            yield index

    with prefetch(items(), 2) as ahead:
        assert next(ahead) == 0
        assert full.wait(5)
        assert not threading.Event().wait(0.2)
        assert len(made) == 4  # one taken, two queued, one waiting for room


def test_an_error_is_raised_in_its_place() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise ValueError("broken frame")

    with prefetch(items(), 4) as ahead:
        assert next(ahead) == 1
        with pytest.raises(ValueError, match="broken frame"):
            next(ahead)
        with pytest.raises(StopIteration):
            next(ahead)


def test_leaving_early_closes_the_generator() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    with prefetch(items(), 1) as ahead:
        next(ahead)
    assert closed.is_set()
    assert not ahead._thread.is_alive()


def test_written_behind_in_order_and_complete() -> None:
    written: list[int] = []
    with writebehind(written.append, 2) as writer:
        for index in range(50):
            writer.put(index)
    assert written == list(range(50))
    with pytest.raises(ValueError, match="closed"):
        writer.put(1)


def test_a_failed_write_is_raised_at_the_next_put_or_close() -> None:
    def fail(_: int) -> None:
        raise OSError("disk is full")

    with pytest.raises(OSError, match="disk is full"), writebehind(fail, 1) as writer:
        writer.put(1)
    writer = writebehind(fail, 1)
    writer._error = OSError("disk is full")
    with pytest.raises(OSError, match="disk is full"):
        writer.put(1)
    writer.close()


def test_queued_work_is_kept_when_the_block_fails() -> None:
    written: list[int] = []

    def stop() -> None:
        with writebehind(written.append, 4) as writer:
            for index in range(4):
                writer.put(index)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert written == [0, 1, 2, 3]
