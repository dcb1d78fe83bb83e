"""Tiles: every pixel gets its gradient from itself, clear of the borders, whatever the sizes."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dreamvideo.dream.tiles import TILE_COST, Axis, Grid, reflect


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    stride = draw(st.integers(1, 32))
    return Grid(
        pixels=draw(st.integers(64, 600)) ** 2,
        jitter=draw(st.integers(1, 64)),
        halo=draw(st.integers(0, 100)),
        smallest=draw(st.integers(1, 700)),
        stride=stride,
        phase=draw(st.integers(0, stride - 1)),
    )


def check(axis: Axis, size: int, grid: Grid, most: int) -> None:
    tiles, length = axis.take.shape
    assert axis.take.dtype == axis.pick.dtype == np.int32
    assert axis.pick.shape == (size,)
    assert 0 <= axis.take.min() <= axis.take.max() < size
    assert np.array_equal(axis.take.ravel()[axis.pick], np.arange(size))  # a pixel's gradient is its own
    assert tiles == most
    assert length == grid.side(size, most) >= grid.smallest
    assert length % grid.stride == grid.phase
    owner, place = np.divmod(axis.pick, length)
    assert np.all(place[owner > 0] >= grid.halo)
    assert np.all(length - 1 - place[owner < tiles - 1] >= grid.halo - 1)  # a halo beyond it, itself included


@settings(max_examples=300, deadline=None)
@given(st.integers(1, 1500), st.integers(1, 30), st.floats(0, 1, exclude_max=True), grids())
@example(900, 6, 0.4, Grid(4096, jitter=8, halo=0, smallest=843))
@example(1, 1, 0.0, Grid(4096, jitter=1, halo=0, smallest=1))
def test_every_pixel_is_picked_once_from_a_tile_that_shows_it(size: int, tiles: int, place: float, grid: Grid) -> None:
    check(grid.axis(size, tiles, place), size, grid, tiles)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 900), st.integers(1, 900), grids())
@example(13, 13, Grid(4096, jitter=64, halo=0, smallest=1, stride=25))
def test_tiles_hold_no_more_pixels_than_allowed_and_cost_as_little_as_they_can(
    height: int, width: int, grid: Grid
) -> None:
    rows, columns = grid.counts(height, width)
    tall, wide = grid.side(height, rows), grid.side(width, columns)
    smallest = min(grid.side(height, n) for n in range(1, 40)) * min(grid.side(width, n) for n in range(1, 40))
    assert tall * wide <= max(grid.pixels, smallest)
    for down, across in ((rows - 1, columns), (rows, columns - 1), (rows + 1, columns), (rows, columns + 1)):
        if down and across:
            tile = grid.side(height, down) * grid.side(width, across)
            least = rows * columns * (tall * wide + TILE_COST)
            assert tile > max(grid.pixels, smallest) or down * across * (tile + TILE_COST) >= least


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 400), st.lists(st.integers(-3000, 3000), min_size=1, max_size=50))
def test_reflection_mirrors_without_leaving_the_frame(size: int, positions: list[int]) -> None:
    folded = reflect(np.array(positions), size)
    assert np.all((folded >= 0) & (folded < size))
    assert np.array_equal(reflect(-np.array(positions), size), folded)
    assert np.array_equal(reflect(np.arange(size), size), np.arange(size))


def test_reflection_is_numpys() -> None:
    assert np.array_equal(reflect(np.arange(-4, 9), 5), np.pad(np.arange(5), 4, mode="reflect"))


def test_all_offsets_are_the_same_shape_so_that_steps_stack() -> None:
    shapes = {
        Grid(128**2, jitter=16, halo=20, smallest=30).axis(333, 4, offset / 16).take.shape for offset in range(16)
    }
    assert len(shapes) == 1


def test_the_offset_moves_the_frame_under_the_tiles() -> None:
    grid = Grid(512**2, jitter=8, halo=0, smallest=1)
    at = [grid.axis(100, 1, offset / 8).pick[0] for offset in range(8)]
    assert np.array_equal(at, np.arange(8))


def test_a_frame_that_fits_is_one_tile_whatever_its_shape() -> None:
    grid = Grid(256**2, jitter=16, halo=48, smallest=1)
    assert grid.counts(200, 200) == grid.counts(100, 500) == (1, 1)
    assert grid.counts(400, 400) != (1, 1)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_frame_of_few_pixels_is_padded_to_what_the_network_needs(size: int) -> None:
    axis = Grid(64**2, jitter=1, halo=16, smallest=75).axis(size, 1, 0.0)
    assert axis.take.shape[1] >= 75


def test_every_offset_that_the_rounding_leaves_is_used() -> None:
    """A canvas rounded up to a whole side has room for more offsets than were asked for."""
    grid = Grid(1024**2, jitter=8, halo=0, smallest=1, stride=16, phase=11)
    at = {int(grid.axis(512, 1, place).pick[0]) for place in np.linspace(0, 1, 200, endpoint=False)}
    assert at == set(range(523 - 512 + 1))
