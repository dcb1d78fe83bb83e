"""A journal that the disk has damaged: found, and only what is needed is made again."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.errors import InputError, OutputError
from dreamvideo.motion.carry import State
from dreamvideo.render import cluster, worker
from dreamvideo.render.chunks import Chunk, ChunkJournal
from dreamvideo.render.cluster import render_on_cluster
from dreamvideo.render.job import Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.start import journal_folder
from tests.faults.conftest import FRAMES, SHOT
from tests.render.conftest import Studio
from tests.render.hands import TestHands
from tests.tiny import tiny_config

PLAIN = tiny_config(dream={"octaves": 1, "steps": 2, "ascent": "plain"})


def flip(place: float) -> Callable[[bytes], bytes]:
    """One bit is another."""

    def damage(data: bytes) -> bytes:
        changed = bytearray(data)
        changed[int(place * (len(data) - 1))] ^= 4
        return bytes(changed)

    return damage


DAMAGES = [
    pytest.param(flip(0.0), id="first bit"),
    pytest.param(flip(0.4), id="a pixel"),
    pytest.param(flip(0.8), id="its age"),
    pytest.param(flip(1.0), id="last bit"),
    pytest.param(lambda data: data[: len(data) // 2], id="truncated"),
    pytest.param(lambda data: data[:-1], id="a byte short"),
    pytest.param(lambda data: bytes(len(data)), id="zeros"),
    pytest.param(lambda _: b"", id="empty"),
    pytest.param(lambda data: data + b"\0", id="a byte more"),
]


def harm(studio: Studio, name: str, damage: Callable[[bytes], bytes]) -> None:
    file = folder(studio) / name
    file.write_bytes(damage(file.read_bytes()))


def folder(studio: Studio) -> Path:
    return journal_folder(str(studio.folder / "out.mp4"))


@pytest.mark.parametrize("plain", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_frame_is_dreamed_again_with_the_rest_of_its_shot(
    studio: Studio, dreamed: list[int], damage: Callable[[bytes], bytes], plain: bool
) -> None:
    """From where the ascent's memory is still there, which is the beginning of the shot here."""
    studio.config = PLAIN if plain else studio.config
    assert studio.render(keep=True).shots == 3
    whole, bad = studio.kept(), SHOT + 2
    harm(studio, f"frames/{bad:06d}.png", damage)
    dreamed.clear()
    studio.render(keep=True, resume=True, overwrite=True)
    assert dreamed == list(range(bad if plain else SHOT, 2 * SHOT))
    assert studio.kept() == whole


def test_where_nothing_is_carried_a_damaged_frame_is_dreamed_alone(studio: Studio, dreamed: list[int]) -> None:
    studio.config = tiny_config(dream={"octaves": 1, "steps": 2}, carry={"strength": 0})
    studio.render(keep=True)
    whole = studio.kept()
    for bad in (2, SHOT + 3):
        harm(studio, f"frames/{bad:06d}.png", flip(0.4))
    dreamed.clear()
    studio.render(keep=True, resume=True, overwrite=True)
    assert dreamed == [2, SHOT + 3]
    assert studio.kept() == whole


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_memory_costs_its_own_frame(
    studio: Studio, dreamed: list[int], damage: Callable[[bytes], bytes]
) -> None:
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=SHOT + 3)
    last = SHOT + 2
    harm(studio, f"memories/{last:06d}.float32", damage)
    dreamed.clear()
    studio.render(keep=True, resume=True)
    assert dreamed == list(range(last, FRAMES))
    assert studio.kept() == studio.kept("whole.mp4")


def test_a_memory_that_nothing_goes_on_from_may_be_damaged(studio: Studio, dreamed: list[int]) -> None:
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=SHOT + 3)
    harm(studio, f"memories/{SHOT + 1:06d}.float32", flip(0.5))
    dreamed.clear()
    studio.render(keep=True, resume=True)
    assert dreamed == list(range(SHOT + 3, FRAMES))
    assert studio.kept() == studio.kept("whole.mp4")


