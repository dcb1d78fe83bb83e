"""A worker alone: what it says of itself, what it makes of a chunk, and what it goes on from."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from dreamvideo.errors import InputError
from dreamvideo.render import worker
from dreamvideo.render.chunks import Chunk, split
from dreamvideo.render.footage import hear_clip
from dreamvideo.render.job import Listener
from dreamvideo.render.journal import Journal
from dreamvideo.render.start import journal_folder, open_input
from dreamvideo.render.worker import Files, Order, Worker, identity_of
from tests.render.conftest import Studio, pan

MakeStudio = Callable[..., Studio]
Hire = Callable[[Studio], Worker]
WHOLE = Chunk(0, 0, 0, 0, 6)


@pytest.fixture
def hire(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """``hire(studio, owner)``: a worker that has its order; one that has it from "me" sees the journal."""
    monkeypatch.setattr(worker, "_use_cores", lambda _cores: None)
    hired: list[Worker] = []
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "dreamvideo.owner.json").write_text("me")

    def build(studio: Studio, owner: str = "somebody else") -> Worker:
        job = studio.job(cluster="test")
        with open_input(job) as source:
            heard = hear_clip(job, source, Listener())
        hired.append(Worker(Order(job, heard, folder, owner)))
        return hired[-1]

    yield build
    for each in hired:
        each.close()


def all_of(one: Worker) -> dict[int, Files | None]:
    """What it makes up to the chunk's end, call by call."""
    made: dict[int, Files | None] = {}
    while True:
        answer = one.advance(0.0)
        assert len(answer.frames) <= 1
        assert not (answer.frames and answer.ended)
        made |= {index: files for index, _, files in answer.frames}
        if answer.ended:
            return made


def records(made: dict[int, Files | None]) -> list[bytes]:
    return [files[0] for files in made.values() if files is not None]


def test_its_frames_are_those_of_one_machine_and_come_as_bytes(folder_studio: MakeStudio, hire: Hire) -> None:
    studio = folder_studio(pan(6))
    studio.render("alone/", keep=True)
    one = hire(studio)
    about = one.about()
    assert (about.shared, about.with_memory, about.looks_at_shots, about.pictures) == (False, True, False, {})
    one.begin(WHOLE, set(), {})
    made = all_of(one)
    assert records(made) == studio.kept("alone")
    assert one.advance(0.0).ended  # again and again
    assert all(files is not None and files[1] is not None for files in made.values())


def test_what_it_shares_it_doesn_t_send(
    folder_studio: MakeStudio, hire: Callable[[Studio, str], Worker], tmp_path: Path
) -> None:
    studio = folder_studio(pan(6))
    studio.render("alone/", keep=True)
    journal = Journal(tmp_path / "shared")
    journal.make()
    one = hire(studio, "me")
    assert one.about().shared
    one.begin(WHOLE, set(), {})
    assert set(all_of(one).values()) == {None}
    assert [journal.take(index)[0] for index in range(6)] == studio.kept("alone")


@pytest.mark.parametrize("dream", [{}, {"ascent": "plain"}])
@pytest.mark.parametrize("finished", [1, 4])
def test_it_goes_on_from_the_last_frame_and_the_first(
    folder_studio: MakeStudio, hire: Hire, dreamed: list[int], dream: dict[str, str], finished: int
) -> None:
    studio = folder_studio(pan(6), dream=dream)
    studio.render("alone/", keep=True)
    journal = Journal(journal_folder(str(studio.folder / "alone")))
    one = hire(studio)
    assert one.about().with_memory is (not dream)
    dreamed.clear()
    one.begin(WHOLE, set(range(finished)), {index: journal.take(index) for index in {0, finished - 1}})
    made = all_of(one)
    assert list(made) == dreamed == list(range(finished, 6))
    assert records(made) == studio.kept("alone")[finished:]


def test_without_a_carry_any_frames_may_be_missing(folder_studio: MakeStudio, hire: Hire, dreamed: list[int]) -> None:
    studio = folder_studio(pan(6), carry={"strength": 0.0})
    studio.render("alone/", keep=True)
    journal = Journal(journal_folder(str(studio.folder / "alone")))
    one = hire(studio)
    one.about()
    dreamed.clear()
    one.begin(WHOLE, {0, 2, 3, 5}, {index: journal.take(index) for index in (0, 3, 5)})  # those before a gap
    made = all_of(one)
    assert list(made) == dreamed == [1, 4]
    assert records(made) == [studio.kept("alone")[index] for index in (1, 4)]


def test_one_chunk_after_another_leaves_nothing_of_the_first(folder_studio: MakeStudio, hire: Hire) -> None:
    studio = folder_studio(pan(30), shots={"chunk": 15, "lead_in": 3, "overlap": 3})
    first, second = split([range(30)], studio.config.shots, carries=True)
    one = hire(studio)
    one.about()
    one.begin(second, set(), {})
    made = records(all_of(one))
    one.begin(first, set(), {})
    assert [index for index, *_ in one.advance(0.0).frames] == [0]
    one.begin(second, set(), {})
    assert records(all_of(one)) == made
    assert len(made) == second.work == 1 + 3 + 15


def test_it_lacks_what_is_gone_or_another(folder_studio: MakeStudio, hire: Hire, tmp_path: Path) -> None:
    studio = folder_studio(pan(3))
    job, one = studio.job(), hire(studio)
    identity = identity_of(job, job.input)
    gone = str(tmp_path / "gone.png")
    assert one.lacks({job.input: identity, gone: {"size": 1}}) == [gone]
    assert one.lacks({job.input: {**identity, "size": 1}}) == [job.input]


def test_a_folder_of_one_picture_is_still_a_clip(folder_studio: MakeStudio, hire: Hire) -> None:
    studio = folder_studio(pan(1), input={"start": 0.0})  # which a still has not
    studio.render("alone/", keep=True)
    one = hire(studio)
    one.receive(studio.input, 0, ".png", (Path(studio.input) / "0000.png").read_bytes())
    one.about()
    one.begin(Chunk(0, 0, 0, 0, 1), set(), {})
    assert records(all_of(one)) == studio.kept("alone")


def test_what_can_t_be_opened_is_said_by_about(folder_studio: MakeStudio, hire: Hire) -> None:
    studio = folder_studio(pan(3))
    one = hire(studio)
    one._order = replace(one._order, job=replace(one._order.job, input="gone.mp4"))
    with pytest.raises(InputError, match=r"gone\.mp4"):
        one.about()
