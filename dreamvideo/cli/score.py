"""``dreamvideo score``."""

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dreamvideo.cli import options
from dreamvideo.cli.interrupt import Interrupt
from dreamvideo.cli.output import as_json, check_free, note, result, table
from dreamvideo.cli.progress import Display
from dreamvideo.drawing import require_matplotlib
from dreamvideo.merging import resolve
from dreamvideo.render.job import Listener, Stopped

if TYPE_CHECKING:
    from dreamvideo.score.result import Check, Measured, Score, Settings, WarpError

DRIFTS = {"strength": 1.0, "mean": 255.0, "deviation": 255.0, "saturation": 255.0}  # each with its unit

Row = tuple[str, str, str, str]

InputPath = Annotated[str, typer.Argument(metavar="INPUT", help="What was dreamed: a clip, a still or a folder.")]
DreamPath = Annotated[str, typer.Argument(metavar="OUTPUT", help="Its dream, whatever made it.")]
Network = Annotated[
    Any,
    options.of_setting(
        "dream.network",
        "NAME",
        "Strength",
        parser=str,
        sentence="The network that measures strength: a name of `dreamvideo networks`, or a .keras or .pb file.",
    ),
]
Layers = Annotated[
    list[str] | None,
    typer.Option(
        "--layer",
        metavar="L",
        help="A layer that measures strength; repeatable. [default mixed4 and mixed5, or one that suits the network]",
        show_default=False,
        rich_help_panel="Strength",
    ),
]
Every = Annotated[
    Any,
    typer.Option(
        "--every",
        metavar="N",
        help="Measure strength on every Nth frame. [at least 1; default so that it is about 100]",
        show_default=False,
        rich_help_panel="Strength",
        parser=options.whole(1, 1_000_000),
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw it over time, with the cuts: .png, .svg or .pdf.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Overwrite = Annotated[bool, typer.Option("-y", "--overwrite", help="Replace the plot if it exists.", show_default=False,
                                         rich_help_panel="Output")]  # fmt: skip


def score(
    input_path: InputPath,
    dream_path: DreamPath,
    *,
    plot: Plot = None,
    overwrite: Overwrite = False,
    network: Network = None,
    layers: Layers = None,
    every: Every = None,
    start: options.Start = None,
    end: options.End = None,
    width: options.Width = None,
    fps: options.Fps = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Say how good a dream is: how strong, how steady, and whether it is whole.

    INPUT is what was dreamed, OUTPUT what any tool made of it. --start, --end, --width and --fps say which part of
    INPUT that was, and at what size and rate. Both are compared frame by frame.

    \b
      strength     how much more than INPUT it excites the network
      difference   mean of |OUTPUT - INPUT|, in 1/255
      warp error   what does not follow INPUT's motion: mean square x 1e4;
                   INPUT has some of its own, which is the floor
      pulse        the strongest frequency of what changes by itself
      drift        what changes by itself while a shot goes on
      integrity    frames, size, rate, length and sound, as INPUT's

    Read strength and warp error together: who does nothing is perfectly steady. The exit status is 0, whatever the
    score.
    """
    named = {
        "dream.network": network,
        "input.start": start,
        "input.end": end,
        "input.width": width,
        "input.fps": fps,
    }
    settled = resolve(None, None, (), named)
    if plot is not None:
        require_matplotlib()
        check_free(plot, "a chart is .png, .svg or .pdf", (input_path, dream_path), overwrite=overwrite)
    from dreamvideo.score.result import Settings

    part = settled.input
    rate = None if part.fps is None else Fraction(part.fps)
    settings = Settings(settled.dream.network, tuple(layers or ()), every, part.start, part.end, part.width, rate)
    with Display(quiet) as display:
        interrupt = Interrupt(display.say)
        listener = Listener(display.progress, display.note, interrupt.requested)
        try:
            found = interrupt.run(lambda: _measure(input_path, dream_path, settings, listener))
        except Stopped:
            return interrupt.exit_code
    result(as_json(found, plot=plot) if json else table(_rows(found)))
    if plot is not None:
        _draw(found, plot, quiet=quiet)
    return 0


def _measure(input_path: str, dream_path: str, settings: "Settings", listener: Listener) -> "Score":
    from dreamvideo.score.clip import score_clip

    return score_clip(input_path, dream_path, settings, listener)


def _draw(found: "Score", plot: str, *, quiet: bool) -> None:
    """Last of all, so that the numbers are not lost where the disk is full."""
    from dreamvideo.score.chart import write_chart

    write_chart(found, plot)
    if not quiet:
        note(f"drawn in {plot}")


def _rows(score: "Score") -> list[tuple[str, ...]]:
    measured = score.measured
    return [
        ("measure", "output", "input", ""),
        _strength_row(score),
        ("difference", _number(255 * measured.difference), "0", "mean of |output - input|, 1/255"),
        _warp_row(measured.short),
        _warp_row(measured.long),
        _pulse_row(measured),
        *(_drift_row(measured, name, unit) for name, unit in DRIFTS.items()),
        ("", "", "", ""),
        ("integrity", "output", "input", ""),
        *map(_check_row, score.checks),
    ]


def _strength_row(score: "Score") -> Row:
    layers = f"of {', '.join(score.layers)} ({score.network})"
    if not score.measured.curves.strength_frames:
        return "strength", "-", "-", f"{layers}: the frames are too small"
    where = "on every frame" if score.every == 1 else f"on one frame in {score.every}"
    return "strength", _number(score.measured.strength), "1", f"{layers}, {where}"


def _warp_row(error: "WarpError") -> Row:
    apart = f"warp error, {error.apart} frame{'s' * (error.apart > 1)}"
    told = "no frames so far apart in one shot"
    if error.above is not None:
        told = f"{_number(error.above)} above the floor, mean square x 1e4; {error.pairs} pairs"
    return apart, _number(error.output), _number(error.input), told


def _pulse_row(measured: "Measured") -> Row:
    pulse = measured.pulse
    if pulse is None:
        return "pulse", "-", "0", "no shot of 16 frames"
    if pulse.frequency is None:
        return "pulse", "0", "0", "1/255: nothing changes that does not in the input"
    if pulse.slow:
        return "pulse", "-", "0", "slow change, no pulse"
    above = "" if pulse.above_median is None else f", {pulse.above_median:.3g} times the median of the spectrum"
    return "pulse", _number(255 * pulse.amplitude), "0", f"1/255 at {pulse.frequency:.3g} Hz{above}"


def _drift_row(measured: "Measured", name: str, unit: float) -> Row:
    from dreamvideo.score.drift import steepest

    found = steepest(measured.drift, name)
    if found is None:
        return f"drift of {name}", "-", "0", _why_no_drift(measured)
    told = "a second" if unit == 1 else f"1/{unit:g} a second"
    shot = f", in shot {found.shot}: frames {found.first} to {found.end - 1}" if len(measured.shots) > 1 else ""
    return f"drift of {name}", _number(unit * getattr(found, name)), "0", told + shot


def _why_no_drift(measured: "Measured") -> str:
    """Only strength may have none where others have."""
    if all(drift.mean is None for drift in measured.drift):
        return "no shot long enough"
    if not measured.curves.strength_frames:
        return "the frames are too small"
    return "the input excites nothing" if measured.strength is None else "on too few frames; lower --every"


def _check_row(check: "Check") -> Row:
    known = check.note or f"tolerance: {check.tolerance}"
    unit = {"frame rate": " /s", "duration": " s", "sound length": " s", "sound offset": " ms"}.get(check.name, "")
    return check.name, _fact(check.output, unit), _fact(check.input, unit), "ok" if check.ok else f"DIFFERS; {known}"


def _fact(value: float | str | bool | None, unit: str) -> str:
    if value is None or isinstance(value, str):
        return value or "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}{unit}"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}"
