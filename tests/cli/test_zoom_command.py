"""``zoom``, and the camera of ``render``: from options to settings, what is refused, and how it ends."""

import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from dreamvideo.cli import options
from dreamvideo.config import Camera, Color, Config, Dream, Input, Zoom
from dreamvideo.merging import resolve
from dreamvideo.render.job import Job
from tests.cli.conftest import FakeRenderer, make_plan, preview_config

DIVE = {"camera": Camera(zoom=1.5), "color": Color(match=1.0), "dream": Dream(memory="reset")}


@pytest.fixture
def diver(renderer: FakeRenderer, monkeypatch: pytest.MonkeyPatch) -> FakeRenderer:
    """The fake renderer, for dives as well."""
    module = ModuleType("dreamvideo.render.zoom")
    module.__dict__.update(
        {"render_zoom": renderer.render("zoom"), "plan_zoom": make_plan, "preview_zoom": preview_config}
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return renderer


def test_the_default_dive_has_defaults_of_its_own(dreamvideo, diver) -> None:
    outcome = dreamvideo("zoom", "a.png", "-o", "b.mp4")
    assert (outcome.code, outcome.out) == (0, "b.mp4\n")
    assert diver.jobs == [("zoom", Job("a.png", "b.mp4", Config(**DIVE)))]


def test_every_option_reaches_its_setting(dreamvideo, diver) -> None:
    line = (
        "zoom a.png -o b.mp4 --seconds 1:05 --fps 24 --width 640 --zoom 2 --rotate -12 --pan .1,-0.2 --center 0.25,1.5"
        " --loop droste --audio song.mp3 --strength 2 --seed 7 --crf 20 --objective std --network vgg16"
        " --set camera.hold=0.5 --set color.match=0.25 --resume --keep -y --work w"
    )
    assert dreamvideo(*line.split()).code == 0
    job = diver.job
    assert (job.resume, job.keep, job.overwrite, job.work) == (True, True, True, Path("w"))
    config = job.config
    camera = {"zoom": 2, "rotate": -12, "pan_x": 0.1, "pan_y": -0.2, "center_x": 0.25, "center_y": 1.5, "hold": 0.5}
    assert config.camera == Camera(**camera)
    assert config.zoom == Zoom(seconds=65, loop="droste")
    assert config.input == Input(width=640, fps="24")
    assert (config.audio.track, config.dream.strength, config.seed, config.output.crf) == ("song.mp3", 2, 7, 20)
    assert (config.color.match, config.dream.network, config.dream.objective) == (0.25, "vgg16", "std")
    assert config.moving == {}


def test_the_camera_of_a_clip_has_the_same_options_and_stands_still(dreamvideo, diver) -> None:
    assert (
        dreamvideo("render", "a.mp4", "-o", "b.mp4", "--zoom", "1.2", "--pan", "0,t/10", "--audio", "x.wav").code == 0
    )
    config = diver.job.config
    assert config.camera == Camera(zoom=1.2)
    assert (config.moving, config.audio.track) == ({"camera.pan_y": "t/10"}, "x.wav")
    assert config.color == Color()


@pytest.mark.parametrize(
    ("line", "zoom"),
    [
        ("", 1.5),
        ("--config mine.toml", 3),
        ("--config mine.toml --set camera.zoom=4", 4),
        ("--config mine.toml --zoom 5 --set camera.zoom=4", 5),
    ],
)
def test_who_beats_whom(dreamvideo, diver, tmp_path: Path, line: str, zoom: float) -> None:
    (tmp_path / "mine.toml").write_text("[camera]\nzoom = 3\n")
    dreamvideo("zoom", "a.png", "-o", "b.mp4", *line.split())
    assert diver.job.config.camera.zoom == zoom


PAIRS: list[tuple[str, Any, Any]] = [
    ("0.1,0", 0.1, 0),
    (" -.1 , +2 ", -0.1, 2),
    ("0.1*max(bass, mid), 0", "0.1*max(bass, mid)", 0),
    ("0, 0.1*max(bass, mid)", 0, "0.1*max(bass, mid)"),
    ("clip(t, 0, min(1, 2)),noise(t)", "clip(t, 0, min(1, 2))", "noise(t)"),
    ("bass(attack=1,release=2),[1,2]", "bass(attack=1,release=2)", [1, 2]),
]


@pytest.mark.parametrize(("text", "x", "y"), PAIRS, ids=[text for text, _, _ in PAIRS])
def test_two_values_part_at_the_comma_outside_of_brackets(text: str, x: Any, y: Any) -> None:
    found = options.camera_settings(None, None, text, text)
    assert (found["camera.pan_x"], found["camera.pan_y"]) == (x, y)
    assert (found["camera.center_x"], found["camera.center_y"]) == (x, y)


def test_schedules_land_where_they_belong(dreamvideo, diver) -> None:
    line = ["--zoom", "1.2 + bass", "--pan", "0.1*max(bass, mid), 0", "--rotate", "0: 0, 4s: 90 ease-in-out"]
    assert dreamvideo("zoom", "a.png", "-o", "b.mp4", *line, "--strength", "1 + t").code == 0
    config = diver.job.config
    assert config.moving == {
        "camera.zoom": "1.2 + bass",
        "camera.pan_x": "0.1*max(bass, mid)",
        "camera.rotate": "0: 0, 4s: 90 ease-in-out",
        "dream.strength": "1 + t",
    }
    assert config.camera == Camera()


BAD = [
    (["--pan", "0.1"], "invalid value: --pan 0.1: this should read X,Y, such as 0.1,0"),
    (["--center", "1,2,3"], "invalid value: --center 1,2,3: this should read X,Y, such as 0.1,0"),
    (["--pan", "max(1,2)"], "invalid value: --pan max(1,2): this should read X,Y"),
    (["--zoom", "0"], "camera.zoom is 0 (on the command line); it must be a number from 0.01 to 100"),
    (["--zoom", "bas"], 'camera.zoom is "bas" (on the command line); it must be a number from 0.01 to 100; did you'),
    (["--zoom", "1 + bas"], 'camera.zoom is "1 + bas" (on the command line); it must be a number from 0.01 to 100, or'),
    (["--rotate", "0: 1, 0: 2"], 'camera.rotate is "0: 1, 0: 2" (on the command line); it must be a number from -3600'),
    (["--loop", "round"], 'zoom.loop is "round" (on the command line); it must be "none", "crossfade"'),
    (["--seconds", "0"], "zoom.seconds is 0.0 (on the command line); it must be a number, above 0 and at most 86400"),
    (["--seconds", "t"], "invalid value for '--seconds': 't' is no time"),
    (["--crf", "1 + t"], 'output.crf is "1 + t" (on the command line); it must be a whole number from 0 to 51'),
    (["--seed", "0: 1, 4s: 2"], 'seed is "0: 1, 4s: 2" (on the command line); it must be a whole number'),
    (["--carry", "0.5"], "no such option: --carry"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "message"), BAD, ids=[" ".join(line) for line, _ in BAD])
def test_a_bad_dive_is_one_clear_error(dreamvideo, diver, line: list[str], message: str) -> None:
    outcome = dreamvideo("zoom", "a.png", "-o", "b.mp4", *line)
    assert (outcome.code, outcome.out, diver.jobs) == (2, "", [])
    assert outcome.err.startswith(f"dreamvideo: error: {message}")


def test_the_mark_of_a_bad_schedule_stands_under_it(dreamvideo, diver) -> None:
    outcome = dreamvideo("zoom", "a.png", "-o", "b.mp4", "--zoom", "1 + bas * 2")
    *_, line, mark = outcome.err.splitlines()
    assert line[mark.index("^") :] == "bas * 2"
    assert diver.jobs == []


def test_what_the_input_lacks_has_the_input_s_exit_code(dreamvideo, tmp_path: Path) -> None:
    """With the true renderer, which comes that far without a network."""
    (tmp_path / "text.png").write_text("no picture")
    write_still(tmp_path / "a.png")
    for line in ("none.png -o b.mp4", "text.png -o b.mp4", "a.png -o b.mp4 --audio none.wav"):
        outcome = dreamvideo("zoom", *line.split())
        assert (outcome.code, outcome.out) == (3, "")
        assert outcome.err.count("\n") == 1
    assert dreamvideo("zoom", "a.png", "-o", "a.png").code in {2, 4}
    assert dreamvideo("zoom", "a.png", "-o", "b.jpg").code == 2
    assert dreamvideo("zoom", "a.png", "-o", "b.mp4", "--zoom", "1 + bass").code == 2
    assert dreamvideo("zoom", "a.png", "-o", "nowhere/b.mp4").code == 4
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.png", "text.png"]


def write_still(path: Path) -> None:
    from dreamvideo.media.still import write_image

    write_image(str(path), np.full((48, 64, 3), 0.5, np.float32))


def test_a_dry_run_tells_and_dives_nowhere(dreamvideo, diver) -> None:
    outcome = dreamvideo("zoom", "a.png", "-o", "b.mp4", "--dry-run")
    assert (outcome.code, outcome.err, diver.jobs) == (0, "", [])
    assert outcome.out.splitlines()[:3] == [
        "input      a.png",
        "output     b.mp4",
        "frames     240, 1280x720 at 30000/1001 a second",
    ]
    plan = json.loads(dreamvideo("zoom", "a.png", "-o", "b.mp4", "--dry-run", "--json").out)
    assert (plan["input"], plan["frames"]) == ("a.png", 240)


def test_a_preview_dives_with_its_own_config(dreamvideo, diver) -> None:
    dreamvideo("zoom", "a.png", "-o", "b.mp4", "--preview")
    assert diver.jobs[0][0] == "zoom"
    assert diver.job.config.dream.octaves == 1


def test_the_help_has_its_sections_and_its_own_defaults(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = dreamvideo("zoom", "--help").out
    heads = [line.removesuffix(":") for line in text.splitlines() if line.endswith(":") and not line.startswith(" ")]
    assert heads == ["Arguments", "Output", "Look", "Part and size", "Camera", "Sound", "Run", "Other options"]
    plain = " ".join(text.split())
    assert "below 1 goes outwards. [from 0.01 to 100; default 1.5]" in plain
    assert '--fps R Frames a second. [a value such as 25, 23.976 or "30000/1001"; default 30]' in plain
    camera = text[text.index("\nCamera:") : text.index("\nSound:")]
    assert all(f"--{name} " in camera for name in ("zoom", "rotate", "pan", "center", "loop"))
    assert "default 1.0]" in " ".join(dreamvideo("render", "--help").out.split("Camera:")[1].split())[:200]


def test_the_help_fits_a_terminal_of_80_columns(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, dreamvideo("zoom", "--help").out.splitlines())) <= 80


def test_the_dive_s_defaults_are_no_one_else_s() -> None:
    assert resolve().camera.zoom == 1
    assert resolve(base={"camera.zoom": 1.5}).camera.zoom == 1.5
    assert resolve(base={"camera.zoom": 1.5}, sets=["camera.zoom=1"]).camera.zoom == 1


def test_a_fade_without_a_crossfade_is_refused(dreamvideo, diver) -> None:
    outcome = dreamvideo("zoom", "a.png", "-o", "b.mp4", "--set", "zoom.fade=2")
    assert (outcome.code, "zoom.fade has no say in `dreamvideo zoom`" in outcome.err) == (2, True)
    assert not diver.jobs
    assert dreamvideo("zoom", "a.png", "-o", "b.mp4", "--set", "zoom.fade=2", "--loop", "crossfade").code == 0
