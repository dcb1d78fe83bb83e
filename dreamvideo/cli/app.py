"""``main``: one command line in, one exit status out. Heavy rooms are imported inside the commands that need them."""

import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from dreamvideo import __version__
from dreamvideo.cli.atlas import atlas
from dreamvideo.cli.batch import batch
from dreamvideo.cli.doctor import doctor
from dreamvideo.cli.features import features
from dreamvideo.cli.help import GroupedCommand
from dreamvideo.cli.image import image
from dreamvideo.cli.layers import layers
from dreamvideo.cli.networks import networks
from dreamvideo.cli.noise import noise
from dreamvideo.cli.output import error, result
from dreamvideo.cli.presets import presets
from dreamvideo.cli.render import render
from dreamvideo.cli.schedule import schedule
from dreamvideo.cli.score import score
from dreamvideo.cli.zoom import zoom
from dreamvideo.errors import DreamError

BUG, USAGE, INTERRUPTED = 1, 2, 130
_USAGE_ERROR: Any = typer.BadParameter.__mro__[1]  # click's UsageError, wherever this typer keeps it

COMMANDS = (render, zoom, image, batch, noise, schedule, score, atlas, features, presets, layers, doctor)

app = typer.Typer(
    help="DeepDream for moving pictures: a clip in, a dreamed clip out.",
    epilog="Exit status: 0 done, 1 a bug, 2 usage or settings, 3 input, 4 output, 5 network, 6 the dream failed, "
    "7 some jobs of a batch failed, 130 interrupted, 143 terminated.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
for _command in COMMANDS:
    app.command(cls=GroupedCommand)(_command)
app.add_typer(networks, name="networks")


def _show_version(wanted: bool) -> None:
    if wanted:
        result(f"dreamvideo {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (by default the process's own) and return its exit status."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    try:
        status = app(arguments or ["--help"], prog_name="dreamvideo", standalone_mode=False, obj=arguments)
    except DreamError as problem:
        error(str(problem))
        return problem.exit_code
    except _USAGE_ERROR as problem:
        error(f"{_sentence(problem.format_message())}\nTry `{_path(problem, arguments)} --help`.")
        return USAGE
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except Exception:
        error("this is a bug in dreamvideo; please report it with what follows")
        traceback.print_exc(file=sys.stderr)
        return BUG
    return status if isinstance(status, int) else 0


def _sentence(message: str) -> str:
    """Click's message in the form of our own: small first letter, no full stop."""
    return message[:1].lower() + message[1:].rstrip(".")


def _path(problem: Any, arguments: list[str]) -> str:
    """The command to ask for help: click does not always say in which one it was."""
    if problem.ctx is not None:
        return problem.ctx.command_path
    names = {command.__name__ for command in COMMANDS}
    return " ".join(["dreamvideo", *(word for word in arguments[:1] if word in names)])
