"""Pictures that are dreamed together: each is what it would be alone, whatever lies beside it."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.dream.engine import TOGETHER, Dreamed, Dreamer
from dreamvideo.dream.sight import Prepared
from dreamvideo.errors import DreamFailed
from tests.tiny import BRANCH, DEEP, MIXED, picture, tiny_dream, tiny_dreamer, tiny_network, zeros

RATE, STEPS = 0.02, 4
CLOSE = 1e-4
TREATED: dict[str, Any] = {"laplacian": 4, "natural_colors": 0.8, "smooth": 2.0, "one_over_f": 0.5}
LOOKS: dict[str, dict[str, Any]] = {
    "raw": {},
    "treated": TREATED,
    "treated, in tiles": {**TREATED, "tile": 64, "batch": 32},
    "momentum, std, detail": {
        "ascent": "momentum",
        "normalize": "std",
        "octave_mode": "detail",
        "octaves": 3,
        "octaves_above": 1,
        "laplacian": 3,
    },
    "adam, mean_abs, grow": {
        "ascent": "adam",
        "memory": "carry",
        "normalize": "mean_abs",
        "octave_mode": "grow",
        "smooth": 1.0,
    },
    "l2, in tiles": {"normalize": "l2", "tile": 64, "batch": 35, "one_over_f": 1.0},
    "no norm": {"normalize": "none", "natural_colors": 0.5, "layers": {BRANCH: 1.0, DEEP: -0.5}},
    "maps": {"layers": {}, "objective": f"mean({MIXED}) + content({BRANCH}) + neuron({DEEP}, 0.5, 0.5, 1) + tv()"},
    "chosen": {"layers": {}, "objective": f"channel({DEEP}, 2) + 0 * mean({MIXED}, crop=1)", "batch": 3},
}
RATES = {"l2": 2.0, "none": 100.0}  # for the others a step is as long as its rate


def frames(count: int = 3, size: tuple[int, int] = (90, 101)) -> list[np.ndarray]:
    return [picture(*size, seed, low=0, high=1) for seed in range(count)]


def several(dreamer: Dreamer, pictures: Sequence[np.ndarray], **more: Any) -> list[Dreamed | DreamFailed]:
    return dreamer.dream_several(pictures, **{"steps": STEPS, "rate": RATE, **more})


def good(dreamer: Dreamer, pictures: Sequence[np.ndarray], **more: Any) -> list[Dreamed]:
    """All of them, none of which failed."""
    found = several(dreamer, pictures, **more)
    assert not [each for each in found if isinstance(each, DreamFailed)]
    return [each for each in found if isinstance(each, Dreamed)]


def alone(dreamer: Dreamer, frame: np.ndarray, rate: float = RATE) -> Dreamed:
    return dreamer.dream(frame, zeros(frame), index=0, steps=STEPS, rate=rate)


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Of every octave that is dreamed: how many pictures there were, and how many tiles went through at once."""
    made: list[tuple[int, int]] = []
    original = Dreamer._graph

    def spy(self: Dreamer, *arguments: Any, **options: Any) -> Callable[..., Any]:
        graph = original(self, *arguments, **options)

        def call(planes: Any, layout: Any, *rest: Any) -> Any:
            made.append((len(planes.base), layout.batch))
            return graph(planes, layout, *rest)

        return call

    monkeypatch.setattr(Dreamer, "_graph", spy)
    return made


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_together_each_picture_is_what_it_is_alone(look: dict[str, Any]) -> None:
    dreamer, pictures, rate = tiny_dreamer(**look), frames(), RATES.get(look.get("normalize", "rms"), RATE)
    assert dreamer.most_together(90, 101) >= len(pictures)
    for found, frame in zip(good(dreamer, pictures, rate=rate), pictures, strict=True):
        wanted = alone(dreamer, frame, rate)
        assert np.abs(wanted.residual).max() > 100 * CLOSE
        assert np.abs(found.residual - wanted.residual).max() < CLOSE
        assert found.objective == pytest.approx(wanted.objective, rel=1e-4)
        for kept, memory in zip(found.remembered, wanted.remembered, strict=True):
            assert kept is memory or kept == pytest.approx(memory, abs=1e-4)


def test_neither_companions_nor_the_place_among_them_matter() -> None:
    dreamer = tiny_dreamer(**TREATED, ascent="momentum")
    first, second, third = frames()
    dark = zeros(first)
    here = good(dreamer, [first, second, third])[0].residual
    there = good(dreamer, [1 - second, dark, first, dark])[2].residual
    assert np.abs(here - there).max() < CLOSE


def test_pictures_do_go_together_and_a_single_one_as_ever(passes: list[tuple[int, int]]) -> None:
    dreamer, pictures = tiny_dreamer(tile=128, batch=2, octaves=2), frames(3, (60, 70))
    good(dreamer, pictures)
    sizes = [np.prod([axis.take.shape[1] for axis in dreamer.tile_axes(size)]) for size in ((60, 70), (40, 47))]
    assert [count for count, _ in passes] == [3, 3]
    assert passes[1][1] == 2 * 128**2 // sizes[0]
    assert passes[0][1] == 2 * 128**2 // sizes[1]
    del passes[:]
    assert np.array_equal(good(dreamer, pictures[:1])[0].residual, alone(dreamer, pictures[0]).residual)
    assert passes == [(1, 2)] * 4


