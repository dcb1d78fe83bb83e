"""Objectives: each is worth what its formula says, and their algebra is that of numbers; they rise on a network."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.dream.engine import Dreamer, resize
from dreamvideo.dream.objectives import (
    MOST_CELLS,
    OBJECTIVES,
    channel,
    content,
    guide,
    l1,
    max_,
    mean,
    mean_square,
    neuron,
    strongest,
    style,
    temporal,
    tv,
    weakest,
)
from dreamvideo.dream.terms import INPUT, PLACE, PREVIOUS, TRUST, Objective, Sight, View, view_of
from tests.tiny import BRANCH, DEEP, MIXED, picture, tiny_dreamer, zeros

RNG = np.random.default_rng(0)
A = RNG.normal(size=(2, 9, 11, 4)).astype(np.float32)
B = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)
PICTURE = RNG.random((2, 18, 22, 3), np.float32)
MASK = RNG.random((2, 18, 22, 1), np.float32)  # twice as many pixels as A has cells
ACTIVATIONS = {"a": tf.constant(A), "b": tf.constant(B)}


def view(**maps: np.ndarray) -> View:
    """All that a term may see, of the arrays above; ``of_input`` is A and B doubled."""
    seen = {name: tf.constant(values) for name, values in maps.items()}
    return View(ACTIVATIONS, tf.constant(PICTURE), {name: 2 * found for name, found in ACTIVATIONS.items()}, seen)


def value(objective: Objective, sight: View | None = None, given: Sequence[np.ndarray] = ()) -> float:
    arrays = [tf.constant(array) for array in given]
    return float(objective.value(sight or view(), np.array(objective.weights, np.float32), arrays))


def prepared(objective: Objective, features: dict[str, np.ndarray]) -> list[np.ndarray]:
    """What the one term gives after a look at pictures that all have these ``features``."""
    nothing = np.zeros((1, 1, 3), np.float32)
    sight = Sight(
        nothing, dict.fromkeys(objective.pictures, nothing), lambda *_: features, lambda name: features[name].shape[-1]
    )
    (term,) = objective.terms
    assert term.prepare
    given = list(term.prepare(sight))
    assert [array.ndim for array in given] == objective.ranks
    return given


def halved(mask: np.ndarray) -> np.ndarray:
    """Means over 2x2."""
    batch, height, width, channels = mask.shape
    return mask.reshape(batch, height // 2, 2, width // 2, 2, channels).mean(axis=(2, 4))


def test_measures_are_the_mean_and_the_mean_square() -> None:
    assert value(mean("a")) == pytest.approx(A.mean(), abs=1e-6)
    assert value(mean_square("b")) == pytest.approx((B**2).mean(), rel=1e-5)
    assert value(l1("a")) == pytest.approx(np.abs(A).mean(), rel=1e-5)


def test_max_is_the_mean_of_the_strongest_channel_of_each_place() -> None:
    assert value(max_("a")) == pytest.approx(A.max(axis=-1).mean(), rel=1e-5)
    assert OBJECTIVES["max"] is max_


@pytest.mark.parametrize("chosen", [(2,), (0, 3), (1, 1, 2)])
def test_channels_are_the_mean_of_those_that_are_named(chosen: tuple[int, ...]) -> None:
    given = prepared(channel("a", *chosen), {"a": A[0]})
    assert value(channel("a", *chosen), given=given) == pytest.approx(A[..., chosen].mean(), abs=1e-6)


def test_the_strongest_and_the_weakest_are_chosen_by_the_frames_response() -> None:
    features = np.zeros((3, 5, 4), np.float32)
    features += np.array([0.3, -1, 2, 0.5], np.float32)
    features[0, 0, 1] = 12  # one strong place does not make a strong channel
    for objective, wanted in ((strongest("a", 2), [2, 3]), (weakest("a", 2), [0, 1]), (strongest("a", 1), [2])):
        assert objective.terms[0].per_shot
        given = prepared(objective, {"a": features})
        assert value(objective, given=given) == pytest.approx(A[..., wanted].mean(), abs=1e-6)


def places(height: int, width: int) -> np.ndarray:
    """Each pixel's place in the frame, of a tile that is all of it."""
    grid = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    return np.stack(grid, axis=-1).astype(np.float32)[None].repeat(2, axis=0)


