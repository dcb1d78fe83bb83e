"""The default look on every clip: how strong it is, and what of it does not follow the clip, from near and from far."""

from fractions import Fraction

from clips import CLIPS
from equal import EVERY
from table import Table

from dreamvideo.config import Config, Shots
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import load_network
from dreamvideo.motion.carry import watch
from dreamvideo.motion.shots import CutFinder, in_shots
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved
from dreamvideo.score.measurement import measure
from dreamvideo.score.strength import Strength

FRAMES = 48
RATE = Fraction(25)


def look(table: Table) -> None:
    """Scored as `dreamvideo score` does it; strength is that of the default's own layers and measure."""
    config, network = Config(), load_network("inceptionv3")
    for name, clip in CLIPS.items():
        inputs = list(clip(FRAMES))
        loop = Recurrence(unmoved(config), Dreamer(config.dream, seed=0, network=network))
        dreamed = (loop.next(seen).dreamed for seen in watch(in_shots(inputs, CutFinder(Shots(), RATE))))
        found = measure(zip(inputs, dreamed, strict=True), RATE, Strength(network), EVERY)
        table.add(f"{name}: the default look: strength", found.strength or 0, f"{found.strength:.2f}")
        difference = 255 * found.difference
        table.add(f"{name}: the default look: |output - input|, of 255", difference, f"{difference:.1f}")
        for error in (found.short, found.long):
            text = f"{error.above:.1f} above {error.input:.1f}"
            apart = f"{error.apart} frame{'s' * (error.apart > 1)} apart"
            table.add(f"{name}: the default look: warp error x 1e4, {apart}", error.above or 0, text)
