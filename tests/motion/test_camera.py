"""The camera: as fast at every rate, still at its center, and a picture seen through it without jumps or aliasing."""

from fractions import Fraction
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamvideo.motion.camera import (
    UNMOVED,
    Path,
    Pyramid,
    dithered,
    inside,
    magnification,
    plan_path,
    sample,
    stays_inside,
)
from tests.tiny import picture

WIDTH, HEIGHT = 64, 48
RATES = [Fraction(12), Fraction(24), Fraction(30000, 1001)]
ANY: dict[str, float] = {"zoom": 1.7, "rotate": 33, "pan_x": 0.1, "pan_y": -0.2, "center_x": 0.3, "center_y": 0.8}


def path(rate: Fraction = Fraction(24), seconds: float = 1, **changes: float | np.ndarray) -> Path:
    """The way over ``seconds``, with a frame at its very end where the rate has one."""
    count = round(seconds * rate) + 1
    moves = {name: np.broadcast_to(value, (count,)) for name, value in {**UNMOVED, **changes}.items()}
    return plan_path(moves, rate, WIDTH, HEIGHT)


def place(factor: float = 1, degrees: float = 0, shift: tuple[float, float] = (0, 0)) -> np.ndarray:
    """A place ``factor`` times as far away, turned around the middle and moved by pixels."""
    turn = cv2.getRotationMatrix2D((WIDTH / 2, HEIGHT / 2), degrees, factor)
    turn[:, 2] += shift
    return np.vstack([turn, [0, 0, 1]])


def at(place: np.ndarray, x: float, y: float) -> np.ndarray:
    """Where a point of the frame is found; 0 to 1 across and down, as the result."""
    there = place @ [x * WIDTH, y * HEIGHT, 1]
    return there[:2] / [WIDTH, HEIGHT]


def test_a_camera_without_moves_stays_where_it_is() -> None:
    assert np.array_equal(path().places, np.broadcast_to(np.eye(3), path().places.shape))
    assert path().closest == 1


@pytest.mark.parametrize("rate", RATES)
def test_a_speed_is_what_it_says_whatever_the_rate(rate: Fraction) -> None:
    seconds = np.arange(round(2 * rate) + 1) / float(rate)
    zooming, turning = path(rate, 2, zoom=1.5).places, path(rate, 2, rotate=90).places
    panning = path(rate, 2, pan_x=0.5, pan_y=-0.25).places
    assert magnification(zooming) == pytest.approx(1.5**-seconds)
    assert np.unwrap(np.arctan2(turning[:, 1, 0], turning[:, 0, 0])) == pytest.approx(np.pi / 2 * seconds)
    assert magnification(turning) == pytest.approx(1)
    for index in (0, 1, -1):
        moved = seconds[index] * np.array([0.5, -0.25])
        assert at(panning[index], 0.2, 0.7) == pytest.approx(np.array([0.2, 0.7]) + moved)


@pytest.mark.parametrize("rate", RATES[1:])
def test_all_speeds_together_lead_to_the_same_place_at_every_rate(rate: Fraction) -> None:
    here, there = (path(each, 1, **ANY).places[-1] for each in (RATES[0], rate))
    for x, y in [(0, 0), (1, 0), (0, 1), (1, 1), (0.5, 0.5)]:
        assert at(here, x, y) == pytest.approx(at(there, x, y), abs=0.012)


def test_a_second_of_zoom_brings_the_corners_that_much_closer_to_the_middle() -> None:
    last = path(zoom=1.5).places[-1]
    assert at(last, 0, 0) == pytest.approx([0.5 - 0.5 / 1.5] * 2)
    assert at(last, 1, 1) == pytest.approx([0.5 + 0.5 / 1.5] * 2)
    assert path(zoom=1.5).closest == pytest.approx(1.5)
    assert path(zoom=0.5).closest == 1


@pytest.mark.parametrize("center", [(0.5, 0.5), (0.1, 0.9), (0, 0), (-0.5, 1.5)])
def test_the_center_stays_where_it_is(center: tuple[float, float]) -> None:
    moves = path(zoom=2.0, rotate=200.0, center_x=center[0], center_y=center[1])
    assert all(at(place, *center) == pytest.approx(center, abs=1e-9) for place in moves.places)


