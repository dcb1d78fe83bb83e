"""Schedules and formulas out of anything at all: a marked error, or finite numbers, soon."""

import time
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreamvideo.easing import EASINGS
from dreamvideo.expression import CONSTANTS, FEATURES, FUNCTIONS, NAMES, VARIABLES
from dreamvideo.formula import FormulaError, fill, moving_numbers, parse_formula
from dreamvideo.schedule import Clock, ScheduleError, parse_schedule
from dreamvideo.typed import LARGEST
from tests.hostile.fuzz import draws, sentence_of

COUNT = 50
CLOCK = Clock(
    COUNT,
    Fraction(30000, 1001),
    seed=3,
    cuts=(0, 20),
    feature=lambda *_: np.linspace(0, 1, COUNT),
    beats=np.arange(4) * 0.4,
)
WORDS = [
    *FUNCTIONS,
    *NAMES,
    *EASINGS,
    "mean",
    "channel",
    "mixed4",
    "mask",
    "bezier",
    "__import__",
    "eval",
    "open",
    "os",
]
SIGNS = [
    *"()[]{},:+-*/%<>=!'\"#.@~^&|\\\n\r\t\0 ",
    "**",
    "//",
    "==",
    ":=",
    "if",
    "else",
    "not ",
    "lambda ",
    "s",
    "b",
    "0x",
]
NUMBERS = ["0", "1", "9", "1e30", "1e-320", "1e999", "0.5", "9" * 400, "2j", "1_0", "True", "٣", "\udcff"]
TOKENS = st.lists(st.sampled_from([*WORDS, *SIGNS, *NUMBERS]), max_size=40).map("".join)


def deeper(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """An expression around others, nearly always a good one."""
    return st.one_of(
        st.builds(
            "({} {} {})".format, inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "<", "and"]), inner
        ),
        st.builds("{}({})".format, st.sampled_from(list(FUNCTIONS)), inner),
        st.builds(
            "{}({}, {}, {})".format, st.sampled_from(["clip", "where", "mix", "smoothstep"]), inner, inner, inner
        ),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("-{}".format, inner),
    )


LEAVES = st.one_of(st.sampled_from([*VARIABLES, *CONSTANTS, "bass(attack=0.1)"]), st.floats(0, 1e30).map(repr))
EXPRESSIONS = st.recursive(LEAVES, deeper, max_leaves=30)
TIMES = st.builds("{}{}".format, st.integers(0, 999_999_999), st.sampled_from(["", "s", "b"]))
KEYS = st.builds("{}: {} {}".format, TIMES, EXPRESSIONS, st.sampled_from(["", *EASINGS, "bezier(0, 9, 1, -9)"]))
SCHEDULES = st.one_of(EXPRESSIONS, st.lists(KEYS, min_size=1, max_size=6).map(", ".join))
CALLS = st.builds(
    "{} * {}({})".format,
    st.one_of(EXPRESSIONS, st.just("1")),
    st.sampled_from(["mean", "channel", "max"]),
    st.sampled_from(["mixed4", "mixed4, 139", "[mixed3, mixed4], mask='a.png'", "-1", "1/3"]),
)
FORMULAS = st.lists(CALLS, min_size=1, max_size=4).map(" + ".join)


def follow(text: str) -> None:
    values = parse_schedule(text).values(CLOCK)
    assert values.shape == (COUNT,)
    assert np.isfinite(values).all()
    assert np.abs(values).max() <= LARGEST


def read(text: str) -> None:
    calls = parse_formula(text)
    assert np.isfinite([call.weight for call in calls]).all()
    moving = moving_numbers(text)
    assert len(parse_formula(fill(text, [0.5] * len(moving)))) == len(calls)


@draws(700)
@given(st.one_of(st.text(max_size=60), TOKENS, SCHEDULES))
@example("9**9**9")
@example("2**t**t**t")
@example("9" * 3999)
@example("0x" + "f" * 3990)
@example("0: 1, 999999999s: 2, 999999999b: 3")
@example(", ".join(f"{index}: 1" for index in range(580)))
@example("0: 1, 9: 2 bezier(0, 1e30, 1, -1e30)")
@example("\udcff: 1")
def test_a_schedule_gives_finite_numbers_or_a_marked_error(text: str) -> None:
    sentence_of(lambda: follow(text), ScheduleError)


@draws(500)
@given(st.one_of(st.text(max_size=60), TOKENS, FORMULAS))
@example("(" + "sin(" * 90 + "t" + ")" * 90 + "*1" * 450 + ") * mean(m)")
@example("mean(" + "[" * 190 + "1" + "]" * 190 + ")")
@example("+".join(["a(b)"] * 790))
@example("1e30 * 1e30 * 1e-300 * mean(m)")
def test_a_formula_gives_calls_or_a_marked_error(text: str) -> None:
    sentence_of(lambda: read(text), FormulaError)


@pytest.mark.parametrize(
    "nest", ["({}+1)", "sin({})", "-{}", "not {}", "[{}]", "{} if t else 1", "1*{}", "t<{}", "{}*1"]
)
@pytest.mark.parametrize("depth", [90, 250, 1900])
def test_depth_costs_no_time(nest: str, depth: int) -> None:
    before, after = nest.split("{}")
    text = before * depth + "t" + after * depth
    begin = time.process_time()
    sentence_of(lambda: follow(text), ScheduleError)
    sentence_of(lambda: read(text), FormulaError)
    sentence_of(lambda: read(f"({text}) * mean(m)"), FormulaError)
    assert time.process_time() - begin < 5


REACHING = [
    *(
        "t.real",
        "t.__class__",
        "(1).real",
        "''.join",
        "t[0]",
        "[t for t in t]",
        "lambda: t",
        "(x := t)",
        "f'{t}'",
        "'t'",
    ),
    *(
        "__import__('os')",
        "eval('1')",
        "open('x')",
        "exec('1')",
        "getattr(t, 'real')",
        "numpy.sin(t)",
        "np",
        "os",
        "t()",
    ),
    *(
        "__builtins__",
        "...",
        "None",
        "True",
        "1j",
        "*t",
        "await t",
        "yield",
        "sin(*t)",
        "sin(**t)",
        "sin(x=t)",
        "{t}",
        "~t",
    ),
    *("t @ t", "t << 1", "t | 1", "t in t", "t is t", "print(t)", "bass(attack=t)", "bass(1)", "(t,)"),
]


@pytest.mark.parametrize("text", REACHING)
def test_nothing_can_be_reached_but_what_is_listed(text: str) -> None:
    for whole in (text, f"({text}) + t", f"0: 1, 9: {text}"):
        with pytest.raises(ScheduleError):
            parse_schedule(whole)


def test_the_listed_names_are_all_there_are() -> None:
    assert set(FEATURES) < set(VARIABLES)
    assert not [name for name in (*NAMES, *FUNCTIONS) if "_" in (name[0], name[-1])]
