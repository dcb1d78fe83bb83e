"""Schedules: their value at each frame, where the mark points when they have none, and what they need to know."""

import re
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dreamvideo.easing import EASINGS, bezier, noise
from dreamvideo.schedule import Clock, ScheduleError, parse_schedule
from dreamvideo.typed import LONGEST

RATE = Fraction(30)
FRAMES = 300
T = np.arange(FRAMES) / 30
BEATS = np.array([0.2, 0.75, 1.25, 1.75, 2.25, 3.0])  # the last one at a frame


def feature(name: str, attack: float | None, release: float | None) -> np.ndarray:
    """A ramp for bass, its height told by attack and release; a constant for the others."""
    height = 1.0 if attack is None and release is None else (attack or 0) / 100 + (release or 0) / 10
    return np.linspace(0, height, FRAMES) if name == "bass" else np.full(FRAMES, 0.5)


CLOCK = Clock(FRAMES, RATE, seed=7, cuts=(0, 100, 250), feature=feature, beats=BEATS, first_bar=1)
DEAF = Clock(FRAMES, RATE)


def values(text: str, clock: Clock = CLOCK) -> np.ndarray:
    found = parse_schedule(text).values(clock)
    assert found.shape == (clock.count,)
    assert found.dtype == np.float64
    return found


def marked(text: str, clock: Clock | None = None) -> tuple[str, str]:
    """What is wrong with ``text``, when it is read or with ``clock`` evaluated, and what its mark stands under."""
    with pytest.raises(ScheduleError) as caught:
        parse_schedule(text) if clock is None else values(text, clock)
    first, line, mark = str(caught.value).split("\n")
    problem, character = first.removesuffix(":").rsplit(", at character ", 1)
    position = int(character) - 1
    assert mark.strip() == "^"
    shown = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text[position : position + 1])
    assert shown.strip() == line[mark.index("^") :][:1].strip()
    return problem, text[position:]


