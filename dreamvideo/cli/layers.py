"""``dreamvideo layers``."""

from dataclasses import asdict
from typing import Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.output import as_json, note, result, table
from dreamvideo.settings import SETTINGS

Network = Annotated[str, typer.Option("--network", metavar="NAME", help="The network whose layers are listed.")]
All = Annotated[bool, typer.Option("--all", help="Every layer, not only those that show best.", show_default=False)]


def layers(
    network: Network = SETTINGS["dream.network"].default, every: All = False, json: options.Json = False
) -> None:
    """List the layers that can be dreamed on, for dream.layers.

    Early layers dream lines and textures, late ones eyes, animals and things. The stride is how many pixels of the
    picture lie between neighbouring activations.
    """
    from dreamvideo.dream.networks import NETWORKS, load_network

    found = load_network(network).describe()
    shown = [layer for layer in found if every or layer.name in NETWORKS[network].showcase]
    if json:
        result(as_json({"network": network, "layers": [asdict(layer) for layer in shown]}))
        return
    rows = [(layer.name, layer.kind, str(layer.channels), f"{layer.stride} px") for layer in shown]
    result(table([("layer", "kind", "channels", "stride"), *rows]))
    if not every:
        note(f"these show best; --all lists all {len(found)}. Use one with --set dream.layers.{shown[0].name}=1")
