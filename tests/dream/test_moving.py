"""Settings that differ from frame to frame: the dream is that of a dreamer made for them, from the graph there is."""

from typing import Any

import numpy as np
import pytest

from dreamvideo.config import Dream
from dreamvideo.dream.engine import Dreamed, Dreamer
from tests.tiny import BRANCH, DEEP, MIXED, picture, tiny_dream, tiny_dreamer, tiny_network

FRAME = picture(70, 90, low=0.4, high=0.6)
RATE = 0.02
TREATED: dict[str, Any] = {"smooth": 1.5, "one_over_f": 0.7, "natural_colors": 0.6}
MOVING = frozenset(f"dream.{name}" for name in TREATED)
FORMULA = f"1.0 * mean({MIXED}) - 0.3 * tv() + 0.5 * channel({DEEP}, 2)"


def moving(**settings: Any) -> Dreamer:
    """A dreamer that was told of every treatment."""
    return Dreamer(tiny_dream(**settings), seed=0, network=tiny_network(), moving=MOVING)


def dream(dreamer: Dreamer, settings: Dream | None = None, **options: Any) -> Dreamed:
    start = 0.1 * (picture(70, 90, 1) - 0.5)
    asked = {"index": 2, "steps": 4, "rate": RATE, **options}
    return dreamer.dream(FRAME, start, settings=settings, **asked)


def traces(dreamer: Dreamer) -> list[int]:
    return [graph.experimental_get_tracing_count() for graph in dreamer._graphs.values()]


NUMBERS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "strength": ({}, {"strength": 0.4}),
    "octaves": ({}, {"octaves": 3}),
    "octave_scale": ({}, {"octave_scale": 1.2}),
    "octaves_above": ({}, {"octaves_above": 1}),
    "laplacian": ({}, {"laplacian": 3}),
    "laplacian off": ({"laplacian": 3}, {"laplacian": 0}),
    **{name: ({}, {name: value}) for name, value in TREATED.items()},
    "all treatments": ({}, TREATED),
    "momentum": ({"ascent": "momentum"}, {"ascent": "momentum", "momentum": 0.3}),
    "adam": ({"ascent": "adam"}, {"ascent": "adam", "momentum": 0.3}),
    "max_loss": ({}, {"max_loss": 0.14}),
    "no max_loss": ({"max_loss": 0.14}, {}),
    "min_change": ({}, {"min_change": 0.2}),
    "no min_change": ({"min_change": 0.2}, {}),
    "jitter": ({}, {"jitter": 16}),
    "crop": ({}, {"crop": 3}),
    "tile": ({"tile": 256}, {"tile": 64}),
    "halo": ({"tile": 64}, {"tile": 64, "halo": 4}),
    "batch": ({"tile": 64}, {"tile": 64, "batch": 3, "jitter": 16}),
    "weights": ({"layers": {BRANCH: 1.0, DEEP: 0.1}}, {"layers": {BRANCH: 0.1, DEEP: 2.0}}),
    "formula": (
        {"layers": {}, "objective": FORMULA},
        {"layers": {}, "objective": f"0.2 * mean({MIXED}) - 0.01 * tv() + 4 * channel({DEEP}, 2)"},
    ),
    "formulas": (
        {"layers": {}, "objective": [f"mean({MIXED})", f"mean({DEEP})"]},
        {"layers": {}, "objective": [f"-mean({MIXED})", f"2 * mean({DEEP})"]},
    ),
}


@pytest.mark.parametrize(("first", "then"), NUMBERS.values(), ids=NUMBERS)
def test_a_frame_with_other_numbers_is_dreamed_as_by_a_dreamer_made_for_them(
    first: dict[str, Any], then: dict[str, Any]
) -> None:
    dreamer = moving(**first)
    before = dream(dreamer)
    found, wanted = dream(dreamer, tiny_dream(**then)), dream(tiny_dreamer(**then))
    assert found.residual == pytest.approx(wanted.residual, abs=2e-4)
    assert found.objective == pytest.approx(wanted.objective, rel=1e-3)
    assert np.abs(found.residual - before.residual).max() > 10 * 2e-4
    assert np.array_equal(dream(dreamer).residual, before.residual)


@pytest.mark.parametrize("ascent", ["plain", "adam"])
def test_numbers_that_move_trace_no_graph_again(ascent: str) -> None:
    base: dict[str, Any] = {"layers": {BRANCH: 1.0, DEEP: 1.0}, "ascent": ascent}
    dreamer = moving(**base, laplacian=2)
    for step in range(4):
        amounts = {name: value * step / 3 for name, value in TREATED.items()}
        ends = {"max_loss": 10.0 + step if step % 2 else None, "min_change": 0.001 * step or None}
        sizes = {"jitter": 4 + step, "tile": 64 + 8 * step, "halo": step, "octaves": 1 + step}
        weights = {"layers": {BRANCH: 1.0 - step / 3, DEEP: step / 3}, "momentum": 0.2 * step, "strength": 1 + step}
        dream(dreamer, tiny_dream(**{**base, **weights, "laplacian": 2, **amounts, **ends, **sizes}))
    assert traces(dreamer) == [1]


def test_structure_is_traced_once_for_each_value() -> None:
    dreamer = moving()
    for _ in range(2):
        for settings in ({}, {"laplacian": 2}, {"laplacian": 3}, {"crop": 1}, {"batch": 2}):
            dream(dreamer, tiny_dream(**settings), steps=1)
    assert traces(dreamer) == [1] * 4