def test_without_memories_a_shot_is_begun_anew(studio: Studio, dreamed: list[int]) -> None:
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=SHOT + 3)
    for memory in (folder(studio) / "memories").iterdir():
        memory.unlink()
    dreamed.clear()
    studio.render(keep=True, resume=True)
    assert dreamed == list(range(SHOT, FRAMES))
    assert studio.kept() == studio.kept("whole.mp4")


def test_a_damaged_head_of_a_chunk_is_not_taken_for_kept(tmp_path: Path) -> None:
    journal, frame = Journal(tmp_path), np.full((8, 10, 3), 0.5, np.float32)
    journal.make()
    journal.heads.make()
    chunk = Chunk(shot=0, lead=2, begin=4, head=6, end=8)
    store = ChunkJournal(journal, chunk)
    for index in range(2, 8):
        store.keep(index, frame, State(frame, np.zeros_like(frame), frame[..., :1]))
    assert store.kept(with_memory=False) == set(range(2, 8))
    for file in ("heads/frames/000005.png", "frames/000006.png"):
        path = tmp_path / file
        path.write_bytes(flip(0.4)(path.read_bytes()))
    assert store.kept(with_memory=False) == {2, 3, 4, 7}


def test_a_damaged_head_is_dreamed_again_with_the_rest_of_its_chunk(
    studio: Studio, dreamed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster, "ray_cluster", lambda _job, _listener: nullcontext(TestHands()))
    monkeypatch.setattr(worker, "_use_cores", lambda _cores: None)
    studio.config = tiny_config(
        dream={"octaves": 1, "steps": 2}, shots={"detect": False, "chunk": 9, "lead_in": 0, "overlap": 1}
    )
    job = studio.job(keep=True, cluster="local", resume=True, overwrite=True)
    render_on_cluster(job, Listener())
    whole = {file: file.read_bytes() for file in folder(studio).rglob("*.png")}
    harm(studio, "heads/frames/000009.png", flip(0.4))
    dreamed.clear()
    render_on_cluster(job, Listener())
    assert dreamed == list(range(9, FRAMES))
    assert {file: file.read_bytes() for file in folder(studio).rglob("*.png")} == whole


def test_a_frame_that_is_damaged_while_it_waits_is_not_encoded(
    studio: Studio, dreamed: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever reads a frame looks at its checksum, not only whoever goes on with it."""
    original = Journal.keep

    def keep(self: Journal, index: int, *state: Any, **more: Any) -> None:
        original(self, index, *state, **more)
        if index == 2:
            frame = self.folder / "frames" / "000002.png"
            frame.write_bytes(flip(0.4)(frame.read_bytes()))

    with monkeypatch.context() as bad:
        bad.setattr(Journal, "keep", keep)
        with pytest.raises(InputError, match=r"000002\.png is damaged; go on with --resume"):
            studio.render()
    assert studio.files() == ["out.mp4.journal"]
    dreamed.clear()
    studio.render(resume=True)
    assert dreamed == list(range(SHOT))


@pytest.mark.parametrize("damage", [*DAMAGES, pytest.param(None, id="missing")])
def test_frames_without_their_manifest_are_kept_but_not_gone_on_with(
    studio: Studio, dreamed: list[int], damage: Callable[[bytes], bytes] | None
) -> None:
    """Nobody knows what they were made of."""
    studio.render(stop_after=3)
    frames = studio.kept()
    manifest = folder(studio) / "dreamvideo.json"
    if damage is None:
        manifest.unlink()
    else:
        manifest.write_bytes(damage(manifest.read_bytes()))
    dreamed.clear()
    for wanted in [{}, {"resume": True}, *([{"overwrite": True}] if damage is None else [])]:
        with pytest.raises(OutputError):
            studio.render(**wanted)
        assert studio.kept() == frames
    assert dreamed == []
