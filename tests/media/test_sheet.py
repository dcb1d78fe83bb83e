"""Contact sheets: an even grid that holds every picture as it is, and labels that fit."""

import numpy as np
import pytest

from dreamvideo.media.sheet import BACKGROUND, Label, Layout, contact_sheet, shorten, side_by_side
from tests.tiny import picture


def boxes(layout: Layout) -> list[tuple[int, int, int, int]]:
    """Left, top, right and bottom of every cell."""
    places = [layout.place(index) for index in range(layout.count)]
    return [(left, top, left + layout.cell[0], top + layout.cell[1]) for left, top in places]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 12, 64, 65, 768])
@pytest.mark.parametrize("cell", [(128, 128), (320, 180), (90, 160)])
def test_cells_lie_apart_within_the_margins(count: int, cell: tuple[int, int]) -> None:
    layout = Layout(count, cell, "a title", "and more")
    width, height = layout.size
    for left, top, right, bottom in boxes(layout):
        assert left >= layout.margin
        assert top >= layout.margin + layout.header
        assert right <= width - layout.margin
        assert bottom + layout.text < height - layout.gutter
    lefts, tops = ({box[side] for box in boxes(layout)} for side in (0, 1))
    assert len(lefts) * len(tops) >= count
    assert {b - a for a, b in zip(sorted(lefts), sorted(lefts)[1:], strict=False)} <= {cell[0] + layout.gutter}


@pytest.mark.parametrize("count", [30, 64, 100, 768, 2048])
def test_a_large_sheet_is_somewhat_wider_than_high(count: int) -> None:
    width, height = Layout(count, (128, 128)).size
    assert 1 < width / height < 1.8


def test_every_picture_is_in_its_place_as_it_is() -> None:
    layout = Layout(5, (48, 32), "title")
    pictures = [picture(32, 48, seed) for seed in range(5)]
    sheet = contact_sheet(layout, [Label(str(index)) for index in range(5)], pictures)
    assert sheet.dtype == np.float32
    assert sheet.shape == (*layout.size[::-1], 3)
    for (left, top, right, bottom), given in zip(boxes(layout), pictures, strict=True):
        assert np.abs(sheet[top:bottom, left:right] - given).max() <= 0.5 / 255 + 1e-6


def test_pictures_of_other_sizes_fill_their_cells() -> None:
    layout = Layout(1, (40, 40))
    sheet = contact_sheet(layout, [Label("x")], [np.full((7, 9, 3), 0.5, np.float32)])
    left, top, right, bottom = boxes(layout)[0]
    assert np.abs(sheet[top:bottom, left:right] - 0.5).max() < 0.01


def test_labels_and_titles_can_be_seen() -> None:
    def ink(title: str, label: Label) -> tuple[float, float]:
        layout = Layout(1, (128, 128), title)
        sheet = contact_sheet(layout, [label], [np.zeros((128, 128, 3), np.float32)])
        top = layout.place(0)[1]
        empty = np.array(BACKGROUND) / 255
        return np.abs(sheet[:top] - empty).max(), np.abs(sheet[top + 128 :] - empty).max()

    assert min(ink("title", Label("139"))) > 0.5
    assert ink("", Label(""))[1] < 1e-6
    assert 0.2 < ink("", Label("", "7.25"))[1] < 0.7


def test_a_figure_makes_room_for_a_long_name() -> None:
    layout, black = Layout(1, (96, 96)), [np.zeros((96, 96, 3), np.float32)]
    both, alone = (contact_sheet(layout, [Label("a_rather_long_layer", figure)], black) for figure in ("123.45", ""))
    assert np.array_equal(both, alone)


def test_a_sheet_is_as_wide_as_its_title() -> None:
    assert Layout(1, (64, 64), "a title that is much wider than the only cell").size[0] > 300


def test_long_names_lose_their_middle() -> None:
    name = "mixed4_pool_reduce_pre_relu"
    assert shorten(name, 12, 1000) == name
    short = shorten(name, 12, 96)
    begin, end = short.split("..")
    assert name.startswith(begin)
    assert name.endswith(end)
    assert len(short) >= 8


def test_what_the_font_lacks_is_shown_as_such() -> None:
    assert shorten("über/層", 12, 200) == "?ber/?"


def test_side_by_side() -> None:
    left, right = picture(40, 60, 0), picture(40, 60, 1)
    both = side_by_side(left, right)
    assert np.array_equal(both[:, :60], left)
    assert np.array_equal(both[:, -60:], right)
    assert both.shape == (40, 122, 3)
    assert both[:, 60:62].min() == 1
