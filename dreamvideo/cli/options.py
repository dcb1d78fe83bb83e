"""Options that several commands share. An option that stands for a setting takes its help from the setting's field."""

import math
import re
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any

import typer

from dreamvideo.merging import parse_value
from dreamvideo.settings import SETTINGS, toml_value

LOOK, PART, CAMERA, SOUND, RUN = "Look", "Part and size", "Camera", "Sound", "Run"


def _value(text: str) -> Any:
    """A setting's value as typed; whether it is right is for ``resolve`` to say, along with all that is wrong."""
    try:
        return parse_value(text)
    except TOMLDecodeError:
        return text


def of_setting(
    key: str,
    metavar: str,
    panel: str,
    parser: Callable[[str], Any] = _value,
    *,
    default: Any = None,
    sentence: str | None = None,
) -> Any:
    """The option for one setting, with the sentence, bounds and default of its field unless a command has its own."""
    setting = SETTINGS[key]
    default = setting.default if default is None else default
    takes = setting.expected if setting.field.examples else setting.bounds
    told = "" if default is None else f"default {toml_value(default)}"
    facts = "; ".join(fact for fact in (takes, told) if fact)
    sentence = sentence or setting.sentence
    text = f"{sentence} [{facts}]" if facts else sentence
    return typer.Option(metavar=metavar, help=text, show_default=False, rich_help_panel=panel, parser=parser)


def _flag(*names: str, help: str, metavar: str | None = None, panel: str = RUN) -> Any:
    return typer.Option(*names, help=help, metavar=metavar, show_default=False, rich_help_panel=panel)


def seconds(text: str) -> float:
    """``90``, ``90.5``, ``1:30`` or ``0:01:30.5`` in seconds."""
    found = re.fullmatch(r"(?:(?:(\d+):)?(\d+):)?(\d+(?:\.\d*)?|\.\d+)", text.strip())
    if found is None or (found[2] is not None and float(found[3]) >= 60) or (found[1] and int(found[2]) >= 60):
        raise typer.BadParameter(f"{text!r} is no time; give seconds (90.5) or [h:]mm:ss[.x] (1:30.5).")
    value = int(found[1] or 0) * 3600 + int(found[2] or 0) * 60 + float(found[3])
    if not math.isfinite(value):
        raise typer.BadParameter(f"{text[:20]}... is too long a time.")
    return value


def whole(least: int, most: int | None = None) -> Callable[[Any], int]:
    """A parser of whole numbers; what it takes stands in the option's help, in our own words."""
    bounds = f"at least {least}" if most is None else f"from {least} to {most}"

    def parse(value: Any) -> int:
        text = str(value).strip()
        number = int(text) if text.isdecimal() and len(text) < 10 else -1
        if number < least or (most is not None and number > most):
            raise typer.BadParameter(f"{text!r} is no whole number {bounds}.")
        return number

    return parse


def picture_settings(pictures: list[str] | None) -> dict[str, str]:
    """``--picture NAME=FILE`` as settings by their full names. Raises ``BadParameter`` for any other form."""
    named = {}
    for text in pictures or ():
        name, equals, file = text.partition("=")
        if not (equals and name.isidentifier() and file):
            raise typer.BadParameter(f"--picture {text}: this should read NAME=FILE, such as style=starry.jpg.")
        named[f"dream.pictures.{name}"] = file
    return named


def camera_settings(zoom: Any, rotate: Any, pan: str | None, center: str | None) -> dict[str, Any]:
    """The camera's options as settings by their full names. Raises ``BadParameter``."""
    pan_x, pan_y = _both("--pan", pan)
    center_x, center_y = _both("--center", center)
    return {
        "camera.zoom": zoom,
        "camera.rotate": rotate,
        "camera.pan_x": pan_x,
        "camera.pan_y": pan_y,
        "camera.center_x": center_x,
        "camera.center_y": center_y,
    }


def _both(option: str, text: str | None) -> tuple[Any, Any]:
    """``0.1,0`` or ``0.1*max(bass, mid), 0`` as two values: a comma inside brackets does not part them."""
    if text is None:
        return None, None
    depths = accumulate((letter in "([") - (letter in ")]") for letter in text)
    commas = [
        index for index, (letter, depth) in enumerate(zip(text, depths, strict=True)) if (letter, depth) == (",", 0)
    ]
    if len(commas) != 1:
        raise typer.BadParameter(f"{option} {text}: this should read X,Y, such as 0.1,0.")
    return _value(text[: commas[0]].strip()), _value(text[commas[0] + 1 :].strip())


