"""Chunks of long shots: they cover a clip without getting in each other's way, and fade into each other."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreamvideo.config import Shots
from dreamvideo.motion.carry import OLDEST, State
from dreamvideo.render.chunks import Chunk, ChunkJournal, faded, restricted, shots_of, split
from dreamvideo.render.journal import MEMORIES, Journal
from dreamvideo.render.selection import needed
from tests.tiny import picture

COUNT = 400
SETTINGS = st.builds(Shots, chunk=st.integers(2, 90), lead_in=st.integers(0, 40), overlap=st.integers(1, 40))
CUTS = st.sets(st.integers(1, COUNT - 1), max_size=6).map(lambda cuts: [0, *sorted(cuts)])


def main(chunk: Chunk) -> range:
    """The frames that nothing is faded into afterwards."""
    return range(chunk.head, chunk.end)


def heads(chunk: Chunk) -> range:
    return range(chunk.lead, chunk.head)


@given(CUTS, SETTINGS, st.booleans())
def test_every_frame_is_in_one_chunk_and_none_is_in_another_s_way(cuts: list[int], shots: Shots, carries: bool) -> None:
    chunks = split(shots_of(cuts, COUNT), shots, carries=carries)
    assert [index for chunk in chunks for index in main(chunk)] == list(range(COUNT))
    led = [index for chunk in chunks for index in heads(chunk)]
    assert len(led) == len(set(led))
    assert not set(led) & set(cuts)  # a shot's first frame lies among them as every chunk needs it
    for chunk in chunks:
        assert chunk.shot <= chunk.lead <= chunk.begin <= chunk.head <= chunk.end
        assert chunk.stretches[0].start == chunk.shot or not carries
        assert len(chunk.fades) == (shots.overlap if chunk.begin > chunk.shot and carries else 0)
    for before, after in pairwise(chunks):
        assert before.end == after.head
        assert not carries or after.shot != before.shot or before.head + MEMORIES <= after.lead


@given(st.integers(1, 3000), SETTINGS)
def test_chunks_are_about_as_long_as_is_asked_but_not_shorter_than_they_can_be(count: int, shots: Shots) -> None:
    begins = [chunk.begin for chunk in split([range(count)], shots, carries=True)]
    lengths = [after - before for before, after in pairwise([*begins, count])]
    shortest = shots.lead_in + shots.overlap + MEMORIES
    assert len(lengths) == 1 or min(lengths) >= shortest
    assert max(lengths) <= max(1.5 * shots.chunk + 1, 2 * shortest)
    assert max(lengths) - min(lengths) <= 1


def test_a_chunk_looks_back_at_the_first_frame_of_its_shot() -> None:
    shots = Shots(chunk=40, lead_in=10, overlap=5)
    first, second = split([range(100, 180)], shots, carries=True)
    assert first.stretches == [range(100, 145)]
    assert second.stretches == [range(100, 101), range(130, 180)]
    assert (first.work, second.work) == (45, 51)
    assert split([range(80)], shots, carries=False)[1].stretches == [range(40, 80)]
    assert split([range(80)], shots, carries=False, looks_at_shots=True)[1].stretches == [range(1), range(40, 80)]


@given(CUTS, SETTINGS, st.booleans(), st.lists(st.integers(0, COUNT - 1), min_size=1))
def test_a_part_needs_no_frame_that_the_whole_lacks_and_keeps_the_fades(
    cuts: list[int], shots: Shots, carries: bool, wanted: list[int]
) -> None:
    whole = split(shots_of(cuts, COUNT), shots, carries=carries)
    stretches = needed(sorted(wanted), cuts, carries=carries)
    part = restricted(whole, stretches, carries=carries)
    asked = {index for stretch in stretches for index in stretch}
    assert {index for chunk in part for index in main(chunk)} == asked
    assert {index for chunk in part for index in range(chunk.begin, chunk.end)} == asked
    of_whole = {(chunk.begin, index): chunk.weight(index) for chunk in whole for index in chunk.fades}
    of_part = {(chunk.begin, index): chunk.weight(index) for chunk in part for index in chunk.fades if index in asked}
    assert of_part == {key: value for key, value in of_whole.items() if key[1] in asked}


def test_the_fade_goes_evenly_from_one_chunk_to_the_other() -> None:
    chunk = Chunk(0, 20, 30, 34, 60)
    assert [chunk.weight(index) for index in chunk.fades] == pytest.approx([0.2, 0.4, 0.6, 0.8])


def test_a_fade_is_as_strong_as_what_it_fades() -> None:
    frame = picture(40, 60)
    rng = np.random.default_rng(0)
    one, other = (frame + 0.05 * rng.standard_normal(frame.shape, np.float32) for _ in range(2))
    mixed = faded(frame, one, other, 0.5)
    assert np.sqrt(np.mean((mixed - frame) ** 2)) == pytest.approx(0.05, rel=0.02)
    assert np.sqrt(np.mean(((one + other) / 2 - frame) ** 2)) < 0.04  # unscaled they cancel each other
    assert faded(frame, one, other, 0.0) == pytest.approx(one, abs=1e-6)
    assert faded(frame, one, other, 1.0) == pytest.approx(other, abs=1e-6)
    assert np.corrcoef((faded(frame, one, other, 0.75) - frame).ravel(), (other - frame).ravel())[0, 1] > 0.9


def test_fading_nothing_gives_the_frame() -> None:
    frame = picture(40, 60)
    assert np.array_equal(faded(frame, frame, frame, 0.5), frame)


def test_a_chunk_finds_its_own_frames_wherever_they_are(tmp_path_factory: pytest.TempPathFactory) -> None:
    journal = Journal(tmp_path_factory.mktemp("journal"))
    journal.make()
    journal.heads.make()
    first, second = Chunk(0, 0, 0, 0, 14), Chunk(0, 7, 10, 14, 20, looks_back=True)
    frame = picture(8, 8)
    age = np.full((8, 8, 1), OLDEST, np.float32)
    state = State(frame, np.zeros_like(frame), age)
    for chunk, indices in ((first, (0, 3, 13)), (second, (0, 8, 12, 13, 15))):
        store = ChunkJournal(journal, chunk)
        for index in indices:
            store.keep(index, picture(8, 8, chunk.begin + index), state, begins_shot=index == 0)
    assert ChunkJournal(journal, first).kept(with_memory=False) == {0, 3, 13}
    assert ChunkJournal(journal, second).kept(with_memory=False) == {0, 8, 12, 13, 15}
    assert ChunkJournal(journal, second).missing() == {10, 11, 14, 16, 17, 18, 19}
    assert ChunkJournal(journal, first).take(13) != ChunkJournal(journal, second).take(13)
    found = ChunkJournal(journal, second).state(13, frame)
    assert frame + found.residual == pytest.approx(picture(8, 8, 23), abs=1e-4)
