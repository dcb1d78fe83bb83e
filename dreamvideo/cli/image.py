"""``dreamvideo image``."""

from typing import Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.run import Manner, run
from dreamvideo.merging import resolve
from dreamvideo.render.job import Job

InputPath = Annotated[str, typer.Argument(metavar="INPUT", help="A picture: PNG, JPEG, TIFF, WebP and others.")]


def image(
    ctx: typer.Context,
    input_path: InputPath,
    *,
    output: options.OutputPath,
    overwrite: options.Overwrite = False,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    sets: options.Sets = None,
    strength: options.Strength = None,
    seed: options.Seed = None,
    width: options.Width = None,
    preview: options.Preview = False,
    dry_run: options.DryRun = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Dream one picture.

    Settings: defaults < preset < config file < --set < named options.
    """
    settled = resolve(preset, config, sets or (), {"seed": seed, "dream.strength": strength, "input.width": width})
    job = Job(input_path, output, settled, overwrite=overwrite)
    return run("image", job, Manner(ctx.obj, dry_run=dry_run, preview=preview, json=json, quiet=quiet))
