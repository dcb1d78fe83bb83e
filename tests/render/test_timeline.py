"""A config at every frame: plain numbers, held against their bounds before anything is dreamed."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tomli_w

from dreamvideo.config import Config, to_toml
from dreamvideo.errors import ConfigError
from dreamvideo.formula import parse_formula
from dreamvideo.merging import resolve
from dreamvideo.render.timeline import Timeline, schedules
from dreamvideo.schedule import Clock
from dreamvideo.settings import SETTINGS

RATE = Fraction(25)


def timeline(*sets: str, frames: int = 300, **clock: Any) -> Timeline:
    return Timeline(resolve(sets=sets), Clock(frames, RATE, **clock))


def weights(moving: Timeline, index: int) -> list[float]:
    """The numbers before the calls of a frame's formulas."""
    return [call.weight for text in moving.at(index).dream.formulas for call in parse_formula(text)]


def refused(*sets: str, frames: int = 300) -> str:
    with pytest.raises(ConfigError) as caught:
        timeline(*sets, frames=frames)
    return str(caught.value)


def test_a_config_without_schedules_is_the_same_at_every_frame() -> None:
    config = resolve(sets=["dream.steps=3"])
    still = Timeline(config, Clock(10, RATE))
    assert all(still.at(index) is config for index in (0, 9, 99))
    assert still.moving == {}
    assert schedules(config) == []


def test_a_config_at_a_frame_is_that_of_its_numbers() -> None:
    moving = timeline(
        "dream.strength=0: 1, 100: 2", "carry=t / 100", "camera.zoom=1 + t", "color.opacity=0.5", "seed=3"
    )
    for index in (0, 50, 100, 299):
        numbers = {"dream.strength": 1 + min(index / 100, 1), "carry.strength": index / 25 / 100}
        plain = resolve(named={**numbers, "camera.zoom": 1 + index / 25, "color.opacity": 0.5, "seed": 3})
        assert moving.at(index) == plain
    assert list(moving.moving) == ["dream.strength", "carry.strength", "camera.zoom"]
    assert moving.values("dream.strength")[50] == 1.5
    assert np.array_equal(moving.values("color.opacity"), np.full(300, 0.5))
    assert np.array_equal(moving.values("dream.steps"), np.full(300, Config().dream.steps))


def test_after_the_last_frame_its_values_hold() -> None:
    moving = timeline("dream.strength=frame / 100")
    assert moving.at(299) == moving.at(300) == moving.at(10**6)
    assert moving.at(299).dream.strength == 2.99


@pytest.mark.parametrize("key", ["dream.steps", "dream.octaves", "dream.jitter", "carry.steps", "dream.laplacian"])
def test_whole_numbers_are_rounded(key: str) -> None:
    section, name = key.split(".")
    moving = timeline(f"{key}=0: 3, 100: 5")
    found = [getattr(getattr(moving.at(index), section), name) for index in (0, 20, 30, 70, 80, 100)]
    assert found == [3, 3, 4, 4, 5, 5]
    assert all(type(value) is int for value in found)


def test_an_entry_of_a_table_moves_alone() -> None:
    moving = timeline("dream.layers={mixed3 = 1.0, mixed5 = 0.5}", "dream.layers.mixed3=0: 1, 10: 0")
    assert moving.at(5).dream.layers == {"mixed3": 0.5, "mixed5": 0.5}
    assert moving.at(10).dream.layers == {"mixed3": 0.0, "mixed5": 0.5}
    assert moving.config.dream.layers["mixed5"] == 0.5


def test_the_numbers_of_a_formula_are_filled_in() -> None:
    moving = timeline("dream.objective='(t) * mean(mixed3) - 0.5 * mean(mixed4)'")
    assert [weights(moving, index) for index in (0, 25, 50)] == [[0, -0.5], [1, -0.5], [2, -0.5]]
    several = timeline("dream.objective=['(t) * mean(mixed3)', 'mean(mixed4)', '(2 - t) * mean(mixed5)']", frames=60)
    assert weights(several, 50) == [2, 1, 0]
    assert len(several.at(50).dream.formulas) == 3
    assert list(several.moving) == ["dream.objective[0]", "dream.objective[1]"]


BOUNDS = [
    ("dream.strength", "frame / 20", 201, "10.05 at frame 201 (8.04 s); it must be a number from 0 to 10"),
    ("carry.strength", "frame / 212", 212, "1 at frame 212 (8.48 s); it must be a number, at least 0 and below 1"),
    ("camera.zoom", "1 - frame / 100", 100, "0 at frame 100 (4.00 s); it must be a number from 0.01 to 100"),
    ("dream.octave_scale", "2 - frame / 10", 10, "1 at frame 10 (0.40 s); it must be a number, above 1 and at most 4"),
    ("dream.steps", "3 - frame / 10", 25, "0 at frame 25 (1.00 s); it must be a whole number from 1 to 1000"),
]


@pytest.mark.parametrize(("key", "text", "frame", "sentence"), BOUNDS, ids=[key for key, *_ in BOUNDS])
def test_what_leaves_its_bounds_is_named_with_its_first_frame(key: str, text: str, frame: int, sentence: str) -> None:
    assert refused(f"{key}={text}") == f"{key} is {sentence}"
    assert timeline(f"{key}={text}", frames=frame)  # just before, all is well


def test_every_schedule_that_cannot_be_followed_is_told_at_once() -> None:
    lines = refused("dream.step=-t - 1", "carry=t")
    assert [line.split(" ")[0] for line in lines.splitlines()] == ["dream.step", "carry.strength"]


