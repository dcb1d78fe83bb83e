"""``dreamvideo presets``."""

from dataclasses import asdict
from typing import Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.output import as_json, result, table
from dreamvideo.presets import list_presets, read_preset

Show = Annotated[
    str | None, typer.Option("--show", metavar="NAME", help="Print this preset's settings instead.", show_default=False)
]


def presets(show: Show = None, json: options.Json = False) -> None:
    """List the presets: looks to start from, for --preset."""
    if show is not None:
        text = read_preset(show)
        result(as_json({"name": show, "toml": text}) if json else text.rstrip("\n"))
        return
    found = list_presets()
    if json:
        result(as_json({"presets": [asdict(preset) for preset in found]}))
    elif found:
        result(table([(preset.name, preset.description) for preset in found]))
