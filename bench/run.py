"""The figures that matter: `python bench/run.py [NAME ...]`, all of them unless some are named; see FIGURES.

Medians and ratios, each pair alternating in one run: absolute seconds belong to this machine at this moment, the
ratios travel better. Every run appends a line to results.jsonl; `python bench/table.py [PLOT.png]` shows them all.
"""

import sys
from collections.abc import Callable

import cost
import numpy as np
from clips import FILMS, footage
from equal import equal
from look import look
from moving import CAMERA, dance_cost, dive_shares
from peak import peak, step
from table import Table, circumstances

from dreamvideo.config import Config, Dream
from dreamvideo.dream.engine import Dreamer
from dreamvideo.media.still import read_image
from dreamvideo.motion.carry import Seen
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved


def still(table: Table) -> None:
    """A still repeated for 300 frames: strength and mean colour from frame 10 on."""
    frame = read_image(str(cost.SAMPLES / "chelsea.jpg"))[::2, ::2].copy()
    recurrence = Recurrence(unmoved(Config()), Dreamer(Dream(), seed=0))
    flow, trust = np.zeros((*frame.shape[:2], 2), np.float32), np.ones((*frame.shape[:2], 1), np.float32)
    levels, colors = [], []
    for index in range(300):
        seen = Seen(index, frame) if index == 0 else Seen(index, frame, False, flow, trust)
        state = recurrence.next(seen).state
        levels.append(state.level)
        colors.append(state.residual.mean(axis=(0, 1)))
    level, color = np.array(levels[10:]), np.array(colors[10:])
    spread, shift = float(np.max(level) / np.min(level) - 1), float(255 * np.ptp(color, axis=0).max())
    table.at_most(
        "a still for 300 frames: RMS of the dream, spread from frame 10", spread, 0.05, f"{100 * spread:.1f} %"
    )
    table.at_most("  mean colour, largest spread, of 255", shift, 1, f"{shift:.2f}")


def moving(table: Table) -> None:
    """What camera, schedules and sound cost beside the network."""
    shares = dive_shares()
    camera = sum(shares[part] for part in CAMERA)
    table.at_most("a dive at 640x426: camera and schedules", camera, 0.05, f"{100 * camera:.1f} %")
    parts = shares["_moved"] - shares["hold_sharpness"], shares["hold_sharpness"], shares["_aged"] + shares["_at"]
    text = ", ".join(f"{100 * part:.1f}" for part in parts)
    table.add("  of it moving; holding sharpness; ages and schedules", parts[0], f"{text} %")
    table.at_most("  everything but the network", shares["outside"], 0.10, f"{100 * shares['outside']:.1f} %")
    longer = dance_cost()
    table.at_most("a clip whose camera and dream follow its sound: longer by", longer, 0.05, f"{100 * longer:.1f} %")


FIGURES: dict[str, Callable[[Table], None]] = {
    "step": step,
    "peak": peak,
    "equal": equal,
    "look": look,
    "qualities": cost.qualities,
    "outside": cost.outside,
    "pixels": cost.pixels,
    "lengths": cost.lengths,
    "still": still,
    "moving": moving,
    "memory": cost.memory,
    "first": cost.first_frame,
    "startup": cost.startup,
}


def main() -> None:
    wanted = sys.argv[1:] or list(FIGURES)
    if unknown := [name for name in wanted if name not in FIGURES]:
        raise SystemExit(f"no figure called {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    table = Table()
    around = circumstances()
    versions = ", ".join(f"{name} {number}" for name, number in around["versions"].items())
    print(f"{around['machine']}\n{versions}\ncommit {around['commit']}\n")
    for name in FILMS:
        footage(name)  # now, rather than after ten minutes, if it can't be had
    try:
        for name in wanted:
            FIGURES[name](table)
    finally:
        table.append()


if __name__ == "__main__":
    main()
