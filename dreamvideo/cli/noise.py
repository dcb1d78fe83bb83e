"""``dreamvideo noise``."""

import math
import re
from dataclasses import replace
from typing import Annotated, Any

import typer

from dreamvideo.cli import options
from dreamvideo.cli.run import Manner, run_picture, tell_plan
from dreamvideo.cli.unheard import hear_out
from dreamvideo.merging import resolve
from dreamvideo.render.job import Job

COARSEST = 96  # pixels on the shorter side, at least: forms as large as the network can see
MOST_OCTAVES = 16


def size(text: str) -> tuple[int, int]:
    """``512`` or ``640x360`` as width and height in pixels."""
    found = re.fullmatch(r"([0-9]{1,6})(?:x([0-9]{1,6}))?", text.strip().lower())
    width, height = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if width * height == 0:
        raise typer.BadParameter(f"{text!r} is no size; give a side (512) or WIDTHxHEIGHT (640x360), in pixels.")
    return width, height


def base(width: int, height: int) -> dict[str, Any]:
    """What noise of that size is dreamed with unless the person says otherwise: there is no picture to be kept."""
    octaves = 1 + int(math.log(max(1, min(width, height) / COARSEST), 1.5))
    return {"dream.octaves": min(octaves, MOST_OCTAVES), "dream.octave_mode": "grow"}


Size = Annotated[
    Any,
    typer.Option(
        "--size",
        metavar="SIZE",
        help="Pixels: a square's side, or WIDTHxHEIGHT. [default 512]",
        parser=size,
        show_default=False,
        rich_help_panel=options.PART,
    ),
]


def noise(
    ctx: typer.Context,
    *,
    output: options.OutputPath,
    overwrite: options.Overwrite = False,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    sets: options.Sets = None,
    network: options.Network = None,
    input_node: options.InputNode = None,
    objective: options.Objective = None,
    pictures: options.Pictures = None,
    strength: options.Strength = None,
    seed: options.Seed = None,
    pixels: Size = "512",
    preview: options.Preview = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Dream on grey noise: the network's own pictures, such as --objective "channel(mixed4, 139)".

    Settings: defaults < preset < config file < --set < named options.
    """
    named = {
        "seed": seed,
        "dream.network": network,
        "dream.input_node": input_node,
        "dream.objective": objective,
        **options.picture_settings(pictures),
        "dream.strength": strength,
    }
    settled = resolve(preset, config, sets or (), named, base=base(*pixels))
    hear_out("noise", settled, sets or (), quiet=quiet)
    from dreamvideo.render.noise import noise_source, render_noise
    from dreamvideo.render.plan import make_plan, preview_config

    job = Job("noise", output, settled, overwrite=overwrite)
    manner = Manner(ctx.obj, dry_run=dry_run, preview=preview, json=json, quiet=quiet)
    if preview:
        job = replace(job, config=preview_config(job, noise_source(job.config, pixels)))
    if dry_run:
        return tell_plan(make_plan(job, noise_source(job.config, pixels)), manner)
    return run_picture(lambda listener: render_noise(job, pixels, listener), manner)
