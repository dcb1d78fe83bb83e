"""Nothing of the user's is lost, and nothing is promised that isn't kept."""

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.errors import ConfigError, DreamFailed, InputError, OutputError
from dreamvideo.media.still import write_image
from dreamvideo.render import pipeline
from dreamvideo.render.clip import render_clip
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.picture import render_image
from dreamvideo.render.selection import Selection
from dreamvideo.render.start import journal_folder
from tests.render.conftest import FRAMES, Studio
from tests.tiny import picture, tiny_config


def journal(studio: Studio) -> Path:
    return journal_folder(str(studio.folder / "out.mp4"))


@pytest.mark.parametrize("name", ["frames", "memories", "heads", "dreamvideo.json"])
def test_a_work_folder_with_files_of_the_users_is_refused(studio: Studio, tmp_path: Path, name: str) -> None:
    mine = tmp_path / "mine" / name / "mine.txt" if name != "dreamvideo.json" else tmp_path / "mine" / name
    mine.parent.mkdir(parents=True)
    mine.write_text("{}")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match=f"holds {name}, but no whole manifest"):
            studio.render(work=tmp_path / "mine", overwrite=overwrite)
    assert mine.read_text() == "{}"


def test_a_failed_render_leaves_a_foreign_work_folder_alone(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "manifest.json").write_text("mine")
    studio.render(work=tmp_path / "mine")
    assert (tmp_path / "mine" / "manifest.json").read_text() == "mine"


@pytest.mark.parametrize("pattern", ["", "*.png"])
def test_the_input_is_never_overwritten(tmp_path: Path, pattern: str) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for index in range(2):
        write_image(str(frames / f"{index:06d}.png"), picture(20, 30))
    before = [file.read_bytes() for file in sorted(frames.iterdir())]
    job = Job(os.path.join(frames, pattern), str(frames), tiny_config(), overwrite=True)  # noqa: PTH118 - a pattern
    with pytest.raises(OutputError, match="is the input itself"):
        render_clip(job, Listener())
    assert [file.read_bytes() for file in sorted(frames.iterdir())] == before


