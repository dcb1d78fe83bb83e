"""``dreamvideo zoom``."""

from typing import Annotated, Any

import typer

from dreamvideo.cli import options
from dreamvideo.cli.run import Manner, run
from dreamvideo.cli.unheard import hear_out
from dreamvideo.merging import resolve
from dreamvideo.render.job import Job

# What a dive is like unless the person says otherwise. It dreams on what it has dreamed, and that remembers enough:
# with the ascent's own memory carried besides, long dives grow soft.
BASE = {"camera.zoom": 1.5, "color.match": 1.0, "dream.memory": "reset"}

InputPath = Annotated[
    str, typer.Argument(metavar="INPUT", help="A still; the larger, the longer its own detail lasts.")
]
Speed = Annotated[Any, options.of_setting("camera.zoom", "X", options.CAMERA, default=BASE["camera.zoom"])]
Fps = Annotated[Any, options.of_setting("input.fps", "R", options.PART, default=30, sentence="Frames a second.")]
Width = Annotated[
    Any,
    options.of_setting(
        "input.width", "W", options.PART, sentence="Width of the result, in pixels; unset: that of the still, or 1280."
    ),
]
Seconds = Annotated[Any, options.of_setting("zoom.seconds", "S", options.PART, parser=options.seconds)]
Track = Annotated[
    Any,
    options.of_setting(
        "audio.track",
        "FILE",
        options.SOUND,
        parser=str,
        sentence="Music to listen to, heard in the result, which is as long unless --seconds says otherwise.",
    ),
]
Loop = Annotated[Any, options.of_setting("zoom.loop", "KIND", options.CAMERA)]


def zoom(
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
    seed: options.Seed = None,
    seconds: Seconds = None,
    fps: Fps = None,
    width: Width = None,
    zoom: Speed = None,
    rotate: options.Rotate = None,
    pan: options.Pan = None,
    center: options.Center = None,
    loop: Loop = None,
    audio: Track = None,
    preview: options.Preview = False,
    dry_run: options.DryRun = False,
    resume: options.Resume = False,
    keep: options.Keep = False,
    work: options.Work = None,
    json: options.Json = False,
    quiet: options.Quiet = False,
) -> int:
    """Dive into a still without end, or in a loop that closes.

    Settings: defaults < preset < config file < --set < named options. Any number may be a schedule, such as
    --zoom "1.2 + bass"; `dreamvideo schedule` draws what it does.
    """
    named = {
        "seed": seed,
        "dream.network": network,
        "dream.input_node": input_node,
        "dream.objective": objective,
        **options.picture_settings(pictures),
        "dream.strength": strength,
        "dream.quality": quality,
        "zoom.seconds": seconds,
        "input.fps": fps,
        "input.width": width,
        **options.camera_settings(zoom, rotate, pan, center),
        "zoom.loop": loop,
        "audio.track": audio,
        "output.crf": crf,
    }
    settled = resolve(preset, config, sets or (), named, base=BASE)
    hear_out("zoom", settled, sets or (), quiet=quiet)
    job = Job(input_path, output, settled, resume=resume, keep=keep, overwrite=overwrite, work=work)
    return run("zoom", job, Manner(ctx.obj, dry_run=dry_run, preview=preview, json=json, quiet=quiet))
