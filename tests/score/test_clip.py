"""A clip and its dream, from their files to the score."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from dreamvideo.errors import ConfigError, InputError
from dreamvideo.media import ffmpeg
from dreamvideo.render.job import Listener, Progress, Stopped
from dreamvideo.score.chart import draw, rows_of
from dreamvideo.score.clip import default_every, score_clip
from dreamvideo.score.pairs import Pairs
from dreamvideo.score.result import Check, Score, Settings
from dreamvideo.score.shape import fitted
from dreamvideo.score.sound import SoundMatch
from tests.score.conftest import lifted, noisy, pan, still
from tests.tiny import MIXED

pytestmark = pytest.mark.usefixtures("tiny")
Folder = Callable[..., str]
SETTINGS = Settings(layers=(MIXED,))


def check(score: Score, name: str) -> Check:
    return next(each for each in score.checks if each.name == name)


def made(path: Path, *, rate: str = "25", late: float = 0.0, seconds: str = "1", size: str = "64x48") -> str:
    """A clip whose sound, a chirp, begins ``late``."""
    chirp = f"aevalsrc='0.5*sin(2*PI*(200+400*(t-{late}))*(t-{late}))*gt(t,{late})':d={seconds}:s=22050"
    inputs = ["-f", "lavfi", "-i", f"testsrc=s={size}:r={rate}:d={seconds}", "-f", "lavfi", "-i", chirp]
    coding = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "5", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le"]
    status, stderr = ffmpeg.run(["-v", "error", "-y", *inputs, *coding, ffmpeg.url(path)])
    assert status == 0, stderr
    return str(path)


def test_an_untouched_copy_is_perfect(tmp_path: Path) -> None:
    clip = made(tmp_path / "a.mov")
    seen: list[Progress] = []
    score = score_clip(clip, clip, SETTINGS, Listener(progress=seen.append))
    measured = score.measured
    assert score.whole
    assert (measured.strength, measured.difference, measured.short.above, measured.long.above) == (1, 0, 0, 0)
    assert (measured.frames, score.width, score.height, score.rate, score.every) == (25, 64, 48, 25, 1)
    assert [each.done for each in seen if each.stage == "look"] == list(range(1, 26))
    assert len(score.checks) == 9


def test_sound_that_is_late_by_200_ms_is_found(tmp_path: Path) -> None:
    score = score_clip(made(tmp_path / "a.mov"), made(tmp_path / "b.mov", late=0.2), SETTINGS)
    assert [each.name for each in score.checks if not each.ok] == ["sound offset"]
    assert check(score, "sound offset").output == pytest.approx(200, abs=2)


def test_a_dropped_frame_is_named(folder: Folder) -> None:
    frames = pan(30)
    score = score_clip(folder("in", frames), folder("out", noisy(frames[:12] + frames[13:], 0.02)), SETTINGS)
    frames_check = check(score, "frames")
    assert not score.whole
    assert (frames_check.ok, frames_check.input, frames_check.output) == (False, 30, 29)
    assert frames_check.note == "missing: frame 12"
    assert score.measured.frames == 29


def test_part_and_size_of_the_input_are_those_that_were_dreamed(tmp_path: Path, folder: Folder) -> None:
    clip = made(tmp_path / "a.mov", seconds="2", size="128x96")
    settings = Settings(layers=(MIXED,), start=0.4, end=1.2, width=64)
    with Pairs(clip, clip, settings) as pairs:
        part = [frame for frame, _ in pairs]
    dreamed = folder("out", part)
    score = score_clip(clip, dreamed, settings)
    assert score.whole
    assert (len(part), score.measured.frames, score.width) == (20, 20, 64)
    assert score.measured.difference == pytest.approx(0, abs=2e-5)


def test_another_size_is_scaled_and_not_whole(folder: Folder) -> None:
    frames = still(18, height=64, width=96)
    small = [fitted(frame, (32, 48, 3)) for frame in frames]
    said: list[str] = []
    score = score_clip(folder("in", frames), folder("out", small), SETTINGS, Listener(note=said.append))
    assert [each.name for each in score.checks if not each.ok] == ["size"]
    assert score.measured.difference < 0.02
    assert "was scaled to 96x64; give --width 48 if it was dreamed at that size" in said[0]


def test_a_cropped_row_and_column_are_left_out(folder: Folder) -> None:
    frames = pan(18, height=49, width=65)
    score = score_clip(folder("in", frames), folder("out", [frame[:48, :64] for frame in frames]), SETTINGS)
    assert score.whole
    assert (score.width, score.height, score.measured.difference, score.notes) == (64, 48, 0, [])


def test_a_turned_output_is_told(folder: Folder) -> None:
    frames = still(3)
    score = score_clip(folder("in", frames), folder("out", [frame.swapaxes(0, 1) for frame in frames]), SETTINGS)
    assert check(score, "size").output == "48x64"
    assert "it is turned" in score.notes[0]


def test_a_lost_sample_aspect_is_found(tmp_path: Path) -> None:
    clip, wide = made(tmp_path / "a.mov"), str(tmp_path / "b.mkv")
    status, stderr = ffmpeg.run(["-v", "error", "-i", clip, "-vf", "setsar=64/45", "-c:a", "copy", wide])
    assert status == 0, stderr
    assert [each.name for each in score_clip(wide, clip, SETTINGS).checks if not each.ok] == ["size"]
    assert score_clip(wide, wide, SETTINGS).whole


def test_a_frame_that_was_dropped_and_filled_in_is_found(tmp_path: Path) -> None:
    clip, dropped = made(tmp_path / "a.mov", size="160x120"), str(tmp_path / "b.mov")
    options = ["-vf", "select='not(eq(n,12))'", "-fps_mode", "passthrough", "-c:a", "copy"]
    status, stderr = ffmpeg.run(["-v", "error", "-i", clip, *options, dropped])
    assert status == 0, stderr
    score = score_clip(clip, dropped, SETTINGS)
    assert [each.name for each in score.checks if not each.ok] == ["repeats"]
    assert check(score, "repeats").note == "as the one before: frame 12"


def test_repeats_are_told_only_where_frames_run_side_by_side(tmp_path: Path, folder: Folder) -> None:
    frames = pan(20)
    source = folder("in", frames)
    scores = [
        score_clip(source, folder("fewer", frames[:8] + frames[7:18]), SETTINGS),
        score_clip(f"{source}/0000.png", f"{source}/0000.png", SETTINGS),
        score_clip(made(tmp_path / "a.mov", rate="20"), made(tmp_path / "b.mov", rate="10"), SETTINGS),
    ]
    for score in scores:
        assert "repeats" not in [each.name for each in score.checks]


def test_a_damaged_output_is_not_whole(tmp_path: Path) -> None:
    clip, damaged = tmp_path / "a.mkv", tmp_path / "b.mkv"
    coding = ["-an", "-c:v", "ffv1", "-level", "3", "-slicecrc", "1"]
    status, stderr = ffmpeg.run(["-v", "error", "-i", made(tmp_path / "a.mov"), *coding, ffmpeg.url(clip)])
    assert status == 0, stderr
    data = bytearray(clip.read_bytes())
    for quarter in (1, 2, 3):
        data[len(data) * quarter // 4] ^= 0x55
    damaged.write_bytes(data)
    score = score_clip(str(clip), str(damaged), SETTINGS)
    assert [each.name for each in score.checks if not each.ok] == ["decodes"]
    decodes = check(score, "decodes")
    assert (decodes.input, decodes.output) == ("cleanly", "with errors")
    assert decodes.note.startswith(f"{damaged} is damaged (")
    assert check(score_clip(str(damaged), str(clip), SETTINGS), "decodes").ok


def test_a_truncated_output_is_not_whole(tmp_path: Path) -> None:
    clip, cut = made(tmp_path / "a.mov"), tmp_path / "b.mkv"
    status, stderr = ffmpeg.run(["-v", "error", "-i", clip, "-c:v", "ffv1", "-c:a", "copy", ffmpeg.url(cut)])
    assert status == 0, stderr
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size * 6 // 10])
    decodes = check(score_clip(clip, str(cut), SETTINGS), "decodes")
    assert not decodes.ok
    assert decodes.note.startswith(f"{cut} is truncated: ")


def test_sound_of_the_input_that_cannot_be_decoded_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = SoundMatch(None, None, input_fault="a.mov: no sound could be decoded; check the file with a player.")
    monkeypatch.setattr("dreamvideo.score.clip.match_sound", lambda *_sounds: found)
    clip = made(tmp_path / "a.mov")
    assert score_clip(clip, clip, SETTINGS).notes == [found.input_fault]


def test_another_rate_of_equal_length_is_compared_by_time(tmp_path: Path) -> None:
    source, dream = made(tmp_path / "a.mov", rate="10", seconds="2"), made(tmp_path / "b.mov", rate="20", seconds="2")
    score = score_clip(source, dream, SETTINGS)
    assert [each.name for each in score.checks if not each.ok] == ["frames", "frame rate"]
    assert (check(score, "frames").output, check(score, "frame rate").output) == (40, 20)
    assert (score.measured.frames, score.rate) == (20, 10)
    assert "compared by their time" in score.notes[-1]


def test_a_gif_may_have_the_nearest_rate(tmp_path: Path, folder: Folder) -> None:
    frames = pan(24)
    gif = tmp_path / "out.gif"
    pattern = f"{folder('out', frames)}/%04d.png"
    status, stderr = ffmpeg.run(["-v", "error", "-r", "25", "-i", pattern, ffmpeg.url(gif)])
    assert status == 0, stderr
    clip = made(tmp_path / "a.mov", rate="24")
    score = score_clip(clip, str(gif), SETTINGS)
    assert score.whole
    assert [each.name for each in score.checks] == ["frames", "repeats", "size", "decodes", "frame rate", "duration"]


def test_strength_is_measured_on_every_nth_frame(folder: Folder) -> None:
    frames = pan(12)
    place = folder("in", frames)
    score = score_clip(place, place, Settings(layers=(MIXED,), every=5))
    assert score.measured.curves.strength_frames == [0, 5, 10]
    assert score.measured.pulse is None


@pytest.mark.parametrize(
    ("frames", "every"), [(None, 25), (1, 1), (100, 1), (101, 3), (200, 3), (300, 3), (301, 5), (1000, 11)]
)
def test_strength_is_not_sampled_in_step_with_what_takes_turns(frames: int | None, every: int) -> None:
    assert default_every(frames) == every


def test_a_long_clip_has_strength_on_about_a_hundred_frames(folder: Folder) -> None:
    place = folder("in", still(101))
    assert score_clip(place, place, SETTINGS).measured.curves.strength_frames == list(range(0, 101, 3))


def test_a_network_without_layers_gives_its_own(folder: Folder) -> None:
    place = folder("in", pan(3))
    score = score_clip(place, place, Settings())
    assert (score.network, len(score.layers)) == ("tiny", 1)


def test_what_cannot_be_measured_is_refused(folder: Folder, tmp_path: Path) -> None:
    place = folder("in", pan(3))
    with pytest.raises(InputError, match="there is no such file"):
        score_clip(place, str(tmp_path / "nope.mp4"), SETTINGS)
    with pytest.raises(ConfigError, match="layer of tiny"):
        score_clip(place, place, Settings(layers=("nope",)))


def test_frames_that_are_too_small_have_all_but_a_strength(folder: Folder) -> None:
    small = folder("small", pan(20, height=16, width=16))
    said: list[str] = []
    score = score_clip(small, small, Settings(layers=("deep_relu",)), Listener(note=said.append))
    measured = score.measured
    assert (measured.strength, measured.curves.strength_frames, measured.drift[0].strength) == (None, [], None)
    assert (measured.difference, measured.drift[0].mean, measured.short.pairs, score.whole) == (0, 0, 19, True)
    (note,) = said
    assert note.startswith("frames of 16x16 are too small to measure strength with deep_relu of tiny: that takes 20x20")
    assert score.notes == [note]
    assert next(row.name for row in rows_of(score)) == "difference"
    draw(score).draw_without_rendering()


def test_it_stops_when_asked(folder: Folder) -> None:
    place = folder("in", pan(3))
    with pytest.raises(Stopped):
        score_clip(place, place, SETTINGS, Listener(stop=lambda: True))


def test_the_chart_shows_each_curve_the_cuts_and_the_spectrum(folder: Folder) -> None:
    inputs = still(20, seed=1) + lifted(still(20, seed=2), [-0.2] * 20)
    score = score_clip(folder("in", inputs), folder("out", noisy(inputs, 0.02)), SETTINGS)
    figure = draw(score)
    figure.draw_without_rendering()
    names = ["strength", "difference", "warp error, 1 frame", "warp error, 10 frames", "looks"]
    assert [row.name for row in rows_of(score)] == names
    assert [axes.texts[0].get_text() for axes in figure.axes] == [*names, "pulse"]
    for axes in figure.axes[:-1]:
        cuts = [line for line in axes.lines if line.get_alpha() == 0.7]
        assert [float(line.get_xdata()[0]) for line in cuts] == [20 / 25]  # pyright: ignore[reportArgumentType,reportIndexIssue]
    told = " ".join(text.get_text() for text in figure.texts)
    assert "2 shots" in told
    assert "40 frames of 64x48, 25 a second" in told


@pytest.mark.parametrize(("slow", "marks", "fact"), [(True, 0, "slow change, no pulse"), (False, 1, "strongest at ")])
def test_the_chart_marks_a_pulse_and_no_slow_change(folder: Folder, *, slow: bool, marks: int, fact: str) -> None:
    inputs = still(20)
    score = score_clip(folder("in", inputs), folder("out", noisy(inputs, 0.02)), SETTINGS)
    assert score.measured.pulse is not None
    pulse = replace(score.measured.pulse, slow=slow)
    spectrum = draw(replace(score, measured=replace(score.measured, pulse=pulse))).axes[-1]
    assert len([line for line in spectrum.lines if line.get_marker() == "o"]) == marks
    assert spectrum.texts[1].get_text().startswith(fact)


def test_a_still_has_a_strength_and_a_chart(folder: Folder) -> None:
    place = folder("in", pan(1))
    score = score_clip(f"{place}/0000.png", f"{place}/0000.png", SETTINGS)
    assert (score.measured.short.output, score.measured.pulse, score.rate) == (None, None, Fraction(25))
    draw(score).draw_without_rendering()
