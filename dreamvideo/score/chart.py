"""A score, drawn: its curves over time with the cuts, and the spectrum of what pulses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from dreamvideo.drawing import GREY, INK, LARGE, MEDIUM, PALE, SMALL, head, require_matplotlib, save, shortened
from dreamvideo.score.result import Drift, Measured, Pulse, Score, WarpError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Inches and points.
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _HEADING = 12.0, 0.75, 0.3, 0.72, 0.5, 0.38
_CURVE, _SPECTRUM, _GAP = 0.95, 1.1, 0.42
_DPI = 120
_MOST_POINTS = 1200  # as many as can be told apart

_STRENGTH, _OUTPUT, _INPUT, _PULSE = "#2f6db5", "#d2691e", "#9aa5b1", "#8450b0"
_LOOKS = {"mean": "#1f2933", "deviation": "#178a7a", "saturation": "#b5303f"}
_CUT = {"color": "#c0264b", "linewidth": 1.1, "alpha": 0.7}


@dataclass(frozen=True)
class Line:
    """``values`` at ``frames``, ``nan`` where there is none."""

    name: str
    frames: np.ndarray
    values: np.ndarray
    color: str


@dataclass(frozen=True)
class Row:
    """Lines over time, under a heading and what is said of it."""

    name: str
    fact: str
    lines: Sequence[Line]
    from_zero: bool = True
    trend: str | None = None


def write_chart(score: Score, output: str) -> None:
    """Draw to a .png, .svg or .pdf. Raises ``ConfigError`` without matplotlib, ``OutputError``."""
    require_matplotlib()
    save(draw(score), output)


def draw(score: Score) -> "Figure":
    """The chart: strength, difference, warp errors and looks over one axis of time, and the spectrum below."""
    from matplotlib.figure import Figure

    rows, pulse = list(rows_of(score)), score.measured.pulse
    spectrum = 0.0 if pulse is None else _GAP + _HEADING + _SPECTRUM
    height = _TOP + len(rows) * (_HEADING + _CURVE) + spectrum + _BOTTOM
    figure = Figure((_WIDTH, height), dpi=_DPI, facecolor="white")
    top, first = height - _TOP, None
    for row in rows:
        top -= _HEADING + _CURVE
        axes = figure.add_axes(_place(top, _CURVE, height), sharex=first)
        first = first or axes
        _draw_row(axes, score, row, last=row is rows[-1])
    if pulse is not None:
        _draw_spectrum(figure.add_axes(_place(_BOTTOM, _SPECTRUM, height)), pulse)
    _entitle(figure, score, height)
    return figure


def rows_of(score: Score) -> Iterator[Row]:
    """What is drawn over time."""
    measured, curves = score.measured, score.measured.curves
    if curves.strength_frames:
        yield _strength_row(measured)
    difference = _line("", curves.difference, _STRENGTH, 255)
    yield Row("difference", f"{255 * measured.difference:.3g} / 255 on average", [difference])
    for error, output, floor in (
        (measured.short, curves.short_output, curves.short_input),
        (measured.long, curves.long_output, curves.long_input),
    ):
        lines = [_line("input", floor, _INPUT), _line("output", output, _OUTPUT)]
        yield Row(f"warp error, {frames(error.apart)}", _warp_fact(error), lines)
    looks = [_line(name, getattr(curves, name), color, 255) for name, color in _LOOKS.items()]
    yield Row("looks", "the output's less the input's, of 255", looks, from_zero=False)


def _strength_row(measured: Measured) -> Row:
    curves = measured.curves
    strength = Line("", np.array(curves.strength_frames), _numbers(curves.strength), _STRENGTH)
    total = "" if measured.strength is None else f"{measured.strength:.3g} times the input's in all; dashed: its drift"
    return Row("strength", total, [strength], trend="strength")


def frames(count: int) -> str:
    return f"{count} frame" if count == 1 else f"{count} frames"


def _warp_fact(error: WarpError) -> str:
    if error.output is None or error.above is None:
        return "no frames so far apart in one shot"
    return f"{error.output:.3g} on average, {error.above:.3g} above the input's own; mean square x 1e4"


def _line(name: str, values: Sequence[float | None], color: str, unit: float = 1.0) -> Line:
    return Line(name, np.arange(len(values)), unit * _numbers(values), color)


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float64)


def _place(bottom: float, tall: float, height: float) -> tuple[float, float, float, float]:
    return _LEFT / _WIDTH, bottom / height, (_WIDTH - _LEFT - _RIGHT) / _WIDTH, tall / height


def _prepare(axes: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color="#aab3bd", linewidth=0.8)
    axes.tick_params(colors=GREY, labelsize=SMALL, length=3, width=0.8)
    axes.grid(axis="y", color=PALE, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))


def _draw_row(axes: "Axes", score: Score, row: Row, *, last: bool) -> None:
    rate, measured = float(score.rate), score.measured
    _prepare(axes)
    axes.set_xlim(0, max(1, measured.frames) / rate)
    axes.tick_params(labelbottom=last)
    for cut in measured.shots[1:]:
        axes.axvline(cut / rate, zorder=1, **_CUT)
    for line in row.lines:
        places, values = _thinned(line)
        lone = len(values) < 3 or bool(np.isnan(values).sum() > len(values) - 3)
        axes.plot(places / rate, values, color=line.color, linewidth=1.5, marker="o" if lone else None, zorder=3)
    if row.trend:
        for drift in measured.drift:
            _draw_trend(axes, row.lines[0], drift, row.trend, rate)
    if row.from_zero:
        axes.set_ylim(0, 1.1 * axes.get_ylim()[1])
    else:
        axes.axhline(0, color=GREY, linewidth=0.8, zorder=2)
    named = [(line.name, line.color) for line in row.lines if line.name]
    head(axes, [(row.name, INK), *named, (row.fact, GREY)])
    if last:
        axes.set_xlabel("seconds", fontsize=SMALL, color=GREY, labelpad=2)


def _draw_trend(axes: "Axes", line: Line, drift: Drift, name: str, rate: float) -> None:
    """The least-squares line of a shot."""
    slope = getattr(drift, name)
    inside = (line.frames >= drift.first) & (line.frames < drift.end) & ~np.isnan(line.values)
    if slope is None or not inside.any():
        return
    seconds = line.frames[inside] / rate
    ends = seconds[[0, -1]]
    middle = line.values[inside].mean()
    axes.plot(ends, middle + slope * (ends - seconds.mean()), color=INK, linewidth=1, linestyle=(0, (4, 3)), zorder=4)


def _draw_spectrum(axes: "Axes", pulse: Pulse) -> None:
    """The amplitude of the change at each frequency, its median, and the strongest."""
    _prepare(axes)
    frequencies, amplitudes = np.array(pulse.frequencies), 255 * np.array(pulse.amplitudes)
    axes.set_xlim(0, frequencies[-1])
    axes.fill_between(frequencies, 0, amplitudes, color=_PULSE, alpha=0.15, linewidth=0, zorder=2)
    axes.plot(frequencies, amplitudes, color=_PULSE, linewidth=1.5, zorder=3)
    axes.axhline(float(np.median(amplitudes)), color=GREY, linewidth=0.8, linestyle=(0, (4, 3)), zorder=2)
    axes.set_ylim(bottom=0, top=1.15 * float(amplitudes.max()) or 1)
    if pulse.frequency is not None and not pulse.slow:
        axes.plot([pulse.frequency], [255 * pulse.amplitude], "o", color=_PULSE, markersize=4, zorder=4)
    axes.set_xlabel("Hz", fontsize=SMALL, color=GREY, labelpad=2)
    head(axes, [("pulse", INK), (pulse_fact(pulse), GREY), ("dashed: the median", GREY)])


def pulse_fact(pulse: Pulse) -> str:
    """The strongest frequency in words."""
    if pulse.frequency is None:
        return "nothing changes that does not in the input"
    if pulse.slow:
        return "slow change, no pulse"
    above = "" if pulse.above_median is None else f", {pulse.above_median:.3g} times the median"
    return f"strongest at {pulse.frequency:.3g} Hz: {255 * pulse.amplitude:.3g} / 255{above}"


def _thinned(line: Line) -> tuple[np.ndarray, np.ndarray]:
    """Frames and values, as many as can be told apart: the means of those that fall together."""
    size = -(-len(line.values) // _MOST_POINTS)
    if size <= 1:
        return line.frames, line.values
    begins = np.arange(0, len(line.values), size)
    known = ~np.isnan(line.values)
    counts = np.add.reduceat(known.astype(float), begins)
    sums = np.add.reduceat(np.where(known, line.values, 0), begins)
    means = np.divide(sums, counts, out=np.full(len(begins), np.nan), where=counts > 0)
    return line.frames[begins], means


def _entitle(figure: "Figure", score: Score, height: float) -> None:
    left = _LEFT / _WIDTH
    title = f"{Path(score.output).name}, a dream of {Path(score.input).name}"
    bold = {"fontsize": LARGE, "fontweight": "bold", "color": INK, "parse_math": False}
    figure.text(left, 1 - 0.18 / height, shortened(title, 90), va="top", **bold)
    facts = "  ·  ".join(_facts(score))
    figure.text(left, 1 - 0.48 / height, facts, fontsize=MEDIUM, color=GREY, va="top", parse_math=False)


def _facts(score: Score) -> Iterator[str]:
    measured = score.measured
    yield f"{float(measured.frames / score.rate):.4g} s"
    yield f"{frames(measured.frames)} of {score.width}x{score.height}, {float(score.rate):.4g} a second"
    if len(measured.shots) > 1:
        yield f"{len(measured.shots)} shots (red: the cuts)"
    wrong = [check.name for check in score.checks if not check.ok]
    yield f"not as the input's: {', '.join(wrong)}" if wrong else "frames, size, time and sound as the input's"
