"""The colours of the result: neutral is identity, hues are kept, statistics met, blends are W3C's; nothing explodes."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dreamvideo.config import Color
from dreamvideo.media import grade as grading
from dreamvideo.media.grade import (
    LEAST_GAIN,
    MOST_GAIN,
    Statistics,
    blend,
    contrast,
    grade,
    is_neutral,
    keep_colors,
    match_statistics,
    saturate,
    statistics,
)
from tests.tiny import picture

HEIGHT, WIDTH = 40, 60
LUMA = np.array([0.2127, 0.7152, 0.0722])  # BT.709
MODES = ("normal", "screen", "overlay", "soft-light")
ONE_OF_EACH: list[tuple[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = [
    ("keep", lambda source, dreamed: keep_colors(source, dreamed, 0.7)),
    ("match", lambda source, dreamed: match_statistics(dreamed, statistics(source), 0.7)),
    ("saturate", lambda _, dreamed: saturate(dreamed, 2.5)),
    ("contrast", lambda _, dreamed: contrast(dreamed, 2.5)),
    *((mode, lambda source, dreamed, mode=mode: blend(source, dreamed, mode, 0.7)) for mode in MODES),
]


def smooth(seed: int, low: float, high: float) -> np.ndarray:
    """A picture of soft blobs of every colour, between ``low`` and ``high``."""
    blobs = cv2.resize(np.random.default_rng(seed).random((5, 7, 3), np.float32), (WIDTH, HEIGHT))
    return np.clip(low + (high - low) * blobs, 0, 1)


def pixels(*values: tuple[float, float, float]) -> np.ndarray:
    return np.array([values], np.float32)


def lab(frame: np.ndarray) -> np.ndarray:
    """CIE Lab, by scikit-image: exact where OpenCV's is a table."""
    return pytest.importorskip("skimage.color").rgb2lab(frame.astype(np.float64))


def hue_difference(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """In degrees of Lab, where both have a hue to speak of."""
    (a, b), (c, d) = (np.moveaxis(lab(frame)[..., 1:], -1, 0) for frame in (one, other))
    colorful = (np.hypot(a, b) > 10) & (np.hypot(c, d) > 10)
    return np.abs(np.degrees(np.angle((a + 1j * b) / (c + 1j * d + 1e-12))))[colorful]


def luma(frame: np.ndarray) -> np.ndarray:
    return frame @ LUMA


def test_neutral_settings_give_the_dream_itself() -> None:
    source, dreamed = picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH, 1)
    assert is_neutral(Color())
    assert grade(source, dreamed, Color()) is dreamed
    assert grade(source, dreamed, Color(), statistics(source)) is dreamed


@pytest.mark.parametrize(
    "setting",
    [{"keep": 0.1}, {"match": 0.1}, {"saturation": 0.9}, {"contrast": 1.1}, {"blend": "screen"}, {"opacity": 0.9}],
)
def test_each_setting_alone_is_not_neutral_and_changes_the_picture(setting: dict[str, float | str]) -> None:
    source, dreamed = smooth(0, 0.3, 0.7), smooth(1, 0.1, 0.9)
    settings = Color.model_validate(setting)
    assert not is_neutral(settings)
    assert np.abs(grade(source, dreamed, settings) - dreamed).max() > 0.003


def test_functions_asked_for_nothing_give_the_very_frame() -> None:
    source, dreamed = picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH, 1)
    assert keep_colors(source, dreamed, 0) is dreamed
    assert match_statistics(dreamed, statistics(source), 0) is dreamed
    assert saturate(dreamed, 1) is dreamed
    assert contrast(dreamed, 1) is dreamed
    assert blend(source, dreamed, "normal", 1) is dreamed


def test_kept_colours_have_the_sources_hue_and_chroma_and_the_dreams_lightness() -> None:
    source, dreamed = smooth(0, 0.35, 0.65), smooth(1, 0.3, 0.7)
    kept = keep_colors(source, dreamed, 1)
    assert np.median(hue_difference(kept, source)) < 0.5
    assert hue_difference(kept, source).max() < 6
    chroma = [np.hypot(*np.moveaxis(lab(frame)[..., 1:], -1, 0)) for frame in (kept, source)]
    assert np.abs(chroma[0] - chroma[1]).mean() < 1
    lightness = np.abs(lab(kept) - lab(dreamed))[..., 0]
    assert lightness.mean() < 0.3
    assert lightness.max() < 1.5
    assert np.median(hue_difference(dreamed, source)) > 30


