"""``dreamvideo layers``."""

import re
import shlex
from dataclasses import asdict
from json import dumps
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
        (i.name, i.kind, f"{i.width}x{i.height}", str(i.channels), _stride(i.stride), _seen(i.receptive_field))
        for i in shown
    ]
    result(table([("layer", "kind", "shape", "channels", "stride", "sees"), *rows]))
    if not every and shown:
        best = f"these show best; --all lists all {len(found)}. " if len(shown) < len(found) else ""
        note(f"{best}Dream on one with {_words(network, input_node, shown[0].name)}")


def _size(text: str) -> tuple[int, int]:
    """``640x360`` or ``512`` to (width, height)."""
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text.strip())
    width, height = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not (1 <= width <= _LARGEST and 1 <= height <= _LARGEST):
        raise typer.BadParameter(f"--size {text!r} is no size; give WIDTHxHEIGHT (640x360) or one side (512).")
    return width, height


def _words(network: str, input_node: str | None, layer: str) -> str:
    """What to type for a dream on ``layer``."""
    formula = f"mean_square({layer if layer.isidentifier() else dumps(layer)})"
    words = ["--network", network, *(["--input-node", input_node] if input_node else []), "--objective", formula]
    return shlex.join(words)


def _stride(pixels: float) -> str:
    return f"{pixels} px" if pixels >= 1 else f"1/{round(1 / pixels)} px"


def _seen(receptive_field: int | None) -> str:
    return "everything" if receptive_field is None else f"{receptive_field} px"
