"""``dreamvideo schedule``."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dreamvideo.cli import options
from dreamvideo.cli.output import as_json, check_free, note, result, table
from dreamvideo.config import Config
from dreamvideo.errors import ConfigError
from dreamvideo.merging import resolve

if TYPE_CHECKING:
    from dreamvideo.render.outlook import Curve, Outlook

HEADER = ("parameter", "at the start", "least", "mean", "most", "at the end")

ConfigPath = Annotated[
    Path | None, typer.Argument(metavar="CONFIG", help="Settings with schedules, a TOML file.", show_default=False)
]
InputPath = Annotated[
    str | None,
    typer.Option(
        "--input",
        metavar="INPUT",
        help="What will be rendered: a clip or folder, or a still to dive into. Its length, cuts and sound count.",
        show_default=False,
        rich_help_panel=options.PART,
    ),
]
Seconds = Annotated[Any, options.of_setting("zoom.seconds", "S", options.PART, parser=options.seconds)]
Fps = Annotated[
    Any,
    options.of_setting(
        "input.fps", "R", options.PART, sentence="Frames a second; unset: those of the input, or 30 without a clip."
    ),
]
Plot = Annotated[
    str | None,
    typer.Option(
        "--plot",
        metavar="FILE",
        help="Draw every number that moves over time, with cuts, beats and sound: .png, .svg or .pdf.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Csv = Annotated[
    str | None,
    typer.Option(
        "--csv",
        metavar="FILE",
        help="Write a line for each frame: its time, its shot, every number and what it listens to.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Overwrite = Annotated[bool, typer.Option("-y", "--overwrite", help="Replace files that exist.", show_default=False,
                                         rich_help_panel="Output")]  # fmt: skip


def schedule(
    config: ConfigPath = None,
    *,
    plot: Plot = None,
    csv_path: Csv = None,
    overwrite: Overwrite = False,
    preset: options.PresetName = None,
    sets: options.Sets = None,
    input_path: InputPath = None,
    seconds: Seconds = None,
    fps: Fps = None,
    audio: options.AudioTrack = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> None:
    """Show what schedules will do, before anything is dreamed.

    A schedule is a number that moves. It stands in quotes where a number would, in [dream], [carry], [camera] and
    [color], or in a formula before a call:

    \b
      strength = "0: 0.5, 4s: 1.5 ease-in-out, 16b: 1"
      zoom = "1.2 + 0.5 * bass(release=0.3)"
      objective = "(0.2 + beat) * mean(mixed3) + mean(mixed5)"

    KEYFRAMES are TIME: VALUE [EASING] with commas between them. TIME is a frame (60), seconds (4s) or beats (16b).
    VALUE is a number or an expression. EASING is how to get there from the keyframe before:

    \b
      linear (if none is given)   step   ease-in   ease-out   ease-in-out
      cubic, sine, expo, back     each also with -in, -out or -in-out
      bezier(x1, y1, x2, y2)      as cubic-bezier in CSS

    EXPRESSIONS have + - * / // % **, comparisons, and, or, not, a if b else c:

    \b
      time       t (seconds), frame; of the whole: seconds, frames, fps
      shots      shot (from 0), shot_t (seconds since its cut)
      functions  sin cos tan asin acos atan exp log sqrt abs floor ceil
                 round sign min max clip(x, low, high) mix(a, b, x)
                 where(condition, a, b) smoothstep(a, b, x)
      waves      saw(x) tri(x) square(x), from 0 to 1, once for each 1 of x;
                 noise(x), smooth, from 0 to 1, drawn from the seed
      constants  pi tau e seed

    SOUND is heard from 0 to 1, the clip's own or that of --audio:

    \b
      levels     volume bass mid treble brightness percussive harmonic
      events     onset (something begins), beat (1 on it, then falling)
      phases     beat_phase bar_phase, rising to 1 until the next
      counts     beat_index bar_index, from 0
      swing      bass(attack=0.05, release=0.4): seconds to rise and fall

    Settings: defaults < preset < CONFIG < --set < named options. Without --plot or --csv it prints a summary.
    """
    named = {"audio.track": audio, "input.fps": fps, "zoom.seconds": seconds}
    settled = resolve(preset, config, sets or (), named)
    _check_moves(settled, config, preset)
    for path, kinds in ((plot, "a chart is .png, .svg or .pdf"), (csv_path, "a table is .csv")):
        if path is not None:
            check_free(path, kinds, (input_path,), overwrite=overwrite)
    outlook = _look_out(settled, input_path, timed=seconds is not None, drawn=plot is not None, quiet=quiet)
    if plot is not None:
        from dreamvideo.render.chart import write_chart

        write_chart(outlook, _name(config, preset, input_path, settled.audio.track), plot)
    if csv_path is not None:
        from dreamvideo.media.files import write_bytes

        write_bytes(csv_path, _csv(outlook).encode())
    _tell(outlook, {"plot": plot, "csv": csv_path}, json=json)


def _look_out(config: Config, input_path: str | None, *, timed: bool, drawn: bool, quiet: bool) -> "Outlook":
    """What the settings will do. ``timed``: a length was asked for; ``drawn``: the sound will be wanted."""
    from dreamvideo.drawing import require_matplotlib
    from dreamvideo.render.job import Listener
    from dreamvideo.render.outlook import look_out

    if drawn:
        require_matplotlib()
    listener = Listener(note=(lambda _: None) if quiet else note)
    return look_out(config, input_path, listener, timed=timed, waveform=drawn)


def _check_moves(settled: Config, config: Path | None, preset: str | None) -> None:
    """Raise ``ConfigError`` where there is nothing to show."""
    from dreamvideo.render.timeline import schedules

    if not schedules(settled):
        where = f"in {config}" if config else f"in the preset {preset}" if preset else "here"
        example = '--set "camera.zoom=1.2 + 0.3*sin(t)"'
        raise ConfigError(f"nothing moves {where}; write a schedule in place of a number, such as {example}")


def _name(config: Path | None, preset: str | None, *files: str | None) -> str:
    """What is shown: settings and files."""
    names = [None if config is None else config.name, preset, *(file and Path(file).name for file in files)]
    return " + ".join(filter(None, names)) or "schedule"


def _csv(outlook: "Outlook") -> str:
    """A line for each frame, below a header."""
    from dreamvideo.schedule import parse_schedule

    clock = outlook.clock
    columns = {name: parse_schedule(name).values(clock) for name in ("frame", "t", "shot")}
    columns |= {curve.name: curve.values for curve in outlook.curves} | outlook.listened
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{value:.10g}" for value in row] for row in zip(*columns.values(), strict=True))
    return text.getvalue()


def _tell(outlook: "Outlook", files: dict[str, str | None], *, json: bool) -> None:
    """Print what was written or, where nothing was, the summary."""
    written = {what: path for what, path in files.items() if path is not None}
    if json:
        clock = outlook.clock
        facts = {"frames": clock.count, "rate": clock.rate, "seconds": outlook.seconds, "shots": len(clock.cuts)}
        result(as_json({**facts, "parameters": [_facts(curve) for curve in outlook.curves], **written}))
    elif written:
        result("\n".join(written.values()))
    else:
        result(table([HEADER, *(_row(curve) for curve in outlook.curves)]))


def _facts(curve: "Curve") -> dict[str, Any]:
    values = curve.values
    numbers = (values[0], values.min(), values.mean(), values.max(), values[-1])
    keys = ("start", "least", "mean", "most", "end")
    return {"parameter": curve.name, "schedule": curve.text, **dict(zip(keys, map(float, numbers), strict=True))}


def _row(curve: "Curve") -> tuple[str, ...]:
    name, text, *numbers = _facts(curve).values()
    if curve.in_formula:
        name = f"{name}: {text if len(text) <= 24 else text[:23] + '…'}"
    return (name, *(f"{number:.4g}" for number in numbers))
