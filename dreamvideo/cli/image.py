"""``dreamvideo image``."""

from typing import Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.run import Manner, run
from dreamvideo.cli.unheard import hear_out
from dreamvideo.merging import resolve
from dreamvideo.render.job import Job

BeforeAfter = Annotated[
    bool,
    typer.Option(
        "--before-after",
        help="Write the input and its dream side by side.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
InputPath = Annotated[str, typer.Argument(metavar="INPUT", help="A picture: PNG, JPEG, TIFF, WebP and others.")]


def image(
    ctx: typer.Context,
    input_path: InputPath,
    *,
    output: options.OutputPath,
    overwrite: options.Overwrite = False,
    before_after: BeforeAfter = False,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    sets: options.Sets = None,
    network: options.Network = None,
    input_node: options.InputNode = None,
    objective: options.Objective = None,
    pictures: options.Pictures = None,
    strength: options.Strength = None,
    quality: options.Quality = None,
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
    named = {
        "seed": seed,
        "dream.network": network,
        "dream.input_node": input_node,
        "dream.objective": objective,
        **options.picture_settings(pictures),
        "dream.strength": strength,
        "dream.quality": quality,
        "input.width": width,
    }
    settled = resolve(preset, config, sets or (), named)
    hear_out("image", settled, sets or (), quiet=quiet)
    job = Job(input_path, output, settled, overwrite=overwrite)
    kind = "before-after" if before_after else "image"
    return run(kind, job, Manner(ctx.obj, dry_run=dry_run, preview=preview, json=json, quiet=quiet))
