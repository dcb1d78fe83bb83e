"""A clip whose settings move from frame to frame, and whose picture a camera moves over."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.media.still import quantize16, read_image, read_png16
from dreamvideo.motion.camera import UNMOVED, Pyramid, plan_path
from dreamvideo.motion.carry import watch
from dreamvideo.render.footage import camera_moves
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.start import journal_folder
from dreamvideo.render.timeline import Timeline
from dreamvideo.schedule import Clock
from tests.media.conftest import pixels
from tests.render.conftest import FRAMES, Studio, pan
from tests.tiny import BRANCH, DEEP, MIXED, picture, shared_dreamer, tiny_config

MakeStudio = Callable[..., Studio]
RATE = Fraction(25)  # of a folder of frames


def kept(studio: Studio, output: str = "out.mp4") -> np.ndarray:
    files = sorted((Path(journal_folder(str(studio.folder / output))) / "frames").iterdir())
    return np.stack([read_png16(str(file)) for file in files])


def inputs(studio: Studio) -> np.ndarray:
    return np.stack([read_image(str(file)) for file in sorted(Path(studio.input).iterdir())])


def shown(studio: Studio, **config: Any) -> np.ndarray:
    studio.config = tiny_config(**config)
    studio.render("shown/", overwrite=True, keep=True)
    return np.stack([read_image(str(file)) for file in sorted((studio.folder / "shown").glob("*.png"))])


MOVING: list[tuple[str, str, dict[str, Any], Callable[[float], dict[str, Any]]]] = [
    (
        "dream.layers.wide_relu",
        "0: 1, 4: 0",
        {"layers": {BRANCH: 1.0, DEEP: 0.5}},
        lambda value: {"layers": {BRANCH: value, DEEP: 0.5}},
    ),
    ("dream.strength", "0: 0.2, 4: 2", {}, lambda value: {"strength": value}),
    ("dream.steps", "0: 1, 4: 5", {}, lambda value: {"steps": int(value)}),
    ("dream.octaves", "0: 1, 2: 2", {}, lambda value: {"octaves": round(value)}),
]


@pytest.mark.parametrize(("key", "text", "dream", "at"), MOVING, ids=[key for key, *_ in MOVING])
def test_each_frame_is_dreamed_with_its_own_numbers(
    folder_studio: MakeStudio,
    key: str,
    text: str,
    dream: dict[str, Any],
    at: Callable[[float], dict[str, Any]],
) -> None:
    studio = folder_studio(pan(5), shots={"detect": False})
    alone: dict[str, Any] = {"carry": {"strength": 0.0}, "shots": {"detect": False}}
    moving = shown(studio, dream=dream, moving={key: text}, **alone)
    clock = Clock(5, RATE)
    values = Timeline(tiny_config(dream=dream, moving={key: text}), clock).values(key)
    for index in (0, 2, 4):
        still = shown(studio, dream={**dream, **at(float(values[index]))}, **alone)
        assert moving[index] == pytest.approx(still[index], abs=1.1 / 255)
        other = 4 - index if index != 2 else 0
        assert np.abs(still[other] - moving[other]).mean() > 0.002


def test_where_every_layer_rests_the_picture_is_left_alone(folder_studio: MakeStudio) -> None:
    studio = folder_studio(pan(6))
    changes = {"moving": {f"dream.layers.{MIXED}": "0: 1, 3: 0"}, "shots": {"detect": False}}
    found = shown(studio, **changes, carry={"strength": 0.0})
    assert np.array_equal(found[3:], inputs(studio)[3:])
    assert np.abs(found[:2] - inputs(studio)[:2]).mean(axis=(1, 2, 3)).min() > 0.005
    fading = np.abs(shown(studio, **changes, carry={"strength": 0.5}) - inputs(studio)).mean(axis=(1, 2, 3))
    assert fading[2] > fading[3] > fading[4] > fading[5]
    assert fading[5] < 0.4 * fading[3]


def test_opacity_0_gives_the_input_back(studio: Studio) -> None:
    """What encoding makes of it, that is: as where nothing is dreamed."""
    for name, config in (("a.mp4", {"color": {"opacity": 0.0}}), ("b.mp4", {"dream": {"strength": 0.0}})):
        studio.config = tiny_config(**config)
        studio.render(name)
    clear, plain = (pixels(str(studio.folder / name)).astype(float) for name in ("a.mp4", "b.mp4"))
    assert np.abs(clear - plain).mean() < 0.2
    assert np.abs(clear - pixels(studio.input)).mean() < 8


def test_opacity_moves_from_the_input_to_the_dream(folder_studio: MakeStudio) -> None:
    studio = folder_studio(pan(5), shots={"detect": False})
    found = shown(studio, moving={"color.opacity": "0: 0, 4: 1"}, shots={"detect": False})
    before, dream = inputs(studio), kept(studio, "shown")
    assert np.array_equal(found[0], before[0])
    for index in range(5):
        assert found[index] == pytest.approx(before[index] + index / 4 * (dream[index] - before[index]), abs=1 / 255)


WAYS: dict[str, dict[str, Any]] = {
    "zoom": {"camera": {"zoom": 3.0}},
    "turn and pan": {"camera": {"rotate": 90.0, "pan_x": 0.5, "center_x": 0.2}},
    "outwards": {"camera": {"zoom": 0.3}},
    "kick": {"moving": {"camera.scale": "1 + 0.5 * (frame % 2)"}},
}


@pytest.mark.parametrize("way", WAYS)
def test_the_camera_moves_over_a_clip(folder_studio: MakeStudio, way: str) -> None:
    studio = folder_studio(pan(6), shots={"detect": False})
    config: dict[str, Any] = {"shots": {"detect": False}, "dream": {"strength": 0.0}, **WAYS[way]}
    found = shown(studio, **config)
    clock = Timeline(studio.config, Clock(6, RATE))
    path = plan_path({name: clock.values(f"camera.{name}") for name in UNMOVED}, RATE, 56, 40)
    for frame, place, seen in zip(inputs(studio), path.places, found, strict=True):
        assert seen == pytest.approx(np.clip(Pyramid(frame).seen(place, 56, 40), 0, 1), abs=1 / 255)
    assert np.array_equal(found[0], inputs(studio)[0])
    assert np.abs(found[5] - inputs(studio)[5]).mean() > 0.01


def test_a_camera_that_stands_still_changes_nothing(folder_studio: MakeStudio) -> None:
    studio = folder_studio(pan(4))
    assert not camera_moves(studio.job().config)
    assert camera_moves(tiny_config(camera={"center_x": 0.2}))
    assert camera_moves(tiny_config(moving={"camera.zoom": "1"}))
    plain = shown(studio)
    assert np.array_equal(shown(studio, camera={"center_x": 0.2}), plain)
    assert np.array_equal(shown(studio, moving={"camera.zoom": "1"}), plain)


def test_the_colours_are_matched_to_what_the_camera_sees(folder_studio: MakeStudio) -> None:
    """With no opacity the result is the moved input, not the one that was filmed."""
    studio = folder_studio(pan(4), shots={"detect": False})
    plain = {"shots": {"detect": False}, "camera": {"zoom": 4.0}}
    clear = shown(studio, color={"opacity": 0.0}, **plain)
    assert clear == pytest.approx(shown(studio, dream={"strength": 0.0}, **plain), abs=1.1 / 255)


RESUMED: dict[str, dict[str, Any]] = {
    "camera": {"camera": {"zoom": 2.0, "rotate": 30.0}},
    "memory": {"dream": {"ascent": "adam", "memory": "carry"}, "camera": {"pan_x": 0.3}},
    "schedules": {
        "moving": {
            "dream.strength": "1 + t * fps / 4",
            "camera.scale": "1 + 0.2 * sin(9 * t)",
            "carry.strength": "0.9 - t",
        }
    },
    "scouted": {"moving": {"dream.strength": "1 + shot_t + frame / frames"}},
    "colours": {"moving": {"color.saturation": "1 + t"}, "camera": {"zoom": 2.0}, "color": {"match": 0.5}},
}


@pytest.mark.parametrize("changes", RESUMED.values(), ids=RESUMED)
def test_resumed_equals_uninterrupted(studio: Studio, changes: dict[str, Any]) -> None:
    studio.config = tiny_config(**changes)
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=5)
    report = studio.render(resume=True, keep=True)
    assert (report.frames, report.dreamed) == (FRAMES, FRAMES - 5)
    assert studio.kept() == studio.kept("whole.mp4")
    assert np.array_equal(pixels(report.output), pixels(str(studio.folder / "whole.mp4")))


def halves(seed: int) -> np.ndarray:
    """A dark half beside a light one."""
    frame = picture(48, 64, seed, low=0, high=0.2)
    frame[:, 32:] += 0.8
    return frame


def test_cuts_are_found_as_they_were_filmed(folder_studio: MakeStudio) -> None:
    """A camera that whips from the dark half to the light one makes none, and hides none."""
    whip: dict[str, Any] = {
        "camera": {"center_x": 0.0, "scale": 2.0},
        "moving": {"camera.pan_x": "where(frame == 3, 5, 0)"},
        "input": {"fps": "5"},
    }
    studio = folder_studio([halves(0)] * 6)
    found = shown(studio, **whip, dream={"strength": 0.0})
    assert found[2].mean() < 0.3
    assert found[3].mean() > 0.7
    studio.config = tiny_config(**whip)
    assert studio.render(overwrite=True).shots == 1


@pytest.mark.parametrize("camera", [{}, {"zoom": 3.0, "rotate": 50.0}])
def test_the_dream_starts_afresh_at_a_cut_under_the_camera(folder_studio: MakeStudio, camera: dict[str, float]) -> None:
    studio = folder_studio([*pan(4, low=0, high=0.4), *pan(4, 1, low=0.6, high=1)])
    studio.config = tiny_config(camera=camera)
    assert studio.render().shots == 2


def test_one_moving_render_traces_its_graph_once(folder_studio: MakeStudio) -> None:
    studio = folder_studio(pan(6), shots={"detect": False})
    moving = {
        "dream.strength": "0.5 + t",
        f"dream.layers.{BRANCH}": "0: 1, 4: 0",
        "dream.octaves": "0: 1, 4: 3",
        "dream.smooth": "t",
        "camera.zoom": "1 + t",
        "color.match": "0.5",
    }
    layers = {BRANCH: 1.0, DEEP: 1.0}
    studio.config = tiny_config(dream={"layers": layers}, moving=moving, shots={"detect": False}, seed=77)
    studio.render()
    dreamer = shared_dreamer(studio.config.dream, seed=77, moving=frozenset(moving))
    assert [graph.experimental_get_tracing_count() for graph in dreamer._graphs.values()] == [1]


@pytest.mark.parametrize("carry", [0.8, 0.95])
def test_the_dream_of_a_still_scene_is_as_strong_as_its_schedule(carry: float) -> None:
    frame = quantize16(picture(60, 80))
    moving = {"dream.strength": "0.5 if frame < 15 else 1.5"}
    tables: dict[str, Any] = {"steps": 20, "step": 0.002, "octaves": 3, "laplacian": 5, "natural_colors": 0.8}
    config = tiny_config(dream=tables, carry={"strength": carry}, moving=moving)
    timeline = Timeline(config, Clock(90, RATE))
    recurrence = Recurrence(timeline, shared_dreamer(config.dream, seed=0, moving=frozenset(moving)))
    frames = [(frame, index == 0) for index in range(90)]
    strength = np.array([recurrence.next(seen).state.level for seen in watch(frames)])
    before, after = strength[5:15].mean(), strength[75:].mean()
    assert strength[14] == pytest.approx(strength[2], rel=0.1)
    assert after / before == pytest.approx(3, rel=0.15)
    assert strength[75:].max() < 1.05 * strength[75:].min()
