"""Flow points back to where a pixel was, warping follows it, and trust says where that holds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamvideo.motion.flow import LARGEST_SIDE, SMALLEST_SIDE, estimate, luma, resize_flow, trust, warp
from tests.tiny import picture

MARGIN = 24  # pixels at the border where what moved in cannot be known


def moved(dx: int, dy: int, height: int = 120, width: int = 160) -> tuple[np.ndarray, np.ndarray]:
    """A frame and the next one, in which everything has gone ``dx`` to the right and ``dy`` down."""
    large = picture(height + 80, width + 80, 3, low=0, high=1)
    previous = large[40 : 40 + height, 40 : 40 + width]
    current = large[40 - dy : 40 - dy + height, 40 - dx : 40 - dx + width]
    return np.ascontiguousarray(previous), np.ascontiguousarray(current)


def inside(values: np.ndarray) -> np.ndarray:
    return values[MARGIN:-MARGIN, MARGIN:-MARGIN]


def constant_flow(dx: float, dy: float, height: int = 20, width: int = 30) -> np.ndarray:
    return np.broadcast_to(np.array([dx, dy], np.float32), (height, width, 2)).copy()


@pytest.mark.parametrize(("dx", "dy"), [(7, 0), (0, -5), (-6, 4), (3, 9)])
def test_a_shift_is_found_backwards_and_undone_by_warping(dx: int, dy: int) -> None:
    previous, current = moved(dx, dy)
    flow, believed = estimate(luma(previous), luma(current))
    assert inside(flow).reshape(-1, 2).mean(axis=0) == pytest.approx([-dx, -dy], abs=0.1)
    unmoved = np.abs(inside(previous - current)).mean()
    assert np.abs(inside(warp(previous, flow) - current)).mean() < 0.1 * unmoved
    assert np.abs(inside(warp(previous, -flow) - current)).mean() > unmoved  # the wrong direction is worse than none
    assert inside(believed).mean() > 0.99


def test_a_still_has_no_flow_and_full_trust() -> None:
    still = luma(picture(60, 90))
    flow, believed = estimate(still, still)
    assert not flow.any()
    assert flow.shape == (60, 90, 2)
    assert believed.shape == (60, 90, 1)
    assert believed.dtype == flow.dtype == np.float32
    assert np.all(believed > 0.9999)


def test_what_comes_from_outside_the_frame_is_not_trusted() -> None:
    previous, current = moved(12, 0)
    _, believed = estimate(luma(previous), luma(current))
    assert believed[MARGIN:-MARGIN, :8].max() < 0.01
    assert believed[MARGIN:-MARGIN, 20:-4].mean() > 0.98


def test_what_was_uncovered_is_not_trusted() -> None:
    """A square goes right over a background that stays."""
    ground, square = picture(120, 160, 1, low=0, high=0.6), picture(50, 50, 2, low=0.4, high=1)
    previous, current = ground.copy(), ground.copy()
    previous[35:85, 40:90] = square
    current[35:85, 52:102] = square
    _, believed = estimate(luma(previous), luma(current))
    assert believed[42:78, 43:50].mean() < 0.2  # uncovered
    assert believed[42:78, 62:95].mean() > 0.95  # the square itself
    assert believed[:25].mean() > 0.95  # far from it


def test_trust_is_the_formula() -> None:
    back, forth = constant_flow(-4, 2), constant_flow(4, -2)
    assert trust(back, forth)[6:-6, 6:-6].min() == pytest.approx(1)
    # An error of 1.00 is more than 0.01 * (20 + 17) + 0.5, one of 0.81 is less than 0.01 * (20 + 17.21) + 0.5.
    assert trust(back, constant_flow(4, -1.0))[6:-6, 6:-6].max() == 0
    assert trust(back, constant_flow(4, -1.1))[6:-6, 6:-6].min() == pytest.approx(1)
    assert trust(constant_flow(-4, 0), constant_flow(4, 0))[:, 0].max() < 0.01


def test_trust_is_looked_up_where_the_flow_points() -> None:
    """The forward flow that counts is the one at the place in the previous frame."""
    back = constant_flow(-10, 0)
    forth = constant_flow(0, 0)
    forth[:, :10] = [10, 0]
    believed = trust(back, forth)
    assert believed[3:-3, 12:18].min() > 0.99
    assert believed[3:-3, 22:].max() < 0.01


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_warping_by_whole_pixels_is_exact(channels: int) -> None:
    values = np.random.default_rng(0).random((20, 30, channels), np.float32)
    warped = warp(values, constant_flow(3, -2))
    assert warped.shape == values.shape
    assert np.array_equal(warped[2:, :-3], values[:-2, 3:])
    assert np.array_equal(warp(values, constant_flow(0, 0)), values)
    assert warp(values, constant_flow(1000, 0)) == pytest.approx(np.repeat(values[:, -1:], 30, axis=1))


def test_warping_a_ramp_between_pixels_is_linear() -> None:
    ramp = np.broadcast_to(np.arange(30, dtype=np.float32)[None, :, None], (20, 30, 1)).copy()
    assert warp(ramp, constant_flow(0.5, 0))[:, 3:-3] == pytest.approx(ramp[:, 3:-3] + 0.5, abs=0.05)


def test_resized_flow_keeps_its_meaning() -> None:
    larger = resize_flow(constant_flow(2, -1), (60, 60))
    assert larger.shape == (60, 60, 2)
    assert larger == pytest.approx(constant_flow(4, -3, 60, 60), abs=1e-5)
    assert resize_flow(larger, (60, 60)) is larger


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60))
def test_frames_of_any_size_have_flow(height: int, width: int) -> None:
    frames = [luma(picture(height, width, seed)) for seed in (0, 1)]
    flow, believed = estimate(*frames)
    assert frames[0].dtype == np.uint8
    assert min(frames[0].shape) >= SMALLEST_SIDE
    assert flow.shape[:2] == believed.shape[:2] == frames[0].shape
    assert np.isfinite(flow).all()
    assert 0 <= believed.min() <= believed.max() <= 1.0001


def test_large_frames_are_looked_at_smaller() -> None:
    assert luma(np.zeros((300, 2 * LARGEST_SIDE, 3), np.float32)).shape == (150, LARGEST_SIDE)
    assert luma(np.zeros((16, 20 * LARGEST_SIDE, 3), np.float32)).shape == (SMALLEST_SIDE, LARGEST_SIDE)


def test_luma_weighs_the_colours_as_the_eye_does() -> None:
    colors = np.repeat(np.eye(3, dtype=np.float32)[:, None], 16, axis=1).repeat(6, axis=0)
    assert [int(luma(colors)[row, 0]) for row in (0, 6, 12)] == [76, 150, 29]