def test_a_still_is_never_overwritten_by_its_dream(tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    write_image(str(still), picture(20, 30))
    with pytest.raises(OutputError, match="is the input itself"):
        render_image(Job(str(still), str(still), tiny_config(), overwrite=True), Listener())


def test_a_clip_for_a_picture_is_refused_before_it_is_dreamed(studio: Studio, dreamed: list[int]) -> None:
    with pytest.raises(ConfigError, match=r"out\.png holds one picture"):
        studio.render("out.png")
    assert dreamed == []
    assert studio.files() == []


def test_a_stop_while_encoding_keeps_the_frames_and_nothing_else(studio: Studio, dreamed: list[int]) -> None:
    listener = Listener(studio.progress.append, stop=lambda: studio.progress[-1].stage == "encode")
    report = render_clip(studio.job(), listener)
    assert (report.interrupted, report.frames) == (True, FRAMES)
    assert studio.files() == ["out.mp4.journal"]
    dreamed.clear()
    assert not studio.render(resume=True).interrupted
    assert dreamed == []


def test_a_kill_before_the_first_frame_can_be_resumed(studio: Studio) -> None:
    studio.render(stop_after=1)
    for name in ("frames", "memories"):
        shutil.rmtree(journal(studio) / name)
    assert studio.render(resume=True).dreamed == FRAMES


def test_an_error_says_how_to_go_on(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> list[str]:
        raise OutputError("the disk is full.")

    monkeypatch.setattr(pipeline, "write_clip", full)
    with pytest.raises(OutputError, match=r"the disk is full\. What is finished is kept in .*: go on with --resume"):
        studio.render()


def test_resuming_nothing_is_said(studio: Studio) -> None:
    studio.render(resume=True)
    assert any("nothing to resume" in note for note in studio.notes)


def test_an_output_without_a_name_is_refused(studio: Studio) -> None:
    with pytest.raises(OutputError, match="no name"):
        render_clip(Job(studio.input, "", studio.config), Listener())


def test_the_report_tells_what_was_lost(studio: Studio, tmp_path: Path) -> None:
    short = tmp_path / "short.mp4"
    data = Path(studio.input).read_bytes()
    short.write_bytes(data[: len(data) * 2 // 3])
    studio.input = str(short)
    report = studio.render()
    assert report.frames < FRAMES
    assert any("truncated" in note for note in report.notes)
    assert report.notes == studio.notes


def test_a_still_of_several_pictures_says_so(tmp_path: Path) -> None:
    import cv2

    pages = tmp_path / "pages.tif"
    cv2.imwritemulti(str(pages), [np.zeros((20, 30, 3), np.uint8)] * 3)
    report = render_image(Job(str(pages), str(tmp_path / "out.png"), tiny_config()), Listener())
    assert any("3 pictures" in note for note in report.notes)


def test_the_limit_on_pixels_is_the_inputs_and_can_be_raised(tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    write_image(str(still), picture(40, 50))

    def job(limit: int, width: int | None) -> Job:
        config = tiny_config(input={"max_pixels": limit, "width": width})
        return Job(str(still), str(tmp_path / "out.png"), config)

    for width in (None, 10):
        with pytest.raises(InputError, match=r"input\.max_pixels \(1999\)"):
            render_image(job(1999, width), Listener())
    render_image(job(2000, None), Listener())


def test_a_hidden_overflow_is_an_error(studio: Studio) -> None:
    studio.config = tiny_config(dream={"laplacian": 3, "layers": {"mixed": 1e30}})
    with pytest.raises(DreamFailed, match="frame 0 is not finite"):
        studio.render()


def test_the_module_gives_the_exit_status() -> None:
    result = subprocess.run(
        [sys.executable, "-m", "dreamvideo", "render", "no-such.mp4", "-o", "out.mp4"], capture_output=True, check=False
    )
    assert result.returncode == 3


@pytest.mark.parametrize(("output", "work"), [("frames/", "."), ("out/", "out"), ("out/", "out/work"), ("heads/", ".")])
def test_an_output_that_its_journal_would_take_along_is_refused(
    studio: Studio, dreamed: list[int], output: str, work: str
) -> None:
    with pytest.raises(OutputError, match=r"lie in each other; choose another --work"):
        studio.render(output, work=studio.folder / work)
    assert (dreamed, studio.files()) == ([], [])


def test_an_input_in_the_journal_is_not_begun_with(studio: Studio) -> None:
    studio.render(keep=True)
    kept = studio.kept()
    frames = replace(studio, input=str(journal(studio) / "frames"))
    with pytest.raises(OutputError, match=r"the input .*000000\.png lies in the work folder"):
        frames.render(overwrite=True)
    assert studio.kept() == kept


def test_overwrite_goes_on_with_frames_of_the_same_render(studio: Studio, dreamed: list[int]) -> None:
    studio.render(stop_after=3)
    dreamed.clear()
    assert studio.render(overwrite=True).frames == FRAMES
    assert dreamed == list(range(3, FRAMES))
    studio.render(stop_after=3, overwrite=True)
    studio.config = tiny_config(dream={"strength": 0.5})
    assert studio.render(overwrite=True).dreamed == FRAMES
    assert any("made of something else; starting afresh" in note for note in studio.notes)


def test_a_part_leaves_the_frames_of_the_whole(studio: Studio, dreamed: list[int]) -> None:
    studio.render(stop_after=5)
    dreamed.clear()
    report = studio.render(resume=True, frames=Selection(((0, 1),)))
    assert (report.frames, dreamed) == (2, [])
    assert any("keeps 3 frames more" in note for note in report.notes)
    assert studio.render(resume=True, overwrite=True).dreamed == FRAMES - 5
    assert studio.files() == ["out.mp4"]


def test_frames_that_are_dreamed_again_are_counted(studio: Studio) -> None:
    studio.render(keep=True)
    (journal(studio) / "frames" / "000002.png").write_bytes(b"")
    assert studio.render(resume=True, overwrite=True).dreamed == FRAMES - 2