OutputPath = Annotated[str, _flag("-o", "--output", metavar="OUTPUT", help="Where the result goes.", panel="Output")]
Overwrite = Annotated[bool, _flag("-y", "--overwrite", help="Replace the output if it exists.", panel="Output")]

PresetName = Annotated[
    str | None, _flag("--preset", metavar="NAME", help="A look by name; see `dreamvideo presets`.", panel=LOOK)
]
ConfigFile = Annotated[
    Path | None, _flag("--config", metavar="FILE", help="Settings from a TOML file; they beat the preset.", panel=LOOK)
]
Sets = Annotated[
    list[str] | None,
    _flag("--set", metavar="K=V", help="Any setting, such as dream.steps=3; repeatable; beats the file.", panel=LOOK),
]
Network = Annotated[Any, of_setting("dream.network", "NAME", LOOK, parser=str)]
InputNode = Annotated[Any, of_setting("dream.input_node", "NODE", LOOK, parser=str)]
Objective = Annotated[Any, of_setting("dream.objective", "FORMULA", LOOK)]
Pictures = Annotated[
    list[str] | None,
    _flag(
        "--picture", metavar="NAME=FILE", help="A picture or clip that a formula calls NAME; repeatable.", panel=LOOK
    ),
]
Strength = Annotated[Any, of_setting("dream.strength", "X", LOOK)]
Quality = Annotated[Any, of_setting("dream.quality", "LEVEL", LOOK)]
CarryStrength = Annotated[Any, of_setting("carry.strength", "X", LOOK)]
Seed = Annotated[Any, of_setting("seed", "N", LOOK)]

Start = Annotated[Any, of_setting("input.start", "TIME", PART, parser=seconds)]
End = Annotated[Any, of_setting("input.end", "TIME", PART, parser=seconds)]
Frames = Annotated[
    str | None,
    _flag(
        "--frames", metavar="LIST", help="Only these frames, such as 100-250,300 or 900-; counted from 0.", panel=PART
    ),
]
Every = Annotated[
    Any,
    typer.Option(
        "--every",
        metavar="N",
        help="Of those, every Nth: they look as in the whole clip, which runs at an Nth of its rate.",
        show_default=False,
        rich_help_panel=PART,
        parser=whole(1, 1_000_000),
    ),
]
Width = Annotated[Any, of_setting("input.width", "W", PART)]
Fps = Annotated[Any, of_setting("input.fps", "R", PART)]
Crf = Annotated[Any, of_setting("output.crf", "N", "Output")]

Zoom = Annotated[Any, of_setting("camera.zoom", "X", CAMERA)]
Rotate = Annotated[Any, of_setting("camera.rotate", "DEGREES", CAMERA)]
Pan = Annotated[
    Any,
    _flag(
        "--pan",
        metavar="X,Y",
        help="camera.pan_x and camera.pan_y: to the right and down, of the frame a second.",
        panel=CAMERA,
    ),
]
Center = Annotated[
    Any,
    _flag(
        "--center",
        metavar="X,Y",
        help="camera.center_x and center_y: where it dives in; 0,0 is the upper left corner. [default 0.5,0.5]",
        panel=CAMERA,
    ),
]
AudioTrack = Annotated[Any, _flag("--audio", metavar="FILE", help=SETTINGS["audio.track"].sentence, panel=SOUND)]

Cluster = Annotated[
    str | None,
    _flag(
        "--cluster",
        metavar="WHERE",
        help="Dream on many machines by Ray: local for all of this one, or an address such as ray://head:10001.",
    ),
]
Workers = Annotated[
    Any,
    typer.Option(
        "--workers",
        metavar="N",
        help="How many workers of the cluster; as many as fit if not given.",
        show_default=False,
        rich_help_panel=RUN,
        parser=whole(1, 100_000),
    ),
]
Resume = Annotated[bool, _flag("--resume", help="Go on where an interrupted render stopped.")]
Keep = Annotated[bool, _flag("--keep", help="Keep the work folder when done.")]
Work = Annotated[
    Path | None,
    _flag("--work", metavar="DIR", help="The work folder of finished frames; beside the output if not given."),
]
DryRun = Annotated[bool, _flag("--dry-run", help="Say what would be done, how long and with how much memory; stop.")]
Preview = Annotated[
    bool,
    _flag(
        "--preview", help="The first frames without their finest octaves: smaller and quicker, but the same picture."
    ),
]
Json = Annotated[bool, _flag("--json", help="Print the result as one JSON object.", panel="Other options")]
Quiet = Annotated[bool, _flag("-q", "--quiet", help="No progress and no notes; errors only.", panel="Other options")]
