"""Formulas: what is read, where the mark points when it can't be, and that nothing is ever evaluated."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dreamvideo.config import has_formula
from dreamvideo.errors import ConfigError
from dreamvideo.formula import Call, FormulaError, fill, moving_numbers, parse_formula
from dreamvideo.schedule import Clock
from dreamvideo.typed import LONGEST


def weights(text: str) -> dict[str, float]:
    """The weight of each call, by its first argument."""
    return {str(call.arguments[0]): call.weight for call in parse_formula(text)}


def marked(text: str) -> tuple[str, int, str]:
    """What is wrong with ``text``, the character that the message counts to (from 0), and what its mark stands under.

    What the mark stands under goes on to the end of the line.
    """
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    first, line, mark = str(caught.value).split("\n")
    assert mark.strip() == "^"
    problem, character = first.removesuffix(":").rsplit(", at character ", 1)
    return problem, int(character) - 1, line[mark.index("^") :]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("mean(a)", {"a": 1}),
        ("2 * mean(a)", {"a": 2}),
        ("mean(a) * 2", {"a": 2}),
        ("mean(a) / 4", {"a": 0.25}),
        ("3 * mean(a) / 4", {"a": 0.75}),
        ("3 / 4 * mean(a)", {"a": 0.75}),
        ("2 * 3 * mean(a) * 5", {"a": 30}),
        ("-mean(a)", {"a": -1}),
        ("+mean(a)", {"a": 1}),
        ("--mean(a)", {"a": 1}),
        ("-2 * mean(a)", {"a": -2}),
        ("2 * -mean(a)", {"a": -2}),
        ("mean(a) / -2", {"a": -0.5}),
        ("mean(a) - mean(b)", {"a": 1, "b": -1}),
        ("mean(a) - (mean(b) - mean(c))", {"a": 1, "b": -1, "c": 1}),
        ("mean(a) - mean(b) - mean(c)", {"a": 1, "b": -1, "c": -1}),
        ("2 * (mean(a) - 0.5 * (mean(b) + 3 * mean(c)))", {"a": 2, "b": -1, "c": -3}),
        ("-(mean(a) + mean(b)) / 2", {"a": -0.5, "b": -0.5}),
        ("0 * mean(a) + 1e-3 * mean(b)", {"a": 0, "b": 1e-3}),
        ("  mean(a)\n", {"a": 1}),
        ("(mean(a) +\n mean(b))", {"a": 1, "b": 1}),
        ("(mean(a) -\r\n mean(b)\r + mean(c))", {"a": 1, "b": -1, "c": 1}),
    ],
)
def test_weights_go_through_sums_products_and_brackets(text: str, wanted: dict[str, float]) -> None:
    assert weights(text) == pytest.approx(wanted)


def test_a_call_holds_its_arguments_and_where_it_stands() -> None:
    text = ' 2*channel(mixed4, 3, -1.5, "a b.png", [a, 1, [b]], (c, d)) + f(x=[1], y=name, z=-2/4)'
    first, second = parse_formula(text)
    values = ("mixed4", 3, -1.5, "a b.png", ("a", 1, ("b",)), ("c", "d"))
    assert first == Call(2, "channel", values, {}, text, text.index("channel"))
    assert second == Call(1, "f", (), {"x": (1,), "y": "name", "z": -0.5}, text, text.index("f(x"))
    assert isinstance(first.arguments[1], int)
    assert str(second.error("wrong")).startswith(f"wrong, at character {text.index('f(x') + 1}:")
    for call, argument, under in [
        (first, 1, "3, -1.5"),
        (first, 4, "[a, 1"),
        (second, "z", "-2/4"),
        (second, 7, "f(x"),
    ]:
        assert text[call.error("wrong", argument).position :].startswith(under)


def test_a_bare_name_is_no_formula() -> None:
    assert not has_formula("mean_square")
    assert not has_formula(" mean ")
    assert all(map(has_formula, ["mean(a)", "", "-mean", "a b", "mean;"]))


BAD = [
    ("", "missing", ""),
    ("mean(a) + 3", "no objective", "3"),
    ("3", "no objective", "3"),
    ("3 * 4", "no objective", "4"),
    ("mean(a) + mean", "'mean' needs its arguments in parentheses", "mean"),
    ("mean(a) * mean(b)", "number should stand here", "mean(b)"),
    ("mean(a) / mean(b)", "number should stand here", "mean(b)"),
    ("mean(a) / (2 * 0)", "divided by 0", "2 * 0)"),
    ("mean(a) ** 2", "no objective", "mean(a) ** 2"),
    ("(1 + 2) * mean(a)", "number should stand here", "1 + 2) * mean(a)"),
    ("mean(a, 1 + 2)", "number should stand here", "1 + 2)"),
    ("True * mean(a)", "number should stand here", "True * mean(a)"),
    ("mean(a, None)", "number should stand here", "None)"),
    ("mean(a, 1j)", "number should stand here", "1j)"),
    ("mean(a, b'c')", "number should stand here", "b'c')"),
    ("mean(-a)", "an argument is", "-a)"),
    ("mean(a, b.c)", "an argument is", "b.c)"),
    ("mean(a, f(b))", "an argument is", "f(b))"),
    ("mean(a, *b)", "an argument is", "*b)"),
    ("mean(a, **b)", "means nothing", "b)"),
    ("mean(a, crop=1, crop=2)", "crop is given twice", "2)"),
    ("f.mean(a)", "no objective", "f.mean(a)"),
    ("f(a)(b)", "no objective", "f(a)(b)"),
    ("1e31 * mean(a)", "too large", "1e31 * mean(a)"),
    ("1e20 * 1e20 * mean(a)", "too large", "1e20 * 1e20 * mean(a)"),
    ("1e20 * (1e20 * mean(a))", "before this is too large", "mean(a))"),
    ("mean(a) / 1e-320", "before this is too large", "mean(a) / 1e-320"),
    ("mean(a, 1e400)", "too large", "1e400)"),
    ("mean(a, 0 * 1e400)", "too large", "1e400)"),
    ("mean(a) mean(b)", "no formula", "mean(b)"),
    ("mean(a,, b)", "no formula", ", b)"),
    ("mean(a)) + 3", "no formula", ") + 3"),
    ("(mean(a) + mean(b)", "never closed", "(mean(a) + mean(b)"),
    ("mean(a) +", "no formula", ""),
    ("mean(a); mean(b)", "no formula", "; mean(b)"),
    ("bass", "no objective", "bass"),
    ("sin(t)", "no objective", "sin(t)"),
    ("2 * sin(t)", "no objective", "sin(t)"),
    ("bass * 2", "no objective", "2"),
    ("bass * t", "no objective", "t"),
    ("bass(attack=1)", "no objective", "bass(attack=1)"),
    ("mean(a) + max(t, bass)", "no objective", "max(t, bass)"),
    ("(bass + mean(a)) * 2", "no objective", "bass + mean(a)) * 2"),
    ("bas * mean(a)", "no variable called 'bas'; did you mean 'bass'?", "bas * mean(a)"),
    ("mean(a) * (0.5 + 0.5 * bas)", "no variable called 'bas'", "bas)"),
    ("mean(a) / bas", "no variable called 'bas'", "bas"),
    ("sin(t, 2) * mean(a)", "this takes other arguments: sin(x)", "sin(t, 2) * mean(a)"),
    ("t[0] * mean(a)", "not known here", "t[0] * mean(a)"),
    ("'t' * mean(a)", "not known here", "'t' * mean(a)"),
    ("(lambda: t) * mean(a)", "a time is", "lambda: t) * mean(a)"),
    ("max(a) * max(b)", "number should stand here", "max(b)"),
    ("mean(a, bass * 2)", "an argument is", "bass * 2)"),
    ("mean(a, sin(t))", "an argument is", "sin(t))"),
]
BEFORE = [
    "",
    "  ",
    "\t",
    "\n \n",
    "é(ü, '图') + ",
    "\n f('é') - ",
    "(g(x) -\n g('éé'))  + ",
    "(g(x)\r -\r\n g('é')) + ",
]


@pytest.mark.parametrize(("text", "problem", "under"), BAD, ids=[text for text, _, _ in BAD])
def test_the_mark_stands_under_what_is_wrong(text: str, problem: str, under: str) -> None:
    for before in BEFORE:
        if before.strip() and text in {"", "mean(a)) + 3"}:
            continue
        problem_told, position, marked_text = marked(before + text)
        assert problem in problem_told
        assert marked_text == under
        assert position == len(before + text) - len(under)


def test_the_mark_is_shown_in_its_own_line() -> None:
    with pytest.raises(FormulaError) as caught:
        parse_formula("(mean(a)\n  + 3\n  + mean(b))")
    assert str(caught.value).split("\n")[1:] == ["    + 3", "      ^"]


def test_of_a_long_formula_the_part_at_fault_is_shown() -> None:
    text = "mean(layer) + " * 60 + "oops + " + "mean(layer) + " * 60 + "mean(layer)"
    problem, position, under = marked(text)
    assert "'oops'" in problem
    assert position == text.index("oops")
    assert under.startswith("oops + mean")
    with pytest.raises(FormulaError) as caught:
        parse_formula(text)
    assert max(map(len, str(caught.value).split("\n"))) < 120


def test_a_formula_of_more_than_any_length_is_refused() -> None:
    assert "at most" in marked("+" * LONGEST + "f()")[0]


# A formula, its moving numbers, and its weights where each of these is x.
MOVING: list[tuple[str, list[str], Callable[[float], dict[str, float]]]] = [
    ("mean(a)", [], lambda _: {"a": 1}),
    ("bass * mean(a)", ["bass"], lambda x: {"a": x}),
    ("mean(a) * bass", ["bass"], lambda x: {"a": x}),
    ("mean(a) / t", ["t"], lambda x: {"a": 1 / x}),
    ("-t * mean(a)", ["-t"], lambda x: {"a": x}),
    ("-(t * mean(a))", ["t"], lambda x: {"a": -x}),
    ("2 * bass * mean(a)", ["2 * bass"], lambda x: {"a": x}),
    ("2 * (bass * mean(a)) / 4", ["bass"], lambda x: {"a": x / 2}),
    ("bass * 2 * mean(a) * 3 * t", ["bass * 2", "t"], lambda x: {"a": 3 * x * x}),
    ("1 / t * mean(a)", ["1 / t"], lambda x: {"a": x}),
    ("pi * mean(a)", ["pi"], lambda x: {"a": x}),
    ("(0.5 + 0.5*bass) * mean(a)", ["0.5 + 0.5*bass"], lambda x: {"a": x}),
    ("where(bar_index % 2 == 0, 1, 0) * mean(a)", ["where(bar_index % 2 == 0, 1, 0)"], lambda x: {"a": x}),
    ("(1 if t < 2 else 0) * mean(a)", ["1 if t < 2 else 0"], lambda x: {"a": x}),
    ("bass(release=0.3) ** 2 * mean(a)", ["bass(release=0.3) ** 2"], lambda x: {"a": x}),
    ("max(bass, 0.2) * max(a)", ["max(bass, 0.2)"], lambda x: {"a": x}),
    ("max(a) * max(bass, 0.2)", ["max(bass, 0.2)"], lambda x: {"a": x}),
    ("max('a') * t", ["t"], lambda x: {"a": x}),
    ("t * (mean(a) - bass * (mean(b) + 3 * mean(c)))", ["t", "bass"], lambda x: {"a": x, "b": -x * x, "c": -3 * x * x}),
    ("t * mean(a) - t * mean(b) / seed", ["t", "t", "seed"], lambda x: {"a": x, "b": -x / x}),
    ("mean(a) + mean('b#') * t", ["t"], lambda x: {"a": 1, "b#": x}),
    ("(f('é') * t # bass * x\r\n + (1 + # é\n bass) * f(b))", ["t", "1 + # é\n bass"], lambda x: {"é": x, "b": x}),
]


@pytest.mark.parametrize(("text", "moving", "wanted"), MOVING, ids=[text for text, _, _ in MOVING])
def test_numbers_may_move(text: str, moving: list[str], wanted: Callable[[float], dict[str, float]]) -> None:
    found = moving_numbers(text)
    assert [text[number.begin : number.end] for number in found] == moving
    assert [number.schedule.text for number in found] == [part.replace("\r", " ") for part in moving]
    assert weights(text) == pytest.approx(wanted(1))


@pytest.mark.parametrize(("text", "moving", "wanted"), MOVING, ids=[text for text, _, _ in MOVING])
@pytest.mark.parametrize("x", [0.1, -3.0, 7, np.float64(0.3), 1e-20, 0.0, -0.0, 1e-300])
def test_a_filled_formula_has_the_same_calls_with_these_numbers(
    text: str, moving: list[str], wanted: Callable[[float], dict[str, float]], x: float
) -> None:
    if abs(x) < 1e-30 and any(number.divides for number in moving_numbers(text)):
        return
    filled = fill(text, [x] * len(moving))
    assert not moving_numbers(filled)
    assert weights(filled) == pytest.approx(wanted(x), rel=1e-12, abs=0)
    before, after = parse_formula(text), parse_formula(filled)
    assert [(call.name, call.arguments) for call in after] == [(call.name, call.arguments) for call in before]


def test_each_moving_number_is_filled_with_its_own() -> None:
    text = "t * (mean(a) - bass * (mean(b) + 3 * mean(c)) / seed) + mean(d)"
    assert weights(fill(text, [2, 0.5, 4])) == {"a": 2, "b": -0.25, "c": -0.75, "d": 1}
    with pytest.raises(ValueError, match="zip"):
        fill(text, [2, 0.5])


@pytest.mark.parametrize("number", [0.0, -0.0, float("nan"), float("inf"), -1e31])
def test_a_number_that_cannot_be_filled_in_is_marked(number: float) -> None:
    with pytest.raises(FormulaError) as caught:
        fill("mean(a) / (bass - 1)", [number])
    assert caught.value.position == len("mean(a) / (")


def test_a_moving_number_has_its_values_and_its_errors_show_the_formula() -> None:
    text = "mean(a) + (1 / (t - 2)) * mean(b)"
    (moving,) = moving_numbers(text)
    assert moving.schedule.values(Clock(2, Fraction(1))).tolist() == [-0.5, -1]
    with pytest.raises(ConfigError, match="divides by zero at frame 2") as caught:
        moving.schedule.values(Clock(3, Fraction(1)))
    first, line, mark = str(caught.value).split("\n")
    assert first.endswith(f"at character {text.index('/') + 1}:")
    assert line[mark.index("^") :] == "/ (t - 2)) * mean(b)"


def test_what_would_be_too_long_when_filled_is_refused_before() -> None:
    text = "+".join(["t*f()"] * 125)
    assert len(fill(text, [-1.2345678901234567e-300] * 125)) <= LONGEST
    assert "filled in" in marked("+".join(["t*f()"] * 200))[0]


ALPHABET = "mean(a)+-*/ ,=[].:;'\"\\\n\r\té0123456789ej_#@{}<>~^&%|!\x00\x0c lambdforifyxtbs"


@settings(max_examples=300, deadline=None)
@given(st.text(ALPHABET, max_size=40) | st.text(max_size=20))
@example("9" * 3990 + " * f()")
@example("f() / " + "9" * 3990)
@example("9" * 2000 + " / 2 * f()")
@example("f()+" * 999 + "f()")
@example("-" * 3990 + "f()")
@example("f(" + "-" * 3990 + "1)")
@example("f(" + "[" * 150 + "]" * 150 + ")")
@example("(" * 1900 + "f()" + ")" * 1900)
@example("(f()\r+)")
@example("f('\\x')")
@example("f('\ud800')")
@example("f(f'{1 +}')")
@example("sin(t)*" * 500 + "f()")
@example("f()" + "*sin(t)" * 500)
@example("f()" + "*t" * 150)
@example("t" + "*t" * 1000 + "*f()")
@example("(" * 195 + "t" + ")" * 195 + "*f()")
@example("max(bass, 'ü') * é(a)")
def test_no_text_raises_anything_but_a_formula_error(text: str) -> None:
    try:
        calls = parse_formula(text)
    except FormulaError:
        return
    assert calls
    assert len(parse_formula(fill(text, [0.5 for _ in moving_numbers(text)]))) == len(calls)
    for call in calls:
        assert text[call.position :].startswith(call.name) or not text.isascii()
        assert abs(call.weight) <= 1e30


@pytest.mark.parametrize(
    "text", ["f(__import__('os'))", "f((lambda: 1 / 0)())", "f([x for x in y])", "f(a := 1)", "9**9**9*f()"]
)
def test_nothing_is_evaluated(text: str) -> None:
    marked(text)


def test_names_mean_nothing_here() -> None:
    call, *_ = parse_formula("exit(print, open, __builtins__)")
    assert (call.name, call.arguments) == ("exit", ("print", "open", "__builtins__"))
