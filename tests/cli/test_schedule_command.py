"""``schedule``: what it prints, writes and refuses, without a network."""

import csv
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvideo.easing import EASINGS
from dreamvideo.expression import CONSTANTS, FUNCTIONS, VARIABLES
from dreamvideo.media import ffmpeg
from dreamvideo.media.still import write_image

ZOOM = "camera.zoom=1.5 + 0.25*sin(t)"


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two shots of 12 and 8 frames at 10 a second, with a tone."""
    path = tmp_path_factory.mktemp("clip") / "two.mp4"
    shots = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1.2", "-f", "lavfi", "-i", "color=white:s=64x48:r=10:d=0.8"]
    tone = ["-f", "lavfi", "-i", "sine=f=80:d=2:r=22050"]
    joined = "[0]format=yuv420p[a];[1]format=yuv420p[b];[a][b]concat[v]"
    coding = ["-map", "[v]", "-map", "2:a", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-c:a", "aac"]
    arguments = ["-v", "error", *shots, *tone, "-filter_complex", joined, *coding, ffmpeg.url(path)]
    status, stderr = ffmpeg.run(arguments)
    assert status == 0, stderr
    return str(path)


@pytest.fixture
def still(tmp_path: Path) -> str:
    write_image(str(tmp_path / "still.png"), np.full((24, 32, 3), 0.5, np.float32))
    return "still.png"


def rows(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_tells_each_number_in_short(dreamvideo, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[dream]\nstrength = '0: 0.5, 1s: 1.5'\nobjective = '(1 + t) * mean(mixed3)'\n")
    outcome = dreamvideo("schedule", "mine.toml", "--seconds", "2")
    header, strength, number = outcome.out.splitlines()
    assert (outcome.code, outcome.err) == (0, "")
    assert header.split("  ")[0] == "parameter"
    assert strength.split() == ["dream.strength", "0.5", "0.5", "1.242", "1.5", "1.5"]
    assert number.split()[-5:] == ["1", "1", "1.983", "2.967", "2.967"]
    assert number.startswith("dream.objective[0]: 1 + t ")


def test_json_has_the_numbers_and_the_files(dreamvideo) -> None:
    told = json.loads(dreamvideo("schedule", "--set", ZOOM, "--seconds", "1", "--csv", "s.csv", "--json").out)
    assert (told["frames"], told["rate"], told["shots"], told["csv"]) == (30, "30", 1, "s.csv")
    (zoom,) = told["parameters"]
    assert (zoom["parameter"], zoom["schedule"], zoom["start"]) == ("camera.zoom", "1.5 + 0.25*sin(t)", 1.5)
    assert zoom["end"] == pytest.approx(1.5 + 0.25 * math.sin(29 / 30))


def test_csv_follows_the_formula(dreamvideo) -> None:
    assert dreamvideo("schedule", "--set", ZOOM, "--seconds", "3", "--fps", "12.5", "--csv", "s.csv").out == "s.csv\n"
    table = rows("s.csv")
    assert len(table) == round(3 * 12.5)
    assert [row["frame"] for row in table[:3]] == ["0", "1", "2"]
    for index, row in enumerate(table):
        assert float(row["t"]) == pytest.approx(index / 12.5, abs=1e-9)
        assert float(row["camera.zoom"]) == pytest.approx(1.5 + 0.25 * math.sin(index / 12.5), abs=1e-9)


def test_a_clip_gives_length_cuts_and_sound(dreamvideo, clip: str) -> None:
    line = ("schedule", "--input", clip, "--set", "dream.strength=1 + shot", "--set", "camera.scale=1+bass(release=1)")
    outcome = dreamvideo(*line, "--csv", "s.csv")
    table = rows("s.csv")
    assert "looking for cuts" in outcome.err
    assert [row["shot"] for row in table] == ["0"] * 12 + ["1"] * 8
    assert [float(row["dream.strength"]) for row in table] == [1] * 12 + [2] * 8
    heard = [float(row["bass(release=1)"]) for row in table]
    assert [float(row["camera.scale"]) for row in table] == pytest.approx([1 + value for value in heard])
    assert max(heard) > 0.9
    assert dreamvideo(*line, "-q").err == ""


def test_a_still_is_a_dive(dreamvideo, still: str) -> None:
    told = json.loads(dreamvideo("schedule", "--input", still, "--set", "camera.zoom=1+t/seconds", "--json").out)
    assert (told["frames"], told["seconds"]) == (300, 10)
    assert told["parameters"][0]["end"] == pytest.approx(1 + 299 / 300)


def test_a_still_that_is_shown_for_some_frames_is_a_clip(dreamvideo, still: str) -> None:
    line = ("schedule", "--input", still, "--set", "input.frames=7", "--set", ZOOM, "--json")
    told = json.loads(dreamvideo(*line).out)
    assert (told["frames"], told["rate"]) == (7, "25")


def test_music_is_as_long_as_the_track(dreamvideo, clip: str) -> None:
    told = json.loads(dreamvideo("schedule", "--audio", clip, "--set", ZOOM, "--json").out)
    assert told["seconds"] == pytest.approx(2, abs=0.1)


def test_the_plot_is_a_picture_of_the_schedule(dreamvideo, clip: str) -> None:
    for name, zoom in (("a", "1 + t"), ("b", "1 + t"), ("c", "1 + t*t")):
        line = ("--set", f"camera.zoom={zoom}", "--input", clip, "--plot", f"{name}.png", "--csv", f"{name}.csv")
        assert dreamvideo("schedule", *line).out == f"{name}.png\n{name}.csv\n"
    pictures = {name: Image.open(f"{name}.png").convert("RGB") for name in "abc"}
    width, height = pictures["a"].size
    assert width == 1440
    assert 240 < height < 600
    assert pictures["a"].tobytes() == pictures["b"].tobytes() != pictures["c"].tobytes()
    assert sorted(file.name for file in Path().iterdir()) == sorted(
        f"{name}.{end}" for name in "abc" for end in ("csv", "png")
    )


@pytest.mark.parametrize(("name", "begins"), [("a.svg", b"<?xml"), ("a.PDF", b"%PDF")])
def test_plots_of_other_kinds(dreamvideo, name: str, begins: bytes) -> None:
    assert dreamvideo("schedule", "--set", ZOOM, "--plot", name).code == 0
    assert Path(name).read_bytes().startswith(begins)


def test_files_that_exist_are_kept_unless_told(dreamvideo) -> None:
    Path("s.csv").write_text("mine")
    line = ("schedule", "--set", ZOOM, "--csv", "s.csv")
    outcome = dreamvideo(*line)
    assert (outcome.code, outcome.out) == (4, "")
    assert "s.csv exists already; choose another name or overwrite it with -y" in outcome.err
    assert Path("s.csv").read_text() == "mine"
    assert dreamvideo(*line, "-y").code == 0


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ([], 2, "nothing moves here; write a schedule in place of a number, such as"),
        (["--preset", "eyes"], 2, "nothing moves in the preset eyes; write a schedule"),
        (["nope.toml"], 2, "the config file nope.toml cannot be read"),
        (["--set", "camera.zoom=1 + tt"], 2, "there is no variable called 'tt'"),
        (["--set", "dream.strength=t"], 2, "dream.strength is 10.0333 at frame 301 (10.03 s); it must be a number"),
        (["--set", "dream.strength=1/t"], 2, "this divides by zero at frame 0"),
        (["--set", "dream.strength=bass"], 2, "this listens to 'bass', but there is no sound"),
        (["--set", "dream.objective=mean(mixed3)/t"], 2, "dream.objective divides by 0 at frame 0"),
        (["--set", ZOOM, "--input", "nope.mp4"], 3, "nope.mp4"),
        (["--set", ZOOM, "--audio", "nope.wav"], 3, "nope.wav"),
        (["--set", ZOOM, "--plot", "s.jpg"], 4, "s.jpg: a chart is .png, .svg or .pdf"),
        (["--set", ZOOM, "--csv", "s.txt"], 4, "s.txt: a table is .csv"),
        (["--set", ZOOM, "--csv", "nowhere/s.csv"], 4, "does not exist; make it first"),
        (["--set", ZOOM, "--input", "still.png", "--plot", "still.png", "-y"], 4, "still.png is the input's own"),
    ],
)
@pytest.mark.usefixtures("still")
def test_what_cannot_be_done_is_one_sentence(dreamvideo, line: list[str], code: int, message: str) -> None:
    outcome = dreamvideo("schedule", "--seconds", "11", *line)
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err.startswith("dreamvideo: error: ")
    assert message in outcome.err


def test_a_length_has_no_say_over_a_clip(dreamvideo, clip: str) -> None:
    outcome = dreamvideo("schedule", "--set", ZOOM, "--input", clip, "--seconds", "3")
    assert outcome.code == 2
    assert "has a length of its own" in outcome.err


def test_without_matplotlib_it_says_what_to_install(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    outcome = dreamvideo("schedule", "--set", ZOOM, "--plot", "s.png")
    assert outcome.code == 2
    assert outcome.err == (
        "dreamvideo: error: plots need matplotlib; install it with `pip install 'dreamvideo[plots]'`\n"
    )
    assert dreamvideo("schedule", "--set", ZOOM).code == 0


def test_neither_a_network_nor_pyplot_is_loaded(clip: str, tmp_path: Path) -> None:
    script = (
        "import sys; from dreamvideo.cli import main\n"
        f"status = main(['schedule', '--set', 'dream.strength=1+bass', '--input', {clip!r}, '--plot', 's.png'])\n"
        "print(status, [name for name in ('tensorflow', 'keras', 'matplotlib.pyplot') if name in sys.modules])"
    )
    line = [sys.executable, "-c", script]
    answer = subprocess.run(line, capture_output=True, text=True, check=True, cwd=tmp_path)
    assert answer.stdout.splitlines()[-1] == "0 []"


def test_the_help_teaches_the_whole_language(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = dreamvideo("schedule", "--help").out
    assert max(map(len, text.splitlines())) <= 80
    easings = (name if name.startswith("ease") else name.partition("-")[0] for name in EASINGS)
    for name in (*VARIABLES, *CONSTANTS, *FUNCTIONS, *easings):
        assert name in text.replace(",", " ").replace("(", " ").split(), name
