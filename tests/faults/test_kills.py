"""kill -9, wherever a render is."""

import random

import pytest

from tests.faults.conftest import FRAMES, Bench
from tests.faults.driver import Kill

KILLS = 20
SEED = 5
BEFORE = 26  # things done with files before the first frame is dreamed, but for looking at those that are kept
FRAME = 6  # and at most for each frame that is dreamed
BEHIND = 24  # and after the last one
LAST = 6  # kills that are saved for that

AGAIN = ("--resume", "--keep", "--overwrite")


def test_twenty_kills_lose_no_finished_frame(bench: Bench, whole: Bench) -> None:
    """Each at a random moment, from the first looks at the files to the decoding of the result."""
    draw, story = random.Random(SEED), []
    for left in reversed(range(KILLS)):
        finished = bench.stamps()
        event = BEFORE + len(finished) + draw.randint(-BEFORE // 2, 2 * FRAME)
        if left < LAST:
            event = BEFORE + len(finished) + FRAME * (FRAMES - len(finished)) + draw.randint(0, BEHIND)
        kill = Kill(event, draw.choice([0, draw.uniform(0, 0.02)]), within=str(bench.folder))
        ended = bench.run(*AGAIN, kill=kill)
        story.append((kill.event, kill.seconds, len(finished), len(bench.stamps()), ended.status))
        assert ended.status == -9, (story, ended.stderr)
        assert not set(ended.dreamed) & finished.keys(), story
        assert {index: bench.stamps()[index] for index in finished} == finished, story
    assert bench.run(*AGAIN).status == 0, story
    assert bench.frames() == whole.frames(), story
    assert bench.output.read_bytes() == whole.output.read_bytes(), story
    assert bench.hidden() == [], story


@pytest.mark.parametrize(
    ("kill", "kept"),
    [
        pytest.param(Kill(1, kind="os.rename", name="/dreamvideo.owner.json"), 0, id="owning"),
        pytest.param(Kill(1, kind="os.rename", name="/dreamvideo.json"), 0, id="beginning"),
        pytest.param(Kill(1, kind="os.rename", name="memories/000004.float32"), 4, id="before memory"),
        pytest.param(Kill(1, kind="os.rename", name="frames/000004.png"), 4, id="between memory and frame"),
        pytest.param(Kill(1, kind="open", name="frames/000009.png"), FRAMES, id="encoding"),
        pytest.param(Kill(1, name="framecrc"), FRAMES, id="verifying"),
        pytest.param(Kill(1, kind="os.rename", name="/out.mp4"), FRAMES, id="renaming"),
    ],
)
def test_a_kill_leaves_nothing_for_good(bench: Bench, whole: Bench, kill: Kill, kept: int) -> None:
    assert bench.run(kill=kill).status == -9
    assert not bench.output.exists()
    assert bench.frames() == {index: whole.frames()[index] for index in range(kept)}
    assert bench.hidden() != [] or kill.kind == "open"  # the encoder begins its file in its own time
    ended = bench.run("--resume")
    assert (ended.status, ended.dreamed) == (0, list(range(kept, FRAMES))), ended.stderr
    assert bench.output.read_bytes() == whole.output.read_bytes()
    assert bench.hidden() == []
    assert not bench.journal.folder.exists()


def test_a_kill_while_the_journal_is_removed_comes_after_the_output(bench: Bench, whole: Bench) -> None:
    assert bench.run(kill=Kill(1, kind="os.remove", name="000004.png")).status == -9
    assert bench.output.read_bytes() == whole.output.read_bytes()
    assert 4 in bench.frames()
    ended = bench.run("--resume")
    assert (ended.status, ended.dreamed) == (4, [])
    assert "exists already" in ended.stderr
    assert bench.run("--overwrite").status == 0
    assert bench.output.read_bytes() == whole.output.read_bytes()
    assert not bench.journal.folder.exists()
