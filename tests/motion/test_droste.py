"""The Droste effect: a picture inside itself, which fills the frame at the end of the way and is the first again."""

from fractions import Fraction

import numpy as np
import pytest

from dreamvideo.errors import ConfigError
from dreamvideo.motion.camera import UNMOVED, Path, Pyramid, plan_path
from dreamvideo.motion.droste import LEAST, Droste
from tests.tiny import picture

WIDTH, HEIGHT, RATE = 96, 72, Fraction(12)
WAYS = {
    "straight": {"zoom": 4.0},
    "turning": {"zoom": 6.0, "rotate": 40.0},
    "aside": {"zoom": 5.0, "center_x": 0.3, "center_y": 0.6},
    "moving": {"zoom": 4.0, "pan_x": 0.1, "pan_y": -0.05},
}


def path(seconds: float = 1, **changes: float) -> Path:
    count = round(seconds * RATE) + 1
    moves = {name: np.full(count, value) for name, value in {**UNMOVED, **changes}.items()}
    return plan_path(moves, RATE, WIDTH, HEIGHT)


def droste(**changes: float) -> Droste:
    return Droste(path(**changes), WIDTH, HEIGHT)


def covered(way: Droste, index: int) -> np.ndarray:
    frame = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    return way.lay(frame, Pyramid(frame), index)[1][..., 0]


def test_too_short_a_way_is_refused_with_how_short_it_is() -> None:
    with pytest.raises(ConfigError, match=rf"at least {LEAST:g} times as close in all, and this one 2\.00 times"):
        droste(zoom=2.0)
    assert droste(zoom=2.0, seconds=1.75)
    with pytest.raises(ConfigError, match=r"camera\.zoom or zoom\.seconds") as caught:
        droste(zoom=0.2)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("aside", [{"pan_x": 0.9}, {"pan_y": -0.9}, {"center_x": 1.5}, {"center_y": -0.2}])
def test_a_camera_that_leaves_the_picture_is_refused(aside: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match="leaves the picture") as caught:
        droste(zoom=4.0, **aside)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("changes", WAYS.values(), ids=WAYS)
def test_a_picture_within_itself_is_itself_seen_from_afar(changes: dict[str, float]) -> None:
    way = droste(**changes)
    whole = way.within_itself(picture(HEIGHT, WIDTH, low=0, high=1))
    again, inner = way.lay(whole, Pyramid(whole), 0)
    change = np.abs(again - whole).max(axis=-1)
    assert change[inner[..., 0] == 1].max() < 0.03
    assert change[inner[..., 0] == 0].max() < 1e-6
    assert change.mean() < 0.25 / 255
    assert 0.01 < inner.mean() < 0.2


@pytest.mark.parametrize("changes", WAYS.values(), ids=WAYS)
def test_the_inner_picture_is_round_at_first_and_fills_the_frame_at_last(changes: dict[str, float]) -> None:
    way, last = droste(**changes), len(path().places) - 1
    first = covered(way, 0)
    assert (first[0].max(), first[-1].max(), first[:, 0].max(), first[:, -1].max()) == (0, 0, 0, 0)
    area = [float(covered(way, index).mean()) for index in range(last + 1)]
    assert area == sorted(area)
    assert area[-1] == 1
    assert covered(way, last).min() == 1
    corners = [covered(way, index)[[0, 0, -1, -1], [0, -1, 0, -1]].max() for index in range(last - 2)]
    assert max(corners) < 0.01  # until shortly before the end


def test_it_is_1_in_the_middle_and_0_outside() -> None:
    inner = covered(droste(zoom=4.0), 0)
    assert inner[HEIGHT // 2, WIDTH // 2] == 1
    outside = np.ones_like(inner)
    outside[3 * HEIGHT // 8 : 5 * HEIGHT // 8, 3 * WIDTH // 8 : 5 * WIDTH // 8] = 0
    assert inner[outside == 1].max() == 0
    assert 0 <= inner.min() <= inner.max() == 1
    assert inner == pytest.approx(inner[::-1, ::-1], abs=1e-5)


@pytest.mark.parametrize("changes", WAYS.values(), ids=WAYS)
def test_at_the_end_of_the_way_the_inner_picture_is_the_outer_one(changes: dict[str, float]) -> None:
    frame = picture(HEIGHT, WIDTH)
    laid, _ = droste(**changes).lay(picture(HEIGHT, WIDTH, 1), Pyramid(frame), len(path().places) - 1)
    assert laid == pytest.approx(frame, abs=1e-5)


def test_the_inner_picture_follows_the_camera() -> None:
    """What lies at its middle is the outer picture's middle, at every frame."""
    spot = np.zeros((HEIGHT, WIDTH, 3), np.float32)
    spot[HEIGHT // 2 - 6 : HEIGHT // 2 + 6, WIDTH // 2 - 6 : WIDTH // 2 + 6] = 1
    changes = WAYS["aside"]
    way = droste(**changes)
    for index in (0, 5, 9):
        laid, _ = way.lay(np.zeros_like(spot), Pyramid(spot), index)
        y, x = np.indices((HEIGHT, WIDTH))
        found = [float((axis * laid[..., 0]).sum() / laid[..., 0].sum()) + 0.5 for axis in (x, y)]
        places = path(**changes).places
        inner = np.linalg.inv(places[index]) @ places[-1] @ [WIDTH / 2, HEIGHT / 2, 1]
        assert found == pytest.approx(inner[:2], abs=0.6)
