"""``dreamvideo render``."""

from typing import Annotated

import typer

from dreamvideo.cli import options
from dreamvideo.cli.run import Manner, run
from dreamvideo.cli.unheard import hear_out
from dreamvideo.errors import ConfigError
from dreamvideo.merging import resolve
from dreamvideo.render.job import Job
from dreamvideo.render.selection import parse_selection

InputPath = Annotated[
    str, typer.Argument(metavar="INPUT", help="A clip, a folder of frames, or a pattern such as 'frames/*.png'.")
]


def render(
    ctx: typer.Context,
    input_path: InputPath,
    *,
    output: options.OutputPath,
    overwrite: options.Overwrite = False,
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
    start: options.Start = None,
    end: options.End = None,
    frames: options.Frames = None,
    every: options.Every = None,
    width: options.Width = None,
    fps: options.Fps = None,
    zoom: options.Zoom = None,
    rotate: options.Rotate = None,
    pan: options.Pan = None,
    center: options.Center = None,
    audio: options.AudioTrack = None,
    cluster: options.Cluster = None,
    workers: options.Workers = None,
    preview: options.Preview = False,
    dry_run: options.DryRun = False,
    resume: options.Resume = False,
    keep: options.Keep = False,
    work: options.Work = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Dream a clip: the same length, rate, size and sound.

    Settings: defaults < preset < config file < --set < named options. A TIME is seconds (90.5) or [h:]mm:ss (1:30.5).
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
        "input.start": start,
        "input.end": end,
        "input.width": width,
        "input.fps": fps,
        **options.camera_settings(zoom, rotate, pan, center),
        "audio.track": audio,
        "output.crf": crf,
    }
    settled = resolve(preset, config, sets or (), named)
    hear_out("render", settled, sets or (), quiet=quiet)
    selection = None if frames is None and every is None else parse_selection(frames, every or 1)
    if cluster == "":
        raise ConfigError("--cluster says nowhere; write local, or an address such as ray://head:10001")
    if workers is not None and cluster is None:
        raise ConfigError("--workers needs --cluster, such as --cluster local")
    job = Job(
        input_path,
        output,
        settled,
        resume=resume,
        keep=keep,
        overwrite=overwrite,
        work=work,
        frames=selection,
        cluster=cluster,
        workers=workers,
    )
    return run("clip", job, Manner(ctx.obj, dry_run=dry_run, preview=preview, json=json, quiet=quiet))
