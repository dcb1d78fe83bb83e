"""A dive into a still: as long and fast as asked, sharp, the same when resumed; what can't be had is said first."""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dreamvideo.errors import ConfigError, DreamError, InputError, OutputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.grade import statistics
from dreamvideo.media.probe import probe
from dreamvideo.media.still import read_image, read_png16, write_image
from dreamvideo.motion.camera import Pyramid
from dreamvideo.motion.hold import sharpness
from dreamvideo.render.job import Job, Listener, Report
from dreamvideo.render.start import journal_folder
from dreamvideo.render.zoom import OWN_LAYERS, plan_zoom, preview_zoom, render_zoom, settled
from tests.media.conftest import pixels, samples, tone
from tests.render.conftest import Studio
from tests.tiny import picture, tiny_config

WIDTH, HEIGHT = 64, 48
LOOPS = ("none", "crossfade", "droste", "pingpong")

MakeDive = Callable[..., "Dive"]


class Dive(Studio):
    """A folder with a still, and how to dive into it."""

    def render(self, output: str = "out.mp4", *, stop_after: int | None = None, **changes: Any) -> Report:
        begun = len(self.progress)

        def stop() -> bool:
            done = [step.done for step in self.progress[begun:] if step.stage == "dream"]
            return stop_after is not None and bool(done) and done[-1] - done[0] >= stop_after

        return render_zoom(self.job(output, **changes), Listener(self.progress.append, self.notes.append, stop))

    def frames(self, **changes: Any) -> np.ndarray:
        """The frames that are shown, ``float32 [n, height, width, 3]``."""
        self.render("shown/", overwrite=True, **changes)
        return np.stack([read_image(str(file)) for file in sorted((self.folder / "shown").glob("*.png"))])

    def dreamed(self, output: str = "out.mp4") -> np.ndarray:
        """The frames that were dreamed, as the journal keeps them."""
        folder = Path(journal_folder(str(self.folder / output))) / "frames"
        return np.stack([read_png16(str(file)) for file in sorted(folder.iterdir())])


def dive_config(**changes: Any) -> Any:
    """A dive of a second at ten frames a second, 64 pixels wide, twice as close a second."""
    tables = {"camera": {"zoom": 2.0}, "input": {"fps": "10", "width": WIDTH}, "zoom": {"seconds": 1.0}}
    for name, table in tables.items():
        changes[name] = {**table, **changes.get(name, {})}
    return tiny_config(**changes)


def large_still(seed: int = 0) -> np.ndarray:
    """A still four times as large as the dive, with detail down to a pixel."""
    rng = np.random.default_rng(seed)
    smooth = picture(4 * HEIGHT, 4 * WIDTH, seed)
    return np.clip(smooth + 0.1 * rng.normal(size=smooth.shape), 0, 1).astype(np.float32)


@pytest.fixture
def dive(tmp_path: Path, out: Path) -> MakeDive:
    """``dive(still, **config)``: a dive into ``still``, by default one of its own size."""

    def build(still: np.ndarray | None = None, **changes: Any) -> Dive:
        path = tmp_path / "still.png"
        write_image(str(path), picture(HEIGHT, WIDTH) if still is None else still, bits=16)
        return Dive(out, str(path), dive_config(**changes))

    return build


def sound(path: Path, seconds: float) -> str:
    status, stderr = ffmpeg.run(["-v", "error", "-y", *tone(str(seconds)), ffmpeg.url(path)])
    assert status == 0, stderr
    return str(path)


@pytest.mark.parametrize(
    ("fps", "seconds", "count"), [("10", 1.0, 10), ("24", 0.5, 12), ("30000/1001", 0.5, 15), (None, 0.2, 6)]
)
def test_a_dive_has_its_length_rate_and_size(dive: MakeDive, fps: str | None, seconds: float, count: int) -> None:
    studio = dive(large_still(), input={"fps": fps}, zoom={"seconds": seconds})
    report = studio.render()
    clip = probe(report.output)
    assert (report.frames, report.dreamed, report.shots) == (count, count, 1)
    assert (clip.rate, clip.width, clip.height) == (Fraction(fps or 30), WIDTH, HEIGHT)
    assert len(pixels(report.output)) == count
    assert not clip.audio
    assert studio.files() == ["out.mp4"]
    assert {step.total for step in studio.progress} == {count}