@pytest.mark.parametrize(("y", "x"), [(0.5, 0.5), (0.3, 0.8), (0.05, 0.95)])
def test_a_neuron_is_one_channel_at_the_cells_around_one_place(y: float, x: float) -> None:
    """Between the cells' middles it is interpolated: their weights are 1 in all."""
    activations, channel_asked = tf.constant(A), 2
    with tf.GradientTape() as tape:
        tape.watch(activations)
        sight = View({"a": activations}, tf.zeros([0, 0, 0, 3]), {}, {PLACE: tf.constant(places(18, 22))})
        result = neuron("a", y, x, channel_asked).value(sight, np.ones(1, np.float32))
    gradient = np.asarray(tape.gradient(result, activations)).sum(axis=0)
    gradient[gradient < 1e-4] = 0
    assert np.count_nonzero(gradient) == np.count_nonzero(gradient[..., channel_asked]) <= 4
    rows, columns = np.nonzero(gradient[..., channel_asked])
    assert np.abs((rows + 0.5) * 2 - 0.5 - y * 17).max() < 2
    assert np.abs((columns + 0.5) * 2 - 0.5 - x * 21).max() < 2
    assert gradient.sum() == pytest.approx(1, abs=1e-3)
    assert float(result) == pytest.approx((gradient * A.mean(axis=0)).sum(), rel=1e-2)


def test_a_neuron_of_another_tile_counts_nothing() -> None:
    elsewhere = {PLACE: tf.constant(places(18, 22) / 4)}
    sight = View(ACTIVATIONS, tf.zeros([0, 0, 0, 3]), {}, elsewhere)
    assert value(neuron("a", 0.6, 0.1, 0), sight) == 0


def test_a_guide_is_the_largest_dot_product_with_any_of_its_features() -> None:
    features = RNG.normal(size=(3, 2, 4)).astype(np.float32)
    given = prepared(guide("a", "sea"), {"a": features})
    likeness = np.einsum("byxc,nc->byxn", A, features.reshape(-1, 4))
    assert value(guide("a", "sea"), given=given) == pytest.approx(likeness.max(axis=-1).mean(), rel=1e-5)


def test_the_gradient_of_a_guide_is_its_best_feature_at_each_place() -> None:
    """As in the notebook, where that feature is the gradient."""
    features, activations = RNG.normal(size=(6, 4)).astype(np.float32), tf.constant(A)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        result = guide("a", "sea").value(view_of({"a": activations}), np.ones(1, np.float32), [tf.constant(features)])
    best = features[(A.reshape(-1, 4) @ features.T).argmax(axis=1)].reshape(A.shape)
    assert np.asarray(tape.gradient(result, activations)) == pytest.approx(best / A[..., 0].size, abs=1e-7)


def test_of_a_large_guide_every_so_many_cells_are_taken() -> None:
    features = RNG.normal(size=(70, 90, 4)).astype(np.float32)
    (given,) = prepared(guide("a", "sea"), {"a": features})
    assert MOST_CELLS / 4 < len(given) <= MOST_CELLS
    assert np.array_equal(given[1], features[0, 3])


def gram(values: np.ndarray) -> np.ndarray:
    flat = values.reshape(-1, values.shape[-1])
    return flat.T @ flat / len(flat)


def test_style_is_minus_the_distance_of_gram_matrices() -> None:
    wanted = {"a": RNG.normal(size=(3, 7, 4)).astype(np.float32), "b": RNG.normal(size=(4, 4, 3)).astype(np.float32)}
    objective = style(("a", "b"), "sea")
    distances = [
        np.mean([(gram(one) - gram(wanted[name])) ** 2 for one in values]) for name, values in (("a", A), ("b", B))
    ]
    found = value(objective, given=prepared(objective, wanted))
    assert found == pytest.approx(-np.mean(distances), rel=1e-4)


def test_nothing_is_nearer_to_a_style_than_the_picture_itself() -> None:
    objective, one = style(("a",), "sea"), A[:1]
    assert value(objective, view_of({"a": tf.constant(one)}), prepared(objective, {"a": A[0]})) == 0


def test_content_is_minus_the_distance_to_the_input() -> None:
    assert value(content("a")) == pytest.approx(-(A**2).mean(), rel=1e-5)
    assert value(content("a"), View(ACTIVATIONS, tf.constant(PICTURE), ACTIVATIONS, {})) == 0
    assert content("a").maps == {INPUT: 3}


