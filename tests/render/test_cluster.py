"""A clip on a cluster: what is refused before anything is submitted, and one small render by real workers."""

import builtins
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.still import write_image
from dreamvideo.render import cluster
from dreamvideo.render.cluster import Placement, place, ray_cluster, render_on_cluster
from dreamvideo.render.job import Listener
from dreamvideo.render.start import journal_folder
from tests.render.conftest import Studio, pan
from tests.render.hands import TestHands
from tests.tiny import picture, tiny_network

MakeStudio = Callable[..., Studio]


def machine(cores: float, gpus: float = 0) -> dict[str, float]:
    return {"CPU": cores, "memory": 1e9} | ({"GPU": gpus} if gpus else {})


@pytest.mark.parametrize(
    ("wanted", "nodes", "expected"),
    [
        (None, [machine(2)], Placement(1, 2, 0)),
        (None, [machine(8)], Placement(2, 4, 0)),
        (None, [machine(9), machine(3), machine(16)], Placement(6, 4, 0)),
        (None, [machine(1), machine(2)], Placement(1, 2, 0)),
        (2, [machine(2)], Placement(2, 1, 0)),
        (1, [machine(16)], Placement(1, 16, 0)),
        (2, [machine(16)], Placement(2, 8, 0)),
        (3, [machine(4), machine(2)], Placement(3, 2, 0)),
        (4, [machine(2), machine(2)], Placement(4, 1, 0)),
        (3, [machine(8), machine(0)], Placement(3, 2, 0)),
        (None, [machine(16, 2)], Placement(2, 8, 1)),
        (None, [machine(2, 8), machine(8, 1)], Placement(3, 1, 1)),
        (2, [machine(16, 4)], Placement(2, 4, 1)),
    ],
)
def test_workers_are_placed_where_they_fit(
    wanted: int | None, nodes: list[dict[str, float]], expected: Placement
) -> None:
    placed = place(wanted, nodes)
    assert placed == expected
    slots = [min(int(node["CPU"]) // placed.cores, int(node.get("GPU", 99)) // max(1, placed.gpus)) for node in nodes]
    assert sum(slots) >= placed.workers


@pytest.mark.parametrize(
    ("wanted", "nodes", "message"),
    [
        (None, [], "no worker fits on the cluster: it has 0 machines, 0 cores and 0 GPUs"),
        (None, [machine(0)], "no worker fits"),
        (None, [machine(0, 4)], "no worker fits"),
        (3, [machine(2)], "3 workers are asked for, but 2 fit on the cluster, which has 1 machine, 2 cores and 0 GPUs"),
        (9, [machine(2, 8)], "9 workers are asked for, but 2 fit"),
    ],
)
def test_what_can_never_be_placed_is_refused(wanted: int | None, nodes: list[dict[str, float]], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        place(wanted, nodes)


def test_without_ray_the_error_says_how_to_install_it(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name == "ray":
            raise ImportError(name)
        return original(name, *arguments, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ConfigError, match=r"pip install 'dreamvideo\[cluster\]'"):
        render_on_cluster(studio.job(cluster="local"), Listener())
    assert studio.files() == []


@pytest.mark.parametrize("address", ["ray://127.0.0.1:1", "127.0.0.1:1", "ray://[::1]:1", "ray://127.0.0.1:99999"])
def test_a_cluster_that_doesn_t_answer_is_an_error_at_once(studio: Studio, address: str) -> None:
    pytest.importorskip("ray")
    begun = time.monotonic()
    with pytest.raises(ConfigError, match="does not answer"):
        render_on_cluster(studio.job(cluster=address), Listener())
    assert time.monotonic() - begun < 4 * cluster.CONNECT_SECONDS  # and not the minutes that Ray tries
    assert studio.files() == []


def test_a_still_and_a_taken_name_are_refused_before_a_cluster_is_looked_for(studio: Studio, tmp_path: Path) -> None:
    write_image(str(tmp_path / "still.png"), picture(8, 8))
    with pytest.raises(ConfigError, match="single picture"):
        render_on_cluster(studio.job(cluster="ray://127.0.0.1:1", input=str(tmp_path / "still.png")), Listener())
    (studio.folder / "out.mp4").write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        render_on_cluster(studio.job(cluster="ray://127.0.0.1:1"), Listener())


def test_more_workers_than_fit_leave_nothing_behind(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "ray_cluster", lambda _job, _listener: nullcontext(TestHands()))
    with pytest.raises(ConfigError, match="9 workers are asked for, but 8 fit"):
        render_on_cluster(studio.job(cluster="local", workers=9), Listener())
    assert studio.files() == []


def test_a_stop_while_cuts_are_looked_for_leaves_nothing_behind(studio: Studio) -> None:
    report = render_on_cluster(studio.job(cluster="local"), Listener(stop=lambda: True))
    assert (report.interrupted, report.frames, report.work) == (True, 0, None)
    assert studio.files() == []


def test_two_real_workers_make_the_frames_of_one(
    folder_studio: MakeStudio, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ray")
    network = tmp_path / "tiny.keras"
    tiny_network().model.save(network)
    cuts = [*pan(24, low=0, high=0.4), *pan(4, 1, low=0.6, high=1)]
    shots = {"chunk": 12, "lead_in": 2, "overlap": 2}
    studio = folder_studio(cuts, shots=shots, dream={"network": str(network)})
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    monkeypatch.setattr(cluster, "place", lambda wanted, _nodes: Placement(wanted or 1, 1, 0))  # one core for each
    kept: list[dict[str, bytes]] = []
    with ray_cluster(studio.job(cluster="local"), Listener()) as hands:
        monkeypatch.setattr(cluster, "ray_cluster", lambda _job, _listener: nullcontext(hands))
        for workers in (2, 1):
            job = studio.job(f"by-{workers}/", cluster="local", workers=workers, keep=True)
            report = render_on_cluster(job, Listener())
            assert (report.frames, report.shots) == (28, 2)
            folder = journal_folder(job.output)
            kept.append({str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*.png")})
    assert len(kept[0]) == 28 + 1 + 2 + 2
    assert kept[0] == kept[1]
