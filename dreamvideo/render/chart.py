"""What schedules will do, drawn: one row for each number that moves."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dreamvideo.drawing import GREY, INK, LARGE, MEDIUM, PALE, SMALL, head, require_matplotlib, save, shortened
from dreamvideo.render.outlook import Curve, Outlook
from dreamvideo.render.timeline import OBJECTIVE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BANDS = ("bass", "mid", "treble")
UNITS = {
    "camera.zoom": "× per s",
    "camera.rotate": "° per s",
    "camera.pan_x": "widths per s",
    "camera.pan_y": "heights per s",
    "camera.center_x": "widths",
    "camera.center_y": "heights",
    "camera.scale": "×",
    "dream.smooth": "pixels",
    "dream.jitter": "pixels",
    "dream.tile": "pixels",
    "dream.halo": "pixels",
}

# Inches and points.
_WIDTH, _LEFT, _RIGHT, _TOP, _BOTTOM, _HEADING = 12.0, 0.95, 1.05, 0.72, 0.52, 0.36
_CURVE, _SOUND, _SHOTS = 0.76, 0.6, 0.2
_DPI, _MOST_PIXELS = 120, 60_000
_MOST_POINTS = 2400  # more than the chart has pixels across
_CHARACTERS = 112  # of a heading
_CLOSEST = 0.05  # inches between lines that can be told apart

_SECTIONS = {"dream": "#2f6db5", "carry": "#178a7a", "camera": "#d2691e", "color": "#8450b0"}
_VOICES = ("#b5303f", "#c7921a", "#3b8f5a", "#4a72c9", "#9157a8", "#6b7785")
_CUT = {"color": "#c0264b", "linewidth": 1.1, "alpha": 0.85}
_BAR = {"color": "#1f2933", "linewidth": 0.8, "alpha": 0.38}
_BEAT = {"color": "#1f2933", "linewidth": 0.6, "alpha": 0.14}


def write_chart(outlook: Outlook, name: str, output: str) -> None:
    """Draw to a .png, .svg or .pdf. Raises ``ConfigError`` without matplotlib, ``OutputError``."""
    require_matplotlib()
    save(draw(outlook, name), output)


def draw(outlook: Outlook, name: str) -> "Figure":
    """The chart: shots, numbers, what is listened to and the waveform, all over one axis of time."""
    from matplotlib.figure import Figure

    rows = list(_rows(outlook))
    height = _TOP + sum(row.space + row.height for row in rows) + _BOTTOM
    figure = Figure((_WIDTH, height), dpi=min(_DPI, _MOST_PIXELS / height), facecolor="white")
    top = height - _TOP
    for row in rows:
        top -= row.space + row.height
        inches = (_LEFT, top, _WIDTH - _LEFT - _RIGHT, row.height)
        place = (inches[0] / _WIDTH, inches[1] / height, inches[2] / _WIDTH, inches[3] / height)
        axes = figure.add_axes(place, sharex=figure.axes[0] if figure.axes else None)
        _prepare(axes, outlook, last=row is rows[-1])
        row.draw(axes)
    _entitle(figure, outlook, name, height)
    return figure


@dataclass(frozen=True)
class _Row:
    """``height`` inches of ``draw``'s, below ``space`` inches for a heading."""

    height: float
    draw: "Callable[[Axes], None]"
    space: float = _HEADING


def _rows(outlook: Outlook) -> Iterator[_Row]:
    if len(outlook.clock.cuts) > 1:
        yield _Row(_SHOTS, lambda axes: _draw_shots(axes, outlook), space=0.1)
    for curve in outlook.curves:
        yield _Row(_CURVE, lambda axes, curve=curve: _draw_curve(axes, outlook, curve))
    music = outlook.music
    if music is None:
        return
    if outlook.clock.feature is not None:
        bands = {name: music.feature(name) for name in BANDS}
        yield _Row(_SOUND, lambda axes: _draw_features(axes, outlook, "bands", bands))
    others = {name: values for name, values in outlook.listened.items() if name not in BANDS}
    if others:
        yield _Row(_SOUND, lambda axes: _draw_features(axes, outlook, "also heard", others))
    yield _Row(_SOUND, lambda axes: _draw_waveform(axes, outlook, music.waveform))


