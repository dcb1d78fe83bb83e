"""The activation maps of a layer."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.dream import networks
from dreamvideo.errors import ConfigError, InputError, OutputError
from dreamvideo.media.still import read_image, write_image
from dreamvideo.render.features import FeaturesJob, activations, draw_map, render_features
from dreamvideo.render.job import Listener
from tests.tiny import MIXED, picture, tiny_config, tiny_network


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeaturesJob:
    monkeypatch.setattr(networks, "load_network", lambda _name, **_: tiny_network())
    photo = tmp_path / "photo.png"
    write_image(str(photo), picture(36, 60))
    output = str(tmp_path / "maps.png")
    return FeaturesJob(str(photo), output, tiny_config(), MIXED, None, count=63, order="strongest", cell=48)


def labels(monkeypatch: pytest.MonkeyPatch, job: FeaturesJob) -> list[Any]:
    """The labels that a job's sheet is drawn with."""
    drawn: list[Any] = []
    sheet = "dreamvideo.render.features.contact_sheet"
    monkeypatch.setattr(sheet, lambda _layout, labels, _pictures: drawn.extend(labels) or np.zeros((8, 8, 3)))
    render_features(replace(job, overwrite=True), Listener())
    return drawn


def test_a_sheet_of_all_channels(job: FeaturesJob) -> None:
    report = render_features(job, Listener())
    assert report.cells == 10
    sheet = read_image(job.output)
    assert min(sheet.shape[:2]) > 100


def test_the_strongest_come_first(job: FeaturesJob, monkeypatch: pytest.MonkeyPatch) -> None:
    first, *shown = labels(monkeypatch, job)
    assert first.name == "input"
    peaks = [float(label.figure) for label in shown]
    assert peaks == sorted(peaks, reverse=True)
    assert sorted(int(label.name) for label in shown) == list(range(10))


def test_channels_can_be_chosen_ordered_and_counted(job: FeaturesJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def names(**changes: Any) -> list[str]:
        return [label.name for label in labels(monkeypatch, replace(job, **changes))[1:]]

    assert names(order="number") == [str(channel) for channel in range(10)]
    assert names(order="number", count=3) == ["0", "1", "2"]
    assert names(order="number", channels="7,2-3") == ["7", "2", "3"]
    assert names(count=2) == names()[:2]


def test_each_map_has_its_own_range() -> None:
    values = np.array([[5.0, 6.0], [7.0, 9.0]], np.float32)
    drawn = draw_map(values, (40, 20))
    assert drawn.shape == (20, 40, 3)
    assert np.array_equal(drawn, draw_map(values * 10 - 3, (40, 20)))
    lightness = drawn.mean(axis=2)
    assert lightness[0, 0] < 0.02 < lightness[0, -1] < lightness[-1, 0] < lightness[-1, -1]
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) == 4
    assert draw_map(np.full((2, 2), 3.0, np.float32), (4, 4)).max() < 0.02


def test_what_is_not_there_is_said(job: FeaturesJob) -> None:
    for changes, kind, message in (
        ({"layer": "mixd"}, ConfigError, "did you mean 'mixed'"),
        ({"channels": "0-10"}, ConfigError, "its last is 9"),
        ({"input": job.input + "x.png"}, InputError, "photo"),
        ({"output": job.input}, OutputError, "exists"),
        ({"cell": 20000}, ConfigError, "smaller cells"),
    ):
        with pytest.raises(kind, match=message):
            render_features(replace(job, **changes), Listener())


def test_a_photo_that_is_too_small_is_said() -> None:
    with pytest.raises(InputError, match="too small for mixed"):
        activations(tiny_network(), MIXED, picture(2, 40), "float32")