def test_scale_is_not_a_speed() -> None:
    kick = 1 + 0.1 * (np.arange(25) % 6 == 0)
    kick[0] = 1
    assert 1 / magnification(path(scale=kick).places) == pytest.approx(kick)
    assert path(scale=kick).places[1:6] == pytest.approx(np.broadcast_to(np.eye(3), (5, 3, 3)))
    seconds = np.arange(25) / 24
    assert 1 / magnification(path(scale=kick, zoom=3.0).places) == pytest.approx(kick * 3.0**seconds)


def test_each_place_is_one_step_from_the_one_before() -> None:
    moves = path(Fraction(24), **ANY)
    for before, step, after in zip(moves.places, moves.steps[1:], moves.places[1:], strict=False):
        assert after == pytest.approx(before @ step)


def test_the_way_back_ends_where_the_way_began() -> None:
    way = path(Fraction(24), **ANY)
    back = way.reversed()
    assert len(back.places) == len(way.places)
    assert np.array_equal(back.places[0], np.eye(3))
    for index, there in enumerate(reversed(way.places)):
        assert way.places[-1] @ back.places[index] == pytest.approx(there, abs=1e-9)
    assert back.reversed().places == pytest.approx(way.places, abs=1e-9)


def test_an_unmoved_picture_is_itself() -> None:
    frame = picture(HEIGHT, WIDTH)
    assert sample(frame, np.eye(3), WIDTH, HEIGHT) == pytest.approx(frame, abs=1e-6)
    assert Pyramid(frame).seen(np.eye(3), WIDTH, HEIGHT) == pytest.approx(frame, abs=1e-6)


@pytest.mark.parametrize(("dx", "dy"), [(5, 0), (0, -3), (-2, 4)])
def test_a_shift_by_whole_pixels_moves_them(dx: int, dy: int) -> None:
    frame = picture(HEIGHT, WIDTH)
    seen = sample(frame, place(shift=(dx, dy)), WIDTH, HEIGHT)
    rows, columns = (slice(max(0, -by), side - max(0, by)) for by, side in ((dy, HEIGHT), (dx, WIDTH)))
    moved = np.roll(frame, (-dy, -dx), axis=(0, 1))
    assert seen[rows, columns] == pytest.approx(moved[rows, columns], abs=1e-6)


