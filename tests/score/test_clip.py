"""A clip and its dream, from their files to the score."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.errors import ConfigError, InputError
from dreamvideo.media import ffmpeg
from dreamvideo.render.job import Listener, Progress, Stopped
from dreamvideo.score.chart import draw, rows_of
from dreamvideo.score.clip import score_clip
from dreamvideo.score.pairs import Pairs, fitted
from dreamvideo.score.result import Check, Score, Settings
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
    assert len(score.checks) == 7


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


def test_a_padded_row_is_cut_off() -> None:
    frame = pan(1, height=47, width=63)[0]
    padded = np.pad(frame, ((0, 1), (0, 1), (0, 0)), mode="edge")
    assert np.array_equal(fitted(padded, frame.shape), frame)


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
    assert [each.name for each in score.checks] == ["frames", "size", "frame rate", "duration"]


def test_strength_is_measured_on_every_nth_frame(folder: Folder) -> None:
    frames = pan(12)
    place = folder("in", frames)
    score = score_clip(place, place, Settings(layers=(MIXED,), every=5))
    assert score.measured.curves.strength_frames == [0, 5, 10]
    assert score.measured.pulse is None


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
    small = folder("small", pan(3, height=16, width=16))
    with pytest.raises(ConfigError, match="frames of 16x16 are too small"):
        score_clip(small, small, Settings(layers=("deep_relu",)))


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


def test_a_still_has_a_strength_and_a_chart(folder: Folder) -> None:
    place = folder("in", pan(1))
    score = score_clip(f"{place}/0000.png", f"{place}/0000.png", SETTINGS)
    assert (score.measured.short.output, score.measured.pulse, score.rate) == (None, None, Fraction(25))
    draw(score).draw_without_rendering()
