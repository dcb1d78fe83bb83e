"""The chart of a schedule: what is worked out for it, and what can be seen in it."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from dreamvideo.merging import resolve
from dreamvideo.render import chart
from dreamvideo.render.chart import UNITS, draw
from dreamvideo.render.job import Listener
from dreamvideo.render.outlook import Outlook, look_out
from dreamvideo.schedule import Clock
from dreamvideo.settings import SETTINGS
from tests.render.conftest import Studio


class Band:
    """Music with a beat every half second."""

    beats, first_bar, tempo = np.arange(0.25, 10, 0.5), 1, 120.0
    waveform = np.tile(np.array([-0.5, 0.5], np.float32), 300)

    def feature(self, name: str, _attack: float | None = None, _release: float | None = None) -> np.ndarray:
        return np.full(300, {"bass": 0.2}.get(name, 0.7))


def outlook(*sets: str, **clock: Any) -> Outlook:
    """What ``sets`` do in ten seconds; ``clock`` changes what the clock knows."""
    seen = look_out(resolve(sets=["zoom.seconds=10", *sets]), None, Listener())
    known = Clock(seen.clock.count, seen.clock.rate, **clock)
    return Outlook(known, seen.curves, seen.listened, seen.music)


def words(seen: Outlook) -> list[str]:
    """All that is written in the chart."""
    figure = draw(seen, "mine.toml")
    figure.draw_without_rendering()
    return [text.get_text() for axes in figure.axes for text in axes.texts] + [text.get_text() for text in figure.texts]


def lines(seen: Outlook, style: dict[str, Any]) -> list[float]:
    """When the first row has lines of a style."""
    axes = draw(seen, "").axes[0]
    return [float(line.get_xdata()[0]) for line in axes.lines if line.get_alpha() == style["alpha"]]  # pyright: ignore[reportArgumentType,reportIndexIssue]


def test_units_are_of_settings_that_move() -> None:
    assert all(SETTINGS[key].movable for key in UNITS)


def test_each_number_has_a_row_with_its_schedule_bounds_least_and_most() -> None:
    seen = outlook("dream.strength=0: 0.5,\n 1s: 1.5", "dream.objective=(2 + t) * mean(mixed3)")
    told = words(seen)
    assert {"dream.strength", "0: 0.5, 1s: 1.5", "from 0 to 10", "least 0.5", "most 1.5"} <= set(told)
    assert {"2 + t", "a number of dream.objective", "mine.toml", "10 s  ·  300 frames, 30 a second"} <= set(told)
    assert len(draw(seen, "").axes) == 2


def test_rows_share_one_axis_of_time_and_a_modest_height() -> None:
    few, many = (outlook(*(f"dream.layers.mixed{i}=t" for i in range(count))) for count in (1, 9))
    heights = [draw(seen, "").get_size_inches()[1] for seen in (few, many)]
    assert (heights[1] - heights[0]) / 8 == pytest.approx(1.1, abs=0.1)
    assert {axes.get_xlim() for axes in draw(many, "").axes} == {(0, 10)}


def test_cuts_are_lines_and_shots_are_counted_from_0() -> None:
    seen = outlook("camera.zoom=1+t", cuts=(0, 60, 150))
    assert lines(seen, chart._CUT) == [2, 5]
    assert {"shot 0", "shot 1", "shot 2"} <= set(words(seen))
    assert lines(outlook("camera.zoom=1+t"), chart._CUT) == []


def test_beats_are_lines_and_the_sound_has_rows() -> None:
    plain = outlook("camera.zoom=1+t")
    band: Any = Band()
    heard = Outlook(plain.clock, plain.curves, {}, band)
    assert lines(heard, chart._BAR) == [0.75, 2.75, 4.75, 6.75, 8.75]
    assert len(lines(heard, chart._BEAT)) == 15
    assert len(draw(heard, "").axes) == 2
    clock = Clock(300, Fraction(30), feature=band.feature, beats=band.beats, first_bar=1)
    listening = Outlook(clock, plain.curves, {"bass": band.feature("bass"), "onset": band.feature("onset")}, band)
    assert {"bass", "mid", "treble", "onset", "sound"} <= set(words(listening))
    assert len(draw(listening, "").axes) == 4


def test_beats_too_close_to_be_told_apart_are_left_out() -> None:
    seen = look_out(resolve(sets=["zoom.seconds=1800", "camera.zoom=1+0.001*t"]), None, Listener())
    band: Any = Band()
    band.beats, band.waveform = np.arange(0, 1800, 0.5), np.zeros(2 * seen.clock.count, np.float32)
    assert lines(Outlook(seen.clock, seen.curves, {}, band), chart._BEAT) == []


@pytest.mark.parametrize("count", [1, 2, 5000, 100_000])
def test_an_outline_keeps_least_and_most_of_any_length(count: int) -> None:
    values = np.random.default_rng(count).random(count)
    times, low, high = chart._outline(values, values, 10.0)
    assert (times[0], times[-1]) == (0, 10)
    assert len(times) == len(low) == len(high) <= chart._MOST_POINTS + 1
    assert (low.min(), high.max()) == (values.min(), values.max())


def test_dollars_and_long_texts_are_only_text() -> None:
    seen = outlook(f"dream.strength=1 # $x^2$ {'long ' * 60}")
    figure = draw(seen, "$\\frac$ " * 40)
    figure.draw_without_rendering()
    assert max(len(word) for word in words(seen)) < 120


def test_what_is_listened_to_is_told_as_it_is_asked_for(studio: Studio) -> None:
    sets = ["dream.strength=bass + bass(attack=0.1, release=0.5)", "camera.zoom=1 + onset"]
    seen = look_out(resolve(sets=sets), studio.input, Listener())
    assert list(seen.listened) == ["bass", "bass(attack=0.1, release=0.5)", "onset"]
    total = seen.listened["bass"] + seen.listened["bass(attack=0.1, release=0.5)"]
    np.testing.assert_allclose(seen.curves[0].values, total)


def test_the_waveform_is_there_even_if_nothing_listens(studio: Studio) -> None:
    config = resolve(sets=["dream.strength=1 + t"])
    assert look_out(config, studio.input, Listener()).music is None
    seen = look_out(config, studio.input, Listener(), waveform=True)
    assert seen.music is not None
    assert seen.music.count == seen.clock.count == 8
    assert seen.clock.feature is None
