"""``dreamvideo atlas``."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.features import SHEET, Channels
from dreamvideo.cli.run import Manner
from dreamvideo.cli.sheets import MakeSheet, run_sheet
from dreamvideo.config import Config
from dreamvideo.errors import ConfigError
from dreamvideo.merging import resolve
from dreamvideo.presets import list_presets

if TYPE_CHECKING:
    from dreamvideo.render.sheets import SheetJob

BASE = {"dream.steps": 12, "dream.step": 0.03, "dream.octave_mode": "grow"}  # what a small dream from noise needs
CELL, COMPARED_CELL = 128, 320  # pixels


class Compare(Enum):
    """What differs from cell to cell when one picture fills the sheet."""

    PRESETS = "presets"
    LAYERS = "layers"


InputPath = Annotated[str | None, typer.Argument(metavar="INPUT", help="The picture for --compare", show_default=False)]
Layer = Annotated[
    str | None,
    typer.Option(
        "--layer",
        metavar="L",
        help="The layer whose channels are dreamed; `dreamvideo layers` lists them.",
        show_default=False,
        rich_help_panel=SHEET,
    ),
]
CompareWhat = Annotated[
    Compare | None,
    typer.Option(
        "--compare", help="Dream INPUT by every preset, or every layer.", show_default=False, rich_help_panel=SHEET
    ),
]
CellSide = Annotated[
    int | None,
    typer.Option(
        "--cell",
        metavar="N",
        min=32,
        max=1024,
        help=f"Longer side of each cell, in pixels. [default {CELL}; {COMPARED_CELL} with --compare]",
        show_default=False,
        rich_help_panel=SHEET,
    ),
]


def atlas(
    ctx: typer.Context,
    input_path: InputPath = None,
    *,
    output: options.OutputPath,
    overwrite: options.Overwrite = False,
    layer: Layer = None,
    channels: Channels = None,
    compare: CompareWhat = None,
    cell: CellSide = None,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    sets: options.Sets = None,
    network: options.Network = None,
    pictures: options.Pictures = None,
    strength: options.Strength = None,
    seed: options.Seed = None,
    resume: options.Resume = False,
    keep: options.Keep = False,
    work: options.Work = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Dream every channel of a layer onto one labelled sheet; or one picture by every preset or layer.

    Choose by looking: channel 139 of mixed4 is dreamed with --objective "channel(mixed4, 139)". Finished cells are
    kept until the sheet is done, so that it can be interrupted and gone on with.
    """
    _check(input_path, layer, channels, compare, preset, pictures)
    look = preset, config, sets or ()
    named = {
        "dream.network": network,
        **options.picture_settings(pictures),
        "dream.strength": strength,
        "seed": seed,
    }
    side = cell or (CELL if compare is None else COMPARED_CELL)
    manner = Manner(ctx.obj, dry_run=False, preview=False, json=json, quiet=quiet)

    def job(settled: Config) -> "SheetJob":
        from dreamvideo.render.sheets import SheetJob

        return SheetJob(output, settled, side, resume=resume, keep=keep, overwrite=overwrite, work=work)

    if compare is None:
        settled = resolve(*look, {**named, "dream.objective": f'channel("{layer}", 0)'}, base=BASE)
        return run_sheet(_channels(job(settled), str(layer), channels), manner)
    settled = resolve(*look, named)
    if compare is Compare.LAYERS:
        return run_sheet(_layers(job(settled), str(input_path)), manner)
    presets = {found.name: resolve(found.name, *look[1:], named) for found in list_presets()}
    return run_sheet(_presets(job(settled), str(input_path), {"default": settled, **presets}), manner)


def _channels(job: "SheetJob", layer: str, channels: str | None) -> MakeSheet:
    from dreamvideo.render.atlas import render_atlas

    return lambda listener: render_atlas(job, layer, channels, listener)


def _layers(job: "SheetJob", photo: str) -> MakeSheet:
    from dreamvideo.render.compare import compare_layers

    return lambda listener: compare_layers(job, photo, listener)


def _presets(job: "SheetJob", photo: str, configs: dict[str, Config]) -> MakeSheet:
    from dreamvideo.render.compare import Variant, compare

    variants = [Variant(name, config) for name, config in configs.items()]
    return lambda listener: compare(job, photo, variants, "presets", listener)


def _check(
    input_path: str | None,
    layer: str | None,
    channels: str | None,
    compare: Compare | None,
    preset: str | None,
    pictures: list[str] | None,
) -> None:
    """Refuse options that have no say together. Raises ``ConfigError``."""
    if compare is None:
        if layer is None:
            raise ConfigError("name a layer with --layer, or what differs from cell to cell with --compare")
        if input_path is not None or pictures:
            raise ConfigError(
                f"an atlas is dreamed from noise; {input_path or '--picture'} has no say but in --compare"
            )
        return
    if input_path is None:
        raise ConfigError(f"--compare {compare.value} needs a picture")
    others = {"--layer": layer, "--channels": channels, "--preset": preset if compare is Compare.PRESETS else None}
    for option, value in others.items():
        if value is not None:
            raise ConfigError(f"{option} has no say in --compare {compare.value}; leave it out")
