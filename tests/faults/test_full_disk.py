"""No room: on a disk of its own, within a limit on files, and at any write."""

from pathlib import Path

import pytest

from dreamvideo.errors import OutputError
from tests.faults.conftest import FRAMES, Bench, Ended, told
from tests.faults.driver import CANNOT_MOUNT, Order, on_small_disk
from tests.render.conftest import Studio


def on_disk(bench: Bench, disk: Path, copy: Path, *steps: Order | str) -> list[Ended]:
    """How the steps on a small disk ended; its content is in ``copy`` then."""
    copy.mkdir()
    process = bench.spawn(on_small_disk, disk, steps, copy)
    process.join()
    if process.exitcode == CANNOT_MOUNT:
        pytest.skip("no right to mount a disk")
    assert process.exitcode == 0
    orders = [step for step in steps if isinstance(step, Order)]
    return [told(order.log, int((order.log / "status").read_text())) for order in orders]


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    folder = tmp_path / "disk"
    folder.mkdir()
    return folder


def test_a_disk_full_of_frames(bench: Bench, whole: Bench, disk: Path, tmp_path: Path) -> None:
    output, copy = disk / "out.mp4", tmp_path / "copy"
    first = bench.order("--keep", output=output)
    second = bench.order("--keep", "--resume", output=output)
    full, later = on_disk(bench, disk, copy, "400k", first, "10m", second)
    assert full.status == 4
    assert "the disk is full: no space left to write" in full.stderr
    assert f"What is finished is kept in {output}.journal: go on with --resume" in full.stderr
    assert later.status == 0, later.stderr
    kept = FRAMES - len(later.dreamed)
    assert kept > 0
    assert later.dreamed == list(range(kept, FRAMES))
    assert (copy / "out.mp4").read_bytes() == whole.output.read_bytes()
    assert {int(file.stem): file.read_bytes() for file in (copy / "out.mp4.journal/frames").iterdir()} == whole.frames()
    assert list(copy.rglob(".dreamvideo-*")) == []


def test_no_room_for_the_output(bench: Bench, whole: Bench, disk: Path, tmp_path: Path) -> None:
    output, copy, work = disk / "out.mp4", tmp_path / "copy", tmp_path / "work"
    first = bench.order("--work", str(work), output=output)
    second = bench.order("--work", str(work), "--resume", output=output)
    full, later = on_disk(bench, disk, copy, "8k", first, "10m", second)
    assert full.status == 4
    assert "the disk is full: no space left to write" in full.stderr
    assert f"What is finished is kept in {work}: go on with --resume" in full.stderr
    assert (later.status, later.dreamed) == (0, [])
    assert (copy / "out.mp4").read_bytes() == whole.output.read_bytes()
    assert [file.name for file in copy.iterdir()] == ["out.mp4"]
    assert not work.exists()


def test_files_may_not_be_as_large(bench: Bench) -> None:
    ended = bench.run(limit=10_000)
    assert ended.status == 4
    assert "cannot be written: File too large" in ended.stderr
    assert "go on with --resume" in ended.stderr
    assert bench.hidden() == []
    assert bench.run("--resume").status == 0


@pytest.mark.parametrize("nth", [1, 2, 3, 4, 9, 10, 2 + 2 * FRAMES])
def test_no_room_at_any_write(studio: Studio, monkeypatch: pytest.MonkeyPatch, nth: int) -> None:
    """The first is the owner's, the second the manifest's; then come each frame's memory and the frame itself."""
    studio.render("whole.mp4", keep=True)
    writes: list[Path] = []

    def write(path: Path, *parts: bytes | memoryview) -> None:
        writes.append(path)
        data = b"".join(parts)
        path.write_bytes(data if len(writes) < nth else data[: len(data) // 2])
        if len(writes) >= nth:
            raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as full:
        full.setattr("dreamvideo.media.files._write", write)
        with pytest.raises(OutputError, match="the disk is full"):
            studio.render()
    assert list(studio.folder.rglob(".dreamvideo-*")) == []
    report = studio.render(keep=True, resume=True)
    assert report.dreamed == FRAMES - max(0, (nth - 3) // 2)
    assert studio.kept() == studio.kept("whole.mp4")
