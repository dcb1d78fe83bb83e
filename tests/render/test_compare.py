"""One photo in many ways on one sheet."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.dream import networks
from dreamvideo.errors import ConfigError, InputError, NetworkError
from dreamvideo.media.still import read_image, read_png16, write_image
from dreamvideo.render.compare import Variant, compare, compare_layers
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.picture import render_image
from dreamvideo.render.sheets import SheetJob
from dreamvideo.render.start import journal_folder
from tests.tiny import MIXED, picture, tiny_config, tiny_network


@pytest.fixture
def photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    def load(name: str, **_: Any) -> Any:
        if name == "far":
            raise NetworkError("the network far is not on this machine yet")
        network = tiny_network()
        network.showcase = [MIXED, "deep_relu"]
        return network

    monkeypatch.setattr(networks, "load_network", load)
    path = tmp_path / "photo.png"
    write_image(str(path), picture(36, 60))
    return str(path)


@pytest.fixture
def job(out: Path) -> SheetJob:
    return SheetJob(str(out / "sheet.png"), tiny_config(), 60, keep=True)


def cells(job: SheetJob) -> list[np.ndarray]:
    return [read_png16(str(file)) for file in sorted((journal_folder(job.output) / "frames").iterdir())]


def test_the_photo_comes_first_then_what_image_makes_of_it(job: SheetJob, photo: str, out: Path) -> None:
    configs = {"plain": tiny_config(), "heavy": tiny_config(dream={"strength": 3.0})}
    variants = [Variant(name, config) for name, config in configs.items()]
    assert compare(job, photo, variants, "presets", Listener()).cells == 3
    first, *dreams = cells(job)
    assert np.abs(first - read_image(photo)).max() < 1e-4
    for dream, (name, config) in zip(dreams, configs.items(), strict=True):
        render_image(Job(photo, str(out / f"{name}.png"), config), Listener())
        assert np.abs(dream - read_image(str(out / f"{name}.png"))).max() <= 0.51 / 255
    assert min(read_image(job.output).shape[:2]) > 60


def test_what_cannot_be_dreamed_here_is_left_out_with_a_note(job: SheetJob, photo: str) -> None:
    notes: list[str] = []
    style = {"objective": "style(looks, mixed)", "layers": {}}
    variants = [
        Variant("plain", tiny_config()),
        Variant("far", tiny_config(dream={"network": "far"})),
        Variant("styled", tiny_config(dream=style)),
    ]
    report = compare(job, photo, variants, "presets", Listener(note=notes.append))
    assert report.cells == 2
    assert [note.split(":")[0] for note in notes] == ["far is left out", "styled is left out"]
    assert report.notes == notes


def test_layers_can_be_left_to_the_network(job: SheetJob, photo: str) -> None:
    variants = [Variant("default", tiny_config(dream={"layers": {}}))]
    assert compare(job, photo, variants, "presets", Listener()).cells == 2


def test_every_layer(job: SheetJob, photo: str) -> None:
    assert compare_layers(job, photo, Listener()).cells == 3
    _, one, other = cells(job)
    assert np.abs(one - other).mean() > 0.005


def test_layers_and_a_formula_contradict(job: SheetJob, photo: str) -> None:
    config = tiny_config(dream={"objective": "mean(mixed)", "layers": {}})
    with pytest.raises(ConfigError, match="compared by a formula"):
        compare_layers(SheetJob(job.output, config, 60), photo, Listener())


def test_a_missing_photo_is_said(job: SheetJob, photo: str) -> None:
    with pytest.raises(InputError, match="nothing"):
        compare(job, photo + "nothing.png", [Variant("plain", tiny_config())], "presets", Listener())
    assert not journal_folder(job.output).exists()
