"""Formulas: what is read, where the mark points when it can't be, and that nothing is ever evaluated."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dreamvideo.formula import LONGEST, Call, FormulaError, is_formula, parse_formula


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


def test_a_bare_name_is_no_formula() -> None:
    assert not is_formula("mean_square")
    assert not is_formula(" mean ")
    assert all(map(is_formula, ["mean(a)", "", "-mean", "a b", "mean;"]))


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


ALPHABET = "mean(a)+-*/ ,=[].:;'\"\\\n\r\té0123456789ej_#@{}<>~^&%|!\x00\x0c lambdforifyxt"


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
def test_no_text_raises_anything_but_a_formula_error(text: str) -> None:
    try:
        calls = parse_formula(text)
    except FormulaError:
        return
    assert calls
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
