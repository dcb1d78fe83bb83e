"""Long shots in chunks, which several machines dream at the same time, and the fades that join them again.

A chunk begins on a lead-in of frames that nobody sees, so that its dream has grown together with the scene when it is
first shown. Over its first frames the chunk before it still goes on, and there the residuals are cross-faded:

    residual = a * (1 - w) + b * w,  scaled to the level  (1 - w) * level(a) + w * level(b)

since two dreams that differ partly cancel each other where they are mixed. What is a chunk is decided by the clip and
the settings alone, never by how many machines there are.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from dreamvideo.config import Shots
from dreamvideo.motion.carry import State, level
from dreamvideo.render.journal import MEMORIES, Journal, Strand


@dataclass(frozen=True)
class Chunk:
    """Frames ``begin`` up to ``end`` of the shot that begins with frame ``shot``, dreamed from ``lead`` on.

    The frames before ``head`` are kept among the journal's heads: those from ``begin`` on are faded in, and the others
    are never seen. ``looks_back``: the shot's first frame has to be dreamed before, which says how strong to be.
    """

    shot: int
    lead: int
    begin: int
    head: int
    end: int
    looks_back: bool = False

    @property
    def stretches(self) -> list[range]:
        """What to dream."""
        if self.lead <= self.shot:
            return [range(self.shot, self.end)]
        return [range(self.shot, self.shot + 1)] * self.looks_back + [range(self.lead, self.end)]

    @property
    def fades(self) -> range:
        """The frames that the chunk before it has, too."""
        return range(self.begin, self.head)

    @property
    def work(self) -> int:
        """How many frames are dreamed."""
        return sum(map(len, self.stretches))

    def weight(self, index: int) -> float:
        """How far frame ``index`` of the fade is this chunk's, in (0, 1)."""
        return (index - self.begin + 1) / (len(self.fades) + 1)


def split(shots: Iterable[range], settings: Shots, *, carries: bool, looks_at_shots: bool = False) -> list[Chunk]:
    """All ``shots`` in chunks; a short one is one. ``looks_at_shots``: the objective depends on a shot's first frame.

    Where nothing is carried there is nothing to lead in and to fade. Else a chunk is so long that only its neighbours
    have any of its frames: the heads of all lie side by side, and none deletes another's memories.
    """
    lead_in, overlap = (settings.lead_in, settings.overlap) if carries else (0, 0)
    shortest = lead_in + overlap + MEMORIES if carries else 1
    chunks = []
    for shot in shots:
        count = max(1, min(round(len(shot) / settings.chunk), len(shot) // shortest))
        begins = [shot.start + len(shot) * i // count for i in range(count)]
        for begin, following in zip(begins, [*begins[1:], shot.stop], strict=True):
            first, end = begin == shot.start, min(following + overlap, shot.stop)
            lead = begin if first else max(shot.start, begin - lead_in)
            head = begin if first else min(begin + overlap, end)
            chunks.append(Chunk(shot.start, lead, begin, head, end, carries or looks_at_shots))
    return chunks


def shots_of(cuts: Sequence[int], count: int) -> list[range]:
    """The shots of a clip of ``count`` frames, whose first frames are ``cuts``."""
    return [range(begin, end) for begin, end in zip(cuts, [*cuts[1:], count], strict=True)]


def restricted(chunks: Iterable[Chunk], stretches: Sequence[range], *, carries: bool) -> list[Chunk]:
    """What of ``chunks`` is needed for ``stretches`` alone."""
    found, ends = [], [stretch.stop for stretch in stretches]
    for chunk in chunks:
        for stretch in stretches[bisect_right(ends, chunk.begin) :]:
            begin, end = max(chunk.begin, stretch.start), min(chunk.end, stretch.stop)
            if begin >= end:  # as are all that follow
                break
            found.append(
                replace(chunk, end=end) if carries else replace(chunk, lead=begin, begin=begin, head=begin, end=end)
            )
    return found


def faded(frame: np.ndarray, before: np.ndarray, after: np.ndarray, weight: float) -> np.ndarray:
    """Two dreams of ``frame``, all ``float32 [height, width, 3]``, mixed: ``weight`` of the one ``after``."""
    residuals = before - frame, after - frame
    mixed = (1 - weight) * residuals[0] + weight * residuals[1]
    strength = (1 - weight) * level(residuals[0]) + weight * level(residuals[1])
    return np.clip(frame + mixed * np.float32(strength / max(level(mixed), 1e-9)), 0, 1)


class ChunkJournal:
    """A journal as one chunk sees it: its frames by their numbers, wherever they are kept; as a ``Strand``."""

    def __init__(self, journal: Journal, chunk: Chunk) -> None:
        self.journal, self.chunk = journal, chunk

    def state(self, index: int, frame: np.ndarray) -> State:
        return self._strand(index).state(index, frame)

    def holds(self, index: int) -> bool:
        return self._strand(index).holds(index)

    def keep(self, index: int, dreamed: np.ndarray, state: State, *, begins_shot: bool = False) -> None:
        since = self._since(index)
        self._strand(index).keep(index, dreamed, state, begins_shot=begins_shot, since=since)

    def put(self, index: int, record: bytes, memory: bytes | None = None) -> None:
        self._strand(index).put(index, record, memory, since=self._since(index))

    def take(self, index: int) -> tuple[bytes, bytes | None]:
        return self._strand(index).take(index)

    def kept(self, *, with_memory: bool) -> set[int]:
        """The frames of the chunk that are there and whole."""
        found: set[int] = set()
        for strand in (self.journal, self.journal.heads):
            among = partial(self._is_in, strand)
            found |= strand.kept(with_memory=with_memory, among=among, goes_on=self._asks_for)
        return found

    def missing(self) -> set[int]:
        """The frames that are not there, of those that are shown."""
        return {index for index in range(self.chunk.begin, self.chunk.end) if not self.holds(index)}

    def _strand(self, index: int) -> Strand:
        return self.journal.heads if index < self.chunk.head else self.journal

    def _since(self, index: int) -> int:
        """The chunk's first frame in the strand of frame ``index``: no other chunk's memories go for it."""
        return self.chunk.lead if index < self.chunk.head else self.chunk.head

    def _is_in(self, strand: Strand, index: int) -> bool:
        return self._asks_for(index) and self._strand(index) is strand

    def _asks_for(self, index: int) -> bool:
        return any(index in stretch for stretch in self.chunk.stretches)
