"""Part of a clip: which frames are asked for, that they look as in the whole, and the sound that belongs to them."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.probe import probe
from dreamvideo.media.sound import Sound
from dreamvideo.media.still import write_image
from dreamvideo.render.footage import UNEVEN, part_of_sound
from dreamvideo.render.selection import (
    Selection,
    gathered,
    lies_in,
    needed,
    parse_selection,
    spacing,
)
from dreamvideo.render.start import journal_folder
from tests.media.conftest import pixels, samples
from tests.render.conftest import FRAMES, Studio, pan
from tests.tiny import picture, tiny_config

MakeStudio = Callable[..., Studio]
TWO_SHOTS = [*pan(5, low=0, high=0.4), *pan(4, 1, low=0.6, high=1)]


def formula(text: str, **more: Any) -> dict[str, Any]:
    return {"objective": text, "layers": {}, "octaves": 1, "steps": 2, **more}


@pytest.mark.parametrize(
    ("text", "every", "expected"),
    [
        (None, 1, list(range(10))),
        (None, 4, [0, 4, 8]),
        ("3", 1, [3]),
        ("2-4", 1, [2, 3, 4]),
        (" 2-4 , 8", 1, [2, 3, 4, 8]),
        ("8,2-4,3-5", 1, [2, 3, 4, 5, 8]),
        ("7-", 1, [7, 8, 9]),
        ("-2", 1, [0, 1, 2]),
        ("8-999999999", 1, [8, 9]),
        ("2-9", 3, [2, 5, 8]),
        ("0-1,6-9", 2, [0, 6, 8]),
        ("5", 1_000_000, [5]),
    ],
)
def test_frames_are_counted_from_0_and_both_ends_belong_to_a_range(
    text: str | None, every: int, expected: list[int]
) -> None:
    assert parse_selection(text, every).indices(10) == expected


@pytest.mark.parametrize(
    "text", ["", " ", ",", "1,", "-", "a", "1-2-3", "--1", "1.5", "-1-", "1 2", "9999999999", "3-2"]
)
def test_what_is_no_list_of_frames_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^frames "):
        parse_selection(text)


def test_frames_behind_the_end_are_refused() -> None:
    with pytest.raises(ConfigError, match="asked for is 12, but there are 10 frames"):
        parse_selection("40-,12-14").indices(10)


@given(st.text(st.sampled_from("0123456789-, x"), max_size=12), st.integers(1, 40), st.integers(1, 5))
def test_any_text_gives_frames_of_the_clip_in_order_or_an_error(text: str, count: int, every: int) -> None:
    try:
        chosen = parse_selection(text, every).indices(count)
    except ConfigError:
        return
    assert chosen == sorted(set(chosen))
    assert 0 <= chosen[0] <= chosen[-1] < count


@given(st.lists(st.integers(0, 60), min_size=1, unique=True), st.sets(st.integers(1, 60)), st.booleans())
def test_whatever_a_frame_follows_from_is_dreamed_and_nothing_else(
    chosen: list[int], cuts: set[int], carries: bool
) -> None:
    begins = [0, *sorted(cuts)]
    stretches = needed(sorted(chosen), begins, carries=carries)
    dreamed = [index for stretch in stretches for index in stretch]
    expected = set(chosen)
    if carries:
        expected = {i for index in chosen for i in range(max(cut for cut in begins if cut <= index), index + 1)}
    assert dreamed == sorted(expected)
    assert all(lies_in(stretches, index) is (index in expected) for index in range(62))
    assert not carries or {stretch.start for stretch in stretches} <= set(begins)


def test_ranges_near_each_other_are_read_at_one_go() -> None:
    near = [range(0, 3), range(5, 6), range(20, 22)]
    assert gathered(near, 2) == [range(6), range(20, 22)]
    assert gathered(near, 1) == near
    assert gathered([range(0, 9), range(2, 4)], 0) == [range(9)]


def test_frames_are_evenly_spaced_or_not() -> None:
    assert [spacing(each) for each in ([3], [3, 4, 5], [0, 5, 10], [0, 1, 3], [4, 9])] == [1, 1, 5, None, 5]


def test_the_sound_of_a_part_begins_and_ends_with_it() -> None:
    sound = Sound("clip.mp4", 2.0, None, ())
    part = part_of_sound(sound, range(100, 251), Fraction(25))
    assert (part.start, part.end) == (6.0, 2.0 + 251 / 25)
    every = part_of_sound(Sound("clip.mp4", 2.0, 4.0, ()), range(0, 50, 5), Fraction(25))
    assert (every.start, every.end) == (2.0, 4.0)


@pytest.fixture
def guide(tmp_path: Path) -> str:
    folder = tmp_path / "guide"
    folder.mkdir()
    for index in range(7):
        write_image(str(folder / f"{index}.png"), picture(30, 36, index))
    return str(folder)


LOOKS: dict[str, dict[str, Any]] = {
    "carried": {},
    "not carried": {"carry": {"strength": 0.0}},
    "one shot": {"shots": {"detect": False}},
    "camera": {"camera": {"zoom": 1.5, "rotate": 20}},
    "grading": {"color": {"saturation": 1.6, "contrast": 1.2}},
    "moving": {"moving": {"dream.strength": "0: 0.5, 8: 1.5", "color.saturation": "0: 0, 8: 2"}},
    "sometimes carried": {"moving": {"carry.strength": "0: 0, 3: 0, 4: 0.7"}},
    "memory": {"dream": {"ascent": "momentum", "memory": "carry"}},
    "frame mode": {"carry": {"mode": "frame"}},
    "first frame": {"dream": formula("strongest(mixed, 3)")},
    "first frame, not carried": {"dream": formula("strongest(mixed, 3)"), "carry": {"strength": 0.0}},
    "guide": {"dream": formula("guide(mixed, sea)")},
    "guide, not carried": {"dream": formula("guide(mixed, sea)"), "carry": {"strength": 0.0}},
}


def shown(studio: Studio, output: str, **changes: Any) -> list[bytes]:
    studio.render(output, **changes)
    return [file.read_bytes() for file in sorted((studio.folder / output).glob("*.png"))]


@pytest.mark.parametrize("look", LOOKS)
def test_a_part_looks_as_in_the_whole(folder_studio: MakeStudio, guide: str, look: str) -> None:
    config = LOOKS[look]
    if "guide" in look:
        config = {**config, "dream": {**config["dream"], "pictures": {"sea": guide}}}
    studio = folder_studio(TWO_SHOTS, **config)
    whole = shown(studio, "whole/")
    assert len(set(whole)) == len(TWO_SHOTS)
    for name, (text, every) in {"a": ("3,7-8", 1), "b": ("1-", 3), "c": ("6", 1)}.items():
        selection = parse_selection(text, every)
        part = shown(studio, f"part-{name}/", frames=selection)
        assert part == [whole[index] for index in selection.indices(len(TWO_SHOTS))]


def test_gaps_that_are_jumped_over_change_nothing(
    folder_studio: MakeStudio, guide: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("footage", "companions"):
        monkeypatch.setattr(f"dreamvideo.render.{module}.FURTHEST_READ", 0)
    dream = formula("guide(mixed, sea)", pictures={"sea": guide})
    studio = folder_studio(TWO_SHOTS, dream=dream, carry={"strength": 0.0})
    whole = shown(studio, "whole/")
    assert shown(studio, "part/", frames=parse_selection("1,4,8")) == [whole[index] for index in (1, 4, 8)]


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_only_what_a_part_needs_is_dreamed(folder_studio: MakeStudio, dreamed: list[int], strength: float) -> None:
    studio = folder_studio(TWO_SHOTS, carry={"strength": strength})
    report = studio.render("part/", frames=parse_selection("2,7"))
    assert dreamed == ([0, 1, 2, 5, 6, 7] if strength else [2, 7])
    assert (report.dreamed, report.interrupted) == (len(dreamed), False)


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_a_shot_begins_before_what_depends_on_its_first_frame(
    folder_studio: MakeStudio, dreamed: list[int], strength: float
) -> None:
    studio = folder_studio(TWO_SHOTS, carry={"strength": strength}, dream=formula("strongest(mixed, 3)"))
    studio.render("part/", frames=parse_selection("0,1,7"))
    assert dreamed == ([0, 1, 5, 6, 7] if strength else [0, 1, 5, 7])


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_a_part_of_a_kept_journal_dreams_nothing_twice(
    folder_studio: MakeStudio, dreamed: list[int], strength: float
) -> None:
    studio = folder_studio(TWO_SHOTS, carry={"strength": strength})
    whole = shown(studio, "whole/")
    work = journal_folder(str(studio.folder / "kept"))
    studio.render("first/", stop_after=4, work=work)
    dreamed.clear()
    assert shown(studio, "part/", frames=parse_selection("1-3"), work=work, resume=True, keep=True) == whole[1:4]
    assert dreamed == []
    assert shown(studio, "more/", frames=parse_selection("3,7"), work=work, resume=True, keep=True) == whole[3:8:4]
    assert dreamed == ([5, 6, 7] if strength else [7])
    dreamed.clear()
    assert shown(studio, "rest/", work=work, resume=True) == whole
    assert dreamed == ([4, 8] if strength else [4, 5, 6, 8])


def test_a_part_can_be_stopped_and_gone_on_with(folder_studio: MakeStudio, dreamed: list[int]) -> None:
    studio = folder_studio(TWO_SHOTS)
    selection = parse_selection("2,7-8")
    whole = shown(studio, "whole/", frames=selection)
    dreamed.clear()
    assert studio.render("part/", frames=selection, stop_after=4).interrupted
    assert shown(studio, "part/", frames=selection, resume=True) == whole
    assert dreamed == [0, 1, 2, 5, 6, 7, 8]


def test_a_part_of_a_still_that_is_shown_for_long(folder_studio: MakeStudio, dreamed: list[int]) -> None:
    studio = folder_studio(pan(1), carry={"strength": 0.0}, input={"frames": 6}, color={"saturation": 1.5})
    studio.input = f"{studio.input}/0000.png"
    whole = shown(studio, "whole/")
    dreamed.clear()
    assert shown(studio, "part/", frames=parse_selection("2,4")) == [whole[2], whole[4]]
    assert dreamed == [2, 4]


def test_a_part_has_the_sound_of_that_part(studio: Studio) -> None:
    studio.config = tiny_config(carry={"strength": 0.0})
    report = studio.render("part.mp4", frames=parse_selection("3-6"))
    sound, all_of_it = samples(report.output), samples(studio.input)
    begin, length = round(3 * 1001 / 30000 * 48000), round(4 * 1001 / 30000 * 48000)
    assert len(pixels(report.output)) == 4
    assert probe(report.output).rate == Fraction(30000, 1001)
    assert len(sound) == pytest.approx(length, abs=1100)
    middle = slice(1500, 4500)
    assert np.corrcoef(sound[middle], all_of_it[begin:][middle])[0, 1] > 0.99
    assert UNEVEN not in report.notes


def test_every_second_frame_runs_at_half_the_rate_with_the_whole_sound(studio: Studio) -> None:
    studio.config = tiny_config(carry={"strength": 0.0})
    report = studio.render("part.mp4", frames=Selection(every=2))
    assert probe(report.output).rate == Fraction(15000, 1001)
    assert len(pixels(report.output)) == FRAMES // 2
    assert len(samples(report.output)) == pytest.approx(len(samples(studio.input)), abs=1100)
    assert np.corrcoef(samples(report.output)[:9000], samples(studio.input)[:9000])[0, 1] > 0.99


def test_frames_that_are_not_evenly_spaced_have_no_sound_and_say_so(studio: Studio) -> None:
    studio.config = tiny_config(carry={"strength": 0.0})
    report = studio.render("part.mp4", frames=parse_selection("1,2,6"))
    assert probe(report.output).audio == ()
    assert probe(report.output).rate == Fraction(30000, 1001)
    assert report.notes.count(UNEVEN) == 1
    assert UNEVEN in studio.notes


def test_a_part_behind_the_end_leaves_nothing_behind(studio: Studio) -> None:
    with pytest.raises(ConfigError, match=f"there are {FRAMES} frames"):
        studio.render(frames=parse_selection("100-250"))
    assert studio.files() == []


def test_one_frame_is_no_still(studio: Studio) -> None:
    with pytest.raises((ConfigError, OutputError), match=r"picture"):
        studio.render("frame.png", frames=parse_selection("3"))
    assert len(shown(studio, "frame/", frames=parse_selection("3"))) == 1
