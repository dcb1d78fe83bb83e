"""``noise``, ``atlas``, ``features`` and ``image --before-after``: what they ask of the renderer, and how they tell."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dreamvideo.merging import resolve
from dreamvideo.presets import list_presets
from dreamvideo.render.job import Listener, Progress, Report
from dreamvideo.render.sheets import SheetReport

Calls = list[tuple[Any, ...]]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What the renderer is asked: the function's name, then its arguments but the listener."""
    calls: Calls = []

    def fake(name: str, answer: Callable[[], Any]) -> Callable[..., Any]:
        def made(*arguments: Any) -> Any:
            listener: Listener = arguments[-1]
            calls.append((name, *arguments[:-1]))
            listener.progress(Progress("dream", 1, 2, 0.5))
            return answer()

        return made

    sheet = lambda: SheetReport("sheet.png", 64, 40, 83.0)  # noqa: E731
    picture = lambda: Report("dream.png", 1, 1, 1, 2.0)  # noqa: E731
    for module, names, answer in (
        ("atlas", ["render_atlas"], sheet),
        ("compare", ["compare", "compare_layers"], sheet),
        ("features", ["render_features"], sheet),
        ("noise", ["render_noise"], picture),
    ):
        for name in names:
            monkeypatch.setattr(f"dreamvideo.render.{module}.{name}", fake(name, answer))
    return calls


@pytest.mark.parametrize("command", ["noise", "atlas", "features"])
def test_help_fits_a_terminal_of_80_columns(dreamvideo, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = dreamvideo(command, "--help")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_noise(dreamvideo, asked: Calls) -> None:
    line = ("noise", "-o", "dream.png", "--objective", "channel(mixed4, 139)", "--size", "640x360", "--seed", "3")
    outcome = dreamvideo(*line)
    assert (outcome.code, outcome.out) == (0, "dream.png\n")
    ((_, job, size),) = asked
    assert size == (640, 360)
    assert (job.config.seed, job.config.dream.objective) == (3, "channel(mixed4, 139)")
    assert (job.config.dream.octave_mode, job.config.dream.octaves) == ("grow", 4)


def test_noise_is_square_and_grows_unless_one_says_otherwise(dreamvideo, asked: Calls) -> None:
    dreamvideo("noise", "-o", "dream.png")
    dreamvideo("noise", "-o", "dream.png", "--size", "90", "--set", "dream.octave_mode=detail")
    (_, plain, large), (_, told, small) = asked
    assert (large, small) == ((512, 512), (90, 90))
    assert (plain.config.dream.octaves, told.config.dream.octaves) == (5, 1)
    assert told.config.dream.octave_mode == "detail"


@pytest.mark.parametrize("size", ["big", "0", "10x", "3x0", "-5", "10x10x10"])
def test_what_is_no_size_is_said(dreamvideo, asked: Calls, size: str) -> None:
    outcome = dreamvideo("noise", "-o", "dream.png", "--size", size)
    assert outcome.code == 2
    assert "give a side (512) or WIDTHxHEIGHT (640x360)" in outcome.err
    assert asked == []


def test_atlas(dreamvideo, asked: Calls) -> None:
    line = ("atlas", "--layer", "mixed4", "--channels", "0-63", "-o", "sheet.png", "--resume")
    outcome = dreamvideo(*line, "--set", "dream.steps=7")
    assert (outcome.code, outcome.out) == (0, "sheet.png\n")
    assert "made 64 cells (40 of them now) in 1 min 23 s" in outcome.err
    ((_, job, layer, channels),) = asked
    assert (layer, channels, job.cell, job.resume) == ("mixed4", "0-63", 128, True)
    dream = job.config.dream
    assert (dream.objective, dream.layers) == ('channel("mixed4", 0)', {})
    assert (dream.steps, dream.step, dream.octave_mode) == (7, 0.03, "grow")


def test_atlas_of_every_preset(dreamvideo, asked: Calls) -> None:
    assert dreamvideo("atlas", "cat.jpg", "--compare", "presets", "-o", "sheet.png", "--strength", "2").code == 0
    ((_, job, photo, variants, title),) = asked
    assert (photo, title, job.cell) == ("cat.jpg", "presets", 320)
    assert [variant.name for variant in variants] == ["default", *(preset.name for preset in list_presets())]
    assert {variant.config.dream.strength for variant in variants} == {2}
    assert variants[0].config.dream.layers != next(each for each in variants if each.name == "eyes").config.dream.layers


def test_atlas_of_every_layer(dreamvideo, asked: Calls) -> None:
    outcome = dreamvideo("atlas", "cat.jpg", "--compare", "layers", "-o", "sheet.png", "--preset", "eyes", "--json")
    assert json.loads(outcome.out)["cells"] == 64
    ((name, job, photo),) = asked
    assert (name, photo) == ("compare_layers", "cat.jpg")
    assert job.config.dream.natural_colors == 0.9


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "name a layer with --layer"),
        ("cat.jpg --layer mixed4", "cat.jpg has no say but in --compare"),
        ("--layer mixed4 --picture a=b.jpg", "--picture has no say but in --compare"),
        ("--compare presets", "--compare presets needs a picture"),
        ("cat.jpg --compare layers --layer mixed4", "--layer has no say"),
        ("cat.jpg --compare presets --channels 3", "--channels has no say"),
        ("cat.jpg --compare presets --preset eyes", "--preset has no say"),
        ("--layer mixed4 --cell 3", "'3' is no whole number from 32 to 1024"),
        ("--layer mixed4 --set dream.objective=mean", "dream.objective has no say in an atlas of --layer mixed4"),
        ("--layer mixed4 --set dream.layers.mixed6=1", "dream.layers.mixed6 has no say in an atlas"),
        ("--layer mixed4 --set input.width=9 --set carry=0.5", "input.width and carry have no say in an atlas"),
        ("cat.jpg --compare layers --set dream.layers.mixed2=3", "dream.layers.mixed2 has no say in --compare layers"),
        ("cat.jpg --compare presets --set output.crf=3", "output.crf has no say in --compare presets; leave it out"),
        ("cat.jpg --compare presets --set dream.octaves_above=3", "must be below dream.octaves (3)"),
        ("--layer mixed4 --set dream.setps=3", "dream.setps is no setting"),
    ],
)
def test_what_has_no_say_is_refused(dreamvideo, asked: Calls, line: str, message: str) -> None:
    outcome = dreamvideo("atlas", *line.split(), "-o", "sheet.png")
    assert outcome.code == 2
    assert message in outcome.err
    assert asked == []