def test_an_odd_still_gives_an_even_dive(dive: MakeDive) -> None:
    studio = dive(picture(47, 63), input={"width": None}, zoom={"seconds": 0.2})
    assert pixels(studio.render().output).shape == (2, 48, 64, 3)


def test_the_dive_dreams_and_moves(dive: MakeDive) -> None:
    shown = dive().frames()
    still = dive(dream={"strength": 0.0}, camera={"hold": 0.0}).frames()
    assert np.abs(shown - still).mean(axis=(1, 2, 3)).min() > 0.01
    assert np.abs(np.diff(still, axis=0)).mean(axis=(1, 2, 3)).min() > 0.002
    assert np.corrcoef(shown[-1].ravel(), still[-1].ravel())[0, 1] > 0.5


@pytest.mark.parametrize("fps", ["5", "20"])
def test_a_dive_is_as_fast_at_every_rate(dive: MakeDive, fps: str) -> None:
    """After a second all see the same part of the still."""
    camera = {"zoom": 1.5, "rotate": 20.0, "pan_x": 0.05, "hold": 0.0}
    plain: dict[str, Any] = {"dream": {"strength": 0.0}, "camera": camera, "zoom": {"seconds": 1.2}}
    last = [dive(**plain, input={"fps": each}).frames()[int(each)] for each in ("10", fps)]
    first = dive(**plain).frames()[0]
    assert np.abs(last[1] - last[0]).mean() < 0.1 * np.abs(last[0] - first).mean()


def test_a_dive_dreams_as_much_in_a_second_at_every_rate(dive: MakeDive) -> None:
    levels = []
    for fps in ("8", "24"):
        studio = dive(input={"fps": fps}, camera={"zoom": 1.0, "hold": 0.0}, dream={"step": 0.002})
        shown = studio.frames()
        levels.append(float(np.abs(shown[int(fps) - 1] - shown[0]).mean()))
    assert levels[1] == pytest.approx(levels[0], rel=0.35)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_colours_of_a_long_dive_are_those_of_its_first_frame(dive: MakeDive, seed: int) -> None:
    studio = dive(picture(HEIGHT, WIDTH, seed), zoom={"seconds": 6.0}, color={"match": 1.0})
    shown = studio.frames()
    mean, spread = shown.mean(axis=(1, 2, 3)), shown.std(axis=(1, 2, 3))
    assert mean == pytest.approx(np.full(60, mean[0]), rel=0.01)
    assert spread == pytest.approx(np.full(60, spread[0]), rel=0.1)
    first, *others = [statistics(frame) for frame in shown]
    for other in others:
        assert other.mean == pytest.approx(first.mean, abs=0.005)
        assert other.deviation == pytest.approx(first.deviation, rel=0.05)
    drifting = dive(picture(HEIGHT, WIDTH, seed), zoom={"seconds": 6.0}).frames()
    assert drifting[-1].std() > 1.5 * drifting[0].std()  # what it is good for


