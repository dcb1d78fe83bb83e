"""A journal is one process's at a time, and a preview's never the render's."""

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


def test_a_preview_leaves_the_frames_of_the_render(bench: Bench, whole: Bench) -> None:
    render = bench.start(holds={HELD: 60.0})
    wait_until(lambda: len(bench.frames()) == HELD, "frames")
    render.process.kill()
    assert render.ended().status == -9
    before = bench.stamps()
    preview = bench.run("--preview", "-y")
    assert (preview.status, preview.dreamed) == (0, list(range(FRAMES)))
    assert bench.stamps() == before
    again = bench.run("--resume", "-y")
    assert (again.status, again.dreamed) == (0, list(range(HELD, FRAMES)))
    assert bench.output.read_bytes() == whole.output.read_bytes()
    assert list(bench.folder.glob("*.journal")) == []
