"""A plan as text: what ``--dry-run`` prints."""

from dreamvideo.cli.output import duration, table
from dreamvideo.render.job import Plan


def plan_text(plan: Plan) -> str:
    """The plan as a short table, then its notes."""
    rows = [
        ("input", plan.input),
        ("output", plan.output),
        ("frames", _frames(plan)),
        ("network", f"{plan.network} in {plan.precision}"),
        ("objective", plan.objective),
        ("octaves", ", ".join(_octave(*item) for item in zip(plan.octaves, plan.tiles, strict=True))),
        ("steps", _steps(plan)),
        *_crew(plan),
        ("time", _time(plan)),
        ("memory", f"about {_size(plan.memory_bytes)}{' for each worker' * (plan.crew is not None)}"),
    ]
    return "\n".join([table(rows), *(f"note: {text}" for text in plan.notes)])


def _frames(plan: Plan) -> str:
    size = f"{plan.width}x{plan.height}"
    if plan.frames == 1:
        return f"1, {size}"
    count = "unknown number" if plan.frames is None else plan.frames
    return f"{count}, {size} at {plan.rate} a second"


def _steps(plan: Plan) -> str:
    if plan.frames == 1:
        return f"{plan.first_steps} in each octave"
    return f"up to {plan.first_steps} in each octave of a shot's first frame, {plan.carried_steps} of each frame after"


def _crew(plan: Plan) -> list[tuple[str, str]]:
    """What a cluster adds."""
    crew = plan.crew
    if crew is None:
        return []
    more = crew.dreamed - (plan.frames or 0)
    extra = f", {more} frames more for lead-ins and fades" if more else ""
    each = f"{crew.cores} core{'s' * (crew.cores > 1)}" + (" and a GPU" if crew.gpus else "")
    return [("shots", f"{crew.shots} in {crew.chunks} chunks{extra}"), ("workers", f"{crew.workers}, each with {each}")]


def _octave(size: tuple[int, int], tiles: int) -> str:
    return f"{size[1]}x{size[0]}" + (f" in {tiles} tiles" if tiles > 1 else "")


def _time(plan: Plan) -> str:
    if plan.frames == 1:
        return f"about {duration(plan.seconds_first_frame)}"
    each = f"{duration(plan.seconds_per_frame)} a frame, {duration(plan.seconds_first_frame)} for a shot's first"
    return each if plan.seconds is None else f"about {duration(plan.seconds)} ({each})"


def _size(size: int) -> str:
    return f"{size / 2**30:.1f} GiB" if size >= 2**30 else f"{size / 2**20:.0f} MiB"
