"""``dreamvideo atlas``."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dreamvideo.cli import options
from dreamvideo.cli.features import SHEET, Channels
from dreamvideo.cli.run import Manner
from dreamvideo.cli.sheets import MakeSheet, run_sheet
from dreamvideo.cli.unheard import refuse_unheard, unheard_notes, with_notes
from dreamvideo.config import Config
from dreamvideo.errors import ConfigError
from dreamvideo.merging import resolve
from dreamvideo.presets import list_presets
from dreamvideo.settings import SETTINGS

if TYPE_CHECKING:
    from dreamvideo.render.sheets import SheetJob

BASE = {"dream.steps": 12, "dream.step": 0.03, "dream.octave_mode": "grow"}  # what a small dream from noise needs
CELL, COMPARED_CELL = 128, 320  # pixels
UNHEARD_BY_STILLS = {"input.start", "input.end", "input.fps", "input.frames"} | {
    key for key in SETTINGS if key.startswith(("shots.", "noise.", "output."))
}
UNHEARD_BY_CHANNELS = {"dream.objective", "dream.layers", "dream.pictures", "dream.memory"} | {
    key for key in SETTINGS if key.startswith(("carry.", "shots.", "input.", "noise.", "output."))
}


class Compare(Enum):
    """What differs from cell to cell when one picture fills the sheet."""

    PRESETS = "presets"
    LAYERS = "layers"


InputPath = Annotated[
    str | None, typer.Argument(metavar="INPUT", help="The picture for --compare.", show_default=False)
]
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
        "--compare",
        metavar="WHAT",
        help='Dream INPUT by every preset, or every layer. ["presets" or "layers"]',
        show_default=False,
        rich_help_panel=SHEET,
    ),
]
CellSide = Annotated[
    Any,
    typer.Option(
        "--cell",
        metavar="N",
        help=f"Longer side of each cell, in pixels. [from 32 to 1024; default {CELL}, or {COMPARED_CELL} in --compare]",
        parser=options.whole(32, 1024),
        show_default=False,
        rich_help_panel=SHEET,
    ),
]


@dataclass(frozen=True)
class _Look:
    """What the person said of how to dream."""

    preset: str | None
    config: Path | None
    sets: list[str]
    named: Mapping[str, Any]


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
    named = {"dream.network": network, "dream.strength": strength, "seed": seed, **options.picture_settings(pictures)}
    look = _Look(preset, config, sets or [], named)
    settled, notes = _settle(look, compare, layer)

    from dreamvideo.render.sheets import SheetJob

    side = cell or (CELL if compare is None else COMPARED_CELL)
    job = SheetJob(output, settled, side, resume=resume, keep=keep, overwrite=overwrite, work=work)
    make = _compared(job, compare, str(input_path), look) if compare else _channels(job, str(layer), channels)
    return run_sheet(with_notes(notes, make), Manner(ctx.obj, dry_run=False, preview=False, json=json, quiet=quiet))


def _settle(look: _Look, compare: Compare | None, layer: str | None) -> tuple[Config, list[str]]:
    """The settings of the sheet, and notes on those that have no say in it. Raises ``ConfigError``."""
    if compare is None:
        unheard, where, base = UNHEARD_BY_CHANNELS, f"an atlas of --layer {layer}", BASE
    else:
        unheard, where, base = UNHEARD_BY_STILLS, f"--compare {compare.value}", None
    if compare is Compare.LAYERS:
        unheard = unheard | {"dream.layers"}
    refuse_unheard(look.sets, unheard, where)
    settled = resolve(look.preset, look.config, look.sets, look.named, base=base)
    notes = unheard_notes(settled, unheard, where)
    if compare is None:
        only = {**look.named, "dream.objective": f'channel("{layer}", 0)'}
        settled = resolve(look.preset, look.config, look.sets, only, base=base)
    return settled, notes


def _channels(job: "SheetJob", layer: str, channels: str | None) -> MakeSheet:
    from dreamvideo.render.atlas import render_atlas

    return lambda listener: render_atlas(job, layer, channels, listener)


def _compared(job: "SheetJob", compare: Compare, photo: str, look: _Look) -> MakeSheet:
    return _layers(job, photo) if compare is Compare.LAYERS else _presets(job, photo, look)


def _layers(job: "SheetJob", photo: str) -> MakeSheet:
    from dreamvideo.render.compare import compare_layers

    return lambda listener: compare_layers(job, photo, listener)


def _presets(job: "SheetJob", photo: str, look: _Look) -> MakeSheet:
    """By the default, and by every preset that goes together with what else the person said."""
    from dreamvideo.render.compare import Variant, compare

    variants, notes = [Variant("default", job.config)], []
    for preset in list_presets():
        try:
            variants.append(Variant(preset.name, resolve(preset.name, look.config, look.sets, look.named)))
        except ConfigError as error:
            notes.append(f"{preset.name} is left out: {error}")
    return with_notes(notes, lambda listener: compare(job, photo, variants, "presets", listener))


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
