"""A journal is one process's at a time."""

import socket

from tests.faults.conftest import FRAMES, Bench, read, wait_until

HELD = 3


def test_a_second_process_is_refused_and_a_dead_ones_journal_taken_over(bench: Bench, whole: Bench) -> None:
    first = bench.start(holds={HELD: 60.0})
    wait_until(lambda: str(HELD) in read(first.log / "dreamed").split(), "a frame")
    wait_until(lambda: len(bench.frames()) == HELD, "frames")
    before = bench.stamps()
    owner = f"process {first.pid} on {socket.gethostname()}"
    for option in ("--resume", "--overwrite"):
        second = bench.run(option)
        assert (second.status, second.dreamed) == (4, [])
        assert f"is in use by {owner}" in second.stderr
    assert bench.stamps() == before

    first.process.kill()
    assert first.ended().status == -9
    third = bench.run("--resume")
    assert (third.status, third.dreamed) == (0, list(range(HELD, FRAMES)))
    assert f"was left behind by {owner}, which is gone; taking it over" in third.stderr
    assert bench.output.read_bytes() == whole.output.read_bytes()
    assert not bench.journal.folder.exists()
