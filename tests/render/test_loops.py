"""Loops: which frames are dreamed and shown, and that the end of a dive leads back to its beginning without a jump."""

from typing import Any

import numpy as np
import pytest

from dreamvideo.errors import ConfigError
from dreamvideo.motion.hold import sharpness
from dreamvideo.render.loops import Loop, plan_loop
from tests.render.test_dive import MakeDive, dive
from tests.tiny import picture

__all__ = ["dive"]


def shown(loop: Loop) -> list[float]:
    """What is shown where each dreamed frame holds its own index; asking for others is an error."""

    def dreamed(index: int) -> np.ndarray:
        assert 0 <= index < loop.dreamed
        return np.full((1, 1, 3), index, np.float32)

    return [float(frame.mean()) for frame in loop.shown(dreamed)]


SHOWN: list[tuple[str, int, float, int, list[float]]] = [
    ("none", 4, 1.0, 4, [0, 1, 2, 3]),
    ("none", 1, 1.0, 1, [0]),
    ("droste", 4, 1.0, 4, [0.6, 1, 2, 3]),
    ("pingpong", 6, 1.0, 4, [0.2, 1, 2, 3, 2, 1]),
    ("pingpong", 5, 1.0, 3, [0.2, 1, 2, 2, 1]),
    ("pingpong", 2, 1.0, 2, [0.2, 1]),
    ("crossfade", 6, 0.4, 10, [4.84, 4.6, 4.4, 4.2, 4, 5]),
    ("crossfade", 4, 0.01, 5, [2.2, 1, 2, 3]),
]


@pytest.mark.parametrize(("kind", "count", "fade", "dreamed", "wanted"), SHOWN)
def test_these_frames_are_shown(kind: str, count: int, fade: float, dreamed: int, wanted: list[float]) -> None:
    loop = plan_loop(kind, count, fade, 10.0)
    assert (loop.count, loop.dreamed) == (count, dreamed)
    assert shown(loop) == pytest.approx(wanted)


def test_a_crossfade_goes_evenly_from_the_tail_to_the_head() -> None:
    """The leap back is spread over the fade: no step is larger than another, and the join is smaller."""
    found = shown(plan_loop("crossfade", 20, 0.4, 10.0))
    assert found[4:] == list(range(4, 20))
    join, *steps = np.diff([19, *found[:5]])
    assert steps[1:] == pytest.approx(np.full(3, 1 - 20 / 5))
    assert join == pytest.approx(0.8 * (1 - 20 / 5))


def test_a_crossfade_is_as_sharp_as_the_frames_it_mixes() -> None:
    frames = [picture(48, 64, seed, low=0, high=1) for seed in range(6)]
    mixed = list(plan_loop("crossfade", 4, 0.2, 10.0).shown(lambda index: frames[index]))
    for index in (1,):  # the first has something of the last in it
        before, after, share = frames[4 + index], frames[index], (index + 1) / 3
        wanted = [(1 - share) * a + share * b for a, b in zip(sharpness(before), sharpness(after), strict=True)]
        plain = (1 - share) * before + share * after
        assert sharpness(plain)[1] < 0.85 * wanted[1]
        held = sharpness(mixed[index])[1]
        assert wanted[1] - held < 0.75 * (wanted[1] - sharpness(plain)[1])


def test_a_dreamed_frame_takes_the_settings_of_the_frame_it_stands_for() -> None:
    crossfade = plan_loop("crossfade", 6, 0.2, 10.0)
    assert [crossfade.when(index) for index in range(crossfade.dreamed)] == [0, 1, 2, 3, 4, 5, 0, 1]
    outwards = Loop("droste", 4, backwards=True)
    assert [outwards.when(index) for index in range(4)] == [0, 3, 2, 1]
    assert shown(outwards) == pytest.approx([0.2, 3, 2, 1])


@pytest.mark.parametrize("fade", [1.0, 1.6, 60.0])
def test_a_crossfade_as_long_as_its_loop_is_refused(fade: float) -> None:
    with pytest.raises(ConfigError, match=rf"has 10 frames, and its crossfade {round(fade * 10)}: raise") as caught:
        plan_loop("crossfade", 10, fade, 10.0)
    assert "\n" not in str(caught.value)
    assert plan_loop("crossfade", 11, 1.0, 10.0).fade == 10


def test_a_pingpong_of_one_frame_is_refused() -> None:
    with pytest.raises(ConfigError, match="at least 2 frames"):
        plan_loop("pingpong", 1, 1.0, 10.0)


WAYS: dict[str, dict[str, Any]] = {
    "inwards": {"zoom": 3.0},
    "turning inwards": {"zoom": 3.0, "rotate": 20.0},
    "outwards": {"zoom": 0.33},
    "turning outwards": {"zoom": 0.33, "rotate": -20.0},
    "aside": {"zoom": 3.0, "center_x": 0.4, "pan_y": 0.03},
}


def steps(frames: np.ndarray) -> np.ndarray:
    """How much changes from each frame to the next, and from the last to the first."""
    return np.abs(np.roll(frames, -1, axis=0) - frames).mean(axis=(1, 2, 3))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("kind", "seed"), [("crossfade", 0), ("droste", 0), ("droste", 1), ("pingpong", 1)])
def test_the_end_leads_back_to_the_beginning(dive: MakeDive, kind: str, way: str, seed: int) -> None:
    still = picture(48, 64, seed)
    calm: dict[str, Any] = {"camera": WAYS[way], "color": {"match": 1.0}, "input": {"fps": "12"}}
    looped = dive(still, **calm, zoom={"loop": kind, "fade": 0.5, "seconds": 1.5}).frames()
    assert len(looped) == 18
    *inner, seam = steps(looped)
    assert seam <= np.mean(inner)
    open_ended = dive(still, **calm, zoom={"seconds": 1.5}).frames()
    assert seam < 0.7 * steps(open_ended)[-1]


@pytest.mark.parametrize("turn", [0.0, 25.0])
def test_outwards_a_droste_dive_is_the_way_inwards_from_its_end(dive: MakeDive, turn: float) -> None:
    calm: dict[str, Any] = {"dream": {"strength": 0.0}, "zoom": {"loop": "droste"}}
    inwards, outwards = (
        dive(**calm, camera={"zoom": zoom, "rotate": rotate, "hold": 0.0}).frames()
        for zoom, rotate in ((4.0, turn), (0.25, -turn))
    )
    # The first holds something of the last, which is another one.
    assert np.abs(outwards - np.roll(inwards[::-1], 1, axis=0))[1:].mean() < 0.5 / 255
    assert np.abs(outwards - inwards).mean() > 0.02


def test_a_pingpong_is_the_same_way_back(dive: MakeDive) -> None:
    frames = dive(zoom={"loop": "pingpong", "seconds": 1.0}).frames()
    assert len(frames) == 10
    for index in range(1, 5):
        assert np.array_equal(frames[index], frames[10 - index])


def test_a_loop_dreams_no_more_than_it_shows(dive: MakeDive, dreamed: list[int]) -> None:
    for kind, count in (("none", 10), ("droste", 10), ("pingpong", 6), ("crossfade", 13)):
        dreamed.clear()
        studio = dive(camera={"zoom": 4.0}, zoom={"loop": kind, "fade": 0.3})
        report = studio.render(overwrite=True)
        assert (report.frames, len(set(dreamed))) == (count, count)
        encodes = [step for step in studio.progress if step.stage == "encode"]
        assert [step.done for step in encodes] == list(range(1, 11))
        assert {step.total for step in encodes} == {10}
