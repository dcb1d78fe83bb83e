"""Objectives that look at more than one frame, in clips: shots, guides, masks and memories; and going on with them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.config import Config
from dreamvideo.dream.engine import Dreamer
from dreamvideo.errors import ConfigError, InputError, OutputError
from dreamvideo.media.still import read_png16, write_image
from dreamvideo.render.job import Listener
from dreamvideo.render.picture import render_image
from dreamvideo.render.start import journal_folder
from tests.render.conftest import Studio, pan
from tests.tiny import picture

MakeStudio = Callable[..., Studio]
MakeGuide = Callable[..., str]
TWO_SHOTS = [*pan(4, low=0, high=0.4), *pan(4, 1, low=0.6, high=1)]


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[int, list[np.ndarray]]:
    """What the objective found out for each frame, by its index."""
    found: dict[int, list[np.ndarray]] = {}
    original = Dreamer.dream

    def spy(self: Dreamer, *arguments: Any, index: int, **options: Any) -> Any:
        found[index] = options["prepared"].given
        return original(self, *arguments, index=index, **options)

    monkeypatch.setattr(Dreamer, "dream", spy)
    return found


@pytest.fixture
def guide(tmp_path: Path) -> MakeGuide:
    """``guide(frames)``: a folder of pictures, or a single one."""

    def build(frames: list[np.ndarray], name: str = "guide") -> str:
        folder = tmp_path / name
        folder.mkdir()
        for index, frame in enumerate(frames):
            write_image(str(folder / f"{index:04d}.png"), frame)
        return str(folder if len(frames) > 1 else folder / "0000.png")

    return build


def formula(text: str, **settings: Any) -> dict[str, Any]:
    """The settings of a dream on a formula, in one octave."""
    return {"objective": text, "layers": {}, "octaves": 1, "steps": 2, **settings}


def changed(studio: Studio, **dream: Any) -> Config:
    """The studio's config, with other settings of the dream."""
    return studio.config.model_copy(update={"dream": studio.config.dream.model_copy(update=dream)})


def journal(studio: Studio, output: str = "out.mp4") -> Path:
    return journal_folder(str(studio.folder / output))


def kept_frame(studio: Studio, index: int) -> np.ndarray:
    return read_png16(str(journal(studio) / "frames" / f"{index:06d}.png"))


def test_the_strongest_stay_through_a_shot_and_are_chosen_anew_after_a_cut(
    folder_studio: MakeStudio, given: dict[int, list[np.ndarray]]
) -> None:
    studio = folder_studio(TWO_SHOTS, dream=formula("strongest(mixed, 3)"))
    assert studio.render().shots == 2
    first, second = given[0][0], given[4][0]
    assert all(np.array_equal(given[index][0], first) for index in range(4))
    assert all(np.array_equal(given[index][0], second) for index in range(4, 8))
    assert not np.array_equal(first, second)


def test_frame_t_of_a_guide_guides_frame_t_and_its_last_all_after_it(
    folder_studio: MakeStudio, guide: MakeGuide, given: dict[int, list[np.ndarray]]
) -> None:
    frames = [picture(30, 36, seed) for seed in range(3)]
    settings = formula("guide(mixed, sea)", pictures={"sea": guide(frames)})
    studio = folder_studio(pan(5), dream=settings)
    studio.render()
    assert list(given) == [0, 1, 2, 3, 4]
    assert not np.array_equal(given[0][0], given[1][0])
    assert not np.array_equal(given[1][0], given[2][0])
    assert np.array_equal(given[2][0], given[3][0])
    assert np.array_equal(given[2][0], given[4][0])


def test_a_guide_is_that_of_its_frame_alone(
    folder_studio: MakeStudio, guide: MakeGuide, given: dict[int, list[np.ndarray]]
) -> None:
    moving = guide([picture(30, 36, seed) for seed in range(3)])
    studio = folder_studio(pan(3), dream=formula("guide(mixed, sea)", pictures={"sea": moving}))
    studio.render()
    of_clip = dict(given)
    studio.input = f"{studio.input}/0000.png"
    for index in (0, 2):
        studio.config = changed(studio, pictures={"sea": f"{moving}/{index:04d}.png"})
        render_image(studio.job(f"{index}.png"), Listener())
        assert np.array_equal(given[0][0], of_clip[index][0])


@pytest.mark.parametrize(
    ("path", "error"),
    [(None, ConfigError), ("gone.png", InputError), ("gone/*.png", InputError), ("gone.mp4", InputError)],
)
def test_a_missing_guide_is_refused_before_anything_is_written(
    folder_studio: MakeStudio, dreamed: list[int], path: str | None, error: type[Exception]
) -> None:
    pictures = {"sea": path} if path else {}
    studio = folder_studio(pan(3), dream=formula("guide(mixed, sea)", pictures=pictures))
    with pytest.raises(error, match="'sea'" if path is None else "gone"):
        studio.render()
    assert dreamed == []
    assert studio.files() == []


STATEFUL: dict[str, Callable[[MakeGuide], dict[str, Any]]] = {
    "memory": lambda _: formula("strongest(mixed, 3)", ascent="adam", memory="carry", step=0.004),
    "guide": lambda guide: formula(
        "guide(mixed, sea) - 0.1 * temporal() + 0.1 * content(mixed)",
        ascent="momentum",
        memory="carry",
        pictures={"sea": guide([picture(30, 36, seed) for seed in range(5)])},
    ),
}


