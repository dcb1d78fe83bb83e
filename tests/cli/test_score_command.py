"""``score``: what it prints, writes and refuses, with a tiny network in place of the real one."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvideo.media.still import write_image
from tests.score.conftest import Frames, lifted, noisy, pan
from tests.tiny import MIXED, tiny_network

LAYER = ("--layer", MIXED)


@pytest.fixture(autouse=True)
def _clips(monkeypatch: pytest.MonkeyPatch, dreamvideo) -> None:
    """Folders ``in`` and ``out`` of 20 frames where commands run, and the tiny network for every name."""
    network = tiny_network()
    monkeypatch.setattr("dreamvideo.dream.strength.load_network", lambda _name: network)
    del dreamvideo  # it has chosen the folder
    write("in", pan(20))
    write("out", noisy(pan(20), 0.02))


def test_the_table_has_every_measure(dreamvideo) -> None:
    outcome = dreamvideo("score", "in", "out", *LAYER)
    assert (outcome.code, outcome.err) == (0, "")
    head, *lines = outcome.out.splitlines()
    assert head.split() == ["measure", "output", "input"]
    assert [line.split("  ")[0] for line in lines] == [
        *("strength", "difference", "warp error, 1 frame", "warp error, 10 frames", "pulse"),
        *("drift of strength", "drift of mean", "drift of deviation", "drift of saturation"),
        *("", "integrity", "frames", "repeats", "size"),
    ]
    assert f"of {MIXED} (tiny), on every frame" in lines[0]
    assert "above the floor, mean square x 1e4; 19 pairs" in lines[2]
    assert lines[-1].split() == ["size", "64x48", "64x48", "ok"]


def test_json_has_the_summaries_and_the_curves(dreamvideo) -> None:
    told = json.loads(dreamvideo("score", "in", "out", *LAYER, "--every", "4", "--json").out)
    measured = told["measured"]
    assert (told["input"], told["output"], told["whole"], told["plot"]) == ("in", "out", True, None)
    assert (told["layers"], told["every"]) == ([MIXED], 4)
    assert measured["short"]["above"] == pytest.approx(8, rel=0.1)
    assert measured["curves"]["strength_frames"] == [0, 4, 8, 12, 16]
    assert len(measured["curves"]["short_output"]) == 20
    assert measured["curves"]["short_output"][0] is None
    assert len(measured["pulse"]["frequencies"]) == len(measured["pulse"]["amplitudes"])
    assert measured["drift"][0]["end"] == 20
    assert told["checks"][0] == {
        "name": "frames", "ok": True, "input": 20, "output": 20, "tolerance": "exact", "note": "",
    }  # fmt: skip


def write(name: str, frames: Frames) -> None:
    Path(name).mkdir()
    for index, frame in enumerate(frames):
        write_image(f"{name}/{index:02}.png", frame, bits=16)


def row(text: str, name: str) -> list[str]:
    """The cells of a row of the table."""
    line = next(line for line in text.splitlines() if line.startswith(f"{name}  "))
    return re.split("  +", line.rstrip())


def test_strength_that_is_not_measured_says_why(dreamvideo) -> None:
    write("small", pan(20, height=16, width=16))
    outcome = dreamvideo("score", "small", "small", "--layer", "deep_relu")
    assert outcome.code == 0
    assert "frames of 16x16 are too small" in outcome.err
    assert row(outcome.out, "strength") == ["strength", "-", "-", "of deep_relu (tiny): the frames are too small"]
    assert row(outcome.out, "drift of strength")[-1] == "the frames are too small"
    told = json.loads(dreamvideo("score", "small", "small", "--layer", "deep_relu", "--json").out)
    assert told["measured"]["strength"] is None


def test_a_drift_that_is_not_told_says_why(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    sparse = dreamvideo("score", "in", "out", *LAYER, "--every", "15").out
    assert row(sparse, "drift of strength")[1:] == ["-", "0", "on too few frames; lower --every"]
    assert row(sparse, "drift of mean")[-1] == "1/255 a second"
    write("short", pan(15))
    short = dreamvideo("score", "short", "short", *LAYER).out
    for name in ("strength", "mean"):
        assert row(short, f"drift of {name}")[-1] == "no shot long enough"
    monkeypatch.setattr("dreamvideo.score.strength.Strength.at", lambda *_: 0.0)
    assert row(dreamvideo("score", "in", "out", *LAYER).out, "drift of strength")[-1] == "the input excites nothing"


def test_a_slow_change_is_no_pulse(dreamvideo) -> None:
    frames = pan(40)
    write("quiet", frames)
    write("slow", lifted(frames, [0.1 * np.cos(2 * np.pi * index / 60) for index in range(40)]))
    write("pulsing", lifted(frames, [0.01 * np.sin(2 * np.pi * index / 5) for index in range(40)]))
    assert row(dreamvideo("score", "quiet", "slow", *LAYER).out, "pulse")[1:] == ["-", "0", "slow change, no pulse"]
    assert "1/255 at 5" in row(dreamvideo("score", "quiet", "pulsing", *LAYER).out, "pulse")[-1]


def test_a_fault_is_told_and_no_error(dreamvideo) -> None:
    Path("out/07.png").unlink()
    outcome = dreamvideo("score", "in", "out", *LAYER)
    assert outcome.code == 0
    assert outcome.out.splitlines()[-2].split() == ["frames", "19", "20", "DIFFERS;", "missing:", "frame", "7"]


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b"<?xml"), ("a.PDF", b"%PDF"), ("a.png", b"\x89PNG")])
def test_plots_of_each_kind(dreamvideo, name: str, begins: bytes) -> None:
    outcome = dreamvideo("score", "in", "out", *LAYER, "--plot", name)
    assert (outcome.code, outcome.err) == (0, f"dreamvideo: drawn in {name}\n")
    assert Path(name).read_bytes().startswith(begins)
    if name.endswith("png"):
        assert Image.open(name).width == 1440


def test_a_plot_that_exists_is_kept_unless_told(dreamvideo) -> None:
    Path("s.png").write_text("mine")
    outcome = dreamvideo("score", "in", "out", *LAYER, "--plot", "s.png")
    assert (outcome.code, outcome.out) == (4, "")
    assert "s.png exists already; choose another name or overwrite it with -y" in outcome.err
    assert Path("s.png").read_text() == "mine"
    assert dreamvideo("score", "in", "out", *LAYER, "--plot", "s.png", "-y", "-q").err == ""
    assert Path("s.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        (["nope.mp4", "out"], 3, "nope.mp4: there is no such file"),
        (["in", "nope.mp4"], 3, "nope.mp4: there is no such file"),
        (["in", "bad.mp4"], 3, "bad.mp4"),
        (["in", "out", "--start", "9"], 3, "in is only 0.800 s long"),
        (["in", "out", "--layer", "nope"], 2, "'nope'"),
        (["in", "out", "--every", "0"], 2, "no whole number from 1 to"),
        (["in", "out", "--width", "0"], 2, "input.width is 0"),
        (["in", "out", "--plot", "s.jpg"], 4, "s.jpg: a chart is .png, .svg or .pdf"),
        (["in", "out", "--plot", "nowhere/s.png"], 4, "does not exist; make it first"),
        (["in", "out", "--plot", "out/00.png", "-y"], 4, "out/00.png is the input's own"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(dreamvideo, line: list[str], code: int, message: str) -> None:
    Path("bad.mp4").write_bytes(b"no clip at all")
    outcome = dreamvideo("score", *line)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith("dreamvideo: error: ")
    assert message in outcome.err


def test_without_matplotlib_it_says_what_to_install(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = dreamvideo("score", "in", "out", "--plot", "s.png")
    assert outcome.code == 2
    assert "pip install 'dreamvideo[plots]'" in outcome.err


def test_help_fits_a_terminal_and_imports_nothing_heavy() -> None:
    script = (
        "import sys; from dreamvideo.cli import main\n"
        "main(['score', '--help'])\n"
        "print([name for name in ('tensorflow', 'cv2', 'numpy', 'matplotlib') if name in sys.modules])"
    )
    line = [sys.executable, "-c", script]
    environment = {**os.environ, "COLUMNS": "80"}
    text = subprocess.run(line, capture_output=True, text=True, check=True, env=environment).stdout
    assert max(map(len, text.splitlines())) <= 80
    assert text.splitlines()[-1] == "[]"
