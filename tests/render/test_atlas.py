"""The atlas of a layer: every channel dreams of its own, and an interrupted sheet is gone on with."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.errors import ConfigError, DreamFailed, OutputError
from dreamvideo.media.still import read_image, read_png16
from dreamvideo.render import atlas
from dreamvideo.render.atlas import dream_channels, render_atlas
from dreamvideo.render.job import Listener, Progress
from dreamvideo.render.sheets import SheetJob, SheetReport
from dreamvideo.render.start import journal_folder
from tests.tiny import MIXED, shared_dreamer, tiny_config

CONFIG = tiny_config(dream={"objective": f'channel("{MIXED}", 0)', "layers": {}, "steps": 4, "step": 0.03})


@pytest.fixture
def job(out: Path, monkeypatch: pytest.MonkeyPatch) -> SheetJob:
    monkeypatch.setattr(atlas, "TEXTURES", 4)
    return SheetJob(str(out / "sheet.png"), CONFIG, 32)


def render(job: SheetJob, *, channels: str | None = None, stop_after: int = 99, **changes: Any) -> SheetReport:
    """Make the atlas of the tiny network; ``stop_after`` asks for an end once so many cells are dreamed."""
    steps: list[Progress] = []
    stop = lambda: steps[-1].done - steps[0].done >= stop_after  # noqa: E731
    return render_atlas(replace(job, **changes), MIXED, channels, Listener(steps.append, stop=stop))


def cells(job: SheetJob) -> list[np.ndarray]:
    """The kept cells of a job."""
    return [read_png16(str(file)) for file in sorted((journal_folder(job.output) / "frames").iterdir())]


def test_every_channel_dreams_of_its_own(job: SheetJob) -> None:
    report = render(job, keep=True)
    assert (report.cells, report.dreamed, report.interrupted) == (10, 10, False)
    dreamer = shared_dreamer(CONFIG.dream, seed=0)
    kept = np.stack(cells(job))
    assert kept.shape == (10, 32, 32, 3)
    heights = np.array(
        [[dream_channels(dreamer, cell, row, 1)[1] for row in np.eye(10, dtype=np.float32)] for cell in kept]
    )
    seen = heights[:, heights.max(axis=0) > 0]
    own = np.diag(heights)[heights.max(axis=0) > 0]
    assert len(own) >= 8
    assert (own > np.median(seen, axis=0)).mean() >= 0.8


def test_the_sheet_shows_the_chosen_channels_in_their_order(job: SheetJob) -> None:
    render(job, keep=True)
    every = cells(job)
    render(job, channels="7,2-3", keep=True, overwrite=True)
    chosen = cells(job)
    assert len(chosen) == 3
    for cell, channel in zip(chosen, (7, 2, 3), strict=True):
        assert np.array_equal(cell, every[channel])


def test_nothing_but_the_sheet_is_left(job: SheetJob) -> None:
    render(job)
    assert [file.name for file in Path(job.output).parent.iterdir()] == ["sheet.png"]
    assert min(read_image(job.output).shape[:2]) > 64


def test_resumed_equals_uninterrupted(job: SheetJob) -> None:
    whole = replace(job, output=str(Path(job.output).with_name("whole.png")))
    render(whole)
    report = render(job, stop_after=3)
    assert (report.interrupted, report.cells, report.work) == (True, 3, journal_folder(job.output))
    assert not Path(job.output).exists()
    with pytest.raises(OutputError, match="unfinished sheet; go on with --resume"):
        render(job)
    report = render(job, resume=True)
    assert (report.cells, report.dreamed, report.interrupted) == (10, 7, False)
    assert "resuming after 3 finished cells" in report.notes
    assert Path(job.output).read_bytes() == Path(whole.output).read_bytes()
    assert not journal_folder(job.output).exists()


def test_only_the_same_sheet_is_gone_on_with(job: SheetJob) -> None:
    render(job, stop_after=1)
    reseeded = CONFIG.model_copy(update={"seed": 1})
    others: list[dict[str, Any]] = [{"cell": 40}, {"channels": "0-3"}, {"config": reseeded}]
    for changes in others:
        with pytest.raises(OutputError, match="other settings"):
            render(job, resume=True, **changes)
    assert render(job, cell=40, overwrite=True).dreamed == 10


def test_an_error_says_how_to_go_on(job: SheetJob, monkeypatch: pytest.MonkeyPatch) -> None:
    dreamed: list[int] = []

    def fail(*_: Any, **__: Any) -> Any:
        dreamed.append(1)
        raise DreamFailed("out of memory")

    render(job, stop_after=2)
    monkeypatch.setattr(atlas, "dream_channels", fail)
    with pytest.raises(DreamFailed, match=r"out of memory. What is finished is kept in .*: go on with --resume"):
        render(job, resume=True)
    assert len(cells(job)) == 2


def test_what_cannot_end_well_is_refused_before_a_network_is_loaded(
    job: SheetJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(atlas, "load_dreamer")
    with pytest.raises(ConfigError, match="is not a picture"):
        render(job, output=job.output + ".mp4")
    Path(job.output).write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        render(job)


def test_what_is_not_there_is_said(job: SheetJob) -> None:
    with pytest.raises(ConfigError, match="its last is 9"):
        render(job, channels="4,10")
    with pytest.raises(ConfigError, match="smaller cells"):
        render(job, cell=9000)
    assert not journal_folder(job.output).exists()