@pytest.mark.parametrize("look", STATEFUL)
@pytest.mark.parametrize("finished", [3, 6])
def test_resumed_equals_uninterrupted(folder_studio: MakeStudio, guide: MakeGuide, look: str, finished: int) -> None:
    studio = folder_studio(TWO_SHOTS, dream=STATEFUL[look](guide))
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=finished)
    assert studio.render(resume=True, keep=True).dreamed == 8 - finished
    assert studio.kept() == studio.kept("whole.mp4")


@pytest.mark.parametrize(("finished", "lost"), [(3, "memories/000002.float32"), (13, "frames/000003.png")])
def test_a_memory_that_is_lost_is_made_again(folder_studio: MakeStudio, finished: int, lost: str) -> None:
    """Also that of a frame so long ago that its memory isn't kept any more."""
    settings = formula("mean_square(mixed)", ascent="momentum", memory="carry", steps=1)
    studio = folder_studio(pan(14), dream=settings, carry={"strength": 0.8})
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=finished)
    (journal(studio) / lost).unlink()
    studio.render(resume=True, keep=True)
    assert studio.kept() == studio.kept("whole.mp4")


def test_a_memory_that_is_cut_short_is_made_again(folder_studio: MakeStudio) -> None:
    settings = formula("mean_square(mixed)", ascent="momentum", memory="carry", steps=1)
    studio = folder_studio(pan(5), dream=settings)
    studio.render("whole.mp4", keep=True)
    studio.render(stop_after=3)
    last = journal(studio) / "memories" / "000002.float32"
    last.write_bytes(last.read_bytes()[:1001])
    studio.render(resume=True, keep=True)
    assert studio.kept() == studio.kept("whole.mp4")


def test_only_the_latest_memories_are_kept(folder_studio: MakeStudio) -> None:
    settings = formula("mean_square(mixed)", ascent="momentum", memory="carry", steps=1)
    studio = folder_studio(pan(11), dream=settings)
    studio.render(keep=True)
    assert [file.name for file in sorted((journal(studio) / "memories").iterdir())] == [
        f"{index:06d}.float32" for index in range(3, 11)
    ]
    studio.render(overwrite=True)
    assert studio.files() == ["out.mp4"]


def test_a_carried_memory_makes_another_clip(folder_studio: MakeStudio) -> None:
    frames = pan(3)
    studio = folder_studio(frames, dream=formula("mean_square(mixed)", ascent="momentum", memory="carry"))
    studio.render(keep=True)
    carried = kept_frame(studio, 2)
    studio.config = changed(studio, memory="reset")
    studio.render(keep=True, overwrite=True)
    assert not np.array_equal(carried, kept_frame(studio, 2))
    assert not (journal(studio) / "memories").exists() or not any((journal(studio) / "memories").iterdir())


def test_a_changed_guide_is_refused(folder_studio: MakeStudio, guide: MakeGuide) -> None:
    path = guide([picture(30, 36)])
    studio = folder_studio(pan(4), dream=formula("guide(mixed, sea)", pictures={"sea": path}))
    studio.render(stop_after=2)
    before = studio.kept()
    file = Path(path)
    file.write_bytes(file.read_bytes() + b"\0")
    with pytest.raises(OutputError, match=r"pictures\.sea\.\S+ was"):
        studio.render(resume=True)
    assert studio.kept() == before


HALF = np.zeros((20, 14, 3), np.float32)
HALF[:, :7] = 1


@pytest.mark.parametrize("strength", [0.0, 0.95])
def test_outside_of_a_mask_the_footage_stays_as_it_is(
    folder_studio: MakeStudio, guide: MakeGuide, strength: float
) -> None:
    settings = formula("mean_square(mixed, mask=face)", pictures={"face": guide([HALF])}, jitter=1)
    studio = folder_studio(pan(3), dream=settings, carry={"strength": strength})
    studio.render(keep=True)
    for index, frame in enumerate(pan(3)):
        change = np.abs(kept_frame(studio, index) - frame)
        assert change[:, :20].mean() > 0.003
        assert change[:, 28 + 14 :].max() < 0.003  # what eight bits leave of the input


def test_a_mask_of_another_size_is_told(folder_studio: MakeStudio, guide: MakeGuide) -> None:
    settings = formula("mean_square(mixed, mask=face)", pictures={"face": guide([HALF])}, jitter=1)
    studio = folder_studio(pan(2), dream=settings)
    report = studio.render()
    told = "the mask face is 14x20; it is scaled to the frame's 56x40"
    assert told in report.notes
    assert studio.notes.count(told) == 1


def test_a_still_has_its_guide_too(folder_studio: MakeStudio, guide: MakeGuide, tmp_path: Path) -> None:
    still = tmp_path / "still.png"
    write_image(str(still), picture(40, 50))
    path = guide([picture(30, 36, 3)])
    studio = folder_studio(pan(1), dream=formula("guide(mixed, sea)", pictures={"sea": path}))
    studio.input = str(still)
    render_image(studio.job("a.png"), Listener())
    assert studio.render("b.png").frames == 1
    assert (studio.folder / "a.png").read_bytes() == (studio.folder / "b.png").read_bytes()
