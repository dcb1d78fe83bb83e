"""A journal whose files came from a stranger, or from a bad disk: an error in a sentence, and nothing outside it."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dreamvideo.errors import DreamError, InputError, OutputError
from dreamvideo.motion.carry import State
from dreamvideo.render.journal import FORMAT, MEMORIES, Journal, Strand
from tests.tiny import picture

SIZE = 6, 8
MANIFEST = {"version": "1", "config": {"seed": 0}, "input": {"path": "/in.mp4", "size": 3}}
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["000000.png", "-00001.png", "1.png", "0000001.png", "99999999999999.png", "٠٠٠٠٠١.png", "000001.PNG",
     "000002.png~", "000003.float32", "a\nb.png"]
)  # fmt: skip


def state(*, memory: bool) -> State:
    frame = picture(*SIZE)
    remembered = np.arange(6 * 8 * 3, dtype=np.float32).reshape(6, 8, 3) if memory else None
    return State(frame, np.zeros_like(frame), np.ones((*SIZE, 1), np.float32), remembered, 4.0)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    """Frames 0 to 4, with memories, in a journal that was begun."""
    begun = Journal(tmp_path / "outer" / "out.journal")
    begun.folder.mkdir(parents=True)
    begun.begin(MANIFEST)
    begun.heads.make()
    for index in range(5):
        begun.keep(index, picture(*SIZE, index), state(memory=True), begins_shot=index == 0)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "precious").write_text("precious")
    return begun


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Path]:
    """A folder that nothing may touch."""
    yield tmp_path / "outside"
    assert [(file.name, file.read_text()) for file in (tmp_path / "outside").iterdir()] == [("precious", "precious")]
    assert {entry.name for entry in tmp_path.iterdir()} == {"outer", "outside"}


def try_everything(journal: Journal) -> None:
    """What a render does with a journal; ``DreamError`` is all that it may raise."""
    with suppress(DreamError), journal.owned():
        with suppress(DreamError):
            journal.go_on(MANIFEST)
        for memory in (False, True):
            for index in journal.kept(with_memory=memory):
                assert np.array_equal(journal.frame(index), picture_of(index))
                with suppress(DreamError):
                    journal.state(index, picture(*SIZE))
        with suppress(DreamError):
            journal.keep(7, picture(*SIZE), state(memory=True))
        with suppress(DreamError):
            journal.heads.keep(7, picture(*SIZE), state(memory=True))
        journal.discard()


def picture_of(index: int) -> np.ndarray:
    return np.rint(picture(*SIZE, index) * np.float32(65535)) / np.float32(65535)


def copied(journal: Journal, folder: Path) -> Journal:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(journal.folder, folder, symlinks=True)
    return Journal(folder)


@QUICK
@given(st.data())
def test_a_damaged_frame_or_memory_never_counts(journal: Journal, outside: Path, data: st.DataObject) -> None:
    mine = copied(journal, outside.parent / "outer" / "copy")
    whole = set(range(5))
    for _ in range(data.draw(st.integers(1, 3))):
        kind, index = data.draw(st.sampled_from(["frames", "memories"])), data.draw(st.integers(0, 4))
        file = mine.folder / kind / f"{index:06d}.{'png' if kind == 'frames' else 'float32'}"
        before = file.read_bytes()
        place = data.draw(st.integers(0, len(before)))
        after = before[:place] + data.draw(st.binary(max_size=3)) + before[data.draw(st.integers(place, len(before))) :]
        file.write_bytes(after)
        if kind == "frames" and after != before:
            whole.discard(index)
    kept = mine.kept()
    assert kept - whole == set() or _crc_alone(journal, mine, kept - whole)
    going_on = mine.kept(with_memory=True)
    assert going_on <= kept
    for index in going_on:
        if index + 1 not in going_on:
            assert mine.state(index, picture(*SIZE)).memory is not None
    try_everything(mine)


def test_where_nothing_goes_on_no_memory_is_needed(journal: Journal) -> None:
    for index in (1, 2, 4):
        (journal.folder / "memories" / f"{index:06d}.float32").unlink()
    (journal.folder / "frames" / "000003.png").unlink()
    assert journal.kept(with_memory=True) == {0}  # from which frame 1 goes on; and 4 has none for frame 5
    assert journal.kept(with_memory=True, goes_on=lambda index: index < 5) == {0, 4}
    assert journal.kept(with_memory=True, among=lambda index: index < 3) == {0, 1, 2}
    assert journal.kept(with_memory=True, among=lambda index: index < 3, goes_on=lambda _: True) == {0}


def _crc_alone(journal: Journal, mine: Journal, indices: set[int]) -> bool:
    """Whether only the CRC that nobody reads differs."""
    pairs = [(journal.take(index)[0], mine.take(index)[0]) for index in indices]
    return all(a[:-16] + a[-12:] == b[:-16] + b[-12:] for a, b in pairs)


@QUICK
@given(st.one_of(st.binary(max_size=40), JSON.map(lambda value: json.dumps(value).encode())))
def test_any_manifest_and_owner_are_an_error_or_none(journal: Journal, outside: Path, data: bytes) -> None:
    for name in ("dreamvideo.json", "dreamvideo.owner.json"):
        mine = copied(journal, outside.parent / "outer" / "copy")
        (mine.folder / name).write_bytes(data)
        assert mine.exists() is (name != "dreamvideo.json")
        if name == "dreamvideo.json":
            with pytest.raises(OutputError):
                mine.go_on(MANIFEST)
        try_everything(mine)


@QUICK
@given(JSON, st.sampled_from(["version", "config", "input", "more", "format"]))
def test_a_manifest_that_differs_says_where(journal: Journal, outside: Path, value: object, key: str) -> None:
    mine = copied(journal, outside.parent / "outer" / "copy")
    manifest = {"format": FORMAT, **MANIFEST, key: value}
    (mine.folder / "dreamvideo.json").write_text(json.dumps(manifest))
    same = json.loads(json.dumps(manifest)) == {"format": FORMAT, **MANIFEST, **({key: None} if key == "more" else {})}
    if not same:
        with pytest.raises(OutputError, match=key):
            mine.go_on(MANIFEST)
    try_everything(mine)


def test_a_deep_manifest_is_no_journal(journal: Journal) -> None:
    (journal.folder / "dreamvideo.json").write_text("[" * 100_000)
    assert not journal.exists()
    with pytest.raises(OutputError):
        journal.go_on(MANIFEST)


@QUICK
@given(st.lists(NAMES, unique=True, max_size=5), st.booleans())
def test_other_names_are_no_frames(journal: Journal, outside: Path, names: list[str], folders: bool) -> None:
    mine = copied(journal, outside.parent / "outer" / "copy")
    for name in names:
        place = mine.folder / "frames" / name
        place.unlink(missing_ok=True)
        place.mkdir() if folders else place.write_bytes(b"no frame")
    assert mine.kept() == set(range(5)) - ({0} if "000000.png" in names else set())
    try_everything(mine)


@pytest.mark.parametrize("name", ["frames", "memories", "heads", "heads/frames", "heads/memories"])
@pytest.mark.parametrize("dangling", [False, True])
def test_nothing_is_written_through_a_folder_that_is_a_link(
    journal: Journal, outside: Path, name: str, dangling: bool
) -> None:
    place = journal.folder / name
    shutil.rmtree(place)
    place.symlink_to(outside / "gone" if dangling else outside, target_is_directory=True)
    with pytest.raises(OutputError, match="is a link"):
        (journal.heads.make if name.startswith("heads/") else lambda: journal.go_on(MANIFEST))()
    journal.discard()
    assert outside.exists()


@pytest.mark.parametrize("name", ["frames/000002.png", "memories/000004.float32", "dreamvideo.json", "heads"])
def test_links_to_files_are_replaced_and_not_followed(journal: Journal, outside: Path, name: str) -> None:
    place = journal.folder / name
    shutil.rmtree(place) if place.is_dir() else place.unlink()
    place.symlink_to(outside / "precious")
    assert 2 not in journal.kept() or name != "frames/000002.png"
    with suppress(DreamError):
        journal.go_on(MANIFEST)
    for index in (2, 4):
        journal.keep(index, picture(*SIZE, index), state(memory=True))
    journal.discard()


def test_a_journal_that_is_a_link_is_gone_on_with_and_stays(journal: Journal, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(journal.folder)
    assert Journal(link).kept() == set(range(5))


def test_of_a_frame_gone_only_those_without_memory_go_too(journal: Journal) -> None:
    for index in range(5, 2 * MEMORIES + 4):
        journal.keep(index, picture(*SIZE, index), state(memory=True))
    last = 2 * MEMORIES + 3
    remembered = {int(file.stem) for file in (journal.folder / "memories").iterdir()}
    assert remembered == set(range(last - MEMORIES + 1, last + 1))
    (journal.folder / "frames" / f"{last - 2:06d}.png").unlink()
    assert journal.kept(with_memory=True) == set(range(last + 1)) - {last - 2}
    (journal.folder / "frames" / "000003.png").unlink()
    assert journal.kept(with_memory=True) == set(range(4, last + 1)) - {last - 2}
    assert journal.kept() == set(range(last + 1)) - {3, last - 2}


def test_what_one_takes_another_puts(journal: Journal, tmp_path: Path) -> None:
    other = Strand(tmp_path / "other")
    other.make()
    for index in range(5):
        other.put(index, *journal.take(index))
    assert other.kept(with_memory=True) == set(range(5))
    mine, theirs = (each.state(3, picture(*SIZE)) for each in (journal, other))
    assert mine.memory is not None
    assert theirs.memory is not None
    assert np.array_equal(mine.memory, theirs.memory)
    assert np.array_equal(mine.residual, theirs.residual)
    assert theirs.remembered == 4.0


def test_a_frame_of_another_size_is_refused(journal: Journal) -> None:
    with pytest.raises(InputError, match="another size"):
        journal.state(2, picture(6, 9))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes")
@pytest.mark.parametrize("name", ["frames/000001.png", "memories/000000.float32", "dreamvideo.json"])
def test_a_pipe_in_a_journal_is_not_waited_for(tmp_path: Path, name: str) -> None:
    journal = Journal(tmp_path)
    journal.begin({})
    frame = np.zeros((4, 5, 3), np.float32)
    journal.keep(0, frame, State(frame, frame, np.zeros((4, 5, 1), np.float32)))
    (journal.folder / name).unlink(missing_ok=True)
    os.mkfifo(journal.folder / name)
    assert journal.exists() == (name != "dreamvideo.json")
    assert journal.kept() == {0}
    assert journal.kept(with_memory=True) == set()