def test_tv_is_minus_the_total_variation_of_a_picture() -> None:
    across, down = np.abs(np.diff(PICTURE, axis=2)), np.abs(np.diff(PICTURE, axis=1))
    assert value(tv()) == pytest.approx(-(across.sum() + down.sum()) / 2, rel=1e-5)
    assert value(tv()) == pytest.approx(
        -float(tf.reduce_mean(tf.image.total_variation(tf.constant(PICTURE)))), rel=1e-6
    )


def test_temporal_is_minus_the_distance_to_the_previous_dream_where_that_is_trusted() -> None:
    previous, trust = RNG.random(PICTURE.shape, np.float32), MASK
    found = value(temporal(3.0), view(**{PREVIOUS: previous, TRUST: trust}))
    assert found == pytest.approx(-3 * (trust * (PICTURE - previous) ** 2).mean(), rel=1e-5)


MASKED: dict[str, tuple[Callable[..., Objective], Callable[[np.ndarray], float]]] = {
    "mean": (mean, lambda weight: (weight * A).mean()),
    "mean_square": (mean_square, lambda weight: (weight * A**2).mean()),
    "l1": (l1, lambda weight: (weight * np.abs(A)).mean()),
    "max": (max_, lambda weight: (weight[..., 0] * A.max(axis=-1)).mean()),
    "content": (content, lambda weight: -(weight * A**2).mean()),
}


@pytest.mark.parametrize("name", MASKED)
@pytest.mark.parametrize("crop", [0, 2])
def test_a_mask_weighs_the_cells_by_its_mean_over_each(name: str, crop: int) -> None:
    make, formula = MASKED[name]
    weight = halved(MASK)
    found = value(make("a", mask="face", crop=crop), view(face=MASK))
    if not crop:
        assert found == pytest.approx(formula(weight), rel=1e-4)
    weight[:, :crop], weight[:, 9 - crop :], weight[:, :, :crop], weight[:, :, 11 - crop :] = 0, 0, 0, 0
    inside = (9 - 2 * crop) * (11 - 2 * crop) / (9 * 11)
    assert found == pytest.approx(formula(weight if crop else halved(MASK)) / inside, rel=1e-4)


@pytest.mark.parametrize("crop", [1, 2])
def test_crop_leaves_the_borders_out(crop: int) -> None:
    inside = slice(crop, -crop)
    assert value(mean("a", crop=crop)) == pytest.approx(A[:, inside, inside].mean(), abs=1e-6)
    assert value(mean_square("b", crop=crop)) == pytest.approx((B[:, inside, inside] ** 2).mean(), rel=1e-5)


def test_crop_keeps_gradients_out_of_the_border() -> None:
    activations = tf.constant(A)
    with tf.GradientTape() as tape:
        tape.watch(activations)
        result = mean_square("a", crop=2).value(view_of({"a": activations}), np.ones(1, np.float32))
    gradient = np.asarray(tape.gradient(result, activations))
    assert np.all(gradient[:, 2:-2, 2:-2] != 0)
    assert np.count_nonzero(gradient) == gradient[:, 2:-2, 2:-2].size


def test_a_recipe_is_worth_what_its_formula_says() -> None:
    a, b = value(mean("a")), value(mean_square("b"))
    assert value(mean("a") + mean_square("b")) == pytest.approx(a + b, rel=1e-5)
    assert value(mean("a") - mean_square("b")) == pytest.approx(a - b, rel=1e-5)
    assert value(-mean_square("b")) == pytest.approx(-b, rel=1e-5)
    assert value(0.2 * mean("a") + mean_square("b") * 3) == pytest.approx(0.2 * a + 3 * b, rel=1e-5)
    assert value(2 * (mean("a") - 0.5 * (mean_square("b") + mean("a")))) == pytest.approx(a - b, rel=1e-5)


def test_each_term_finds_what_it_prepared_itself() -> None:
    recipe = channel("a", 2) + mean("b") - 2 * guide("b", "sea") + channel("b", 0)
    given = [
        *prepared(channel("a", 2), {"a": A[0]}),
        *prepared(guide("b", "sea"), {"b": B[1]}),
        *prepared(channel("b", 0), {"b": B[0]}),
    ]
    assert recipe.ranks == [1, 2, 1]
    likeness = np.einsum("byxc,nc->byxn", B, B[1].reshape(-1, 3)).max(axis=-1).mean()
    wanted = A[..., 2].mean() + B.mean() - 2 * likeness + B[..., 0].mean()
    assert value(recipe, given=given) == pytest.approx(wanted, rel=1e-4)


def test_composing_leaves_the_parts_as_they_were() -> None:
    part = mean("a")
    _ = 3 * (part + mean("b"))
    assert part.weights == (1.0,)
    assert part.layers == ["a"]