def test_a_large_still_is_seen_at_its_own_detail_first(dive: MakeDive) -> None:
    still = large_still()
    calm: dict[str, Any] = {"dream": {"strength": 0.0}, "camera": {"hold": 0.0}, "zoom": {"seconds": 2.5}}
    shown = dive(still, **calm).frames()
    for index in (0, 5, 10, 20):
        side = 2 ** -(index / 10)
        height, width = (round(side * axis) for axis in still.shape[:2])
        top, left = (still.shape[0] - height) // 2, (still.shape[1] - width) // 2
        crop = cv2.resize(still[top : top + height, left : left + width], (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
        assert np.abs(shown[index] - crop).mean() < (0.008 if side in {1, 0.5, 0.25} else 0.03)
    small = cv2.resize(still, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    soft = dive(small, **calm).frames()
    assert sharpness(shown[20])[0] > 3 * sharpness(soft[20])[0]


def test_sharpness_is_held_where_the_still_has_no_more_to_give(dive: MakeDive) -> None:
    still = cv2.resize(large_still(), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    finest = {}
    for hold in (0.0, 1.0):
        shown = dive(still, camera={"hold": hold}, zoom={"seconds": 3.0}).frames()
        finest[hold] = sharpness(shown[-1])[0] / sharpness(shown[0])[0]
    assert finest[0.0] < 0.4
    assert finest[1.0] == pytest.approx(1, abs=0.2)


@pytest.mark.parametrize("zoom", [0.4, 0.05])
def test_outwards_the_border_is_filled(dive: MakeDive, zoom: float) -> None:
    still = picture(HEIGHT, WIDTH, low=0.4, high=0.6)
    camera = {"zoom": zoom, "rotate": 90.0}
    for strength in (0.0, 1.0):
        studio = dive(still, camera=camera, zoom={"seconds": 2.0}, color={"match": 1.0}, dream={"strength": strength})
        shown = studio.frames()
        border = np.concatenate([shown[:, 0], shown[:, -1]], axis=1)
        assert border.min() > (0.1 if strength else 0.25)
        middle = shown[:, 12:-12, 16:-16]
        assert border.std(axis=(1, 2)) == pytest.approx(middle.std(axis=(1, 2, 3)), rel=0.6)


def test_a_droste_dive_shows_the_still_within_itself_at_its_end(dive: MakeDive) -> None:
    studio = dive(camera={"zoom": 5.0}, zoom={"loop": "droste"}, dream={"strength": 0.0})
    shown = studio.frames()
    to_inner = np.array([[5.0, 0, -2.0 * WIDTH], [0, 5.0, -2.0 * HEIGHT], [0, 0, 1]])
    seen = Pyramid(shown[0]).seen(to_inner, WIDTH, HEIGHT)
    middle = np.s_[22:26, 29:35]
    assert shown[0][middle] == pytest.approx(seen[middle], abs=0.03)


RESUMED: list[tuple[str, dict[str, Any]]] = [
    *((loop, {}) for loop in LOOPS),
    ("none", {"dream": {"memory": "reset"}}),
    ("droste", {"dream": {"memory": "reset"}, "camera": {"zoom": 0.2}}),
    ("none", {"camera": {"zoom": 0.5, "rotate": 30.0}, "color": {"match": 0.5, "keep": 0.5, "saturation": 1.5}}),
    ("none", {"moving": {"dream.strength": "0.5 + t", "camera.rotate": "40 * sin(6 * t)"}}),
]


@pytest.mark.parametrize(("loop", "changes"), RESUMED)
def test_resumed_equals_uninterrupted(dive: MakeDive, dreamed: list[int], loop: str, changes: dict[str, Any]) -> None:
    tables = {"camera": {"zoom": 5.0}, **changes}
    studio = dive(**tables, zoom={"loop": loop, "fade": 0.3})
    total = studio.render("whole.mp4", keep=True).frames
    for finished in (1, 4, total - 1):
        dreamed.clear()
        first = studio.render(stop_after=finished, overwrite=True)
        assert (first.interrupted, first.frames) == (True, finished)
        assert "out.mp4" not in studio.files()
        second = studio.render(resume=True, keep=True)
        assert (second.frames, second.dreamed) == (total, total - finished)
        assert sorted(set(dreamed)) == list(range(total))
        assert studio.kept() == studio.kept("whole.mp4")
        assert np.array_equal(pixels(second.output), pixels(str(studio.folder / "whole.mp4")))
        (studio.folder / "out.mp4").unlink()
        shutil.rmtree(studio.folder / "out.mp4.journal")


def test_what_has_changed_is_not_gone_on_with(dive: MakeDive) -> None:
    studio = dive()
    studio.render(stop_after=3)
    studio.config = dive_config(camera={"zoom": 3.0})
    with pytest.raises(OutputError, match=r"config\.camera\.zoom was 2\.0, is 3\.0"):
        studio.render(resume=True)
    studio.config = dive_config()
    write_image(studio.input, picture(HEIGHT, WIDTH, 5))
    with pytest.raises(OutputError, match=r"input\.\S+ was"):
        studio.render(resume=True)


MOVING: dict[str, tuple[str, str, str]] = {
    "camera.hold": ("0: 1, 3: 1, 4: 0", "1", "0"),
    "color.match": ("0: 0, 3: 0, 4: 1", "0", "1"),
    "color.keep": ("0: 0, 3: 0, 4: 1", "0", "1"),
    "color.saturation": ("0: 1, 3: 1, 4: 0", "1", "0"),
    "color.contrast": ("0: 1, 3: 1, 4: 0.2", "1", "0.2"),
    "color.opacity": ("0: 1, 3: 1, 4: 0", "1", "0"),
    "camera.zoom": ("0: 2, 3: 2, 4: 8", "2", "8"),
    "carry.strength": ("0: 0.9, 3: 0.9, 4: 0.2", "0.9", "0.2"),
}


@pytest.mark.parametrize(("key", "schedules"), MOVING.items(), ids=MOVING)
def test_a_setting_may_move_during_a_dive(dive: MakeDive, key: str, schedules: tuple[str, str, str]) -> None:
    """Before it moves the dive is that of its first value, and another one after."""
    moving, before, after = (
        dive(moving={key: text}, zoom={"seconds": 0.7}, dream={"step": 0.04}).frames() for text in schedules
    )
    assert np.array_equal(moving[:4], before[:4])
    assert np.abs(moving[6] - before[6]).mean() > 0.002
    if key.startswith("color.s") or key == "color.contrast":  # laid over the finished frame alone
        assert np.array_equal(moving[4:], after[4:])


def test_saturation_0_is_grey_and_does_not_add_up(dive: MakeDive) -> None:
    plain, half = dive().frames(), dive(color={"saturation": 0.5}).frames()
    grey = dive(color={"saturation": 0.0}).frames()
    assert np.ptp(grey, axis=-1).max() <= 1 / 255 + 1e-6
    spread = [float(np.ptp(shown[-1], axis=-1).mean()) for shown in (plain, half)]
    assert spread[1] == pytest.approx(0.5 * spread[0], rel=0.1)


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], type[DreamError], str]] = {
    "zoom of 0": ({"moving": {"camera.zoom": "0: 1, 5: 0"}}, {}, ConfigError, r"camera\.zoom is 0 at frame 5"),
    "short loop": ({"zoom": {"loop": "crossfade", "fade": 1.0}}, {}, ConfigError, "10 frames, and its crossfade 10"),
    "short droste": ({"zoom": {"loop": "droste"}}, {}, ConfigError, "at least 3 times as close"),
    "one frame": ({"zoom": {"loop": "pingpong", "seconds": 0.1}}, {}, ConfigError, "at least 2 frames"),
    "a part": ({"input": {"start": 1.0}}, {}, ConfigError, r"zoom\.seconds"),
    "an end": ({"input": {"end": 1.0}}, {}, ConfigError, r"zoom\.seconds"),
    "a picture": ({}, {"output": "out.png"}, ConfigError, r"out\.png is a picture, and a dive is a clip"),
    "no such output": ({}, {"output": "out.xyz"}, OutputError, r"\.xyz cannot be written"),
    "no sound": ({"audio": {"track": "nowhere.wav"}}, {}, InputError, r"nowhere\.wav"),
    "text as sound": ({"audio": {"track": __file__}}, {}, InputError, "is no sound|cannot be read as sound"),
    "deaf": ({"moving": {"camera.zoom": "1 + bass"}}, {}, ConfigError, "no sound"),
    "too large": ({"input": {"max_pixels": 100}}, {}, InputError, "max_pixels"),
}


@pytest.mark.parametrize(("changes", "job", "kind", "sentence"), BAD.values(), ids=BAD)
@pytest.mark.parametrize("what", ["render", "plan"])
def test_what_cannot_be_had_is_said_before_anything_is_dreamed(
    dive: MakeDive,
    dreamed: list[int],
    what: str,
    changes: dict[str, Any],
    job: dict[str, Any],
    kind: type[DreamError],
    sentence: str,
) -> None:
    studio = dive(**changes)
    with pytest.raises(kind, match=sentence) as caught:
        studio.render(**job) if what == "render" else plan_zoom(studio.job(**job))
    assert type(caught.value) is kind
    assert str(caught.value).split("\n  ")[0].count("\n") == 0
    assert (dreamed, studio.files(), studio.progress) == ([], [], [])


def test_a_clip_is_no_still(out: Path, clip: str, dreamed: list[int]) -> None:
    studio = Dive(out, clip, dive_config())
    with pytest.raises(ConfigError, match=r"in\.mp4 is not a single picture; `dreamvideo render` moves the camera"):
        studio.render()
    with pytest.raises(InputError, match="no such file"):
        studio.render(input=str(out / "none.png"))
    (out.parent / "text.png").write_text("no picture")
    with pytest.raises(InputError, match="cannot be read as a picture"):
        studio.render(input=str(out.parent / "text.png"))
    assert (dreamed, studio.files()) == ([], [])


def test_with_a_track_the_dive_is_as_long_as_its_sound_and_has_it(dive: MakeDive, tmp_path: Path) -> None:
    studio = dive(zoom={"seconds": None}, audio={"track": sound(tmp_path / "a.wav", 1.3)})
    report = studio.render()
    assert len(pixels(report.output)) == 13
    heard, given = samples(report.output), samples(str(tmp_path / "a.wav"))
    assert len(heard) == pytest.approx(1.3 * 48000, abs=1500)
    assert np.corrcoef(heard[4000:40000], given[4000:40000])[0, 1] > 0.99
    assert studio.notes == []


LENGTHS = [
    (0.6, "is 0.60 s long, the picture 1.00 s: the rest is silent"),
    (1.7, "is 1.70 s long, the picture 1.00 s: the rest is cut"),
]


@pytest.mark.parametrize(("seconds", "rest"), LENGTHS)
def test_a_track_of_another_length_is_noted(dive: MakeDive, tmp_path: Path, seconds: float, rest: str) -> None:
    studio = dive(audio={"track": sound(tmp_path / "a.wav", seconds)})
    report = studio.render()
    assert len(pixels(report.output)) == 10
    assert [note for note in report.notes if rest in note] == [note for note in studio.notes if rest in note] != []
    assert len(samples(report.output)) == pytest.approx(48000, abs=1500)


def test_a_dive_can_follow_its_music(dive: MakeDive, tmp_path: Path) -> None:
    quiet = "aevalsrc='0.5*sin(300*t)*gt(t,0.5)':d=1:s=48000"
    status, stderr = ffmpeg.run(["-v", "error", "-f", "lavfi", "-i", quiet, ffmpeg.url(tmp_path / "a.wav")])
    assert status == 0, stderr
    calm: dict[str, Any] = {"dream": {"strength": 0.0}, "audio": {"track": str(tmp_path / "a.wav")}}
    shown = dive(**calm, moving={"camera.zoom": "1 + 3 * volume"}, camera={"hold": 0.0}).frames()
    speed = np.abs(np.diff(shown, axis=0)).mean(axis=(1, 2, 3))
    assert speed[:4].max() < 0.2 * speed[6:].min()


def test_another_sound_is_not_gone_on_with(dive: MakeDive, tmp_path: Path) -> None:
    track = sound(tmp_path / "a.wav", 1.0)
    studio = dive(audio={"track": track})
    studio.render(stop_after=3)
    sound(tmp_path / "a.wav", 1.1)
    with pytest.raises(OutputError, match=r"sound\.\S+ was"):
        studio.render(resume=True)


def test_a_plan_tells_the_length_and_size_of_the_dive(dive: MakeDive) -> None:
    studio = dive(large_still(), zoom={"loop": "crossfade", "fade": 0.3})
    plan = plan_zoom(studio.job())
    assert (plan.frames, plan.width, plan.height, plan.rate) == (13, WIDTH, HEIGHT, Fraction(10))
    assert plan.octaves[0] == (HEIGHT, WIDTH)
    assert studio.files() == []


def test_a_preview_is_the_beginning_of_the_dive(dive: MakeDive) -> None:
    studio = dive(zoom={"seconds": 9.0, "loop": "crossfade"})
    assert preview_zoom(studio.job()) == studio.config
    whole = studio.frames()
    report = studio.render("short/", first=5)
    assert (report.frames, report.interrupted) == (5, False)
    short = [read_image(str(file)) for file in sorted((studio.folder / "short").glob("*.png"))]
    assert len(short) == 5
    assert len(whole) == 90
    assert np.array_equal(np.stack(short)[4], whole[4]) == (studio.config.zoom.loop == "none")


def test_a_preview_of_a_large_dive_leaves_the_finest_octaves_out(dive: MakeDive) -> None:
    studio = dive(picture(300, 900), input={"width": None}, dream={"octaves": 4, "octave_scale": 1.5})
    config = preview_zoom(studio.job())
    assert (config.input.width, config.dream.octaves) == (400, 2)


def test_a_dive_goes_through_layers_of_its_own() -> None:
    """Unless any were named."""
    named = dive_config()
    assert settled(Job("a.png", "b.mp4", named)).config is named
    plain = named.model_copy(update={"dream": named.dream.model_copy(update={"layers": {}})})
    assert settled(Job("a.png", "b.mp4", plain)).config.dream.layers == OWN_LAYERS
    for other in ({"objective": "mean(mixed4)"}, {"network": "vgg16"}):
        changed = plain.model_copy(update={"dream": plain.dream.model_copy(update=other)})
        assert settled(Job("a.png", "b.mp4", changed)).config.dream.layers == {}


@pytest.mark.parametrize("scale", [2.0, "2 if frame == 0 else 1"])
def test_a_scale_of_the_first_frame_is_seen_in_it_and_left_behind(dive: MakeDive, scale: float | str) -> None:
    camera = {"zoom": 1.0, "hold": 0.0} | ({"scale": scale} if isinstance(scale, float) else {})
    moving = {"camera.scale": scale} if isinstance(scale, str) else {}
    shown = dive(camera=camera, dream={"strength": 0.0}, moving=moving).frames()
    still = picture(HEIGHT, WIDTH)
    closer = np.array([[0.5, 0, WIDTH / 4], [0, 0.5, HEIGHT / 4], [0, 0, 1]])
    twice = np.clip(Pyramid(still).seen(closer, WIDTH, HEIGHT), 0, 1)
    for frame, expected in zip(shown, [twice, still if moving else twice], strict=False):
        inner = (slice(4, -4), slice(4, -4))
        assert np.abs(frame - expected)[inner].mean() < 0.01


def test_adams_memory_is_carried_through_a_dive(dive: MakeDive) -> None:
    studio = dive(dream={"ascent": "adam", "memory": "carry"}, zoom={"seconds": 0.5})
    whole = studio.frames()
    studio.render(stop_after=2)
    assert studio.render(resume=True, keep=True).dreamed == 3
    assert len(studio.dreamed()) == len(whole) == 5


@pytest.mark.parametrize("blend", ["screen", "overlay", "soft-light"])
def test_a_blend_is_laid_over_the_finished_frames_and_does_not_add_up(dive: MakeDive, blend: str) -> None:
    quiet = {"camera": {"zoom": 1.05}, "color": {"match": 1.0}, "zoom": {"seconds": 2.0}}
    plain = dive(**quiet).frames()
    laid = dive(**{**quiet, "color": {"match": 1.0, "blend": blend}}).frames()
    change = np.abs(laid - plain).mean(axis=(1, 2, 3))
    assert change[0] > 0.01
    assert change[-1] == pytest.approx(change[0], rel=0.5)


def test_opacity_0_shows_the_still_all_the_way(dive: MakeDive) -> None:
    shown = dive(color={"opacity": 0.0}).frames()
    plain = dive(dream={"strength": 0.0}, camera={"hold": 0.0}).frames()
    assert np.abs(shown - plain).mean() < 0.02