EXPRESSIONS: list[tuple[str, Callable[[], np.ndarray] | float]] = [
    ("3", 3),
    (" -3 ", -3),
    ("1 + 2 * 3 - 4 / 8", 6.5),
    ("7 // 2 + 7 % 4", 6),
    ("-7 % 4", 1),
    ("-2 ** 2 + 2 ** -1", -3.5),
    ("+(2) - -2", 4),
    ("1_000 + 0x10 + .5e1", 1021),
    ("1 < 2 < 3", 1),
    ("1 < 2 > 3", 0),
    ("(1 < 2) + (2 <= 2) + (3 > 2) + (2 >= 3) + (1 == 1) + (1 != 1)", 4),
    ("2 and 3", 1),
    ("(2 and 3) + (2 and 3) + (0 or 1)", 3),
    ("0 or 0", 0),
    ("not 3", 0),
    ("(not 0) + (not 0)", 2),
    ("5 if 0 else 6", 6),
    ("sin(pi / 2) + cos(0) + tan(0) + asin(0) + acos(1) + atan(0)", 2),
    ("exp(1) - e + log(e) + sqrt(9) + abs(-1)", 5),
    ("floor(1.5) + ceil(1.5) + round(1.7) + sign(-3)", 4),
    ("min(3, 1, 2) + max(3, 1, 2)", 4),
    ("clip(5, 0, 2) + clip(-5, 0, 2)", 2),
    ("where(2, 3, 4) + where(0, 3, 4)", 7),
    ("mix(2, 4, 0.25)", 2.5),
    ("smoothstep(1, 3, 2) + smoothstep(1, 3, 0) + smoothstep(1, 3, 9) + smoothstep(1, 1, 1)", 2.5),
    ("saw(1.25) + saw(-0.25)", 1),
    ("tri(0.25) + tri(0.5) + tri(0.75) + tri(3)", 2),
    ("square(0.25) + square(0.5) + square(1.2)", 2),
    ("tau / pi", 2),
    ("t", lambda: T),
    ("frame", lambda: np.arange(FRAMES)),
    ("frames + seconds + fps + seed", 300 + 10 + 30 + 7),
    ("shot", lambda: np.repeat([0, 1, 2], [100, 150, 50])),
    ("shot_t", lambda: np.concatenate([np.arange(100), np.arange(150), np.arange(50)]) / 30),
    ("1.2 + 0.3 * sin(2*pi*t/4)", lambda: 1.2 + 0.3 * np.sin(2 * np.pi * T / 4)),
    ("where(t == 2, 0, 1 / (t - 2))", lambda: np.array([0 if t == 2 else 1 / (t - 2) for t in T])),
    ("0 if t == 2 else 1 / (t - 2)", lambda: np.array([0 if t == 2 else 1 / (t - 2) for t in T])),
    ("min(exp(1000), 5)", 5),
    ("noise(t * 3)", lambda: noise(7, T * 3)),
    ("bass", lambda: np.linspace(0, 1, FRAMES)),
    ("bass()", lambda: np.linspace(0, 1, FRAMES)),
    ("bass(release=2) + bass(attack=5)", lambda: np.linspace(0, 0.25, FRAMES)),
    ("bass(attack=5, release=2)", lambda: np.linspace(0, 0.25, FRAMES)),
    ("volume + mid + treble + onset + beat + beat_phase + bar_phase", 3.5),
    ("brightness + percussive + harmonic", 1.5),
    ("beat_index", lambda: np.maximum(np.searchsorted(BEATS, T, side="right") - 1, 0)),
    ("bar_index", lambda: np.maximum((np.maximum(np.searchsorted(BEATS, T, side="right") - 1, 0) - 1) // 4, 0)),
    ("max(1,\n  2)  # the larger: of, two\n\t", 2),
    ("1 +\r\n 2", 3),
]


@pytest.mark.parametrize(("text", "wanted"), EXPRESSIONS, ids=[text for text, _ in EXPRESSIONS])
def test_an_expression_is_computed_for_every_frame(text: str, wanted: Callable[[], np.ndarray] | float) -> None:
    expected = np.broadcast_to(wanted() if callable(wanted) else wanted, (FRAMES,))
    np.testing.assert_allclose(values(text), expected, atol=1e-12)


KEYFRAMES: list[tuple[str, dict[int, float]]] = [
    ("0: 0, 60: 1 linear, 120: 0", {0: 0, 15: 0.25, 60: 1, 90: 0.5, 120: 0, 299: 0}),
    ("30: 2, 60: 4", {0: 2, 30: 2, 45: 3, 60: 4, 299: 4}),
    ("0: 1, 2s: 3 step", {0: 1, 59: 1, 60: 3, 61: 3}),
    ("0: 0.008, 4s: 0.02 ease-in-out, 8s: 0.008", {0: 0.008, 60: 0.014, 120: 0.02, 180: 0.014, 240: 0.008}),
    ("0: 0, 60: 1 ease-in", {30: 0.125}),
    ("0: 0, 60: 1 cubic-out", {30: 0.875}),
    ("0: 0, 1.5s: 1, 60: 2", {45: 1, 60: 2}),
    ("0: 0, .5s: 1", {15: 1}),
    ("0b: 0, 2b: 1, 2.5b: 3", {0: 0, 37: 31 / 31.5, 45: 3}),
    ("0: 0, 9b: 1", {126: 126 / 30 / 5.24, 158: 1}),
    ("0: t, 60: 10", {0: 0, 30: (1 + 10) / 2, 60: 10}),
    ("60: t", {0: 0, 30: 1, 90: 3}),
    ("0: max(1, 2), 60: min(3, 4)", {0: 2, 60: 3}),
    ("0: 1 if t < 1 else (2), 60: 3 step", {0: 1, 30: 2, 60: 3}),
    ("0: 0 or (t), 60: bass step, 61: bass linear", {1: 1, 60: 60 / 299}),
    ("0: 1/(1 - t), 29: 2 step, 60: 3", {0: 1, 29: 2, 60: 3}),
    ("0: 1, 30: 1 / t", {0: 1, 30: 1}),
    ("0: 0, 60: 1 bezier(0, 0, 1, 1)", {15: 0.25, 30: 0.5}),
    ("0: 0, 60: 1 bezier (0.42, 0, 0.58, 1)", {30: 0.5}),
    ("0: 1,\n # slowly: now\n 2s: 2 linear # there, at last\n", {0: 1, 30: 1.5, 60: 2}),
    ("0: 1, 999999999: 1 + 1e9", {1: 2}),
]


@pytest.mark.parametrize(("text", "wanted"), KEYFRAMES, ids=[text for text, _ in KEYFRAMES])
def test_keyframes_are_hit_and_mixed_between(text: str, wanted: dict[int, float]) -> None:
    found = values(text)
    assert {frame: found[frame] for frame in wanted} == pytest.approx(wanted, abs=1e-6)


READ = [
    ("", "a schedule is missing", ""),
    (" \n", "a schedule is missing", ""),
    ("1, 2", "comma too many", ", 2"),
    ("(1, 2)", "comma too many", ", 2)"),
    ("0: 1,", "comma too many", ","),
    ("0: 1,, 2: 3", "comma too many", ",, 2: 3"),
    (", 2: 3", "comma too many", ", 2: 3"),
    ("0: 1, 2", "a keyframe is TIME: VALUE", "2"),
    ("0: 1: 2", "one ':'", ": 2"),
    ("0: 1 60: 2", "one ':'", ": 2"),
    ("0:, 4: 1", "a value is missing", ":, 4: 1"),
    ("0: 1, 4s:", "a value is missing", ":"),
    (": 1", "a time is", ": 1"),
    ("0: 1, -4: 1", "a time is", "-4: 1"),
    ("0: 1, 4.5: 1", "a time is", "4.5: 1"),
    ("0: 1, 4m: 1", "a time is", "4m: 1"),
    ("0: 1, 9999999999: 1", "a time is", "9999999999: 1"),
    ("0: 1, 60: 2, 60: 3", "must come after", "60: 3"),
    ("60: 1, 2s: 2, 30: 3", "must come after", "30: 3"),
    ("4b: 1, 3b: 2", "must come after", "3b: 2"),
    ("0: 1, 60: 2 easy-in", "no easing called 'easy-in'; did you mean 'ease-in'? (known: linear, step,", "easy-in"),
    ("0: bass t", "no easing called 't'", "t"),
    ("0: 1 linear + 3", "did you mean 'linear'", "linear + 3"),
    ("0: 1 bezier", "takes four numbers", "bezier"),
    ("0: 1 bezier(0, 0, 1)", "takes four numbers", "bezier(0, 0, 1)"),
    ("0: 1 bezier(0, 0, 1, t)", "takes four numbers", "bezier(0, 0, 1, t)"),
    ("0: 1 bezier(0, 0, 2, 1)", "from 0 to 1", "bezier(0, 0, 2, 1)"),
    ("0: 1 bezier(0, nan, 1, 1)", "too large", "bezier(0, nan, 1, 1)"),
    ("0: 1 2", "this is no schedule", "2"),
    ("0: 1, 4s: 0.5 + 0.2*bas", "no variable called 'bas'; did you mean 'bass'?", "bas"),
    ("1 + oops(t)", "no function called 'oops'", "oops(t)"),
    ("sine(t)", "did you mean 'sin'?", "sine(t)"),
    ("1 + sin", "'sin' needs its arguments: sin(x)", "sin"),
    ("t(3)", "is a number and takes no arguments", "t(3)"),
    ("1 + clip(t, 0)", "clip(x, low, high)", "clip(t, 0)"),
    ("sin()", "sin(x)", "sin()"),
    ("sin(1, 2)", "sin(x)", "sin(1, 2)"),
    ("max(1)", "max(a, b, ...)", "max(1)"),
    ("sin(t, x=3)", "have no names", "3)"),
    ("bass(0.3)", "bass takes attack= and release=", "0.3)"),
    ("bass(hold=0.3)", "bass takes attack= and release=", "0.3)"),
    ("bass(attack=-1)", "from 0 to 60", "-1)"),
    ("bass(attack=61)", "from 0 to 60", "61)"),
    ("bass(attack=t)", "from 0 to 60", "t)"),
    ("bass(attack=True)", "from 0 to 60", "True)"),
    ("bass(attack=1, release=1e400)", "from 0 to 60", "1e400)"),
    ("bass(attack=1, attack=2)", "bass takes", "2)"),
    ("bass(**t)", "bass takes", "t)"),
    ("1 + 1e31", "too large", "1e31"),
    ("1 + " + "9" * 40, "too large", "9" * 40),
    ("1 + True", "not known here", "True"),
    ("1 + 'a'", "not known here", "'a'"),
    ("1 + 1j", "not known here", "1j"),
    ("1 + t.real", "not known here", "t.real"),
    ("1 + t[0]", "not known here", "t[0]"),
    ("1 + [t]", "not known here", "[t]"),
    ("max(*t, 1)", "not known here", "*t, 1)"),
    ("(lambda: 1)()", "not known here", "(lambda: 1)()"),
    ("max(x for x in t)", "max(a, b, ...)", "max(x for x in t)"),
    ("t @ t", "operator is not known", "@ t"),
    ("(t) << 2", "operator is not known", "<< 2"),
    ("~t", "'not' is", "~t"),
    ("1 < t is 2", "operator is not known", "is 2"),
    ("max(t, 1", "this ( is never closed", "(t, 1"),
    ("0: 1, 4: max(t, 1", "this ( is never closed", "(t, 1"),
    ("t)", "this is no schedule", ")"),
    ("t t", "this is no schedule", "t"),
    ("1 +", "this is no schedule", ""),
    ("0: 1 +, 2: 3", "this is no schedule", ", 2: 3"),
]
EVALUATED = [
    ("1 / (t - 2)", "this divides by zero at frame 60 (2.00 s)", "/ (t - 2)"),
    ("3 + (1) // (t - 2)", "this divides by zero at frame 60 (2.00 s)", "// (t - 2)"),
    ("3 + t % 0", "this divides by zero at frame 0 (0.00 s)", "% 0"),
    ("1 + sqrt(1 - t)", "this is no finite number at frame 31 (1.03 s)", "sqrt(1 - t)"),
    ("max(1, log(-1 - t))", "this is no finite number at frame 0 (0.00 s)", "log(-1 - t))"),
    ("1 + (-8) ** 0.5", "this is no finite number at frame 0 (0.00 s)", "** 0.5"),
    ("9 ** 9 ** 9 ** 9", "this is no finite number at frame 0 (0.00 s)", "** 9 ** 9"),
    ("1e20 / 1e-20", "this is no finite number", "/ 1e-20"),
    ("1 + square(exp(1000))", "this is no finite number", "exp(1000))"),
    ("1e20 * 1e20", "this is no finite number", "* 1e20"),
    ("where(t > 1, 1 / (t - 2), 1 / t)", "divides by zero at frame 0", "/ t)"),
    ("1 / t if t < 1 else 2", "divides by zero at frame 0", "/ t if t < 1 else 2"),
    ("0: 1, 4s: 1 / (t - 3)", "divides by zero at frame 90 (3.00 s)", "/ (t - 3)"),
    ("0: 1 / (t - 3), 4s: 1", "divides by zero at frame 90 (3.00 s)", "/ (t - 3), 4s: 1"),
    ("0: 1, 4s: 1, 60: 2", "at frame 60 (2.00 s), must come after the one before it, at frame 120 (4.00 s)", "60: 2"),
    ("0: 1, 0s: 2", "must come after", "0s: 2"),
    ("0: 1, 3: 2, 0.1s: 2", "must come after", "0.1s: 2"),
    ("0: 1, 2s: 2, 1b: 2", "at frame 22.5 (0.75 s), must come after", "1b: 2"),
]
BEFORE = ["", "  ", "\n\t", "# é: 图, so\r\n", "# ü\r"]


@pytest.mark.parametrize(("text", "problem", "under"), READ, ids=[text for text, _, _ in READ])
def test_the_mark_stands_under_what_cannot_be_read(text: str, problem: str, under: str) -> None:
    for before in BEFORE:
        told, marked_text = marked(before + text)
        assert problem in told
        assert marked_text == under


@pytest.mark.parametrize(("text", "problem", "under"), EVALUATED, ids=[text for text, _, _ in EVALUATED])
def test_the_mark_stands_under_what_has_no_value_at_a_frame(text: str, problem: str, under: str) -> None:
    told, marked_text = marked(text, CLOCK)
    assert problem in told
    assert marked_text == under


def test_the_mark_counts_characters_not_bytes() -> None:
    assert marked("0: 1, 2: é + 1, 3: 4")[1] == "é + 1, 3: 4"
    assert marked("0: 1, 2: (éé) @ t, 3: 4")[1] == "@ t, 3: 4"
    assert marked("éé + t t")[1] == "t"


def test_the_mark_is_shown_in_its_own_line() -> None:
    with pytest.raises(ScheduleError) as caught:
        parse_schedule("0: 1,\n2: oops,\n3: 4")
    assert str(caught.value).split("\n")[1:] == ["  2: oops,", "     ^"]


@pytest.mark.parametrize(
    ("text", "heard", "under"),
    [
        ("1 + bass * volume", "bass", "bass * volume"),
        ("where(t > 99, onset(attack=1), 1)", "onset", "onset(attack=1), 1)"),
        ("t + beat_index", "beat_index", "beat_index"),
        ("0: bar_index, 8b: 2", "bar_index", "bar_index, 8b: 2"),
        ("0: 1, 8b: bass", "8b", "8b: bass"),
        ("0: 1, 1.5b: 2", "1.5b", "1.5b: 2"),
    ],
)
def test_without_sound_there_is_nothing_to_listen_to(text: str, heard: str, under: str) -> None:
    assert parse_schedule(text).hears
    does = "counts beats" if heard[0].isdigit() else f"listens to '{heard}'"
    problem = f"this {does}, but there is no sound; give a track with --audio"
    assert marked(text, DEAF) == (problem, under)


@pytest.mark.parametrize("beats", [[], [1.0]])
def test_beats_need_two_beats(beats: list[float]) -> None:
    quiet = Clock(FRAMES, RATE, feature=feature, beats=np.array(beats))
    assert marked("0: 1, 8b: 2", quiet) == ("fewer than two beats were found in the sound", "8b: 2")
    assert not values("beat_index + bar_index", quiet).any()


@pytest.mark.parametrize(
    ("text", "names", "hears", "needs_scouting"),
    [
        ("1.5", set(), False, False),
        ("0: 1, 4s: pi ease-in", set(), False, False),
        ("0: t, 4s: frame + fps + seed * noise(t)", {"t", "frame", "fps", "seed"}, False, False),
        ("sin(bass(attack=1))", {"bass"}, True, False),
        ("shot", {"shot"}, False, True),
        ("shot_t", {"shot_t"}, False, True),
        ("t / seconds", {"t", "seconds"}, False, True),
        ("frame / frames", {"frame", "frames"}, False, True),
        ("bar_index", {"bar_index"}, True, False),
        ("0: 1, 8b: 2", set(), True, False),
    ],
)
def test_a_schedule_tells_what_it_needs(text: str, names: set[str], hears: bool, needs_scouting: bool) -> None:
    schedule = parse_schedule(text)
    assert (schedule.text, schedule.names, schedule.hears, schedule.needs_scouting) == (
        text,
        names,
        hears,
        needs_scouting,
    )


def test_rates_need_not_be_whole() -> None:
    ntsc = Clock(3000, Fraction(30000, 1001))
    assert values("t", ntsc)[2997] == 2997 * 1001 / 30000
    assert values("0: 0, 10.01s: 1", ntsc)[[299, 300, 301]] == pytest.approx([299 / 300, 1, 1])


@pytest.mark.parametrize("text", ["3", "t", "0: 1, 4s: 2", "noise(3)", "bass", "1 / t"])
def test_no_frames_have_no_values(text: str) -> None:
    assert values(text, Clock(0, RATE, feature=lambda *_: np.zeros(0), beats=BEATS)).shape == (0,)


times = st.lists(st.integers(0, FRAMES - 1), min_size=1, max_size=8, unique=True).map(sorted)
heights = st.floats(-1e6, 1e6).map(lambda value: float(f"{value:.6g}"))


@settings(deadline=None)
@given(times, st.data())
def test_each_keyframe_has_its_value_exactly(frames: list[int], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(heights, min_size=len(frames), max_size=len(frames)))
    names = data.draw(st.lists(st.sampled_from([*EASINGS, "bezier(1, -2, 0, 3)"]), min_size=8, max_size=8))
    units = data.draw(st.lists(st.sampled_from(["frame", "s"]), min_size=8, max_size=8))
    told = [f"{frame}" if unit == "frame" else f"{frame / 25:g}s" for frame, unit in zip(frames, units, strict=False)]
    text = ", ".join(f"{at}: {value!r} {name}" for at, value, name in zip(told, wanted, names, strict=False))
    assert values(text, Clock(FRAMES, Fraction(25)))[frames].tolist() == wanted


@settings(deadline=None)
@given(times, st.data())
def test_linear_keyframes_are_numpy_s_interpolation(frames: list[int], data: st.DataObject) -> None:
    wanted = data.draw(st.lists(heights, min_size=len(frames), max_size=len(frames)))
    text = ", ".join(f"{frame}: {value!r}" for frame, value in zip(frames, wanted, strict=True))
    np.testing.assert_allclose(values(text), np.interp(np.arange(FRAMES), frames, wanted), rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("name", EASINGS)
def test_easings_go_from_0_to_1(name: str) -> None:
    x = np.linspace(-0.5, 1.5, 2001)
    y = EASINGS[name](x)
    assert not y[x <= 0].any()
    assert (y[x >= 1] == 1).all()
    if name.startswith("back"):
        assert (y.min() < -0.05) == (name != "back-out")
        assert (y.max() > 1.05) == (name != "back-in")
    else:
        assert (np.diff(y) >= 0).all()
        assert name == "step" or np.abs(np.diff(y)).max() < 0.02  # no jumps


@pytest.mark.parametrize("kind", ["cubic", "sine", "expo", "back"])
def test_easings_out_are_those_in_turned_round(kind: str) -> None:
    x = np.linspace(0, 1, 101)
    np.testing.assert_allclose(EASINGS[f"{kind}-out"](x), 1 - EASINGS[f"{kind}-in"](1 - x), atol=1e-12)
    np.testing.assert_allclose(EASINGS[f"{kind}-in-out"](x / 2), EASINGS[f"{kind}-in"](x) / 2, atol=1e-12)
    np.testing.assert_array_equal(EASINGS[f"{kind}-in-out"](x), EASINGS[kind](x))
    assert EASINGS[f"{kind}-in"](0.5) < 0.5


parts = st.floats(0, 1)


@settings(deadline=None)
@given(parts, st.floats(-2, 2), parts, st.floats(-2, 2), parts)
def test_a_bezier_goes_through_the_points_of_its_curve(x1: float, y1: float, x2: float, y2: float, s: float) -> None:
    def along(first: float, second: float) -> float:
        return 3 * first * s * (1 - s) ** 2 + 3 * second * s**2 * (1 - s) + s**3

    slope = 3 * x1 * (1 - s) * (1 - 3 * s) + 3 * x2 * s * (2 - 3 * s) + 3 * s**2
    assume(slope > 0.05)  # where it is steep, one x has many y
    assert bezier(x1, y1, x2, y2)(along(x1, x2)) == pytest.approx(along(y1, y2), abs=1e-6)


def test_css_s_ease_is_known() -> None:
    # Values of cubic-bezier(0.25, 0.1, 0.25, 1), as browsers give them.
    assert bezier(0.25, 0.1, 0.25, 1)(np.array([0.25, 0.5, 0.75])) == pytest.approx(
        [0.40851, 0.80240, 0.96046], abs=1e-4
    )


def test_noise_is_smooth_even_and_of_its_seed() -> None:
    x = np.linspace(-1000, 1000, 400_001)
    found = noise(3, x)
    assert ((found >= 0) & (found <= 1)).all()
    assert np.abs(np.diff(found)).max() < 0.01
    drawn = noise(3, np.arange(-5000.0, 5000))
    assert np.histogram(drawn, 10, (0, 1))[0] == pytest.approx(np.full(10, 1000), abs=150)
    assert abs(np.corrcoef(drawn[1:], drawn[:-1])[0, 1]) < 0.05
    assert abs(np.corrcoef(drawn, noise(4, np.arange(-5000.0, 5000)))[0, 1]) < 0.05
    np.testing.assert_array_equal(noise(3, x[::-1]), found[::-1])
    assert not np.array_equal(noise(2**62, x), noise(2**62 + 1, x))
    with np.errstate(all="ignore"):
        assert np.isnan(noise(0, np.array([np.nan, np.inf]))).all()


def test_deep_and_long_texts_are_refused() -> None:
    assert "at most" in marked("1" * LONGEST + "1")[0]
    assert "nested too deeply" in marked("+".join("1" * 300))[0]
    assert values("+".join("1" * 190))[0] == 190


def test_errors_can_be_told_for_the_deepest_texts() -> None:
    assert "divides by zero" in marked("1 / t + " + "+".join("1" * 190), CLOCK)[0]


ALPHABET = "tbas sin(noise)+-*/%<>=,:.;0123456789ej_'#\"\\\n\r\té[]@~ if else and not linear ease-in bezier\x00\x0c"
PIECES = [
    *"()+-/,09",
    "0: 1",
    "4s: t",
    "8b:",
    "step",
    "ease-in",
    "bezier(",
    "1,",
    "sin(t)",
    "bass",
    "**",
    "where(",
    "if",
    "else",
]
SMALL = Clock(12, Fraction(3), feature=lambda *_: np.linspace(0, 1, 12), beats=BEATS)


@settings(max_examples=400, deadline=None)
@given(st.text(ALPHABET, max_size=40) | st.text(max_size=20) | st.lists(st.sampled_from(PIECES)).map(" ".join))
@example("-" * 3990 + "1")
@example("(" * 1900 + "1" + ")" * 1900)
@example("0:" * 1900)
@example("0: 1," * 700)
@example("9" * 3990)
@example("1 if 1 else " * 300 + "1")
@example("sin(" * 150 + "t" + ")" * 150)
@example("'\ud800'")
@example("\ud800: 1")
@example("0: 1 \ud800")
@example("1e400: 1")
@example("0<\r")
@example("f'{1 +}'")
def test_no_text_raises_anything_but_a_schedule_error(text: str) -> None:
    try:
        found = values(text, SMALL)
    except ScheduleError:
        marked(text, SMALL)
    else:
        assert (np.abs(found) <= 1e30).all()


@pytest.mark.parametrize(
    "text", ["__import__('os')", "exit()", "print(t)", "t.__class__", "(x := 1)", "[x for x in t]"]
)
def test_nothing_but_numbers_is_evaluated(text: str) -> None:
    marked(text)


def test_what_is_odd_in_python_is_no_warning(recwarn: pytest.WarningsRecorder) -> None:
    assert values("1if t < 9else 2")[0] == 1
    assert not recwarn.list


def test_a_long_clip_is_quick() -> None:
    parts = []

    def counted(name: str, attack: float | None, release: float | None) -> np.ndarray:
        parts.append((name, attack, release))
        return np.zeros(100_000)

    clock = Clock(100_000, RATE, feature=counted, beats=BEATS)
    values(", ".join(f"{frame}: bass + mid(attack=1) + noise(t) ease-in" for frame in range(0, 5000, 100)), clock)
    assert parts == [("bass", None, None), ("mid", 1.0, None)]  # each is heard once