def _prepare(axes: "Axes", outlook: Outlook, *, last: bool) -> None:
    """Frame, ticks of time and the lines of cuts and beats, which all rows have in common."""
    axes.set_facecolor("white")
    axes.set_xlim(0, outlook.seconds)
    axes.spines[:].set_visible(False)
    axes.spines["bottom"].set(visible=True, color="#aab3bd", linewidth=0.8)
    axes.tick_params(colors=GREY, labelsize=SMALL, length=3 if last else 0, labelbottom=last, width=0.8)
    if last:
        _mark_time(axes, outlook.seconds)
    for times, style in _lines(outlook):
        for time in times:
            axes.axvline(time, zorder=1, **style)


def _mark_time(axes: "Axes", seconds: float) -> None:
    """Ticks of time: in seconds, from two minutes on in minutes and seconds."""
    from matplotlib.ticker import FuncFormatter, MultipleLocator

    unit = "seconds"
    if seconds >= 120:
        step = next((step for step in (15, 30, 60, 120, 300, 600) if seconds / step <= 12), 1800)
        axes.xaxis.set_major_locator(MultipleLocator(step))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x // 60:.0f}:{x % 60:02.0f}"))
        unit = "minutes:seconds"
    axes.set_xlabel(unit, fontsize=SMALL, color=GREY, labelpad=3)


def _lines(outlook: Outlook) -> list[tuple[np.ndarray, dict[str, Any]]]:
    """When there are cuts, downbeats and beats, and how to draw them; beats too close to be told apart are left out."""
    clock = outlook.clock
    kinds = [(np.array(clock.cuts[1:]) / float(clock.rate), _CUT)]
    if outlook.music is not None:
        beats = outlook.music.beats
        begins_bar = np.arange(len(beats)) % clock.beats_per_bar == outlook.music.first_bar % clock.beats_per_bar
        kinds += [(beats[begins_bar], _BAR), (beats[~begins_bar], _BEAT)]
    closest = _CLOSEST / (_WIDTH - _LEFT - _RIGHT) * outlook.seconds
    apart = [style is _CUT or len(times) < 2 or np.median(np.diff(times)) > closest for times, style in kinds]
    return [kind for kind, seen in zip(kinds, apart, strict=True) if seen and len(kind[0])]


def _draw_shots(axes: "Axes", outlook: Outlook) -> None:
    """A strip with the number of each shot that is wide enough for it, as schedules count them."""
    clock = outlook.clock
    ends = (*clock.cuts[1:], clock.count)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    for shot, (begin, end) in enumerate(zip(clock.cuts, ends, strict=True)):
        first, last = begin / float(clock.rate), end / float(clock.rate)
        axes.axvspan(first, last, color=("#eef1f5", "#dde3ea")[shot % 2], linewidth=0, zorder=0)
        inches = (last - first) / outlook.seconds * (_WIDTH - _LEFT - _RIGHT)
        label = next((text for text in (f"shot {shot}", str(shot)) if len(text) * 0.075 < inches), "")
        axes.text((first + last) / 2, 0.46, label, fontsize=SMALL, color=GREY, ha="center", va="center")