def test_a_preset_that_what_is_said_rules_out_is_left_out(dreamvideo, asked: Calls) -> None:
    line = ("--compare", "presets", "-o", "sheet.png", "--set", "dream.octaves=1", "--json")
    outcome = dreamvideo("atlas", "cat.jpg", *line)
    ((_, _, _, variants, _),) = asked
    left = {preset.name for preset in list_presets()} - {variant.name for variant in variants}
    assert left
    notes = json.loads(outcome.out)["notes"]
    assert [note.split(":")[0] for note in notes] == [f"{name} is left out" for name in sorted(left)]
    assert all(note in outcome.err for note in notes)


def test_what_has_no_say_in_a_file_or_preset_is_told(dreamvideo, asked: Calls, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[dream]\nobjective = 'mean'\nsteps = 5\n[input]\nwidth = 99\n")
    mine = ("-o", "sheet.png", "--config", "mine.toml")
    told = {
        "dream.objective and input.width have no say in an atlas of --layer mixed4": ("atlas", "--layer", "mixed4"),
        "dream.objective and dream.steps have no say in features": ("features", "cat.jpg", "--layer", "mixed4"),
    }
    for sentence, line in told.items():
        outcome = dreamvideo(*line, *mine)
        assert outcome.code == 0
        assert f"{sentence}\n" in outcome.err
        assert json.loads(dreamvideo(*line, *mine, "--json").out)["notes"] == [sentence]
    assert "no say" not in dreamvideo("atlas", "--layer", "mixed4", "-o", "sheet.png").err
    assert asked[0][1].config.dream.steps == 5


def test_an_interrupted_atlas_says_how_to_go_on(dreamvideo, asked: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    report = SheetReport("sheet.png", 1, 1, 5.0, interrupted=True, work=Path("sheet.png.journal"))
    monkeypatch.setattr("dreamvideo.render.atlas.render_atlas", lambda *_: report)
    outcome = dreamvideo("atlas", "--layer", "mixed4", "-o", "my sheet.png")
    assert (outcome.code, outcome.out) == (130, "")
    assert "interrupted; 1 cell kept in sheet.png.journal. Go on with:" in outcome.err
    assert "dreamvideo atlas --resume --layer mixed4 -o 'my sheet.png'" in outcome.err
    assert asked == []


def test_features(dreamvideo, asked: Calls) -> None:
    line = ("features", "cat.jpg", "--layer", "mixed3", "-o", "maps.png", "--order", "number", "--count", "9")
    assert dreamvideo(*line, "--width", "300").code == 0
    ((_, job),) = asked
    assert (job.input, job.output, job.layer, job.channels) == ("cat.jpg", "maps.png", "mixed3", None)
    assert (job.order, job.count, job.cell, job.config.input.width) == ("number", 9, 128, 300)
    assert "missing option '--layer'" in dreamvideo("features", "cat.jpg", "-o", "maps.png").err


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("--set dream.steps=20", "dream.steps has no say in features; leave it out"),
        ("--set dream.steps=3 --set seed=1", "dream.steps and seed have no say in features; leave them out"),
        ("--count 0", "'0' is no whole number at least 1"),
    ],
)
def test_features_take_what_the_network_sees_and_no_more(dreamvideo, asked: Calls, typed: str, message: str) -> None:
    outcome = dreamvideo("features", "cat.jpg", "--layer", "mixed3", "-o", "maps.png", *typed.split())
    assert outcome.code == 2
    assert message in outcome.err
    assert asked == []


@pytest.mark.parametrize("command", ["atlas", "features"])
def test_help_tells_of_bounds_in_one_style(dreamvideo, command: str) -> None:
    text = dreamvideo(command, "--help").out
    assert not [odd for odd in ("<=", "x>=", "[default:", "<presets", "<strongest") if odd in text]


def test_before_after(dreamvideo, renderer) -> None:
    assert dreamvideo("image", "cat.jpg", "-o", "dream.png", "--before-after").code == 0
    assert dreamvideo("image", "cat.jpg", "-o", "dream.png").code == 0
    assert [kind for kind, _ in renderer.jobs] == ["image before after", "image"]


def test_a_commands_own_defaults_lie_below_all_that_is_said(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[dream]\nstep = 0.5\n")
    base = {"dream.steps": 2, "dream.step": 0.1, "dream.octaves": 2, "dream.strength": 2.0}
    config = resolve("painterly", file, ["dream.octaves=4"], {"seed": 5, "dream.halo": None}, base=base)
    dream = config.dream
    assert (dream.steps, dream.step, dream.octaves, dream.strength, config.seed) == (2, 0.5, 4, 0.45, 5)