def test_layers_are_named_once_and_the_border_is_the_widest() -> None:
    objective = mean("a", crop=1) + mean_square("b", crop=3) + mean_square("a")
    assert objective.layers == ["a", "b"]
    assert objective.border == 3


def test_weights_may_change_from_call_to_call() -> None:
    objective = mean("a") + mean("b")
    changed = float(objective.value(view(), np.array([2, -1], np.float32)))
    assert changed == pytest.approx(2 * A.mean() - B.mean(), abs=1e-5)


def test_half_precision_activations_are_reduced_in_float32() -> None:
    large = view_of({"a": tf.fill([1, 64, 64, 1], tf.constant(300, tf.float16))})
    assert float(mean_square("a").value(large, np.ones(1, np.float32))) == pytest.approx(90_000)


FRAME = picture(60, 70)
GUIDE = picture(50, 40, 1)
BEFORE = picture(60, 70, 2), np.ones((60, 70, 1), np.float32)


def dreamt(dreamer: Dreamer, frame: np.ndarray, *, start: np.ndarray | None = None, **options: Any) -> np.ndarray:
    """The residual after a few steps, with every picture of the objective the same one."""
    prepared = dreamer.prepare(frame, options.pop("pictures", None) or dict.fromkeys(dreamer.pictures, GUIDE))
    asked = {"index": 0, "steps": 4, "rate": 0.01, "prepared": prepared, "before": BEFORE, **options}
    return dreamer.dream(frame, zeros(frame) if start is None else start, **asked).residual


def told(dreamer: Dreamer, frame: np.ndarray, residual: np.ndarray) -> float:
    """The objective of a dreamed frame, as the engine tells it before a step."""
    prepared = dreamer.prepare(frame, dict.fromkeys(dreamer.pictures, GUIDE))
    return dreamer.dream(frame, residual, index=0, steps=1, rate=1e-9, prepared=prepared, before=BEFORE).objective


def formula_dreamer(formula: str, **settings: Any) -> Dreamer:
    return tiny_dreamer(**{"objective": formula, "layers": {}, "octaves": 1, "jitter": 1, **settings})


FORMULAS = [
    "mean(mixed)",
    "mean_square(mixed)",
    "l1(mixed)",
    "max(mixed)",
    "channel(mixed, 3, 5)",
    "strongest(mixed, 2)",
    "weakest(wide_relu, 2)",
    "neuron(mixed, 0.4, 0.6, 2)",
    "guide(mixed, sea)",
    "style([wide_relu, mixed], sea)",
    "content(mixed)",
    "tv()",
    "temporal()",
]


def test_every_objective_is_tested_to_rise() -> None:
    assert {formula.split("(")[0] for formula in FORMULAS} == OBJECTIVES.keys()


@pytest.mark.parametrize("formula", FORMULAS)
def test_it_rises(formula: str) -> None:
    dreamer = formula_dreamer(formula)
    start = 0.4 * (picture(60, 70, 3) - 0.5)  # content and style need a way to go
    few, more = (dreamt(dreamer, FRAME, start=start, steps=steps, rate=0.004) for steps in (2, 6))
    assert told(dreamer, FRAME, start) < told(dreamer, FRAME, few) < told(dreamer, FRAME, more)


@pytest.mark.parametrize("formula", ["mean_square(mixed)", "guide(mixed, sea)"])
def test_a_negative_weight_pushes_away(formula: str) -> None:
    away = dreamt(formula_dreamer(f"-2 * {formula}"), FRAME)
    measure = formula_dreamer(formula)
    assert told(measure, FRAME, away) < told(measure, FRAME, zeros(FRAME))


@pytest.mark.parametrize(("height", "width", "y", "x"), [(60, 70, 0.25, 0.75), (150, 170, 0.2, 0.9), (150, 170, 0, 1)])
def test_a_neuron_is_dreamed_only_where_it_looks(height: int, width: int, y: float, x: float) -> None:
    """In one tile or several, and up to the corners."""
    frame = picture(height, width)
    residual = dreamt(formula_dreamer(f"neuron(mixed, {y}, {x}, 2)", tile=64, halo=8), frame, steps=1)
    rows, columns = np.nonzero(np.abs(residual).max(axis=2))
    assert len(rows)
    assert np.abs(rows - y * (height - 1)).max() < 8
    assert np.abs(columns - x * (width - 1)).max() < 8