def test_beyond_its_border_a_picture_is_mirrored() -> None:
    frame = picture(HEIGHT, WIDTH)
    seen = sample(frame, place(shift=(-6, 9)), WIDTH, HEIGHT)
    assert seen[:30, :6] == pytest.approx(seen[:30, 12:6:-1], abs=1e-6)
    assert seen[-9:, 10:] == pytest.approx(seen[-11:-20:-1, 10:], abs=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_constant_picture_stays_constant(channels: int) -> None:
    frame = np.full((HEIGHT, WIDTH, channels), 0.3, np.float32)
    for there in (place(0.3, 20), place(7.7, 45, (30, -10)), place(1.3, 180)):
        for seen in (sample(frame, there, WIDTH, HEIGHT), Pyramid(frame).seen(there, WIDTH, HEIGHT)):
            assert seen.shape == frame.shape
            assert seen == pytest.approx(0.3, abs=1e-5)


def test_a_half_turn_and_back_is_the_picture() -> None:
    frame = picture(HEIGHT, WIDTH)
    turned = sample(frame, place(degrees=180), WIDTH, HEIGHT)
    assert turned == pytest.approx(frame[::-1, ::-1], abs=1e-4)


def test_a_large_picture_is_stretched_to_the_frame() -> None:
    large = picture(4 * HEIGHT, 4 * WIDTH)
    seen = Pyramid(large).seen(np.eye(3), WIDTH, HEIGHT)
    assert seen == pytest.approx(cv2.resize(large, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), abs=0.01)
    closer = Pyramid(large).seen(place(0.25), WIDTH, HEIGHT)
    middle = large[3 * HEIGHT // 2 : 5 * HEIGHT // 2, 3 * WIDTH // 2 : 5 * WIDTH // 2]
    assert closer == pytest.approx(middle, abs=1e-5)


@pytest.mark.parametrize("factor", [4.0, 6.0])
def test_what_is_too_fine_to_be_seen_is_grey(factor: float) -> None:
    y, x = np.indices((8 * HEIGHT, 8 * WIDTH))
    board = np.repeat(((x + y) % 2).astype(np.float32)[..., None], 3, axis=2)
    seen = Pyramid(board).seen(place(factor / 8, 10), WIDTH, HEIGHT)
    assert seen == pytest.approx(0.5, abs=0.02)
    assert sample(board, place(factor, 10), WIDTH, HEIGHT).std() > 0.2  # what it saves us from


def test_nothing_jumps_on_the_way_from_level_to_level() -> None:
    large = np.random.default_rng(0).random((4 * HEIGHT, 4 * WIDTH, 3), np.float32)
    pyramid = Pyramid(large)
    factors = np.geomspace(0.2, 1.2, 400)  # from 0.8 to 4.8 of its pixels in one of the frame
    seen = [pyramid.seen(place(factor), WIDTH, HEIGHT) for factor in factors]
    steps = np.array([np.abs(b - a).mean() for a, b in pairwise(seen)])
    for level in (1, 2, 4):
        near = int(np.searchsorted(4 * factors, level))
        assert steps[near - 1 : near + 1].max() < 1.5 * np.median(steps[near - 8 : near + 8])


@settings(max_examples=200, deadline=None)
@given(st.floats(0.2, 3), st.floats(-180, 180), st.floats(-40, 40), st.floats(-40, 40))
def test_a_frame_stays_inside_where_all_of_its_pixels_do(factor: float, degrees: float, dx: float, dy: float) -> None:
    there = place(factor, degrees, (dx, dy))
    seen = inside(there, WIDTH, HEIGHT)
    assert seen.shape == (HEIGHT, WIDTH, 1)
    assert set(np.unique(seen)) <= {0, 1}
    if stays_inside(there, WIDTH, HEIGHT):
        assert seen.all()
    elif seen.all():  # its border may lie outside, but by no more than half a pixel's diagonal
        assert stays_inside(place(factor * (1 - 1.1 / HEIGHT), degrees, (dx, dy)), WIDTH, HEIGHT)


def test_inside_is_where_the_picture_lies() -> None:
    seen = inside(place(2), WIDTH, HEIGHT)[..., 0]
    wanted = np.zeros((HEIGHT, WIDTH))
    wanted[HEIGHT // 4 : -HEIGHT // 4, WIDTH // 4 : -WIDTH // 4] = 1
    assert np.array_equal(seen, wanted)
    assert stays_inside(np.eye(3), WIDTH, HEIGHT)
    assert not stays_inside(place(shift=(1, 0)), WIDTH, HEIGHT)


def test_small_moves_add_up_to_a_large_one() -> None:
    wide = picture(HEIGHT, WIDTH, low=0, high=1)
    aim = sample(wide, shifted(3.0), WIDTH, HEIGHT)
    inner = (slice(8, -8), slice(8, -8))
    for move in (0.3, 0.01):
        moved = wide
        for index in range(round(3 / move)):
            moved = sample(moved, dithered(shifted(move), 1, index + 1), WIDTH, HEIGHT)
        # Resampling softens; it must not be farther on, or behind.
        for wrong in (2.7, 3.3):
            off = sample(wide, shifted(wrong), WIDTH, HEIGHT)
            assert np.abs(moved - aim)[inner].mean() < np.abs(moved - off)[inner].mean()


def shifted(x: float) -> np.ndarray:
    return np.array([[1, 0, x], [0, 1, 0], [0, 0, 1.0]])


def test_one_pixel_is_seen_as_it_is_from_everywhere() -> None:
    for height, width in ((1, 8), (8, 1), (1, 1)):
        seen = sample(np.full((height, width, 3), 0.3, np.float32), np.diag([1.0, 0.5, 1.0]), 8, 4)
        assert np.allclose(seen, 0.3)


def test_any_number_of_channels_is_sampled() -> None:
    values = np.concatenate([picture(HEIGHT, WIDTH, seed) for seed in range(3)], axis=-1)
    place = np.array([[0.9, 0.1, 2.0], [-0.1, 0.9, 3.0], [0, 0, 1]])
    seen = sample(values, place, WIDTH, HEIGHT)
    assert seen.shape == (HEIGHT, WIDTH, 9)
    assert np.array_equal(seen[..., 3:6], sample(values[..., 3:6], place, WIDTH, HEIGHT))