def test_kept_colours_keep_their_hue_where_there_is_little_room_for_them() -> None:
    """Where channels were clipped one by one, a saturated source under a very light or dark dream would turn."""
    source, dreamed = smooth(0, -0.4, 1.4), smooth(1, -1.0, 2.0)
    kept = keep_colors(source, dreamed, 1)
    difference = hue_difference(kept, source)
    assert np.median(difference) < 4
    assert np.percentile(difference, 90) < 20
    assert np.abs(lab(kept) - lab(dreamed))[..., 0].max() < 5


def test_black_and_white_dreams_stay_so_whatever_the_source() -> None:
    source = pixels((1, 0, 0), (0, 1, 0), (0, 0, 1), (0.2, 0.5, 0.9))
    for value in (0, 1):
        dreamed = np.full_like(source, value)
        assert keep_colors(source, dreamed, 1) == pytest.approx(dreamed, abs=1e-3)


def test_a_grey_source_makes_grey_dreams() -> None:
    kept = keep_colors(np.full((HEIGHT, WIDTH, 3), 0.3, np.float32), smooth(1, 0, 1), 1)
    assert np.ptp(kept, axis=-1).max() < 1e-3


def test_a_source_that_is_dreamed_already_keeps_everything() -> None:
    source = smooth(0, -0.2, 1.2)
    assert keep_colors(source, source, 1) == pytest.approx(source, abs=1e-3)


def test_colours_go_from_the_dreams_to_the_sources() -> None:
    source, dreamed = smooth(0, 0.35, 0.65), smooth(1, 0.3, 0.7)
    distances = []
    for amount in (0.0, 0.25, 0.5, 0.75, 1.0):
        color = lab(keep_colors(source, dreamed, amount))[..., 1:]
        distances.append(np.abs(color - lab(source)[..., 1:]).mean())
    assert np.all(np.diff(distances) < 0)
    assert distances[2] == pytest.approx(distances[0] / 2, rel=0.1)


def test_a_match_meets_the_references_statistics() -> None:
    reference, frame = statistics(smooth(0, 0.35, 0.6)), smooth(1, 0.3, 0.7)
    matched = statistics(match_statistics(frame, reference, 1))
    assert matched.mean == pytest.approx(reference.mean, abs=1e-5)
    assert matched.deviation == pytest.approx(reference.deviation, abs=1e-5)
    assert np.abs(statistics(frame).mean - reference.mean).max() > 0.01


def test_statistics_are_of_luma_and_two_opponents() -> None:
    found = statistics(pixels((1, 0, 0), (0, 0, 1)))
    assert found.mean.dtype == found.deviation.dtype == np.float32
    assert found.mean == pytest.approx([(0.2127 + 0.0722) / 2, 0.25, 0.125], abs=1e-4)
    assert found.deviation == pytest.approx([(0.2127 - 0.0722) / 2, 0.25, 0.375], abs=1e-4)


def test_more_of_a_match_is_nearer_to_the_reference() -> None:
    reference, frame = statistics(smooth(0, 0.35, 0.6)), smooth(1, 0.3, 0.7)
    now = [statistics(match_statistics(frame, reference, amount)) for amount in (0, 0.25, 0.5, 0.75, 1)]
    for name in ("mean", "deviation"):
        distances = np.array([np.abs(getattr(each, name) - getattr(reference, name)) for each in now])
        assert np.all(np.diff(distances, axis=0) < 0)
        assert distances[2] == pytest.approx(distances[0] / 2, abs=1e-5)


@pytest.mark.parametrize("reach", [0.3, 0.9])
def test_a_match_over_and_over_changes_nothing_more(reach: float) -> None:
    """Also where black and white are met, as in a dive, where each frame grows from the one before."""
    frame = smooth(1, 0.5 - reach, 0.5 + reach)
    reference = statistics(frame)
    assert match_statistics(frame, reference, 1) is frame
    off = match_statistics(frame, Statistics(reference.mean + np.float32(0.03), reference.deviation * 1.2), 1)
    course = [match_statistics(off, reference, 1)]
    for _ in range(500):
        course.append(match_statistics(course[-1], reference, 1))
    assert np.abs(course[-1] - course[20]).max() < 1e-4
    assert statistics(course[-1]).mean == pytest.approx(reference.mean, abs=1e-4)
    assert statistics(course[-1]).deviation == pytest.approx(reference.deviation, abs=1e-4)


