"""A crew: every frame is there in the end, and the same, whoever dreams it and whoever is lost on the way."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dreamvideo.config import Shots
from dreamvideo.errors import DreamFailed, NetworkError
from dreamvideo.media.still import write_image
from dreamvideo.render import cluster, crew, worker
from dreamvideo.render.chunks import Chunk, ChunkJournal, split
from dreamvideo.render.cluster import render_on_cluster
from dreamvideo.render.crew import AGAIN, Crew
from dreamvideo.render.job import Job, Listener, Progress, Report, Stopped
from dreamvideo.render.journal import Journal
from dreamvideo.render.selection import parse_selection
from dreamvideo.render.start import journal_folder
from dreamvideo.render.worker import About, Made
from tests.render.conftest import Studio, pan
from tests.render.hands import Hired, TestHands
from tests.tiny import picture

MakeStudio = Callable[..., Studio]
SHOTS = [range(30), range(30, 37), range(37, 40)]
CHUNKS = split(SHOTS, Shots(chunk=15, lead_in=3, overlap=3), carries=True)
PLAIN: Mapping[Chunk, set[int]] = {chunk: set() for chunk in CHUNKS}


@dataclass
class Scribe:
    """Writes, for each frame, what it followed from; whoever lacks that to go on with fails."""

    made_of: dict[str, Any] = field(default_factory=lambda: {"weights": "a"})
    records: dict[int, bytes] = field(default_factory=dict)
    left: list[int] = field(default_factory=list)
    chunk: Chunk = CHUNKS[0]

    def lacks(self, _needed: Any) -> list[str]:
        return []

    def about(self) -> About:
        return About(self.made_of, {}, [], with_memory=False, looks_at_shots=False, shared=False)

    def begin(self, chunk: Chunk, kept: set[int], files: dict[int, tuple[bytes, None]]) -> None:
        self.chunk, self.records = chunk, {index: record for index, (record, _) in files.items()}
        self.left = [index for each in chunk.stretches for index in each if index not in kept]

    def advance(self, _seconds: float) -> Made:
        if not self.left:
            return Made([], True)
        index = self.left.pop(0)
        before = b"" if index in {each.start for each in self.chunk.stretches} else self.records[index - 1]
        if before == b"" and index > self.chunk.shot:
            before = self.records[self.chunk.shot]
        self.records[index] = hashlib.sha256(before + index.to_bytes(4)).digest()
        return Made([(index, 1.0, (self.records[index], None))], not self.left)


def scribes(**options: Any) -> TestHands:
    hands = TestHands(**options)
    hands.make = Scribe
    return hands


def loses_call(number: int) -> Callable[[Hired, str], bool]:
    """Loses the worker of the so-manieth call."""
    left = iter(range(number + 1))
    return lambda _hired, _method: next(left, None) == number


def new_journal(folder: Path) -> Journal:
    journal = Journal(folder)
    journal.make()
    journal.heads.make()
    return journal


def written(journal: Journal) -> dict[str, bytes]:
    files = sorted(journal.folder.rglob("*.png"))
    return {str(file.relative_to(journal.folder)): file.read_bytes() for file in files}


def is_past(steps: list[Progress], after: int | None) -> bool:
    return after is not None and len(steps) > after


def kept_in(journal: Journal) -> dict[Chunk, set[int]]:
    stores = [ChunkJournal(journal, chunk) for chunk in CHUNKS]
    return {one.chunk: {i for each in one.chunk.stretches for i in each if one.holds(i)} for one in stores}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    journal = new_journal(tmp_path_factory.mktemp("plain"))
    with Crew(scribes(), 1, {}, Listener()) as one:
        assert one.dream(CHUNKS, journal, PLAIN)
    return written(journal)


def test_every_frame_is_there(plain: dict[str, bytes]) -> None:
    frames = {f"frames/{index:06d}.png" for index in range(40)}
    heads = {f"heads/frames/{index:06d}.png" for index in [0, *range(12, 18)]}
    assert set(plain) == frames | heads


@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_may_be_lost_at_any_call(tmp_path: Path, plain: dict[str, bytes], workers: int) -> None:
    number = 0
    while True:
        hands = scribes(seed=number, loses=loses_call(number))
        journal = new_journal(tmp_path / str(number))
        notes: list[str] = []
        with Crew(hands, workers, {}, Listener(note=notes.append)) as some:
            some.about()
            assert some.dream(CHUNKS, journal, PLAIN)
            assert some.done == sum(chunk.work for chunk in CHUNKS)
        assert written(journal) == plain
        assert [note for note in notes if "a worker was lost (it was switched off)" in note] == notes
        assert len(notes) <= hands.lost
        assert len(hands.hired) == workers + len(notes)
        assert all(each.gone for each in hands.hired)
        if not hands.lost:
            break
        number += 1
    assert number > 40


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 16), workers=st.integers(1, 6), stops=st.lists(st.integers(0, 30), max_size=4))
def test_any_order_of_losses_and_stops_gives_the_same(
    tmp_path_factory: pytest.TempPathFactory, plain: dict[str, bytes], seed: int, workers: int, stops: list[int]
) -> None:
    journal = new_journal(tmp_path_factory.mktemp("any"))
    for after in [*stops, None]:
        once = {number: seed % (7 + number) for number in range(min(workers, AGAIN))}

        def loses(hired: Hired, _method: str, once: dict[int, int] = once) -> bool:
            return len(hired.said) == once.get(hired.number, -1)

        steps: list[Progress] = []
        listener = Listener(steps.append, stop=partial(is_past, steps, after))
        with Crew(scribes(seed=seed, loses=loses), workers, {}, listener) as some:
            finished = some.dream(CHUNKS, journal, kept_in(journal))
        assert finished or after is not None
        done = [step.done for step in steps]
        assert done == sorted(done)
        assert finished is (done[-1] == steps[-1].total)
    assert written(journal) == plain


def test_a_stop_before_anybody_is_ready_is_heard(tmp_path: Path) -> None:
    with Crew(scribes(), 2, {}, Listener(stop=lambda: True)) as some:
        with pytest.raises(Stopped):
            some.about()
        assert not some.dream(CHUNKS, new_journal(tmp_path), PLAIN)
    assert all(each.gone for each in some._hands.hired)  # type: ignore[attr-defined]


def test_nothing_is_asked_for_when_everything_is_kept(tmp_path: Path) -> None:
    hands = scribes()
    with Crew(hands, 2, {}, Listener()) as some:
        some.about()
        kept = {chunk: {index for each in chunk.stretches for index in each} for chunk in CHUNKS}
        assert some.dream(CHUNKS, new_journal(tmp_path), kept)
    assert not any("begin" in each.said for each in hands.hired)


def test_the_longest_chunk_is_begun_first(tmp_path: Path) -> None:
    begun: list[int] = []

    class Noting(Scribe):
        def begin(self, chunk: Chunk, kept: set[int], files: Any) -> None:
            begun.append(chunk.work - len(kept))
            super().begin(chunk, kept, files)

    hands = scribes()
    hands.make = Noting
    with Crew(hands, 1, {}, Listener()) as one:
        one.dream(CHUNKS, new_journal(tmp_path), PLAIN)
    assert begun == sorted(begun, reverse=True)


def test_a_chunk_that_loses_four_workers_is_given_up(tmp_path: Path) -> None:
    def loses(hired: Hired, method: str) -> bool:
        return method == "advance" and hired.worker.chunk == CHUNKS[1] and len(hired.worker.left) < 5

    hands = scribes(loses=loses)
    with (
        Crew(hands, 2, {}, Listener()) as some,
        pytest.raises(DreamFailed, match=r"4 workers were lost over frames 15 to 29.*it was switched off"),
    ):
        some.dream(CHUNKS, new_journal(tmp_path), PLAIN)
    assert hands.lost == AGAIN + 1


@pytest.mark.parametrize("method", ["lacks", "about"])
def test_workers_that_never_get_ready_are_given_up(method: str) -> None:
    hands = scribes(loses=lambda _hired, called: called == method)
    with Crew(hands, 2, {}, Listener()) as some, pytest.raises(DreamFailed, match="4 workers were lost before"):
        some.about()


def test_workers_with_other_weights_are_refused(tmp_path: Path) -> None:
    hands = scribes()
    hands.make = lambda: Scribe({"weights": "ab"[len(hands.hired) % 2]})
    with (
        Crew(hands, 3, {}, Listener()) as some,
        pytest.raises(DreamFailed, match=r"differ in their weights \([ab] and [ab]\)"),
    ):
        some.dream(CHUNKS, new_journal(tmp_path), PLAIN)


def test_what_a_worker_raises_is_raised_here(tmp_path: Path) -> None:
    class Failing(Scribe):
        def about(self) -> About:
            raise NetworkError("its weights are damaged")

    hands = scribes()
    hands.make = Failing
    with Crew(hands, 2, {}, Listener()) as some, pytest.raises(NetworkError, match="damaged"):
        some.dream(CHUNKS, new_journal(tmp_path), PLAIN)


# With the real worker, through everything but Ray.

MakeHands = Callable[..., TestHands]
TWO_SHOTS = [*pan(30, low=0, high=0.4), *pan(5, 1, low=0.6, high=1)]
IN_CHUNKS: dict[str, Any] = {"chunk": 15, "lead_in": 3, "overlap": 3}


@pytest.fixture
def company(monkeypatch: pytest.MonkeyPatch) -> MakeHands:
    """``company(**options)``: the hands of the next render."""
    monkeypatch.setattr(worker, "_use_cores", lambda _cores: None)
    monkeypatch.setattr(crew, "CALL_SECONDS", 0.0)

    def build(**options: Any) -> TestHands:
        hands = TestHands(**options)

        @contextmanager
        def found(_job: Job, _listener: Listener) -> Any:
            yield hands

        monkeypatch.setattr(cluster, "ray_cluster", found)
        return hands

    return build


def render(studio: Studio, output: str, *, stop_after: int | None = None, workers: int = 2, **changes: Any) -> Report:
    begun = len(studio.progress)

    def stop() -> bool:
        done = [step.done for step in studio.progress[begun:] if step.stage == "dream"]
        return stop_after is not None and len(done) > stop_after

    listener = Listener(studio.progress.append, studio.notes.append, stop)
    job = studio.job(output, cluster="test", workers=workers, keep=True, **changes)
    return render_on_cluster(job, listener)


def frames_of(studio: Studio, output: str) -> dict[str, bytes]:
    return written(Journal(journal_folder(str(studio.folder / output))))


def pictures_of(studio: Studio, output: str) -> list[bytes]:
    return [file.read_bytes() for file in sorted((studio.folder / output).glob("*.png"))]


def dies_at(*calls: int) -> Callable[[Hired, str], bool]:
    """The first workers are lost when they have been asked to go on so many times."""
    return lambda hired, _: hired.said.count("advance") == dict(enumerate(calls)).get(hired.number)


LOOKS: dict[str, dict[str, Any]] = {
    "plain": {},
    "memory": {"dream": {"ascent": "momentum", "memory": "carry"}},
    "first frame": {"dream": {"objective": "strongest(mixed, 3)", "layers": {}, "octaves": 1, "steps": 2}},
    "camera, grading": {"camera": {"zoom": 1.2}, "color": {"saturation": 1.5}},
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_render_in_chunks_is_the_same_whoever_dreams_it(
    folder_studio: MakeStudio, company: MakeHands, look: str
) -> None:
    studio = folder_studio(TWO_SHOTS, shots=IN_CHUNKS, **LOOKS[look])
    company()
    report = render(studio, "one", workers=1)
    assert (report.frames, report.shots, report.interrupted) == (35, 2, False)
    one, shown = frames_of(studio, "one"), pictures_of(studio, "one")
    assert len(shown) == 35
    hands = company(seed=2, shared=False, lacking=True, loses=dies_at(3, 7, 2))
    render(studio, "three", workers=3)
    assert hands.lost >= 2
    company(seed=3, loses=dies_at(4, 1))
    assert render(studio, "stopped", stop_after=9).interrupted
    dreamed = len(frames_of(studio, "stopped"))
    company(seed=4, shared=False)
    again = render(studio, "stopped", resume=True)
    assert again.dreamed <= len(one) - dreamed
    for output in ("three", "stopped"):
        assert frames_of(studio, output) == one
        assert pictures_of(studio, output) == shown


def test_shots_that_are_not_split_are_those_of_one_machine(folder_studio: MakeStudio, company: MakeHands) -> None:
    studio = folder_studio(TWO_SHOTS, shots=IN_CHUNKS)
    studio.render("alone/", keep=True)
    company()
    render(studio, "crew/")
    alone, many = frames_of(studio, "alone"), frames_of(studio, "crew")
    same = {index for index in range(35) if alone[f"frames/{index:06d}.png"] == many[f"frames/{index:06d}.png"]}
    assert same == {*range(18), *range(30, 35)}  # the first chunk goes on to the end of its fade
    assert alone["frames/000000.png"] == many["heads/frames/000000.png"]
    shown, joined = pictures_of(studio, "alone"), pictures_of(studio, "crew")
    assert {index for index in range(35) if shown[index] == joined[index]} == {*range(15), *range(30, 35)}


def test_without_chunks_one_machine_goes_on_with_what_many_began(
    folder_studio: MakeStudio, company: MakeHands, dreamed: list[int]
) -> None:
    studio = folder_studio(TWO_SHOTS)
    studio.render("alone/", keep=True)
    company()
    assert render(studio, "both/", stop_after=12).interrupted
    finished = len(frames_of(studio, "both"))
    dreamed.clear()
    studio.render("both/", resume=True, keep=True)
    assert len(dreamed) == 35 - finished
    assert frames_of(studio, "both") == frames_of(studio, "alone")


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_a_part_of_chunks_looks_as_in_the_whole(
    folder_studio: MakeStudio, company: MakeHands, strength: float, dreamed: list[int]
) -> None:
    studio = folder_studio(TWO_SHOTS, shots=IN_CHUNKS, carry={"strength": strength})
    company()
    render(studio, "whole/")
    whole = pictures_of(studio, "whole")
    company(seed=1)
    selection = parse_selection("3,16,31")
    render(studio, "part/", frames=selection)
    assert pictures_of(studio, "part") == [whole[3], whole[16], whole[31]]
    dreamed.clear()
    company(seed=2)
    work = journal_folder(str(studio.folder / "whole/"))
    render(studio, "again/", frames=parse_selection("0-3"), work=work, resume=True)
    assert pictures_of(studio, "again") == whole[:4]
    assert dreamed == []


@pytest.mark.parametrize("kind", ["clip", "folder", "part of a folder"])
def test_workers_that_lack_the_files_are_sent_them_in_pieces(
    folder_studio: MakeStudio, company: MakeHands, clip: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(crew, "BLOCK", 997)
    write_image(str(tmp_path / "sea.png"), picture(30, 36, 3))
    dream = {"objective": "guide(mixed, sea)", "layers": {}, "octaves": 1, "steps": 2}
    start = 0.12 if kind == "part of a folder" else None
    guide = {"pictures": {"sea": str(tmp_path / "sea.png")}}
    studio = folder_studio(pan(6), dream={**dream, **guide}, input={"start": start})
    studio.input = clip if kind == "clip" else studio.input
    studio.render("alone/", keep=True)
    opened: list[str] = []
    original = worker.open_input
    monkeypatch.setattr(worker, "open_input", lambda job: opened.append(job.input) or original(job))
    hands = company(lacking=True, shared=False)
    render(studio, "crew/")
    assert frames_of(studio, "crew") == frames_of(studio, "alone")
    assert all(each.said.count("receive") > 2 for each in hands.hired)
    assert any("received-" in path for path in opened)


def test_a_guide_that_is_a_folder_is_sent_too(folder_studio: MakeStudio, company: MakeHands, tmp_path: Path) -> None:
    (tmp_path / "sea").mkdir()
    for index in range(3):
        write_image(str(tmp_path / f"sea/{index}.png"), picture(30, 36, index))
    dream = {"objective": "guide(mixed, sea)", "layers": {}, "octaves": 1, "steps": 2}
    studio = folder_studio(pan(5), dream={**dream, "pictures": {"sea": str(tmp_path / "sea")}})
    studio.render("alone/", keep=True)
    company(lacking=True, shared=False)
    render(studio, "crew/")
    assert frames_of(studio, "crew") == frames_of(studio, "alone")


def test_workers_share_a_damaged_journal_of_their_own_accord(folder_studio: MakeStudio, company: MakeHands) -> None:
    studio = folder_studio(TWO_SHOTS, shots=IN_CHUNKS)
    company()
    render(studio, "out/")
    whole = frames_of(studio, "out")
    folder = journal_folder(str(studio.folder / "out/"))
    for name in ("heads/frames/000000.png", "frames/000020.png", "frames/000033.png"):
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
    for shared in (False, True):
        company(shared=shared)
        report = render(studio, "out/", resume=True, overwrite=True)
        assert frames_of(studio, "out") == whole
        assert report.dreamed == (0 if shared else 5)  # two of them for their memory
