"""A clip in, a dreamed clip out: same count, rate, size and sound; whole or resumable, and nothing left behind."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.config import Config
from dreamvideo.dream import engine
from dreamvideo.dream.engine import Dreamer
from dreamvideo.errors import DreamFailed, OutputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.probe import probe
from dreamvideo.media.sink import write_clip
from dreamvideo.media.source import open_source
from dreamvideo.media.still import quantize16, read_image, read_png16
from dreamvideo.motion.carry import Seen, watch
from dreamvideo.render import pipeline
from dreamvideo.render.job import Progress
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.start import journal_folder
from dreamvideo.render.timeline import unmoved
from tests.media.conftest import pixels, samples
from tests.render.conftest import FRAMES, Studio, pan
from tests.tiny import picture, shared_dreamer, tiny_config, tiny_dreamer, tiny_network

MakeStudio = Callable[..., Studio]


def kept_frame(studio: Studio, index: int, output: str = "out.mp4") -> np.ndarray:
    return read_png16(str(journal_folder(str(studio.folder / output)) / "frames" / f"{index:06d}.png"))


def alone(studio: Studio, index: int, config: Config | None = None) -> np.ndarray:
    """What a frame of the input gives if a shot begins there."""
    config = config or studio.config
    with open_source(studio.input) as source:
        frame = list(source.frames())[index]
    recurrence = Recurrence(unmoved(config), shared_dreamer(config.dream, seed=config.seed))
    return recurrence.next(Seen(index, frame)).dreamed


def test_a_clip_keeps_its_count_rate_size_and_sound(studio: Studio) -> None:
    report = studio.render()
    before, after = probe(studio.input), probe(report.output)
    assert (report.frames, report.dreamed, report.shots, report.interrupted) == (FRAMES, FRAMES, 1, False)
    assert report.work is None
    assert len(pixels(report.output)) == len(pixels(studio.input)) == FRAMES
    assert (after.rate, after.width, after.height) == (Fraction(30000, 1001), 64, 48)
    assert (after.width, after.height) == (before.width, before.height)
    assert len(samples(report.output)) == pytest.approx(len(samples(studio.input)), abs=1024)
    assert np.corrcoef(samples(report.output)[:9000], samples(studio.input)[:9000])[0, 1] > 0.99
    assert studio.files() == ["out.mp4"]


def test_the_picture_is_dreamed_and_still_the_same_scene(studio: Studio) -> None:
    studio.render()
    before, after = pixels(studio.input) / 255, pixels(str(studio.folder / "out.mp4")) / 255
    change = np.abs(after - before).mean(axis=(1, 2, 3))
    assert change.min() > 0.01
    assert all(np.corrcoef(a.ravel(), b.ravel())[0, 1] > 0.8 for a, b in zip(before, after, strict=True))


def test_the_output_says_how_to_make_it_again(studio: Studio) -> None:
    studio.render()
    said = ffmpeg.run(["-i", ffmpeg.url(studio.folder / "out.mp4")])[1]
    assert 'precision = "float32"' in said
    assert "steps = 3" in said


def test_progress_goes_up_frame_by_frame(studio: Studio) -> None:
    studio.render()
    dreams = [step for step in studio.progress if step.stage == "dream"]
    encodes = [step for step in studio.progress if step.stage == "encode"]
    assert [step.done for step in dreams] == list(range(FRAMES + 1))
    assert [step.done for step in encodes] == list(range(1, FRAMES + 1))
    assert {step.total for step in studio.progress} == {FRAMES}
    assert dreams[0] == Progress("dream", 0, FRAMES)
    assert all(step.objective is not None and step.objective > 0 for step in dreams[1:])


@pytest.mark.parametrize("mode", ["residual", "frame"])
@pytest.mark.parametrize("finished", [0, 1, 5])
def test_resumed_equals_uninterrupted(studio: Studio, dreamed: list[int], finished: int, mode: str) -> None:
    studio.config = tiny_config(carry={"mode": mode})
    studio.render("whole.mp4", keep=True)
    dreamed.clear()
    first = studio.render(stop_after=finished)
    assert (first.interrupted, first.frames, first.dreamed) == (True, finished, finished)
    assert first.work == journal_folder(str(studio.folder / "out.mp4"))
    assert "out.mp4" not in studio.files()
    second = studio.render(resume=True, keep=True)
    assert (second.interrupted, second.frames, second.dreamed) == (False, FRAMES, FRAMES - finished)
    assert dreamed == list(range(FRAMES))  # none of them twice
    assert studio.kept() == studio.kept("whole.mp4")
    assert any(f"after {finished} finished" in note for note in studio.notes)
    assert np.array_equal(pixels(second.output), pixels(str(studio.folder / "whole.mp4")))


def test_a_render_can_be_stopped_at_every_frame(studio: Studio) -> None:
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=1)
    while studio.render(stop_after=1, resume=True, keep=True).interrupted:
        pass
    assert studio.kept() == studio.kept("whole.mp4")


def test_resuming_across_a_cut_finds_it(folder_studio: MakeStudio) -> None:
    studio = folder_studio([*pan(4, low=0, high=0.4), *pan(4, 1, low=0.6, high=1)])
    studio.render("whole.mp4", keep=True)
    for finished in (3, 4, 5):
        studio.render(stop_after=finished, overwrite=True)
        assert studio.render(resume=True, keep=True, overwrite=True).shots == 2
        assert studio.kept() == studio.kept("whole.mp4")


def test_a_truncated_last_frame_is_dreamed_again(studio: Studio, dreamed: list[int]) -> None:
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=5)
    last = journal_folder(str(studio.folder / "out.mp4")) / "frames" / "000004.png"
    last.write_bytes(last.read_bytes()[:2000])
    dreamed.clear()
    assert studio.render(resume=True, keep=True).dreamed == FRAMES - 4
    assert dreamed == list(range(4, FRAMES))
    assert studio.kept() == studio.kept("whole.mp4")


@pytest.mark.parametrize("lost", ["frames/000002.png", "frames/000004.png"])
def test_a_lost_file_is_made_again(studio: Studio, lost: str) -> None:
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=5)
    (journal_folder(str(studio.folder / "out.mp4")) / lost).unlink()
    studio.render(resume=True, keep=True)
    assert studio.kept() == studio.kept("whole.mp4")


def changed_settings(studio: Studio, _: pytest.MonkeyPatch) -> str:
    studio.config = tiny_config(dream={"steps": 4}, seed=3)
    return r"config\.dream\.steps was 3, is 4; config\.seed was 0, is 3"


def changed_input(studio: Studio, _: pytest.MonkeyPatch) -> str:
    file = next(Path(studio.input).glob("*2.png"))
    file.write_bytes(file.read_bytes() + b"\0")
    return r"input\.\S+ was"


def changed_weights(_: Studio, monkeypatch: pytest.MonkeyPatch) -> str:
    def other(settings: Any, *, seed: int, **_: Any) -> Dreamer:
        return Dreamer(settings, seed=seed, network=tiny_network(1))

    monkeypatch.setattr(engine, "Dreamer", other)
    return r"weights was tiny-0, is tiny-1"


def changed_version(_: Studio, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(pipeline, "__version__", "99.0")
    return r"version was \S+, is 99\.0"


@pytest.mark.parametrize("change", [changed_settings, changed_input, changed_weights, changed_version])
def test_what_has_changed_is_named_and_refused(
    folder_studio: MakeStudio, monkeypatch: pytest.MonkeyPatch, change: Callable[..., str]
) -> None:
    studio = folder_studio(pan(4))
    studio.render(stop_after=2)
    before = studio.kept()
    expected = change(studio, monkeypatch)
    with pytest.raises(OutputError, match=expected) as caught:
        studio.render(resume=True)
    assert caught.value.exit_code == 4
    assert studio.kept() == before


def test_how_it_is_encoded_may_change(studio: Studio) -> None:
    studio.render(stop_after=2)
    studio.config = tiny_config(output={"crf": 30})
    assert studio.render(resume=True).dreamed == FRAMES - 2


def test_a_journal_is_not_overwritten_unasked(studio: Studio, dreamed: list[int]) -> None:
    studio.render(stop_after=2)
    before = studio.kept()
    with pytest.raises(OutputError, match=r"frames of an earlier render.*--resume"):
        studio.render()
    assert studio.kept() == before
    dreamed.clear()
    assert studio.render(overwrite=True).dreamed == FRAMES - 2
    assert studio.files() == ["out.mp4"]


def test_a_damaged_manifest_is_said(studio: Studio) -> None:
    studio.render(stop_after=2)
    (journal_folder(str(studio.folder / "out.mp4")) / "dreamvideo.json").write_text("[1, 2")
    with pytest.raises(OutputError, match=r"manifest in .* is damaged.*start afresh with --overwrite"):
        studio.render(resume=True)
    assert studio.render(overwrite=True).dreamed == FRAMES
    assert studio.files() == ["out.mp4"]


def test_an_existing_output_is_refused_before_anything_is_dreamed(studio: Studio, dreamed: list[int]) -> None:
    (studio.folder / "out.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        studio.render()
    assert dreamed == []
    assert (studio.folder / "out.mp4").read_bytes() == b"mine"
    assert studio.files() == ["out.mp4"]
    studio.render(overwrite=True)
    assert len(pixels(str(studio.folder / "out.mp4"))) == FRAMES


def test_kept_frames_stay_and_are_what_was_encoded(studio: Studio) -> None:
    report = studio.render("frames/", keep=True)
    assert report.work == journal_folder(str(studio.folder / "frames"))
    assert len(studio.kept("frames")) == FRAMES
    for index in range(FRAMES):
        shown = read_image(str(studio.folder / "frames" / f"{index:06d}.png"))
        assert np.abs(shown - kept_frame(studio, index, "frames")).max() <= 0.5 / 255 + 1e-5


def test_the_journal_can_lie_elsewhere_and_leaves_what_is_not_its_own(studio: Studio, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "mine.txt").write_text("mine")
    studio.render(work=work)
    assert [file.name for file in work.iterdir()] == ["mine.txt"]
    assert studio.files() == ["out.mp4"]


def test_a_dream_that_fails_keeps_what_is_done(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.render("whole.mp4", keep=True)
    original = Dreamer.dream

    def failing(self: Dreamer, *arguments: Any, index: int, **options: Any) -> Any:
        if index == 4:
            raise DreamFailed("the gradient at frame 4 is not finite")
        return original(self, *arguments, index=index, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Dreamer, "dream", failing)
        with pytest.raises(DreamFailed, match="frame 4"):
            studio.render()
    assert studio.kept() == studio.kept("whole.mp4")[:4]
    assert "out.mp4" not in studio.files()
    assert studio.render(resume=True, keep=True).dreamed == FRAMES - 4
    assert studio.kept() == studio.kept("whole.mp4")


def test_an_output_that_fails_keeps_all_frames(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> list[str]:
        raise OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "write_clip", full)
        with pytest.raises(OutputError, match="full"):
            studio.render()
    assert pipeline.write_clip is write_clip
    assert len(studio.kept()) == FRAMES
    assert studio.render(resume=True).dreamed == 0
    assert studio.files() == ["out.mp4"]


def test_a_frame_that_cannot_be_kept_ends_the_render(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OutputError("the disk is full: no space left")

    monkeypatch.setattr("dreamvideo.render.journal.write_bytes", full)
    with pytest.raises(OutputError, match="full"):
        studio.render()
    assert "out.mp4" not in studio.files()


def test_without_carry_every_frame_is_as_if_alone(studio: Studio) -> None:
    studio.config = tiny_config(carry={"strength": 0.0})
    studio.render(keep=True)
    for index in (0, 3, FRAMES - 1):
        assert np.array_equal(kept_frame(studio, index), alone(studio, index))


def test_with_carry_a_frame_depends_on_those_before_it(studio: Studio) -> None:
    studio.render(keep=True)
    assert np.array_equal(kept_frame(studio, 0), alone(studio, 0))
    assert not np.array_equal(kept_frame(studio, 3), alone(studio, 3))


def test_without_strength_the_input_passes_through(folder_studio: MakeStudio) -> None:
    frames = [picture(33, 47, seed, low=0, high=1) for seed in range(3)]
    studio = folder_studio(frames, dream={"strength": 0.0}, shots={"detect": False})
    studio.render("frames/")
    for index, file in enumerate(sorted(Path(studio.input).iterdir())):
        passed = read_image(str(studio.folder / "frames" / f"{index:06d}.png"))
        assert np.array_equal(passed, read_image(str(file)))


@pytest.mark.parametrize("detect", [True, False])
def test_the_dream_starts_afresh_at_a_cut(folder_studio: MakeStudio, detect: bool) -> None:
    frames = [*pan(4, low=0, high=0.4), *pan(4, 1, low=0.6, high=1)]
    studio = folder_studio(frames, shots={"detect": detect})
    report = studio.render(keep=True)
    assert report.shots == (2 if detect else 1)
    assert np.array_equal(kept_frame(studio, 4), alone(studio, 4)) == detect
    assert not np.array_equal(kept_frame(studio, 5), alone(studio, 5))


def test_a_shot_begins_as_strong_as_it_goes_on(folder_studio: MakeStudio) -> None:
    frames = [*pan(5, low=0.1, high=0.4), *pan(5, 1, low=0.6, high=0.9)]
    studio = folder_studio(frames, dream={"steps": 20, "laplacian": 4})
    assert studio.render(keep=True).shots == 2
    inputs = [read_image(str(file)) for file in sorted(Path(studio.input).iterdir())]
    strength = [float((kept_frame(studio, index) - frame).std()) for index, frame in enumerate(inputs)]
    for first in (0, 5):
        assert strength[first] == pytest.approx(np.mean(strength[first + 1 : first + 5]), rel=0.15)


def test_a_truncated_clip_is_rendered_as_far_as_it_goes(studio: Studio, tmp_path: Path) -> None:
    data = Path(studio.input).read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(data[: int(len(data) * 0.7)])
    studio.input = str(cut)
    report = studio.render()
    assert 0 < report.frames < FRAMES
    assert len(pixels(report.output)) == report.frames
    assert any("cut.mp4" in note and str(report.frames) in note for note in studio.notes)


def test_what_cannot_be_dreamed_as_asked_is_said(studio: Studio) -> None:
    studio.config = tiny_config(dream={"octaves": 12})
    studio.render()
    assert any("of 12 octaves" in note for note in studio.notes)


@pytest.mark.parametrize("name", ["out.gif", "out.webm"])
def test_other_outputs_hold_every_frame(studio: Studio, name: str) -> None:
    studio.render(name)
    assert len(pixels(str(studio.folder / name))) == FRAMES
    assert studio.files() == [name]


@pytest.mark.parametrize("size", [(1, 1), (5, 90)])
def test_the_smallest_frames_are_rendered(folder_studio: MakeStudio, size: tuple[int, int]) -> None:
    frames = [picture(*size, seed) for seed in range(3)]
    studio = folder_studio(frames, dream={"octaves": 4, "laplacian": 5}, shots={"detect": False})
    assert studio.render("frames/").frames == 3


def test_a_part_of_a_clip_can_be_rendered_at_another_size(studio: Studio) -> None:
    begin, end = 2 * 1001 / 30000, 6 * 1001 / 30000
    studio.config = tiny_config(input={"start": begin, "end": end, "width": 32})
    report = studio.render()
    assert report.frames == 4
    assert pixels(report.output).shape == (4, 24, 32, 3)


@pytest.fixture(scope="module")
def course() -> tuple[np.ndarray, np.ndarray]:
    """Strength and mean colour of every frame of a still that is repeated sixty times."""
    frame = quantize16(picture(60, 80))
    config = tiny_config(dream={"steps": 20, "step": 0.003, "octaves": 3, "laplacian": 5, "natural_colors": 0.8})
    recurrence = Recurrence(unmoved(config), tiny_dreamer(**config.dream.model_dump()))
    frames = [(frame, index == 0) for index in range(60)]
    residuals = [recurrence.next(seen).dreamed - frame for seen in watch(frames)]
    return np.array([residual.std() for residual in residuals]), np.array([r.mean(axis=(0, 1)) for r in residuals])


def test_a_repeated_still_stays_as_strong(course: tuple[np.ndarray, np.ndarray]) -> None:
    strength, _ = course
    assert strength[10:].max() < 1.05 * strength[10:].min()


def test_a_repeated_still_keeps_its_colour(course: tuple[np.ndarray, np.ndarray]) -> None:
    _, colour = course
    assert np.ptp(colour[10:], axis=0).max() < 1 / 255
