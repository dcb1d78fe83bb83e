"""``dreamvideo layers``."""

import re
from dataclasses import asdict
from typing import Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.output import as_json, note, result, table
from dreamvideo.settings import SETTINGS

_LARGEST = 1 << 16

Network = Annotated[
    str, typer.Option("--network", metavar="N", help="A name of `dreamvideo networks`, or a .keras or .pb file.")
]
Size = Annotated[str, typer.Option("--size", metavar="WxH", help="The picture's size, such as 640x360 or 512.")]
InputNode = Annotated[
    str | None,
    typer.Option("--input-node", metavar="NODE", help=SETTINGS["dream.input_node"].sentence, show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="Every layer, not only those that show best.", show_default=False)]


def layers(
    network: Network = SETTINGS["dream.network"].default,
    size: Size = "512x512",
    every: All = False,
    input_node: InputNode = None,
    json: options.Json = False,
) -> None:
    """List the layers that can be dreamed on, for dream.layers.

    Early layers dream lines and textures, late ones eyes, animals and things. The stride is how many pixels of the
    picture lie between neighbouring activations; what one of them sees is its receptive field.
    """
    width, height = _size(size)
    from dreamvideo.dream.networks import load_network

    loaded = load_network(network, input_node=input_node)
    found = loaded.describe(height, width)
    shown = [layer for layer in found if every or layer.name in loaded.showcase]
    if json:
        result(as_json({"network": network, "width": width, "height": height, "layers": [asdict(i) for i in shown]}))
        return
    rows = [
        (i.name, i.kind, f"{i.width}x{i.height}", str(i.channels), f"{i.stride} px", _seen(i.receptive_field))
        for i in shown
    ]
    result(table([("layer", "kind", "shape", "channels", "stride", "sees"), *rows]))
    if not every:
        note(f"these show best; --all lists all {len(found)}. Use one with --set dream.layers.{shown[0].name}=1")


def _size(text: str) -> tuple[int, int]:
    """``640x360`` or ``512`` to (width, height)."""
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip())
    width, height = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not (1 <= width <= _LARGEST and 1 <= height <= _LARGEST):
        raise typer.BadParameter(f"--size {text!r} is no size; give WIDTHxHEIGHT (640x360) or one side (512).")
    return width, height


def _seen(receptive_field: int | None) -> str:
    return "everything" if receptive_field is None else f"{receptive_field} px"
