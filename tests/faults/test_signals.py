"""Ctrl-C, and the SIGTERM that a machine gets before it is taken away."""

import os
import signal
from collections.abc import Callable

import pytest

from tests.faults.conftest import FRAMES, Bench, read, wait_until

HELD = 4
STOPS = [
    pytest.param(os.kill, signal.SIGTERM, id="SIGTERM"),
    pytest.param(os.killpg, signal.SIGINT, id="Ctrl-C"),  # a terminal tells all that it runs
]


@pytest.mark.parametrize(("send", "number"), STOPS)
def test_a_signal_finishes_the_frame_in_flight(
    bench: Bench, whole: Bench, send: Callable[[int, int], None], number: int
) -> None:
    started = bench.start(holds={HELD: 1.0})
    wait_until(lambda: str(HELD) in read(started.log / "dreamed").split(), "a frame")
    send(started.pid, number)
    ended = started.ended()
    assert ended.status == 128 + number
    assert "finishing the frame in flight" in ended.stderr
    assert "--resume" in ended.stderr
    assert ended.dreamed == [*bench.frames()] == list(range(HELD + 1))
    assert bench.hidden() == []
    ended = bench.run("--resume")
    assert (ended.status, ended.dreamed) == (0, list(range(HELD + 1, FRAMES)))
    assert bench.output.read_bytes() == whole.output.read_bytes()


def test_a_second_signal_ends_it_at_once(bench: Bench, whole: Bench) -> None:
    started = bench.start(holds={HELD: 60.0})
    wait_until(lambda: str(HELD) in read(started.log / "dreamed").split(), "a frame")
    os.kill(started.pid, signal.SIGTERM)
    wait_until(lambda: "in flight" in read(started.log / "stderr"), "a word")
    os.kill(started.pid, signal.SIGTERM)
    assert started.ended().status == 143
    assert [*bench.frames()] == list(range(HELD))
    ended = bench.run("--resume")
    assert (ended.status, ended.dreamed) == (0, list(range(HELD, FRAMES)))
    assert bench.output.read_bytes() == whole.output.read_bytes()