def _draw_curve(axes: "Axes", outlook: Outlook, curve: Curve) -> None:
    """A number over time, each value for as long as its frame is shown, with its least and its most."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    color = _SECTIONS.get(curve.moving.key.partition(".")[0], INK)
    least, most = float(curve.values.min()), float(curve.values.max())
    margin = 0.12 * (most - least) or max(0.1 * abs(most), 0.05)
    axes.set_ylim(least - margin, most + margin)
    axes.yaxis.set_major_locator(MaxNLocator(3, integer=curve.moving.setting.whole and not curve.in_formula))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
    axes.grid(axis="y", color=PALE, linewidth=0.8, zorder=0)
    axes.set_axisbelow(True)
    times, low, high = _outline(curve.values, curve.values, outlook.seconds)
    axes.fill_between(times, least - margin, high, step="post", color=color, alpha=0.1, linewidth=0, zorder=2)
    axes.fill_between(times, low, high, step="post", color=color, linewidth=1.5, zorder=3)
    _label_curve(axes, curve, color)
    for value, word in ((most, "most"), (least, "least")) if least < most else ((most, "always"),):
        place = axes.get_yaxis_transform()
        axes.text(1.008, value, f"{word} {value:.3g}", transform=place, fontsize=SMALL, color=color, va="center")


def _label_curve(axes: "Axes", curve: Curve, color: str) -> None:
    setting = curve.moving.setting
    name, text, takes = curve.name, curve.text, setting.bounds
    if curve.in_formula:
        name, text, takes = shortened(text, 60), f"a number of {OBJECTIVE}", ""
    elif UNITS.get(setting.key):
        axes.set_ylabel(UNITS[setting.key], fontsize=SMALL - 1, color=GREY, labelpad=4)
    text = shortened(text, _CHARACTERS - round(1.4 * len(name)) - len(takes))
    head(axes, [(name, color), (text, GREY)])
    axes.text(1, 1.04, takes, transform=axes.transAxes, fontsize=SMALL, color=GREY, ha="right", va="bottom")


def _draw_features(axes: "Axes", outlook: Outlook, name: str, features: dict[str, np.ndarray]) -> None:
    axes.set_ylim(0, 1.05)
    axes.set_yticks([0, 1])
    words = [(name, INK)]
    for index, (feature, values) in enumerate(features.items()):
        color = _VOICES[index % len(_VOICES)]
        times, low, high = _outline(values, values, outlook.seconds)
        axes.fill_between(times, low, high, step="post", color=color, linewidth=1.2, alpha=0.9, zorder=3)
        words.append((feature, color))
    head(axes, words)


def _draw_waveform(axes: "Axes", outlook: Outlook, waveform: np.ndarray) -> None:
    """The lowest and the highest sample of each frame, around the middle."""
    times, low, high = _outline(waveform[0::2], waveform[1::2], outlook.seconds)
    axes.fill_between(times, low, high, step="post", color="#7b8794", linewidth=0.6, zorder=3)
    loudest = max(0.05, float(np.abs(waveform).max()))
    axes.set_ylim(-loudest, loudest)
    axes.set_yticks([])
    head(axes, [("sound", INK)])


def _outline(low: np.ndarray, high: np.ndarray, seconds: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps for ``fill_between``: times, lowest and highest values, as many as can be seen.

    The last value stands twice, so that its frame has an end.
    """
    count = len(low)
    begins = np.unique(np.linspace(0, count, min(count, _MOST_POINTS), endpoint=False).astype(int))
    times = np.append(begins, count) * seconds / count
    lowest, highest = np.minimum.reduceat(low, begins), np.maximum.reduceat(high, begins)
    return times, np.append(lowest, lowest[-1]), np.append(highest, highest[-1])


def _entitle(figure: "Figure", outlook: Outlook, name: str, height: float) -> None:
    """The name, below it what there is in all, and to the right which line is what."""
    from matplotlib.lines import Line2D

    left, name = _LEFT / _WIDTH, shortened(name, 90)
    bold = {"fontsize": LARGE, "fontweight": "bold", "color": INK, "parse_math": False}
    figure.text(left, 1 - 0.18 / height, name, va="top", **bold)
    facts = "  ·  ".join(_facts(outlook))
    figure.text(left, 1 - 0.46 / height, facts, fontsize=MEDIUM, color=GREY, va="top")
    names = {id(_CUT): "cut", id(_BAR): "downbeat", id(_BEAT): "beat"}
    lines = [Line2D([], [], label=names[id(style)], **style) for _, style in _lines(outlook)]
    if lines:
        corner, words = (1 - _RIGHT / _WIDTH, 1 - 0.44 / height), {"fontsize": SMALL + 0.5, "labelcolor": GREY}
        layout = {"loc": "upper right", "ncols": 3, "handlelength": 1.2, "borderpad": 0, "borderaxespad": 0}
        figure.legend(handles=lines, bbox_to_anchor=corner, frameon=False, **words, **layout)


def _facts(outlook: Outlook) -> Iterator[str]:
    clock = outlook.clock
    yield f"{outlook.seconds:.5g} s"
    yield f"{clock.count} frames, {float(clock.rate):.5g} a second"
    if len(clock.cuts) > 1:
        yield f"{len(clock.cuts)} shots"
    if outlook.music is not None and outlook.music.tempo:
        yield f"{outlook.music.tempo:.0f} beats a minute"
