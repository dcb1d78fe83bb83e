"""The engine: it climbs, stays within the picture, hides its tiles, and gives the same dream for the same key."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.config import Dream
from dreamvideo.dream.engine import Dreamed, Dreamer, resize
from dreamvideo.dream.gradients import SMALLEST_BAND
from dreamvideo.dream.networks import Network
from dreamvideo.dream.terms import view_of
from dreamvideo.errors import ConfigError, DreamFailed
from tests.tiny import BRANCH, DEEP, MIXED, picture, tiny_dream, tiny_dreamer, tiny_network, zeros

BOTTLENECK = "mixed4_7x7_bottleneck_pre_relu"
RATE = 0.02


def dream(dreamer: Dreamer, frame: np.ndarray, *, start: np.ndarray | None = None, **options: Any) -> Dreamed:
    asked = {"index": 0, "steps": 2, "rate": RATE, **options}
    return dreamer.dream(frame, zeros(frame) if start is None else start, **asked)


def objective(dreamer: Dreamer, frame: np.ndarray) -> float:
    """The objective of a whole frame, found without the engine."""
    activations = dreamer.network.features(dreamer.objective.layers, "float32")(tf.constant(frame[None]))
    return float(dreamer.objective.value(view_of(activations), np.array(dreamer.objective.weights, np.float32)))


def rms(values: np.ndarray) -> float:
    return float(np.sqrt((values.astype(np.float64) ** 2).mean()))


def traces(dreamer: Dreamer) -> list[int]:
    """How often each of the dreamer's graphs was traced."""
    return [graph.experimental_get_tracing_count() for graph in dreamer._graphs.values()]


@pytest.fixture(scope="module")
def plain() -> Dreamer:
    """One octave, no treatment, no memory, no jitter."""
    return tiny_dreamer(octaves=1, ascent="plain", jitter=1)


@pytest.fixture(scope="module")
def many() -> Dreamer:
    """Twelve octaves and both treatments."""
    return tiny_dreamer(octaves=12, octave_scale=1.3, laplacian=4, natural_colors=0.8)


@pytest.fixture(scope="module")
def real(inception: Network) -> Dreamer:
    settings = Dream(layers={"mixed2": 1.0}, precision="float32", octaves=2, tile=128, halo=48)
    return Dreamer(settings, seed=0, network=inception)