def test_a_schedule_without_a_value_is_named_and_marked() -> None:
    first, line, mark = refused("camera.zoom=1 / (t - 1)").splitlines()
    assert first.startswith("camera.zoom: this divides by zero at frame 25 (1.00 s), at character 3")
    assert line[mark.index("^")] == "/"


@pytest.mark.parametrize("which", ["dream.octaves", "dream.octaves_above"])
def test_octaves_above_stay_below_the_octaves_at_every_frame(which: str) -> None:
    texts = {"dream.octaves": "0: 4, 100: 1", "dream.octaves_above": "0: 0, 100: 6"}
    fixed = {"dream.octaves": "4", "dream.octaves_above": "2"}
    sets = {**fixed, which: texts[which]}
    message = refused(*(f"{key}={text}" for key, text in sets.items()))
    frame = 50 if which == "dream.octaves" else 59
    told = ("2", "2") if which == "dream.octaves" else ("4", "4")
    assert message == (
        f"dream.octaves_above is {told[0]} at frame {frame} ({frame / 25:.2f} s); "
        f"it must be below dream.octaves ({told[1]})"
    )


ROUND = [
    ["dream.strength=0: 0.5, 4s: 1 ease-in-out", "camera.pan_x=0.1 * sin(t)"],
    ["dream.layers={mixed3 = 1.0, 'block/2' = '1 - t'}", "carry=0.5 + 0.4*bass"],
    ["dream.objective='(0.5 + 0.5*bass) * mean(mixed3) - 0.2 * tv()'", "color.opacity=0: 1,\n 2s: 0 # out"],
    ["camera.scale=1 + 0.1*beat(release=0.2)", "dream.octaves=0: 3, 8b: 4", "carry.steps=2", "dream.max_loss=t"],
]


@pytest.mark.parametrize("sets", ROUND)
def test_schedules_survive_being_written_and_read(sets: list[str], tmp_path: Path) -> None:
    config = resolve(named={key: _value(text) for key, text in (each.split("=", 1) for each in sets)})
    assert config.moving or "objective" in sets[0]
    file = tmp_path / "again.toml"
    file.write_text(to_toml(config))
    assert resolve(config_file=file) == config
    assert resolve(config_file=file).moving == config.moving


def _value(text: str) -> Any:
    from dreamvideo.merging import parse_value

    return parse_value(text) if text[0] in "{'[0123456789" and ":" not in text else text


def test_what_beats_a_schedule_leaves_nothing_of_it(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(tomli_w.dumps({"dream": {"strength": "1 + t", "layers": {"mixed3": "1 - t", "mixed4": 1.0}}}))
    assert set(resolve(config_file=file).moving) == {"dream.strength", "dream.layers.mixed3"}
    beaten = resolve(config_file=file, sets=["dream.strength=2", "dream.layers.mixed3=0.5"])
    assert (beaten.moving, beaten.dream.strength, beaten.dream.layers) == ({}, 2, {"mixed3": 0.5, "mixed4": 1})
    assert resolve(sets=["dream.strength=2"], named={"dream.strength": "t"}).moving == {"dream.strength": "t"}


MARKED = [
    ("dream.strength", "1 + oops", "there is no variable called 'oops'", "oops"),
    ("camera.zoom", "0: 1, 4x: 2", "a time is a frame (60), seconds (4s, 1.5s) or beats (8b)", "4x: 2"),
    ("camera.zoom", "0: 1, 4s: 2 ease-outt", "there is no easing", "ease-outt"),
    ("color.opacity", "sin(t", "this ( is never closed", "(t"),
    ("dream.layers.mixed3", "1 +* t", "this is no schedule", "* t"),
]


@pytest.mark.parametrize(("key", "text", "problem", "under"), MARKED, ids=[text for _, text, _, _ in MARKED])
def test_what_is_no_schedule_is_named_and_marked(key: str, text: str, problem: str, under: str) -> None:
    for origin in ({"named": {key: text}}, {"sets": [f'{key}="{text}"']}):
        with pytest.raises(ConfigError) as caught:
            resolve(**origin)  # pyright: ignore[reportArgumentType]
        first, line, mark = str(caught.value).splitlines()
        assert first.startswith(f'{key} is "{text}" ({"on the command line" if "named" in origin else "in --set"}); ')
        assert "or a schedule, but" in first
        assert problem in first
        assert line[mark.index("^") :] == under


STILL = [key for key, setting in SETTINGS.items() if not setting.movable and not setting.is_table]


def test_only_what_every_frame_asks_anew_can_move() -> None:
    movable = {key for key, setting in SETTINGS.items() if setting.movable}
    assert {"dream.strength", "dream.layers", "carry.strength", "camera.hold", "color.match"} <= movable
    assert {key.partition(".")[0] for key in movable} == {"dream", "carry", "camera", "color"}
    assert {"dream.network", "dream.pictures", "dream.objective", "carry.mode", "color.blend"}.isdisjoint(movable)


@pytest.mark.parametrize(
    "key", ["seed", "output.crf", "zoom.seconds", "zoom.fade", "input.width", "audio.offset", "shots.threshold"]
)
def test_other_numbers_refuse_a_schedule(key: str) -> None:
    assert key in STILL
    with pytest.raises(ConfigError) as caught:
        resolve(sets=[f'{key}="0: 1, 4s: 2"'])
    assert str(caught.value) == f'{key} is "0: 1, 4s: 2" (in --set); it must be {SETTINGS[key].expected}'


def test_nobody_writes_the_schedules_table() -> None:
    with pytest.raises(ConfigError, match="moving is no setting"):
        resolve(sets=["moving.a=1"])
