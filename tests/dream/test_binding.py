"""From formulas to objectives: what is bound to what, and what is refused, with a mark under it."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.config import Dream
from dreamvideo.dream.binding import bind_objective, weighted_layers
from dreamvideo.dream.objectives import OBJECTIVES
from dreamvideo.dream.terms import Objective, view_of
from dreamvideo.errors import ConfigError
from dreamvideo.formula import FormulaError
from tests.tiny import MIXED, tiny_dreamer

RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 9, 11, 4)).astype(np.float32)
B = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)


def value(objective: Objective) -> float:
    view = view_of({"a": tf.constant(A), "b": tf.constant(B)})
    return float(objective.value(view, np.array(objective.weights, np.float32)))


def bound(objective: str | list[str], **settings: Any) -> Objective:
    return bind_objective(Dream(objective=objective, **settings))


def test_a_formula_is_worth_what_it_says() -> None:
    wanted = 0.5 * (A**2).mean() - 2 * B.mean() + np.abs(A).mean() / 4
    assert value(bound("0.5 * mean_square(a) - 2 * mean(b) + l1(a) / 4")) == pytest.approx(wanted, rel=1e-5)


def test_a_list_is_the_sum_of_its_formulas() -> None:
    assert value(bound(["mean(a)", "-2 * mean(b)"])) == pytest.approx(A.mean() - 2 * B.mean(), abs=1e-6)
    assert value(bound(["mean(a)"])) == pytest.approx(A.mean(), abs=1e-6)


def test_a_bare_name_is_raised_in_each_layer() -> None:
    objective = bound("mean_square", layers={"a": 0.5, "b": -2.0}, crop=1)
    inside = np.s_[:, 1:-1, 1:-1]
    assert value(objective) == pytest.approx(0.5 * (A[inside] ** 2).mean() - 2 * (B[inside] ** 2).mean(), rel=1e-5)


def test_the_border_is_that_of_the_config_unless_a_call_has_its_own() -> None:
    objective = bound("mean(a) + mean(b, crop=0) + mean(a, crop=3)", crop=2)
    assert [term.crop for term in objective.terms] == [2, 0, 3]
    wanted = A[:, 2:-2, 2:-2].mean() + B.mean() + A[:, 3:-3, 3:-3].mean()
    assert value(objective) == pytest.approx(wanted, abs=1e-6)


def test_a_mask_is_a_picture_of_its_term() -> None:
    objective = bound("mean(a, mask=face) + guide(b, 'sea.png') - mean(a)")
    assert [term.mask for term in objective.terms] == ["face", None, None]
    assert objective.masks == ["face"]
    assert objective.pictures == ["face", "sea.png"]


def test_arguments_are_bound_by_place_or_name() -> None:
    for text in ("neuron(a, 0, 0.5, 2)", "neuron(layer=a, channel=2, x=0.5, y=0)", "neuron('a', 0, channel=2, x=1/2)"):
        (term,) = bound(text).terms
        assert (term.layers, term.indices) == (("a",), (("a", 2),))
    assert bound("channel(a, 1, 2, 3)").terms[0].indices == (("a", 1), ("a", 2), ("a", 3))


def test_one_layer_will_do_for_a_list_of_them() -> None:
    assert bound("style(a, sea)").layers == ["a"]
    assert bound("style([a, b], sea)").layers == ["a", "b"]


WRONG = [
    ("meen(a)", r"no objective called 'meen'; did you mean 'mean'\? \(known: .*neuron"),
    ("mean()", r"mean\(layer\) was given other arguments"),
    ("mean(a, b)", r"mean\(layer\) was given other arguments"),
    ("mean(a, size=3)", r"mean\(layer\) was given other arguments.*size"),
    ("channel(a)", r"channel\(layer, index, \*more\) was given other arguments.*index"),
    ("channel(a, more=3, index=2)", "channel.*was given other arguments"),
    ("temporal(1, 2)", r"temporal\(weight=1\.0\) was given other arguments"),
    ("mean(3)", "layer of mean must be the name of a layer, not 3"),
    ("mean([a])", r"layer of mean must be the name of a layer, not \[a\]"),
    ("channel(a, x)", "index of channel must be a whole number, at least 0, not x"),
    ("channel(a, 1.0)", "index of channel must be a whole number, at least 0, not 1.0"),
    ("channel(a, -1)", "index of channel must be a whole number, at least 0, not -1"),
    ("channel(a, 1, 2, -3)", "more of channel must be a whole number, at least 0, not -3"),
    ("channel(a, [1, 2])", r"index of channel must be a whole number, at least 0, not \[1, 2\]"),
    ("neuron(a, y, 0, 1)", "y of neuron must be a number, not y"),
    ("guide(a, 3)", r"image of guide must be a picture's path in quotes, or its name in dream\.pictures, not 3"),
    ("style([a, 3], sea)", r"layers of style must be the name of a layer, not 3"),
    ("style([], sea)", r"layers of style must be a list in \[ \], each the name of a layer, not \[\]"),
    ("mean(a, crop=x)", "crop of mean must be a whole number, at least 0, not x"),
    ("mean(a, crop=-1)", "crop of mean must be a whole number, at least 0, not -1"),
    ("mean(a, mask=1)", "mask of mean must be a picture's path"),
]


POINTED_AT = {
    "mean(3)": "3)",
    "mean([a])": "[a])",
    "channel(a, x)": "x)",
    "channel(a, 1.0)": "1.0)",
    "channel(a, -1)": "-1)",
    "channel(a, 1, 2, -3)": "-3)",
    "channel(a, [1, 2])": "[1, 2])",
    "neuron(a, y, 0, 1)": "y, 0, 1)",
    "guide(a, 3)": "3)",
    "style([a, 3], sea)": "[a, 3], sea)",
    "style([], sea)": "[], sea)",
    "mean(a, crop=x)": "x)",
    "mean(a, crop=-1)": "-1)",
    "mean(a, mask=1)": "1)",
}  # else at the call


@pytest.mark.parametrize(("text", "told"), WRONG, ids=[text for text, _ in WRONG])
def test_what_cannot_be_bound_is_refused_with_a_mark_under_it(text: str, told: str) -> None:
    with pytest.raises(FormulaError, match=told) as caught:
        bound(f"mean(a) +  2 * {text}")
    _, line, mark = str(caught.value).split("\n")
    assert line[mark.index("^") :] == POINTED_AT.get(text, text)


def test_the_formula_at_fault_is_the_one_that_is_shown() -> None:
    with pytest.raises(FormulaError, match="no objective called 'oops'") as caught:
        bound(["mean(a)", "oops(b)"])
    assert str(caught.value).split("\n")[1] == "  oops(b)"


@pytest.mark.parametrize("name", ["squares", "style", "channel", "temporal"])
def test_only_what_takes_one_layer_can_stand_without_a_formula(name: str) -> None:
    with pytest.raises(ConfigError, match=f"no objective of one layer called '{name}'.*known: mean, mean_square"):
        weighted_layers({"a": 1.0}, name)


def test_every_objective_of_one_layer_can_stand_without_a_formula() -> None:
    one_layer = {"mean", "mean_square", "l1", "max", "content"}
    assert one_layer < OBJECTIVES.keys()
    for name in one_layer:
        assert bound(name, layers={"a": 2.0}).weights == (2.0,)


def test_a_layer_that_is_not_there_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=f"layer of tiny called 'mixd'; did you mean '{MIXED}'"):
        tiny_dreamer(objective="mean(mixd)", layers={})


@pytest.mark.parametrize("call", ["channel(mixed, 10)", "channel(mixed, 0, 10)", "neuron(mixed, 0, 0, 10)"])
def test_a_channel_past_the_last_is_refused(call: str) -> None:
    with pytest.raises(ConfigError, match="mixed of tiny has 10 channels, from 0 to 9; there is no channel 10"):
        tiny_dreamer(objective=call, layers={})


@pytest.mark.parametrize("n", [0, 11])
@pytest.mark.parametrize("name", ["strongest", "weakest"])
def test_more_channels_than_there_are_can_not_be_chosen(name: str, n: int) -> None:
    with pytest.raises(ConfigError, match="mixed of tiny has 10 channels" if n else "at least 1 channel"):
        tiny_dreamer(objective=f"{name}(mixed, {n})", layers={})


def test_the_border_of_a_call_has_the_bounds_of_the_setting() -> None:
    assert bound("mean(a, crop=16)").border == 16
    with pytest.raises(FormulaError, match=r"crop of mean must be .*16"):
        bound("mean(a, crop=17)")


@pytest.mark.parametrize("name", ["input", "previous", "trust", "place"])
def test_a_mask_may_have_any_name(name: str) -> None:
    """Also that of a map that the engine makes itself."""
    objective = bound(f"content(a, mask={name}) + temporal(mask={name}) + neuron(a, 0, 0, 1, mask={name})")
    assert len(objective.maps) == 5