def test_a_match_to_what_cannot_be_met_settles_too() -> None:
    impossible = Statistics(np.array([0.9, 0, 0], np.float32), np.array([0.45, 0.2, 0.2], np.float32))
    frame = smooth(1, 0.1, 0.9)
    for _ in range(500):
        frame = match_statistics(frame, impossible, 1)
    assert np.isfinite(frame).all()
    assert np.abs(match_statistics(frame, impossible, 1) - frame).max() < 0.01


def test_no_deviation_changes_out_of_bounds() -> None:
    frame = smooth(1, 0.45, 0.55)
    now = statistics(frame)
    for factor, gain in ((5, MOST_GAIN), (0.01, LEAST_GAIN)):
        matched = statistics(match_statistics(frame, Statistics(now.mean, factor * now.deviation), 1))
        assert matched.deviation == pytest.approx(gain * now.deviation, rel=1e-3)


@pytest.mark.parametrize("noise", [0.0, 1e-7, 1e-4])
def test_a_flat_frame_takes_the_mean_and_stays_flat(noise: float) -> None:
    speckles = noise * np.random.default_rng(0).standard_normal((HEIGHT, WIDTH, 3))
    frame = (0.5 + speckles).astype(np.float32)
    reference = statistics(smooth(0, 0.1, 0.8))
    for _ in range(10):
        frame = match_statistics(frame, reference, 1)
    assert np.isfinite(frame).all()
    assert statistics(frame).deviation.max() < 2 * max(noise, 1e-6)
    assert statistics(frame).mean == pytest.approx(reference.mean, abs=1e-4)


def test_no_saturation_is_grey_of_the_same_luma() -> None:
    frame = smooth(1, 0, 1)
    grey = saturate(frame, 0)
    assert np.ptp(grey, axis=-1).max() < 1e-6
    assert luma(grey) == pytest.approx(luma(frame), abs=1e-4)


@pytest.mark.parametrize("factor", [0.5, 1.5, 4.0])
def test_saturation_leaves_luma_and_the_order_of_channels(factor: float) -> None:
    frame = smooth(1, -0.2, 1.2)
    result = saturate(frame, factor)
    assert luma(result) == pytest.approx(luma(frame), abs=1e-4)
    assert np.array_equal(np.argmax(result, axis=-1), np.argmax(frame, axis=-1))
    distance = np.abs(frame - luma(frame)[..., None]).mean()
    assert (np.abs(result - luma(result)[..., None]).mean() > distance) == (factor > 1)


def test_saturation_multiplies_the_distance_from_grey() -> None:
    frame = pixels((0.5, 0.4, 0.3))
    grey = luma(frame)[..., None]
    assert saturate(frame, 1.5) == pytest.approx(grey + 1.5 * (frame - grey), abs=1e-4)


def test_contrast_is_around_mid_grey() -> None:
    frame = pixels((0.25, 0.5, 0.6), (0.9, 0.1, 0.0))
    assert contrast(frame, 2) == pytest.approx(pixels((0, 0.5, 0.7), (1, 0, 0)), abs=1e-6)
    assert np.all(contrast(frame, 0) == 0.5)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("normal", (0.75, 0.25, 0.25)),
        ("screen", (0.2 + 0.75 - 0.15, 0.6 + 0.25 - 0.15, 0.16 + 0.25 - 0.04)),
        ("overlay", (2 * 0.2 * 0.75, 1 - 2 * 0.4 * 0.75, 2 * 0.16 * 0.25)),
        (
            "soft-light",  # D(0.2) = ((16 * 0.2 - 12) * 0.2 + 4) * 0.2 = 0.448
            (0.2 + 0.5 * (0.448 - 0.2), 0.6 - 0.5 * 0.6 * 0.4, 0.16 - 0.5 * 0.16 * 0.84),
        ),
    ],
)
def test_blends_by_hand(mode: grading.Blend, expected: tuple[float, float, float]) -> None:
    below, above = pixels((0.2, 0.6, 0.16)), pixels((0.75, 0.25, 0.25))
    assert blend(below, above, mode, 1) == pytest.approx(pixels(expected), abs=1e-6)
    half = (below + pixels(expected)) / 2
    assert blend(below, above, mode, 0.5) == pytest.approx(half, abs=1e-6)


