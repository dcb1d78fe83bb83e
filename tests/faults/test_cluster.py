"""Ray's workers and the process that drives them are lost, and told to stop."""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from dreamvideo.errors import DreamFailed
from dreamvideo.render.chunks import Chunk
from dreamvideo.render.footage import hear_clip
from dreamvideo.render.job import Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.start import open_input
from dreamvideo.render.worker import Order, Worker
from tests.faults.conftest import FRAMES, SHOT, Bench, Started, read, wait_until
from tests.render.conftest import Studio

pytest.importorskip("ray")

# Frames that take long enough for something to happen between them.
SLOW = ("--set", "carry.steps=200", "--set", "dream.ascent=plain", "--set", "dream.memory=reset")
ON_RAY = (*SLOW, "--cluster", "local", "--workers", "1")


@pytest.fixture(scope="module")
def alone(whole: Bench, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """The same by one process that nobody disturbed."""
    bench = Bench(whole.context, tmp_path_factory.mktemp("alone"), whole.inputs)
    ended = bench.run(*SLOW, "--keep", traced=True)
    assert ended.status == 0, ended.stderr
    return bench


@pytest.fixture
def on_ray(bench: Bench) -> Iterator[Started]:
    """A render by one worker, of which nothing is left in the end."""
    started = bench.start(*ON_RAY, traced=True)
    family = set[int]()
    try:
        wait_until(lambda: len(bench.stamps()) >= 2, "frames")
        family = descendants(started.pid)
        yield started
    finally:
        for process in {started.pid, *family, *descendants(started.pid)}:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def is_there(process: int) -> bool:
    return state(process) not in {"", "Z"}


def state(process: int) -> str:
    """One letter: see proc(5); none where there is no such process."""
    return fields(process)[0]


def fields(process: int) -> tuple[str, int]:
    """State and parent of a process."""
    try:
        after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
    except OSError:
        return "", 0
    return after_name.split()[0], int(after_name.split()[1])


def descendants(process: int) -> set[int]:
    """All that a process has started, and what those have."""
    parents = {int(each.name): fields(int(each.name))[1] for each in Path("/proc").glob("[0-9]*")}
    found, more = set[int](), {process}
    while more:
        found |= more
        more = {child for child, parent in parents.items() if parent in more} - found
    return found - {process}


def workers(process: int) -> list[int]:
    """The actors that a process has hired."""
    return [each for each in descendants(process) if "ray::Worker" in read(Path(f"/proc/{each}/cmdline"))]


def test_a_killed_worker_is_replaced_and_signals_leave_nothing_behind(
    bench: Bench, alone: Bench, on_ray: Started
) -> None:
    (worker,) = workers(on_ray.pid)
    os.kill(worker, signal.SIGKILL)
    wait_until(lambda: "a worker was lost" in read(on_ray.log / "stderr"), "a word")
    before = bench.stamps()
    wait_until(lambda: len(bench.stamps()) >= len(before) + 2, "frames of another worker")
    assert {index: bench.stamps()[index] for index in before} == before
    family = descendants(on_ray.pid)
    for process in family:
        with suppress(ProcessLookupError):
            if os.getpgid(process) == on_ray.pid:
                os.kill(process, signal.SIGINT)  # as a terminal does, which tells all that it runs
    on_ray.process.terminate()
    ended = on_ray.ended()
    assert ended.status == 143, ended.stderr
    assert "finishing the frame in flight" in ended.stderr
    assert "--resume" in ended.stderr
    wait_until(lambda: not any(map(is_there, family)), "the end of Ray's processes")
    finish(bench, alone)


def test_a_killed_coordinator_leaves_frames_to_go_on_from(bench: Bench, alone: Bench, on_ray: Started) -> None:
    dreaming = workers(on_ray.pid)
    assert dreaming
    on_ray.process.kill()
    assert on_ray.ended().status == -9
    wait_until(lambda: not any(map(is_there, dreaming)), "the end of the worker")
    finish(bench, alone)


def test_a_worker_whose_journal_was_taken_over_writes_no_more(studio: Studio) -> None:
    """It goes on for a moment where its coordinator is killed."""
    job, journal = studio.job(cluster="local"), Journal(studio.folder / "journal")
    with open_input(job) as source:
        heard = hear_clip(job, source, Listener())
    with journal.owned():
        worker = Worker(Order(job, heard, journal.folder, journal.mark()))
        assert worker.about().shared
        journal.make()
        worker.begin(Chunk(0, 0, 0, 0, SHOT), set(), {})
        made = worker.advance(0)
        before = [index for index, *_ in made.frames]
        assert journal.kept() == set(before) < set(range(SHOT))
    with journal.owned():
        with pytest.raises(DreamFailed, match="another process"):
            worker.advance(0)
        assert journal.kept() == set(before)
    worker.close()


def finish(bench: Bench, alone: Bench) -> None:
    """Go on without a cluster: no frame that is there is dreamed again, and the result is what it would have been."""
    kept = bench.stamps()
    assert 0 < len(kept) < FRAMES
    ended = bench.run(*SLOW, "--resume", "--keep", traced=True)
    assert ended.status == 0, ended.stderr
    assert sorted(ended.dreamed) == [index for index in range(FRAMES) if index not in kept]
    assert {index: bench.stamps()[index] for index in kept} == kept
    assert bench.frames() == alone.frames()
    assert bench.hidden() == []
