"""Tiles: every pixel gets its gradient from itself, clear of the borders, whatever the sizes."""

from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dreamvideo.dream.tiles import GRID, Axis, reflect, tile_axis


@st.composite
def layouts(draw: st.DrawFn) -> dict[str, Any]:
    stride = draw(st.integers(1, 32))
    return {
        "size": draw(st.integers(1, 1500)),
        "place": draw(st.floats(0, 1, exclude_max=True)),
        "jitter": draw(st.integers(1, 64)),
        "tile": draw(st.integers(64, 600)),
        "halo": draw(st.integers(0, 100)),
        "smallest": draw(st.integers(1, 700)),
        "stride": stride,
        "phase": draw(st.integers(0, stride - 1)),
    }


def check(axis: Axis, layout: dict[str, Any]) -> None:
    size, halo, smallest, tile = (layout[name] for name in ("size", "halo", "smallest", "tile"))
    tiles, length = axis.take.shape
    assert axis.take.dtype == axis.pick.dtype == np.int32
    assert axis.pick.shape == (size,)
    assert 0 <= axis.take.min() <= axis.take.max() < size
    assert np.array_equal(axis.take.ravel()[axis.pick], np.arange(size))  # a pixel's gradient is its own
    assert smallest <= length < max(tile, smallest, 2 * halo + GRID) + layout["stride"]
    assert length % layout["stride"] == layout["phase"]
    owner, place = np.divmod(axis.pick, length)
    assert np.all(place[owner > 0] >= halo)
    assert np.all(length - 1 - place[owner < tiles - 1] >= halo - 1)  # a halo of pixels beyond it, itself included


@settings(max_examples=300, deadline=None)
@given(layouts())
@example({"size": 900, "place": 0.4, "jitter": 8, "tile": 64, "halo": 0, "smallest": 843, "stride": 1, "phase": 0})
@example({"size": 1, "place": 0.0, "jitter": 1, "tile": 64, "halo": 0, "smallest": 1, "stride": 1, "phase": 0})
def test_every_pixel_is_picked_once_from_a_tile_that_shows_it(layout: dict[str, Any]) -> None:
    check(tile_axis(**layout), layout)


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
        tile_axis(333, place=offset / 16, jitter=16, tile=128, halo=20, smallest=30).take.shape for offset in range(16)
    }
    assert len(shapes) == 1


def test_the_offset_moves_the_frame_under_the_tiles() -> None:
    at = [tile_axis(100, place=offset / 8, jitter=8, tile=512, halo=0, smallest=1).pick[0] for offset in range(8)]
    assert np.array_equal(at, np.arange(8))


def test_a_frame_that_fits_is_one_tile() -> None:
    assert tile_axis(200, place=0.0, jitter=16, tile=256, halo=48, smallest=1).take.shape[0] == 1
    assert tile_axis(400, place=0.0, jitter=16, tile=256, halo=48, smallest=1).take.shape[0] > 1


@pytest.mark.parametrize("size", [1, 2, 3])
def test_a_frame_of_few_pixels_is_padded_to_what_the_network_needs(size: int) -> None:
    axis = tile_axis(size, place=0.0, jitter=1, tile=64, halo=16, smallest=75)
    assert axis.take.shape[1] >= 75


def test_every_offset_that_the_rounding_leaves_is_used() -> None:
    """A canvas rounded up to a whole side has room for more offsets than were asked for."""
    layout: dict[str, Any] = {"jitter": 8, "tile": 1024, "halo": 0, "smallest": 1, "stride": 16, "phase": 11}
    at = {int(tile_axis(512, place=place, **layout).pick[0]) for place in np.linspace(0, 1, 200, endpoint=False)}
    assert at == set(range(523 - 512 + 1))
