"""``dreamvideo features``."""

from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dreamvideo.cli import options
from dreamvideo.cli.run import Manner
from dreamvideo.cli.sheets import run_sheet
from dreamvideo.cli.unheard import refuse_unheard, unheard_notes, with_notes
from dreamvideo.merging import resolve
from dreamvideo.settings import SETTINGS

if TYPE_CHECKING:
    pass

SHEET = "Sheet"
HEARD = {
    "dream.network",
    "dream.input_range",
    "dream.input_node",
    "dream.precision",
    "input.width",
    "input.max_pixels",
}  # the settings that decide what a layer sees


class Order(Enum):
    """Which map comes first."""

    STRONGEST = "strongest"
    NUMBER = "number"


InputPath = Annotated[str, typer.Argument(metavar="INPUT", help="A picture: PNG, JPEG, TIFF, WebP and others.")]
Layer = Annotated[
    str, typer.Option("--layer", metavar="L", help="The layer; `dreamvideo layers` lists them.", rich_help_panel=SHEET)
]
Channels = Annotated[
    str | None,
    typer.Option(
        "--channels",
        metavar="LIST",
        help="Which channels, such as 0-63,139; all if not given.",
        show_default=False,
        rich_help_panel=SHEET,
    ),
]
Count = Annotated[
    Any,
    typer.Option(
        "--count",
        metavar="N",
        help="How many maps at most. [at least 1; default 63]",
        parser=options.whole(1),
        show_default=False,
        rich_help_panel=SHEET,
    ),
]
FirstOf = Annotated[
    Order,
    typer.Option(
        "--order",
        metavar="ORDER",
        help='The strongest first, or as numbered. ["strongest" or "number"; default "strongest"]',
        show_default=False,
        rich_help_panel=SHEET,
    ),
]
CellSide = Annotated[
    Any,
    typer.Option(
        "--cell",
        metavar="N",
        help="Longer side of each map, in pixels. [from 16 to 2048; default 128]",
        parser=options.whole(16, 2048),
        show_default=False,
        rich_help_panel=SHEET,
    ),
]


def features(
    ctx: typer.Context,
    input_path: InputPath,
    *,
    output: options.OutputPath,
    layer: Layer,
    overwrite: options.Overwrite = False,
    channels: Channels = None,
    count: Count = 63,
    order: FirstOf = Order.STRONGEST,
    cell: CellSide = 128,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    sets: options.Sets = None,
    network: options.Network = None,
    width: options.Width = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Show what a layer sees in a picture: its activations, channel by channel, on one sheet.

    Bright is where a channel responds, each map on a scale of its own. The number at the right is its peak.
    """
    unheard = SETTINGS.keys() - HEARD
    refuse_unheard(sets or (), unheard, "features")
    settled = resolve(preset, config, sets or (), {"dream.network": network, "input.width": width})
    from dreamvideo.render.features import FeaturesJob, render_features

    job = FeaturesJob(input_path, output, settled, layer, channels, count, order.value, cell, overwrite)
    manner = Manner(ctx.obj, dry_run=False, preview=False, json=json, quiet=quiet)
    notes = unheard_notes(settled, unheard, "features")
    return run_sheet(with_notes(notes, lambda listener: render_features(job, listener)), manner)
