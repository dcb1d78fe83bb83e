"""A plan as text: what ``--dry-run`` prints."""

from dreamvideo.cli.output import duration, table
from dreamvideo.render.job import Plan


def plan_text(plan: Plan) -> str:
    """The plan as a short table, then its notes."""
    rows = [
        ("input", plan.input),
        ("output", plan.output),
        ("frames", f"{_count(plan.frames)}{plan.width}x{plan.height} at {plan.rate} a second"),
        ("network", f"{plan.network} in {plan.precision}"),
        ("objective", plan.objective),
        ("octaves", ", ".join(_octave(*item) for item in zip(plan.octaves, plan.tiles, strict=True))),
        (
            "steps",
            f"{plan.first_steps} in each octave of a shot's first frame, {plan.carried_steps} of each frame after",
        ),
        ("time", _time(plan)),
        ("memory", f"about {_size(plan.memory_bytes)}"),
    ]
    return "\n".join([table(rows), *(f"note: {text}" for text in plan.notes)])


def _count(frames: int | None) -> str:
    return "unknown number, " if frames is None else f"{frames}, "


def _octave(size: tuple[int, int], tiles: int) -> str:
    return f"{size[1]}x{size[0]}" + (f" in {tiles} tiles" if tiles > 1 else "")


def _time(plan: Plan) -> str:
    each = f"{duration(plan.seconds_per_frame)} a frame, {duration(plan.seconds_first_frame)} for a shot's first"
    return each if plan.seconds is None else f"about {duration(plan.seconds)} ({each})"


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
