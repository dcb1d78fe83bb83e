"""``dreamvideo batch``."""

import time
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.batch_list import KINDS, PLAIN, Typed, matches, read_job_list
from dreamvideo.cli.batch_report import listen, tell_outcomes, tell_standing
from dreamvideo.cli.interrupt import Interrupt
from dreamvideo.cli.output import note
from dreamvideo.cli.progress import BatchDisplay
from dreamvideo.cli.run import Kind, room
from dreamvideo.cli.unheard import UNHEARD_BY, refuse_unheard, unheard_notes
from dreamvideo.errors import ConfigError, DreamError, OutputError
from dreamvideo.media.files import output_error
from dreamvideo.render.job import Job, Listener, Report

if TYPE_CHECKING:
    from dreamvideo.render.batch_names import Wish

SOME_FAILED = 7  # exit status

Inputs = Annotated[
    list[str],
    typer.Argument(
        metavar="INPUT",
        help="Clips, stills, folders of frames, and quoted patterns of these; or one job list, a .toml file.",
    ),
]
Folder = Annotated[
    str | None,
    typer.Option(
        "-o",
        "--output",
        metavar="DIR",
        help="The folder of the results; made if it is missing. [required but for a job list, beside which they go]",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="NAMES",
        help="Names of the results, of {stem}, {preset}, {ext}, {parent}, and {index} or {index:03d}. "
        "[default {stem}.{ext}]",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Extension = Annotated[
    str | None,
    typer.Option(
        "--ext",
        metavar="EXT",
        help="Kind of the results, such as gif; unset: mp4 of clips, png of stills.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Overwrite = Annotated[
    bool,
    typer.Option(
        "-y",
        "--overwrite",
        help="Replace results that were made with other settings, too.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
FailFast = Annotated[
    bool,
    typer.Option(
        "--fail-fast", help="Stop at the first job that fails.", show_default=False, rich_help_panel=options.RUN
    ),
]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run", help="List the jobs and how they stand; stop.", show_default=False, rich_help_panel=options.RUN
    ),
]


def batch(
    inputs: Inputs,
    *,
    output: Folder = None,
    pattern: Pattern = None,
    extension: Extension = None,
    overwrite: Overwrite = False,
    crf: options.Crf = None,
    preset: options.PresetName = None,
    config: options.ConfigFile = None,
    sets: options.Sets = None,
    network: options.Network = None,
    input_node: options.InputNode = None,
    objective: options.Objective = None,
    pictures: options.Pictures = None,
    strength: options.Strength = None,
    quality: options.Quality = None,
    carry: options.CarryStrength = None,
    seed: options.Seed = None,
    width: options.Width = None,
    fps: options.Fps = None,
    fail_fast: FailFast = False,
    dry_run: DryRun = False,
    keep: options.Keep = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Dream many inputs in one process; the same command again does only what is missing.

    A job list is TOML: a table [defaults] with a preset and settings, then for each job a [[job]] with an input and, if
    wanted, an output (a name), a preset, a command ("render", "zoom" or "image"), frames = "100-250" or every = 5, and
    settings, such as dream.steps = 9.

    Settings: defaults < preset < [defaults] < [[job]] < config file < --set < named options.
    """
    named = {
        "seed": seed,
        "dream.network": network,
        "dream.input_node": input_node,
        "dream.objective": objective,
        **options.picture_settings(pictures),
        "dream.strength": strength,
        "dream.quality": quality,
        "carry.strength": carry,
        "input.width": width,
        "input.fps": fps,
        "output.crf": crf,
    }
    from dreamvideo.render.batch import run_batch, survey
    from dreamvideo.render.batch_names import PATTERN, name_outputs
    from dreamvideo.render.batch_record import BatchRecord

    wishes, listed_pattern = _wishes(inputs, Typed(preset, config, sets or (), named))
    folder = _folder(output, inputs)
    _hear_out(wishes, sets or (), quiet=quiet)
    outputs = name_outputs(wishes, folder, pattern=pattern or listed_pattern or PATTERN, extension=extension)
    record = BatchRecord(folder)
    entries = survey(wishes, outputs, record, overwrite=overwrite, keep=keep)
    if dry_run:
        tell_standing(entries, json=json)
        return 0
    _make(folder)
    begun = time.monotonic()
    with BatchDisplay(quiet, sum(entry.standing != "done" for entry in entries)) as display:
        interrupt = Interrupt(display.say)
        ears = listen(display, interrupt, json=json)
        outcomes = interrupt.run(lambda: run_batch(entries, record, _render, ears, fail_fast=fail_fast))
    tell_outcomes(outcomes, time.monotonic() - begun, json=json, quiet=quiet)
    if interrupt.requested() and any(outcome.state in {"interrupted", "not begun"} for outcome in outcomes):
        return interrupt.exit_code
    return SOME_FAILED if any(outcome.state == "failed" for outcome in outcomes) else 0


def _render(kind: Kind, jobs: Sequence[Job], listener: Listener) -> Generator[Report | DreamError, None, None]:
    if len(jobs) == 1:
        yield room(kind)[2](jobs[0], listener)
        return
    from dreamvideo.render.stills import render_stills

    yield from render_stills(jobs, listener)


def _wishes(inputs: Sequence[str], typed: Typed) -> tuple["list[Wish]", str | None]:
    """What is wanted, and the job list's own pattern. Raises ``ConfigError``."""
    from dreamvideo.render.batch_names import Wish, refuse

    lists = [name for name in inputs if _is_list(name)]
    if lists and len(inputs) > 1:
        raise ConfigError(f"{lists[0]} is a job list, which comes alone; write the other inputs into it")
    if lists:
        listed = read_job_list(Path(lists[0]), typed)
        return listed.wishes, listed.pattern
    found, problems = [], []
    for name in inputs:
        try:
            found += matches(name, Path())
        except ConfigError as error:
            problems.append(str(error))
    refuse(problems)
    config = typed.resolve("render")
    return [Wish("clip", name, config, typed.preset or PLAIN) for name in found], None


def _is_list(name: str) -> bool:
    return name.lower().endswith(".toml") and not Path(name).is_dir()


def _folder(output: str | None, inputs: Sequence[str]) -> Path:
    """The output folder. Raises ``OutputError`` where it can't be one, and ``ConfigError`` where none is named."""
    if output is None and not _is_list(inputs[0]):
        raise ConfigError("missing option '-o' / '--output': the folder of the results")
    folder = Path(inputs[0]).parent if output is None else Path(output)
    if output == "":
        raise OutputError("the output folder has no name")
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file; a batch needs a folder for its results")
    if not folder.absolute().parent.is_dir():
        raise OutputError(f"{folder}: the folder {folder.absolute().parent} does not exist; make it first")
    return folder


def _make(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise output_error(folder, error) from error


def _hear_out(wishes: "Sequence[Wish]", sets: Sequence[str], *, quiet: bool) -> None:
    """Refuse what was typed and has no say in any job; tell of what else has none."""
    commands = {kind: command for command, kind in KINDS.items()}
    looks = {(wish.kind, id(wish.config)): wish.config for wish in wishes}
    refuse_unheard(
        sets,
        frozenset.intersection(*(UNHEARD_BY[commands[kind]] for kind, _ in looks)),
        "these jobs",
    )
    notes = [
        sentence
        for (kind, _), config in looks.items()
        for sentence in unheard_notes(config, UNHEARD_BY[commands[kind]], f"`dreamvideo {commands[kind]}`")
    ]
    for sentence in [] if quiet else dict.fromkeys(notes):
        note(sentence)
