"""Part of a clip: which of its frames are asked for, and which have to be dreamed so that they look as in the whole."""

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import attrgetter

from dreamvideo.errors import ConfigError

_RANGE = re.compile(r"(\d{1,9})(-(\d{1,9})?)?|-(\d{1,9})")


@dataclass(frozen=True)
class Selection:
    """Frames by their numbers, from 0: each range is (first, last), both in it, last None for up to the end.

    Of all of them, in order, every ``every``-th is taken, beginning with the first.
    """

    ranges: tuple[tuple[int, int | None], ...] = ((0, None),)
    every: int = 1

    def indices(self, count: int) -> list[int]:
        """The frames that are asked for of a clip of ``count``, in order. Raises ``ConfigError`` where it has none."""
        everything = range(count)
        taken = {
            index for first, last in self.ranges for index in everything[first : None if last is None else last + 1]
        }
        chosen = sorted(taken)[:: self.every]
        if not chosen:
            first = min(first for first, _ in self.ranges)
            raise ConfigError(f"the first frame asked for is {first}, but there are {count} frames, numbered from 0")
        return chosen


def parse_selection(text: str | None, every: int = 1) -> Selection:
    """``100-250,300``, ``-50`` or ``900-`` as a selection; None for all frames. Raises ``ConfigError``."""
    if text is None:
        return Selection(every=every)
    ranges = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None:
            raise ConfigError(f"frames {text}: '{part.strip()}' is no frame and no range such as 100-250")
        first = int(found[1] or 0)
        last = found[4] or found[3] or (None if found[2] else first)
        if last is not None and int(last) < first:
            raise ConfigError(f"frames {text}: {part.strip()} ends before it begins")
        ranges.append((first, None if last is None else int(last)))
    return Selection(tuple(ranges), every)


def needed(indices: Sequence[int], cuts: Sequence[int], *, carries: bool) -> list[range]:
    """What to dream for the frames ``indices``: each range is dreamed one frame after another, from nothing.

    A frame follows from all those before it in its shot, unless nothing is carried. ``cuts``: where shots begin.
    """
    if not carries:
        return _runs(indices)
    last = {cuts[bisect_right(cuts, index) - 1]: index for index in indices}  # of those asked for, in each shot
    return [range(begin, index + 1) for begin, index in last.items()]


def gathered(stretches: Iterable[range], gap: int) -> list[range]:
    """Ranges to read for ``stretches``, which are in order: those that are no further apart than ``gap`` at one go."""
    found: list[range] = []
    for stretch in stretches:
        if found and stretch.start - found[-1].stop <= gap:
            found[-1] = range(found[-1].start, max(found[-1].stop, stretch.stop))
        else:
            found.append(stretch)
    return found


def lies_in(stretches: Sequence[range], index: int) -> bool:
    """Whether a frame is in one of ``stretches``, which are in order."""
    place = bisect_right(stretches, index, key=attrgetter("start")) - 1
    return place >= 0 and index in stretches[place]


def _runs(indices: Sequence[int]) -> list[range]:
    return gathered((range(index, index + 1) for index in indices), 0)


def spacing(indices: Sequence[int]) -> int | None:
    """How many frames lie from each to the next, None where that differs."""
    steps = {after - before for before, after in pairwise(indices)} or {1}
    return steps.pop() if len(steps) == 1 else None
