"""Many stills at once: each comes out as it would alone, whatever becomes of the others."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dreamvideo.config import Config, Input
from dreamvideo.dream.engine import Dreamer
from dreamvideo.errors import DreamError, DreamFailed, InputError, NetworkError, OutputError
from dreamvideo.media.still import read_image, write_image
from dreamvideo.render import stills
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.picture import render_image
from dreamvideo.render.start import open_input
from dreamvideo.render.stills import render_stills, together
from tests.render.conftest import Studio
from tests.tiny import picture, tiny_config

MakeJobs = Callable[..., list[Job]]


@pytest.fixture
def make_jobs(tmp_path: Path, out: Path) -> MakeJobs:
    """``make_jobs(count, **config)``: stills of 45x61 pixels, each to a PNG of its number."""

    def make(count: int = 3, **changes: Any) -> list[Job]:
        config, jobs = tiny_config(**changes), []
        for i in range(count):
            path = str(tmp_path / f"still{i}.png")
            write_image(path, picture(45, 61, i))
            jobs.append(Job(path, str(out / f"{i}.png"), config))
        return jobs

    return make


@pytest.fixture
def still(out: Path) -> Studio:
    """Somebody who listens."""
    return Studio(out, "")


def alone(job: Job) -> np.ndarray:
    """What ``image`` makes of a job."""
    output = f"{job.output}.alone.png"
    render_image(replace(job, output=output), Listener())
    return read_image(output)


def ends(jobs: list[Job], listener: Listener | None = None) -> list[Report | DreamError]:
    return list(render_stills(jobs, listener or Listener()))


LOOKS: dict[str, dict[str, Any]] = {
    "plain": {"dream": {"octaves": 1}},
    "graded": {"dream": {"laplacian": 3}, "color": {"saturation": 0.4, "contrast": 1.3}, "seed": 5},
    "scheduled": {"moving": {"dream.strength": "2 - t", "dream.smooth": "1 + volume"}},
    "narrow": {"input": Input(width=40)},
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_each_picture_is_what_it_is_alone(look: dict[str, Any], make_jobs: MakeJobs) -> None:
    jobs = make_jobs(3, **look)
    for job, end in zip(jobs, ends(jobs), strict=True):
        assert isinstance(end, Report)
        assert (end.output, end.frames, end.dreamed, end.shots) == (job.output, 1, 1, 1)
        found, wanted = read_image(job.output), alone(job)
        difference = np.abs(found - wanted) * 255
        assert found.shape == wanted.shape
        assert difference.max() < 1.5
        assert (difference > 0.5).mean() < 0.001
        assert np.abs(found - picture(*found.shape[:2])).max() > 0.01


def test_they_are_dreamed_together_in_groups_of_about_one_size(
    make_jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    original = Dreamer.dream_several

    def spy(self: Dreamer, frames: Any, **options: Any) -> Any:
        groups.append(len(frames))
        return original(self, frames, **options)

    monkeypatch.setattr(Dreamer, "dream_several", spy)
    monkeypatch.setattr(Dreamer, "most_together", lambda *_: 3)
    ended = ends(make_jobs(7, dream={"octaves": 1, "steps": 1}))
    assert all(isinstance(end, Report) for end in ended)
    assert groups == [3, 3, 1]


def test_a_picture_is_known_before_the_next_group_is_read(make_jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dreamer, "most_together", lambda *_: 2)
    jobs = make_jobs(4, dream={"octaves": 1, "steps": 1})
    ended = render_stills(jobs, Listener())
    next(ended)
    assert [Path(job.output).exists() for job in jobs] == [True, True, False, False]
    Path(jobs[3].input).unlink()
    assert [type(end) for end in ended] == [Report, Report, InputError]


def test_the_settings_are_in_every_picture(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(2, seed=7)
    ends(jobs)
    for job in jobs:
        render_image(replace(job, output=f"{job.output}.png"), Listener())
        with Image.open(job.output) as found, Image.open(f"{job.output}.png") as wanted:
            assert found.info["Comment"] == wanted.info["Comment"]


def test_one_failure_leaves_the_others_alone(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(6)
    Path(jobs[0].input).write_bytes(b"no picture")
    Path(jobs[1].input).unlink()
    Path(jobs[3].output).write_bytes(b"mine")
    write_image(jobs[4].input, picture(50, 61))
    ended = ends(jobs)
    assert [type(end) for end in ended] == [InputError, InputError, Report, OutputError, InputError, Report]
    assert "61x50" in str(ended[4])
    assert Path(jobs[3].output).read_bytes() == b"mine"
    assert np.abs(read_image(jobs[5].output) - alone(jobs[5])).max() < 1.5 / 255


def test_one_that_is_not_finite_or_cannot_be_written_fails_alone(
    make_jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, failed = make_jobs(3), DreamFailed("not finite")
    dream, write = Dreamer.dream_several, stills.write_picture

    def some(self: Dreamer, *arguments: Any, **options: Any) -> list[Any]:
        _, *rest = dream(self, *arguments, **options)
        return [failed, *rest]

    def full(output: str, *rest: Any) -> None:
        if output == jobs[1].output:
            raise OutputError("the disk is full")
        write(output, *rest)

    monkeypatch.setattr(Dreamer, "dream_several", some)
    monkeypatch.setattr(stills, "write_picture", full)
    ended = ends(jobs)
    assert ended[0] is failed
    assert [type(end) for end in ended[1:]] == [OutputError, Report]


def test_what_all_need_and_is_not_to_be_had_is_the_error_of_each(
    make_jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Config) -> Any:
        raise NetworkError("no weights")

    monkeypatch.setattr(stills, "load_dreamer", fail)
    assert [str(end) for end in ends(make_jobs(2))] == ["no weights"] * 2
    unreadable = [replace(job, input=f"{job.input}.png") for job in make_jobs(2)]
    assert [type(end) for end in ends(unreadable)] == [InputError] * 2


def test_notes_are_told_once_and_kept_with_every_picture_they_concern(make_jobs: MakeJobs, still: Studio) -> None:
    jobs = make_jobs(3, dream={"objective": "temporal()", "layers": {}, "pictures": {"sky": "a.png"}})
    ended = ends(jobs, Listener(still.progress.append, still.notes.append))
    assert len(still.notes) == 2
    for end in ended:
        assert isinstance(end, Report)
        assert end.notes == still.notes
        assert end.notes[1].startswith("nothing was dreamed")


def test_only_a_picture_in_which_nothing_was_dreamed_says_so(make_jobs: MakeJobs) -> None:
    jobs = make_jobs(2, dream={"octaves": 1})
    write_image(jobs[0].input, np.zeros((45, 61, 3), np.float32))
    jobs = [replace(job, config=tiny_config(dream={"objective": "-tv()", "layers": {}, "octaves": 1})) for job in jobs]
    notes = [end.notes for end in ends(jobs) if isinstance(end, Report)]
    assert [len(each) for each in notes] == [1, 0]


def test_progress_is_told_by_pictures(make_jobs: MakeJobs, still: Studio) -> None:
    jobs = make_jobs(3)
    Path(jobs[1].input).unlink()
    ends(jobs, Listener(still.progress.append))
    assert [(step.stage, step.done, step.total) for step in still.progress] == [("dream", i, 3) for i in range(4)]
    assert [step.objective is None for step in still.progress] == [True, False, True, False]


def test_asked_to_stop_the_rest_is_left(make_jobs: MakeJobs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dreamer, "most_together", lambda *_: 2)
    jobs, seen = make_jobs(4, dream={"octaves": 1}), list[Progress]()
    ended = ends(jobs, Listener(seen.append, stop=lambda: len(seen) > 2))
    assert [end.interrupted for end in ended if isinstance(end, Report)] == [False, False, True, True]
    assert [Path(job.output).exists() for job in jobs] == [True, True, False, False]


def test_configs_are_not_mixed(make_jobs: MakeJobs) -> None:
    with pytest.raises(ValueError, match="one config"):
        ends([make_jobs(1)[0], make_jobs(1, seed=1)[0]])


def test_what_goes_together(make_jobs: MakeJobs, clip: str) -> None:
    def key(job: Job) -> Any:
        with open_input(job) as source:
            return together(job, source)

    first, second, third = make_jobs(3)
    write_image(third.input, picture(50, 61))
    assert key(first) == key(second) == key(replace(first, overwrite=True))
    assert key(first) != key(third)
    assert key(first) != key(replace(first, config=tiny_config(seed=1)))
    narrow = tiny_config(input=Input(width=40))
    assert key(replace(first, config=narrow)) != key(first)
    assert key(replace(first, output="a.mp4")) is None
    assert key(replace(first, input=clip)) is None