@pytest.mark.parametrize("name", TREATED)
def test_a_treatment_that_moves_through_0_does_nothing_there(name: str) -> None:
    told = Dreamer(tiny_dream(), seed=0, network=tiny_network(), moving={f"dream.{name}"})
    plain = dream(tiny_dreamer())
    assert dream(told).residual == pytest.approx(plain.residual, abs=2e-4)
    assert dream(told, tiny_dream(**{name: 0.0})).residual == pytest.approx(plain.residual, abs=2e-4)


def test_only_treatments_that_are_on_or_move_are_in_the_graph() -> None:
    def spectra(dreamer: Dreamer) -> int:
        dream(dreamer, steps=1)
        (graph,) = dreamer._graphs.values()
        (traced,) = graph._list_all_concrete_functions()
        bodies = [traced.graph, *(function.graph for function in traced.graph._functions.values())]
        return sum(
            operation.type in {"RFFT", "IRFFT", "IFFT"} for body in bodies for operation in body.get_operations()
        )

    assert spectra(Dreamer(tiny_dream(), seed=0, network=tiny_network())) == 0
    assert spectra(moving()) > 0


@pytest.mark.parametrize("settings", [{"smooth": 1.0}, {"natural_colors": 0.5}, {"one_over_f": 1.0}])
def test_a_treatment_that_nothing_was_told_of_is_not_passed_over(settings: dict[str, Any]) -> None:
    (name,) = settings
    with pytest.raises(ValueError, match=rf"dream\.{name} differs on a frame"):
        dream(tiny_dreamer(), tiny_dream(**settings))


@pytest.mark.parametrize("settings", [{"normalize": "l2"}, {"ascent": "adam"}, {"layers": {DEEP: 1.0}}])
def test_what_is_no_number_does_not_differ(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="differs on a frame"):
        dream(tiny_dreamer(), tiny_dream(**settings))


RESTING: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "layers": ({"layers": {MIXED: 1.0, DEEP: 0.5}}, {"layers": {MIXED: 0.0, DEEP: 0.0}}),
    "formula": (
        {"layers": {}, "objective": FORMULA},
        {"layers": {}, "objective": f"0 * mean({MIXED}) - 0.0 * tv() + 0 * channel({DEEP}, 2)"},
    ),
}


@pytest.mark.parametrize("mode", ["residual", "grow"])
@pytest.mark.parametrize(("first", "rest"), RESTING.values(), ids=RESTING)
def test_weights_of_0_leave_the_picture(first: dict[str, Any], rest: dict[str, Any], mode: str) -> None:
    more: dict[str, Any] = {"ascent": "momentum", "memory": "carry", "octave_mode": mode}
    start, memory = 0.1 * (picture(70, 90, 1) - 0.5), picture(70, 90, 2)
    resting = tiny_dream(**first, **more).model_copy(update=rest)
    for dreamer in (
        tiny_dreamer(**first, **more),
        Dreamer(resting, seed=0, network=tiny_network(), moving={"dream.layers", "dream.objective"}),
    ):
        found = dreamer.dream(FRAME, start, index=0, steps=3, rate=RATE, settings=resting, remembered=(memory, 3.0))
        assert np.array_equal(found.residual, start)
        assert (found.objective, found.remembered) == (0.0, (memory, 3.0))
        assert np.isfinite(dream(dreamer, tiny_dream(**first, **more)).residual).all()


def test_weights_move_the_dream_from_one_layer_to_the_other() -> None:
    ends = [dream(tiny_dreamer(layers={BRANCH: 1.0 - share, DEEP: share})).residual for share in (0.0, 1.0)]
    assert ends[1] == pytest.approx(dream(tiny_dreamer(layers={DEEP: 1.0})).residual, abs=1e-5)
    dreamer = tiny_dreamer(layers={BRANCH: 1.0, DEEP: 1.0})

    def nearness(share: float) -> list[float]:
        found = dream(dreamer, tiny_dream(layers={BRANCH: 1.0 - share, DEEP: share})).residual
        return [float(np.corrcoef(found.ravel(), end.ravel())[0, 1]) for end in ends]

    first, second = zip(*(nearness(share) for share in (0.0, 0.25, 0.5, 0.75, 1.0)), strict=True)
    assert first[0] == pytest.approx(1, abs=1e-4)
    assert second[-1] == pytest.approx(1, abs=1e-4)
    assert list(first) == sorted(first, reverse=True)
    assert list(second) == sorted(second)


def test_sizes_and_tiles_are_those_of_the_frames_settings() -> None:
    dreamer = tiny_dreamer(octaves=4, layers={DEEP: 1.0})
    wide = tiny_dream(octaves=6, layers={DEEP: 1.0}, crop=6, tile=64)
    alone = tiny_dreamer(octaves=6, layers={DEEP: 1.0}, crop=6, tile=64)
    assert alone.smallest > dreamer.smallest
    assert dreamer.octave_sizes(90, 120, wide) == alone.octave_sizes(90, 120) != dreamer.octave_sizes(90, 120)
    assert dreamer.notes(90, 120, wide) == alone.notes(90, 120) != dreamer.notes(90, 120)
    axes = (dreamer.tile_axes((200, 200), (0.5, 0.5), wide), alone.tile_axes((200, 200), (0.5, 0.5)))
    assert all(np.array_equal(one.take, other.take) for one, other in zip(*axes, strict=True))