def test_a_stack_has_no_more_pixels_than_a_few_passes() -> None:
    dreamer = tiny_dreamer(tile=256, batch=2)
    assert dreamer.most_together(64, 64) == TOGETHER * 2 * 256**2 // 64**2
    assert dreamer.most_together(2000, 3000) == 1
    above = tiny_dreamer(tile=256, batch=2, octaves_above=1)
    assert above.most_together(64, 64) == TOGETHER * 2 * 256**2 // 96**2


ALONE: dict[str, dict[str, Any]] = {
    "most loss": {"max_loss": 0.1},
    "least change": {"min_change": 0.05},
    "too many": {"tile": 64},
    "own channels": {"layers": {}, "objective": f"weakest({MIXED}, 3)"},
}


@pytest.mark.parametrize("look", ALONE.values(), ids=ALONE)
def test_what_cannot_go_together_goes_one_by_one(look: dict[str, Any], passes: list[tuple[int, int]]) -> None:
    dreamer, pictures = tiny_dreamer(**look), [*frames(2), *[zeros(picture(90, 101)) + 0.1 * i for i in range(2)]]
    found = good(dreamer, pictures)
    assert {count for count, _ in passes} == {1}
    for each, frame in zip(found, pictures, strict=True):
        assert np.array_equal(each.residual, alone(dreamer, frame).residual)


def test_what_was_prepared_is_looked_at() -> None:
    look: dict[str, Any] = {"layers": {}, "objective": f"mean({MIXED}, mask=here)", "octaves": 1}
    dreamer, pictures = tiny_dreamer(**look, pictures={"here": ""}), frames()
    mask = zeros(pictures[0])
    mask[:, :50] = 1
    prepared: list[Prepared] = [dreamer.prepare(frame, {"here": mask}) for frame in pictures]
    for found, frame, each in zip(good(dreamer, pictures, prepared=prepared), pictures, prepared, strict=True):
        wanted = dreamer.dream(frame, zeros(frame), index=0, steps=STEPS, rate=RATE, prepared=each)
        assert not found.residual[:, 50:].any()
        assert np.abs(found.residual - wanted.residual).max() < CLOSE


def test_settings_and_rates_of_nothing_leave_the_pictures() -> None:
    dreamer, pictures = tiny_dreamer(), frames()
    assert not any(each.residual.any() for each in good(dreamer, pictures, rate=0.0))
    for each in good(dreamer, pictures, settings=tiny_dream(strength=0.0)):
        assert not each.residual.any()


@pytest.mark.parametrize("look", [{}, TREATED], ids=["raw", "treated"])
def test_one_that_is_not_finite_fails_alone(look: dict[str, Any]) -> None:
    dreamer, pictures = tiny_dreamer(**look, tile=128), frames()
    pictures[1][40, 50] = np.inf
    found = several(dreamer, pictures)
    assert isinstance(found[1], DreamFailed)
    assert "not finite" in str(found[1])
    for i in (0, 2):
        each = found[i]
        assert isinstance(each, Dreamed)
        assert np.abs(each.residual - alone(dreamer, pictures[i]).residual).max() < CLOSE


def test_all_that_are_not_finite_fail() -> None:
    pictures = frames()
    for frame in pictures:
        frame[40, 50] = np.inf
    found = several(tiny_dreamer(tile=128), pictures)
    assert [type(each) for each in found] == [DreamFailed] * 3


def test_what_runs_out_of_memory_together_is_dreamed_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    dreamer, pictures = tiny_dreamer(), frames()
    wanted = [alone(dreamer, frame).residual for frame in pictures]
    original = Dreamer._graph

    def exhausted(*_: Any) -> Any:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    def graph(self: Dreamer, settings: Any, *, several: bool) -> Any:
        return exhausted if several else original(self, settings, several=several)

    monkeypatch.setattr(Dreamer, "_graph", graph)
    for each, residual in zip(good(dreamer, pictures), wanted, strict=True):
        assert np.array_equal(each.residual, residual)


def test_pictures_of_any_number_and_size_share_one_graph() -> None:
    dreamer = Dreamer(tiny_dream(**TREATED), seed=0, network=tiny_network())
    for count, size in ((2, (40, 50)), (5, (33, 61)), (3, (1, 1))):
        good(dreamer, frames(count, size))
    assert [graph.experimental_get_tracing_count() for graph in dreamer._graphs.values()] == [1]


def test_half_precision_dreams_nearly_the_same_together() -> None:
    dreamer, pictures = tiny_dreamer(precision="bfloat16"), frames()
    for found, frame in zip(good(dreamer, pictures), pictures, strict=True):
        assert np.abs(found.residual - alone(dreamer, frame).residual).max() < 0.1 * RATE