LOOKS: dict[str, dict[str, Any]] = {
    "raw": {},
    "mean": {"objective": "mean"},
    "treated": {"laplacian": 4, "natural_colors": 0.8},
    "smooth": {"smooth": 1.0},
    "one over f": {"one_over_f": 1.0},
    "adam": {"ascent": "adam", "strength": 0.5},
    "detail": {"octave_mode": "detail"},
    "grow": {"octave_mode": "grow", "octave_scale": 1.1},
    "two layers": {"layers": {BRANCH: 0.5, DEEP: 2.0}},
    "cropped": {"layers": {DEEP: 1.0}, "crop": 2},
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_the_objective_rises(look: dict[str, Any]) -> None:
    dreamer, frame = tiny_dreamer(jitter=1, **look), picture(60, 70)  # on the very grid that is measured
    few, more = (dream(dreamer, frame, steps=steps).residual for steps in (2, 6))
    assert objective(dreamer, frame) < objective(dreamer, frame + few) < objective(dreamer, frame + more)


def test_the_objective_that_is_told_is_that_of_the_picture_before_the_last_step(plain: Dreamer) -> None:
    frame = picture(120, 140)
    told = dream(plain, frame, steps=1).objective
    assert told == pytest.approx(objective(plain, frame), rel=0.05)  # it saw a frame with reflected borders


def test_a_negative_weight_is_descent() -> None:
    dreamer, frame = tiny_dreamer(layers={MIXED: -1.0}), picture(60, 70)
    assert objective(dreamer, frame + dream(dreamer, frame).residual) > objective(dreamer, frame)


@pytest.mark.parametrize(("strength", "rate", "steps"), [(0.0, RATE, 3), (1.0, 0.0, 3)])
def test_no_strength_is_the_identity(strength: float, rate: float, steps: int) -> None:
    frame = picture(40, 50)
    start = 0.1 * (picture(40, 50, 1) - 0.5)
    result = dream(tiny_dreamer(strength=strength), frame, start=start, rate=rate, steps=steps)
    assert np.array_equal(result.residual, start)


def test_strength_multiplies_the_step(plain: Dreamer) -> None:
    double = tiny_dreamer(octaves=1, ascent="plain", jitter=1, strength=2.0)
    frame = picture(50, 60)
    assert np.array_equal(dream(double, frame).residual, dream(plain, frame, rate=2 * RATE).residual)


def test_a_step_changes_the_picture_by_the_rate_that_is_asked_for(plain: Dreamer) -> None:
    assert rms(dream(plain, picture(64, 80), steps=1).residual) == pytest.approx(RATE, rel=1e-3)


@pytest.mark.parametrize("frame", [picture(40, 50, low=0, high=1), zeros(picture(40, 50)), zeros(picture(40, 50)) + 1])
def test_the_picture_stays_within_its_range(many: Dreamer, frame: np.ndarray) -> None:
    result = dream(many, frame, steps=4, rate=0.5).residual
    assert result.dtype == np.float32
    assert result.shape == frame.shape
    assert rms(result) > 0.01
    assert frame + result == pytest.approx(np.clip(frame + result, 0, 1), abs=1e-6)


def test_a_carried_start_is_refined_not_replaced(plain: Dreamer) -> None:
    frame = picture(64, 80)
    start = dream(plain, frame, steps=4).residual
    result = dream(plain, frame, start=start, steps=1).residual
    assert 0.8 * RATE < rms(result - start) < 1.01 * RATE  # less than the rate where the range ends


def test_finer_octaves_start_from_what_the_coarser_ones_found() -> None:
    """The formula of the residual pyramid, written out with the engine's own single octave."""
    dreamer = tiny_dreamer(octaves=2, jitter=1)
    frame = picture(60, 90)
    start = 0.1 * (picture(60, 90, 1) - 0.5)
    small = dreamer.octave_sizes(60, 90)[1]
    coarse = dream(tiny_dreamer(octaves=1, jitter=1), resize(frame, small), start=resize(start, small)).residual
    raised = start + resize(coarse - resize(start, small), (60, 90))
    fine = dream(tiny_dreamer(octaves=1, jitter=1), frame, start=raised).residual
    assert dream(dreamer, frame, start=start).residual == pytest.approx(fine, abs=1e-6)


MODES: dict[str, dict[str, Any]] = {
    "plain": {"octaves": 3},
    "one above": {"octaves": 3, "octaves_above": 1},
}


def octave(picture: np.ndarray) -> np.ndarray:
    """The engine's steps on one picture, without octaves."""
    return dream(tiny_dreamer(octaves=1, jitter=1), zeros(picture), start=np.clip(picture, 0, 1)).residual


@pytest.mark.parametrize("more", MODES.values(), ids=MODES)
def test_the_detail_mode_written_out(more: dict[str, Any]) -> None:
    """As in the Keras example: the picture is enlarged, with what shrinking it had lost."""
    dreamer = tiny_dreamer(octave_mode="detail", jitter=1, **more)
    frame, start = picture(60, 90), 0.1 * (picture(60, 90, 1) - 0.5)
    sizes = dreamer.octave_sizes(60, 90)[::-1]
    original = frame + start
    shrunk = resize(original, sizes[0])
    dreamt = shrunk
    for size in sizes:
        now = resize(original, size)
        dreamt = octave(resize(dreamt, size)) + now - resize(shrunk, size)
        shrunk = now
    wanted = np.clip(resize(dreamt, (60, 90)), 0, 1)
    assert frame + dream(dreamer, frame, start=start).residual == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("more", MODES.values(), ids=MODES)
def test_the_grow_mode_written_out(more: dict[str, Any]) -> None:
    dreamer = tiny_dreamer(octave_mode="grow", jitter=1, **more)
    frame, start = picture(60, 90), 0.1 * (picture(60, 90, 1) - 0.5)
    dreamt = frame + start
    for size in dreamer.octave_sizes(60, 90)[::-1]:
        dreamt = octave(resize(dreamt, size))
    wanted = np.clip(resize(dreamt, (60, 90)), 0, 1)
    assert frame + dream(dreamer, frame, start=start).residual == pytest.approx(wanted, abs=1e-5)


def test_octaves_above_are_larger_than_the_frame_and_made_smaller_at_the_end() -> None:
    dreamer = tiny_dreamer(octaves=2, octaves_above=1, octave_scale=2.0, jitter=1)
    assert dreamer.octave_sizes(60, 90) == [(120, 180), (60, 90)]
    assert tiny_dreamer(octaves=4, octaves_above=3).octave_sizes(1, 1)[-1] == (1, 1)
    frame, start, alone = picture(60, 90), 0.1 * (picture(60, 90, 1) - 0.5), tiny_dreamer(octaves=1, jitter=1)
    large = (120, 180)
    base, carried = resize(frame, large), resize(start, large)
    delta = dream(alone, frame, start=start).residual - start
    delta = dream(alone, base, start=carried + resize(delta, large)).residual - carried
    wanted = start + resize(delta, (60, 90))
    assert dream(dreamer, frame, start=start).residual == pytest.approx(wanted, abs=1e-5)


@pytest.mark.parametrize("mode", ["residual", "detail", "grow"])
def test_refining_goes_by_residuals_in_every_mode(mode: str) -> None:
    frame, start = picture(60, 70), 0.1 * (picture(60, 70, 1) - 0.5)
    plain = dream(tiny_dreamer(octaves=2, jitter=1), frame, start=start).residual
    dreamer = tiny_dreamer(octaves=2, jitter=1, octave_mode=mode)
    assert np.array_equal(dream(dreamer, frame, start=start, refine=True).residual, plain)
    assert np.array_equal(dream(dreamer, frame, start=start).residual, plain) == (mode == "residual")


@pytest.mark.parametrize("above", [0, 1])
@pytest.mark.parametrize("mode", ["residual", "detail", "grow"])
def test_in_every_mode_the_picture_stays_within_its_range(mode: str, above: int) -> None:
    frame = picture(40, 50, low=0, high=1)
    dreamer = tiny_dreamer(octaves=3, octaves_above=above, octave_mode=mode, jitter=1)
    result = dream(dreamer, frame, steps=4, rate=0.3).residual
    assert frame + result == pytest.approx(np.clip(frame + result, 0, 1), abs=1e-6)
    again = dream(dreamer, frame, start=result, steps=2, rate=0.3, refine=True).residual
    assert frame + again == pytest.approx(np.clip(frame + again, 0, 1), abs=1e-6)


@pytest.mark.parametrize("size", [(1, 1), (1, 60), (7, 90)])
def test_any_frame_can_be_dreamed_with_every_treatment_and_memory(size: tuple[int, int]) -> None:
    look: dict[str, Any] = {"smooth": 3.0, "one_over_f": 1.0, "ascent": "adam", "memory": "carry", "octaves_above": 2}
    dreamer = tiny_dreamer(octaves=4, octave_mode="detail", **look)
    result = dream(dreamer, picture(*size))
    assert result.residual.shape == (*size, 3)
    assert np.isfinite(result.residual).all()
    memory, _ = result.remembered
    assert memory is not None
    assert memory.shape == (*size, 6)


def one_step(size: int, halo: int, network: Network, layer: str, laplacian: int = 3) -> tuple[np.ndarray, int]:
    """The residual after one step in tiles of ``size``, and how many tiles there were."""
    settings = tiny_dream(octaves=1, laplacian=laplacian, tile=size, halo=halo, layers={layer: 1.0})
    dreamer, frame = Dreamer(settings, seed=0, network=network), picture(150, 200)
    layout = dreamer._layout(frame.shape[:2], 1, (0, 1))
    return dream(dreamer, frame, steps=1).residual, int(np.prod([len(axes[0].take) for axes in layout]))


def along_axes(difference: np.ndarray) -> np.ndarray:
    """The mean of each row, and of each column."""
    return np.concatenate([difference.mean(axis=(1, 2)), difference.mean(axis=(0, 2))])


def test_tiles_equal_one_large_tile() -> None:
    network = tiny_network(stride=1)
    (tiled, tiles), (whole, one) = (one_step(size, 16, network, DEEP, laplacian=0) for size in (64, 1024))
    assert tiles > 20
    assert one == 1
    # At the frame's own borders the canvases end differently, which the normalisation spreads as one factor.
    tiled, whole = tiled[16:-16, 16:-16], whole[16:-16, 16:-16]
    factor = (tiled * whole).sum() / (whole * whole).sum()
    assert factor == pytest.approx(1, abs=0.15)
    assert tiled == pytest.approx(factor * whole, abs=1e-3 * RATE)


def test_without_a_halo_the_seams_show() -> None:
    network = tiny_network(stride=1)
    (tiled, _), (whole, _) = (one_step(size, 0, network, DEEP) for size in (64, 1024))
    difference = along_axes(np.abs(tiled - whole))
    assert difference.max() > 0.2 * RATE
    assert difference.max() > 4 * np.median(difference)


@pytest.mark.parametrize("size", [(40, 60), (150, 200), (97, 301)])
def test_every_pixel_gets_a_gradient_up_to_the_last_row_and_column(size: tuple[int, int]) -> None:
    dreamer = tiny_dreamer(octaves=1, tile=64)
    found = np.abs(dream(dreamer, picture(*size), steps=1).residual).max(axis=2)
    strips = [found[:4], found[-4:], found[:, :4], found[:, -4:]]
    assert all(strip.mean() > 0.4 * found.mean() for strip in strips)
    assert (found == 0).mean() < 0.01


@pytest.mark.parametrize("batch", [5, 7])
def test_the_batch_does_not_change_the_dream(batch: int) -> None:
    frame = picture(150, 200)
    alone, together = (tiny_dreamer(octaves=1, tile=64, batch=size) for size in (1, batch))
    tiles = [len(axes[0].take) for axes in alone._layout(frame.shape[:2], 1, (0, 1))]
    assert np.prod(tiles) % batch  # so that the last batch is a smaller one
    one, many = dream(alone, frame), dream(together, frame)
    assert one.residual == pytest.approx(many.residual, abs=1e-5)
    assert one.objective == pytest.approx(many.objective, rel=1e-5)


def test_the_same_key_gives_the_same_dream_whatever_came_before() -> None:
    frame, settings = picture(40, 50), {"jitter": 16}
    one, other = (Dreamer(tiny_dream(**settings), seed=0, network=tiny_network()) for _ in range(2))
    dream(other, picture(30, 33), index=9)
    first = dream(one, frame, index=5).residual
    assert np.array_equal(first, dream(one, frame, index=5).residual)
    assert np.array_equal(first, dream(other, frame, index=5).residual)


def test_another_key_gives_another_dream() -> None:
    frame, settings = picture(40, 50), {"jitter": 16}
    here = dream(tiny_dreamer(**settings), frame, index=5).residual
    assert not np.array_equal(here, dream(tiny_dreamer(**settings), frame, index=6).residual)
    assert not np.array_equal(here, dream(tiny_dreamer(seed=1, **settings), frame, index=5).residual)


def test_every_octave_and_step_has_its_own_offset() -> None:
    dreamer = tiny_dreamer(jitter=64, octaves=4)
    keys = [(0, octave) for octave in range(4)] + [(1, 0)]
    offsets = [tuple(int(axis.pick[0]) for axis in axes) for key in keys for axes in dreamer._layout((40, 50), 4, key)]
    assert len(set(offsets)) == len(offsets)


def test_a_preview_octave_has_the_offsets_of_the_full_render(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaving the finest octave out and starting at its size is the same dream as far as it goes."""
    full, small = tiny_dreamer(octaves=3, octave_scale=2.0), tiny_dreamer(octaves=2, octave_scale=2.0)
    keys: list[tuple[int, int, tuple[int, int]]] = []
    layout = Dreamer._layout

    def spy(self: Dreamer, shape: tuple[int, int], steps: int, key: tuple[int, int], *settings: Any) -> Any:
        keys.append((*shape, key))
        return layout(self, shape, steps, key, *settings)

    monkeypatch.setattr(Dreamer, "_layout", spy)
    dream(full, picture(64, 80))
    dream(small, picture(32, 40))
    assert keys[:2] == keys[3:]


def test_huge_seeds_and_indices_are_fine() -> None:
    assert np.isfinite(dream(tiny_dreamer(seed=2**63 - 1), picture(30, 30), index=10**7).residual).all()


def test_steps_compose(plain: Dreamer) -> None:
    frame = picture(40, 50)
    one = dream(plain, frame, steps=1)
    assert np.array_equal(
        dream(plain, frame, start=one.residual, steps=1).residual, dream(plain, frame, steps=2).residual
    )


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1), (2, 3), (7, 300), (43, 43)])
@pytest.mark.parametrize("tile", [64, 256])
def test_any_frame_can_be_dreamed_in_any_number_of_octaves(size: tuple[int, int], tile: int) -> None:
    dreamer = tiny_dreamer(octaves=12, laplacian=5, natural_colors=0.8, tile=tile, layers={DEEP: 1.0}, crop=1)
    frame = picture(*size)
    result = dream(dreamer, frame)
    assert result.residual.shape == frame.shape
    assert np.isfinite(result.residual).all()
    sizes = dreamer.octave_sizes(*size)
    assert sizes[0] == size
    assert all(min(octave) >= dreamer.smallest for octave in sizes[1:])
    note, *others = dreamer.notes(*size)
    assert any("dream.laplacian" in other for other in others) == (min(size) < SMALLEST_BAND)
    assert f"{len(sizes)} of 12 octaves" in note
    assert f"{size[1]}x{size[0]}" in note


@pytest.mark.parametrize("octaves", range(1, 13))
def test_octave_sizes_shrink_by_the_scale(octaves: int) -> None:
    dreamer = tiny_dreamer(octaves=octaves, octave_scale=1.5)
    sizes = dreamer.octave_sizes(3000, 4000)
    assert sizes == [(round(3000 / 1.5**k), round(4000 / 1.5**k)) for k in range(octaves)]
    assert dreamer.notes(3000, 4000) == []


@pytest.mark.parametrize("layer", ["mixed9", "mixed7"])
def test_a_wide_crop_in_small_tiles_still_has_something_inside(inception: Network, layer: str) -> None:
    """The network needs a large tile then: the tile gives way."""
    settings = Dream(layers={layer: 1.0}, crop=5, precision="float32", tile=64, halo=0, octaves=1)
    dreamer = Dreamer(settings, seed=0, network=inception)
    rows, columns = dreamer._layout((dreamer.smallest + 40, 64), 1, (0, 1))
    assert min(rows[0].take.shape[1], columns[0].take.shape[1]) >= dreamer.smallest


def test_the_graph_is_traced_once(many: Dreamer) -> None:
    for size, steps in (((30, 40), 1), ((64, 51), 3), ((300, 20), 2), ((1, 1), 1)):
        frame = picture(*size)
        dream(many, frame, steps=steps)
        dream(many, frame, start=0.1 * frame - 0.05, rate=0.5, gain=np.ones((*size, 1), np.float32))
    assert traces(many) == [1]


def test_gain_multiplies_the_step_where_it_is(plain: Dreamer) -> None:
    frame = picture(40, 50)
    gain = np.ones((40, 50, 1), np.float32)
    gain[:, 25:], gain[:20] = 3, 0
    base, changed = (dream(plain, frame, steps=1, gain=given).residual for given in (None, gain))
    assert rms(base) > 0
    assert changed == pytest.approx(base * gain, abs=1e-6)


def test_the_inputs_are_left_as_they_were(many: Dreamer) -> None:
    frame, start = picture(40, 50), 0.1 * (picture(40, 50, 1) - 0.5)
    gain = np.full((40, 50, 1), 2, np.float32)
    before = frame.copy(), start.copy(), gain.copy()
    dream(many, frame, start=start, gain=gain)
    assert all(np.array_equal(a, b) for a, b in zip(before, (frame, start, gain), strict=True))


def broken_network(factor: float) -> Network:
    """A network whose first kernel is far too large."""
    network = tiny_network()
    kernel, *_ = network.model.get_layer("stem_conv").get_weights()
    network.model.get_layer("stem_conv").set_weights([kernel * np.float32(factor)])
    return network


@pytest.mark.parametrize("factor", [np.inf, 1e30, 1e38], ids=["infinite", "large", "overflowing"])
@pytest.mark.parametrize("look", [{}, {"laplacian": 5, "natural_colors": 0.8}], ids=["raw", "treated"])
def test_what_is_not_finite_stops_and_names_the_frame(look: dict[str, Any], factor: float) -> None:
    with pytest.raises(DreamFailed, match="frame 17 is not finite") as caught:
        dream(Dreamer(tiny_dream(**look), seed=0, network=broken_network(factor)), picture(40, 50), index=17)
    assert caught.value.exit_code == 6


def test_running_out_of_memory_says_what_helps(monkeypatch: pytest.MonkeyPatch, plain: Dreamer) -> None:
    def exhausted(*_: Any) -> Any:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr(plain, "_graph", lambda *_, **__: exhausted)
    with pytest.raises(DreamFailed, match=r"memory at frame 4.*dream\.tile"):
        dream(plain, picture(40, 50), index=4)


def test_an_unknown_layer_is_found_before_anything_is_dreamed() -> None:
    with pytest.raises(ConfigError, match="did you mean"):
        tiny_dreamer(layers={"mixedd": 1.0})


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_half_precision_dreams_nearly_the_same(precision: str) -> None:
    frame = picture(60, 70)
    half, full = (dream(tiny_dreamer(precision=name), frame).residual for name in (precision, "float32"))
    assert half.dtype == np.float32
    assert np.corrcoef(half.ravel(), full.ravel())[0, 1] > 0.9


@pytest.mark.filterwarnings("error::UserWarning")
def test_a_dream_warns_of_nothing() -> None:
    dream(tiny_dreamer(laplacian=2), picture(30, 30))


@pytest.mark.parametrize(("down", "size"), [(True, (10, 15)), (False, (37, 50))])
def test_resizing_keeps_the_mean_and_the_shape(down: bool, size: tuple[int, int]) -> None:
    values = picture(20, 30)[..., :1]
    resized = resize(values, size)
    assert resized.shape == (*size, 1)
    assert resized.mean() == pytest.approx(values.mean(), abs=1e-3 if down else 0.02)
    assert resize(values, (20, 30)) is values


def test_the_real_objective_rises(real: Dreamer) -> None:
    frame = picture(120, 140)
    assert objective(real, frame + dream(real, frame, steps=3).residual) > 1.3 * objective(real, frame)


def test_the_real_networks_tiles_differ_no_more_at_their_seams_than_elsewhere(inception: Network) -> None:
    (halo, tiles), (whole, _), (bare, _) = (
        one_step(size, halo, inception, "mixed0") for size, halo in ((150, 32), (512, 32), (150, 0))
    )
    assert tiles == 3
    inside = np.s_[16:-16, 16:-16]  # at the frame's own borders the canvases end differently
    with_halo, without = (along_axes(np.abs(tiled - whole)[inside]) for tiled in (halo, bare))
    assert with_halo.max() < 2.5 * np.median(with_halo)
    assert without.max() > with_halo.max()


def test_the_bottleneck_of_a_branch_can_be_dreamed_on(inception: Network) -> None:
    dreamer = Dreamer(Dream(layers={BOTTLENECK: 1.0}, precision="float32", octaves=1), seed=0, network=inception)
    frame = picture(96, 112)
    assert objective(dreamer, frame + dream(dreamer, frame, steps=3).residual) > 1.1 * objective(dreamer, frame)


@pytest.mark.parametrize("size", [122, 128])
def test_every_border_is_dreamed_as_strongly_as_the_middle(inception: Network, size: int) -> None:
    """At these sizes InceptionV3, which has layers without padding, would leave a strip at the far ends out."""
    dreamer = Dreamer(Dream(layers={"mixed4": 1.0}, precision="float32", octaves=1), seed=0, network=inception)
    power = np.zeros((size, size))
    for index in range(3):
        power += (dream(dreamer, picture(size, size, index), index=index, steps=4).residual ** 2).mean(axis=2)
    middle = np.sqrt(power[40:-40, 40:-40].mean())
    for strip in (power[:6], power[-6:], power[:, :6], power[:, -6:]):
        assert np.sqrt(strip.mean()) > 0.6 * middle


def test_the_sizes_that_a_network_sees_whole(inception: Network) -> None:
    assert inception.whole_sides(["mixed4", "mixed0"]) == (16, 11)  # 299 is InceptionV3's own size
    assert inception.whole_sides(["mixed9"]) == (32, 299 % 32)


def test_a_picture_that_no_formula_looks_at_is_told_of() -> None:
    dreamer = tiny_dreamer(objective="guide(mixed, sea)", layers={}, pictures={"sea": "a.png", "sky": "b.png"})
    assert dreamer.notes(64, 64) == ["the objective does not look at the picture sky"]