HALF = np.zeros((60, 70, 3), np.float32)
HALF[:, :35] = 1


@pytest.mark.parametrize(
    "formula",
    [
        "mean_square(mixed, mask=face)",
        "guide(mixed, face, mask=face)",
        "style(mixed, face, mask=face)",
        "neuron(mixed, 0.5, 0.25, 2, mask=face) + neuron(mixed, 0.5, 0.8, 2, mask=face)",
        "tv(mask=face)",
        "temporal(mask=face)",
    ],
)
def test_a_mask_limits_the_dream_to_its_region(formula: str) -> None:
    """Softly: what an activation inside sees may lie outside."""
    start = 0.1 * (picture(60, 70, 3) - 0.5)
    change = np.abs(dreamt(formula_dreamer(formula), FRAME, start=start, pictures={"face": HALF}) - start)
    assert change[:, :28].max() > 1e-3
    assert change[:, 35 + 12 :].max() < 1e-6


def test_a_mask_of_another_size_is_scaled() -> None:
    dreamer = formula_dreamer("mean_square(mixed, mask=face)")
    smooth = picture(60, 70, 5, low=0, high=1)
    larger = resize(smooth, (180, 210))
    one, other = (dreamt(dreamer, FRAME, pictures={"face": mask}) for mask in (smooth, larger))
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.999
    assert np.abs(dreamt(dreamer, FRAME, pictures={"face": resize(HALF, (20, 33))})[:, 50:]).max() < 1e-6


def test_the_strongest_are_chosen_anew_with_each_shot() -> None:
    dreamer = formula_dreamer("strongest(mixed, 3) + channel(mixed, 0)")
    first = dreamer.prepare(FRAME)
    other = 1 - picture(60, 70, 9, low=0, high=0.3)
    later = dreamer.prepare(other, begins_shot=False, before=first)
    cut = dreamer.prepare(other, begins_shot=True, before=later)
    assert np.array_equal(first.given[0], later.given[0])
    assert np.array_equal(cut.given[0], dreamer.prepare(other).given[0])
    assert not np.array_equal(cut.given[0], later.given[0])
    response = np.asarray(dreamer._features(tf.constant(FRAME[None]))[MIXED]).mean(axis=(0, 1, 2))
    assert set(np.flatnonzero(first.given[0])) == set(np.argsort(response)[-3:])


def test_a_guide_is_looked_at_again_only_when_it_changes() -> None:
    dreamer = formula_dreamer("guide(mixed, sea) + guide(wide_relu, sky)")
    first = dreamer.prepare(FRAME, {"sea": GUIDE, "sky": FRAME})
    later = dreamer.prepare(FRAME, {"sea": GUIDE, "sky": GUIDE}, before=first)
    assert later.given[0] is first.given[0]
    assert not np.array_equal(later.given[1], first.given[1])


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (900, 40)])
def test_a_guide_may_have_any_size(size: tuple[int, int]) -> None:
    dreamer = formula_dreamer("guide(mixed, sea)")
    residual = dreamt(dreamer, FRAME, steps=1, pictures={"sea": picture(*size)})
    assert np.isfinite(residual).all()
    assert residual.any()


@pytest.mark.parametrize("layer", [BRANCH, DEEP])
def test_a_picture_in_its_own_style_stays(layer: str) -> None:
    dreamer = formula_dreamer(f"style({layer}, sea)", tile=512)
    prepared = dreamer.prepare(FRAME, {"sea": FRAME})
    features = dreamer._features(tf.constant(FRAME[None]))
    arrays = [tf.constant(array) for array in prepared.given]
    assert float(dreamer.objective.value(view_of(features), [1.0], arrays)) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("more", ["crop=1", "mask=face", "crop=1, mask=face"])
@pytest.mark.parametrize(
    "call", ["mean(mixed", "max(mixed", "channel(mixed, 2", "strongest(mixed, 2", "style(mixed, face", "content(mixed"]
)
def test_every_objective_of_a_layer_may_be_cropped_and_masked(call: str, more: str) -> None:
    frame = picture(48, 56)
    dreamer = tiny_dreamer(objective=f"{call}, {more}) + 0.1 * mean(deep_relu)", layers={}, octaves=1)
    prepared = dreamer.prepare(frame, {"face": picture(30, 40, 5)})
    result = dreamer.dream(frame, np.zeros_like(frame), index=0, steps=2, rate=0.01, prepared=prepared)
    assert np.abs(result.residual).max() > 0.001