def test_soft_light_brightens_by_the_root_where_it_is_light() -> None:
    result = blend(pixels((0.64, 0.36, 1.0)), np.ones((1, 1, 3), np.float32), "soft-light", 1)
    assert result == pytest.approx(pixels((0.8, 0.6, 1.0)), abs=1e-6)


@pytest.mark.parametrize("mode", ["overlay", "soft-light"])
def test_mid_grey_laid_over_changes_nothing(mode: grading.Blend) -> None:
    source = smooth(0, 0, 1)
    assert blend(source, np.full_like(source, 0.5), mode, 1) == pytest.approx(source, abs=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_without_opacity_there_is_the_source(mode: grading.Blend) -> None:
    source, dreamed = picture(HEIGHT, WIDTH), picture(HEIGHT, WIDTH, 1)
    settings = Color(blend=mode, opacity=0.0, saturation=2.0, match=1.0)
    assert np.array_equal(grade(source, dreamed, settings), source)


def test_the_source_is_matched_unless_there_is_a_reference() -> None:
    source, dreamed, other = smooth(0, 0.35, 0.6), smooth(1, 0.3, 0.7), statistics(smooth(2, 0.4, 0.7))
    own = statistics(grade(source, dreamed, Color(match=1.0)))
    assert own.mean == pytest.approx(statistics(source).mean, abs=1e-5)
    given_ = statistics(grade(source, dreamed, Color(match=1.0), other))
    assert given_.mean == pytest.approx(other.mean, abs=1e-5)


def test_the_order_is_keep_match_saturation_contrast_blend() -> None:
    source, dreamed = smooth(0, 0.1, 0.8), smooth(1, 0, 1)
    frame = match_statistics(keep_colors(source, dreamed, 0.6), statistics(source), 0.5)
    expected = blend(source, contrast(saturate(frame, 1.7), 1.4), "soft-light", 0.8)
    settings = Color(keep=0.6, match=0.5, saturation=1.7, contrast=1.4, blend="soft-light", opacity=0.8)
    assert np.array_equal(grade(source, dreamed, settings), expected)


@pytest.mark.parametrize(("name", "function"), ONE_OF_EACH)
def test_pixels_are_treated_alike_wherever_strips_end(
    name: str, function: Callable[[np.ndarray, np.ndarray], np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    source, dreamed = smooth(0, -0.3, 1.3), smooth(1, -0.3, 1.3)
    whole = function(source, dreamed)
    monkeypatch.setattr(grading, "STRIP", 7 * WIDTH)
    assert function(source, dreamed) == pytest.approx(whole, abs=1e-6), name


@pytest.mark.parametrize(("name", "function"), ONE_OF_EACH)
def test_the_inputs_are_left_as_they_were(name: str, function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    source, dreamed = smooth(0, -0.3, 1.3), smooth(1, -0.3, 1.3)
    copies = source.copy(), dreamed.copy()
    for frame in (source, dreamed):
        frame.flags.writeable = False
    result = function(source, dreamed)
    assert np.array_equal(source, copies[0]), name
    assert np.array_equal(dreamed, copies[1]), name
    assert not np.shares_memory(result, dreamed)


@st.composite
def frames(draw: st.DrawFn) -> np.ndarray:
    """Anything from a flat frame to salt and pepper, with black, white and pure colours among it."""
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    center, spread = draw(st.floats(0, 1)), draw(st.sampled_from([0.0, 1e-6, 0.02, 0.3, 5.0]))
    height, width = draw(st.sampled_from([(1, 1), (1, 9), (6, 5)]))
    frame = rng.uniform(center - spread, center + spread, (height, width, 3))
    return np.resize(np.clip(frame, 0, 1), (6, 5, 3)).astype(np.float32)


colors = st.builds(
    Color,
    keep=st.floats(0, 1),
    match=st.floats(0, 1),
    saturation=st.floats(0, 4),
    contrast=st.floats(0, 4),
    blend=st.sampled_from(MODES),
    opacity=st.floats(0, 1),
)


@hypothesis_settings(max_examples=300, deadline=None)
@given(frames(), frames(), colors)
def test_every_grade_is_a_picture(source: np.ndarray, dreamed: np.ndarray, settings: Color) -> None:
    result = grade(source, dreamed, settings)
    assert result.dtype == np.float32
    assert result.shape == dreamed.shape
    assert np.isfinite(result).all()
    assert 0 <= result.min() <= result.max() <= 1
