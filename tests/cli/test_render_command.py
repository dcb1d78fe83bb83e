"""``render`` and ``image``: from options to the job, what is said meanwhile, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest

from dreamvideo.cli.progress import Display
from dreamvideo.config import Config, Dream, Input, Output
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.start import journal_folder


def test_the_default_job_is_the_default_config(dreamvideo, renderer) -> None:
    assert dreamvideo("render", "a.mp4", "-o", "b.mp4").code == 0
    assert renderer.jobs == [("clip", Job("a.mp4", "b.mp4", Config()))]


def test_every_option_reaches_the_job(dreamvideo, renderer, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[dream]\nsteps = 9\noctaves = 2\n")
    line = (
        "render a.mp4 -o b.mp4 --preset painterly --config mine.toml --set dream.octaves=4 --set output.gif_colors=64"
        " --seed 7 --start 1:30 --end 100.5 --width 640 --fps 30000/1001 --carry .5 --crf 20"
        " --resume --keep -y --work w"
    )
    assert dreamvideo(*line.split()).code == 0
    job = renderer.job
    assert (job.resume, job.keep, job.overwrite, job.work) == (True, True, True, Path("w"))
    config = job.config
    assert (config.dream.strength, config.dream.steps, config.dream.octaves) == (0.45, 9, 4)
    assert (config.seed, config.carry.strength, config.output) == (7, 0.5, Output(crf=20, gif_colors=64))
    given = config.input
    assert (given.start, given.end, given.width, given.fps) == (90, 100.5, 640, "30000/1001")


def test_a_named_option_beats_set(dreamvideo, renderer) -> None:
    dreamvideo("render", "a.mp4", "-o", "b.mp4", "--strength", "2", "--set", "dream.strength=3")
    assert renderer.job.config.dream.strength == 2


def test_an_image_is_rendered_as_one(dreamvideo, renderer) -> None:
    line = ["image", "a.png", "-o", "b.png", "-y", "--seed", "3", "--strength", "2", "--width", "64"]
    assert dreamvideo(*line, "--set", "dream.steps=2").out == "b.png\n"
    config = Config(seed=3, dream=Dream(strength=2, steps=2), input=Input(width=64))
    assert renderer.jobs == [("image", Job("a.png", "b.png", config, overwrite=True))]


@pytest.mark.usefixtures("renderer")
def test_stdout_is_the_output_and_nothing_else(dreamvideo) -> None:
    outcome = dreamvideo("render", "a.mp4", "-o", "b.mp4")
    assert outcome.out == "b.mp4\n"
    assert outcome.err == "dreamvideo: a cut at frame 2\ndreamvideo: dreamed 4 frames in 2 shots in 1 min 23 s\n"


@pytest.mark.usefixtures("renderer")
def test_quiet_is_quiet(dreamvideo) -> None:
    outcome = dreamvideo("render", "a.mp4", "-o", "b.mp4", "--quiet")
    assert (outcome.out, outcome.err) == ("b.mp4\n", "")


def test_json_is_one_object(dreamvideo, renderer) -> None:
    renderer.behave = lambda job, _listener: Report(job.output, 9, 4, 1, 2.5, work=Path("w"))
    outcome = dreamvideo("render", "a.mp4", "-o", "b.mp4", "--json")
    expected = {"output": "b.mp4", "frames": 9, "dreamed": 4, "shots": 1, "seconds": 2.5, "work": "w"}
    assert json.loads(outcome.out) == {**expected, "interrupted": False, "notes": []}
    assert "dreamed 9 frames (4 of them now) in 2.5 s" in outcome.err


def test_a_preview_renders_with_its_own_config(dreamvideo, renderer) -> None:
    dreamvideo("render", "a.mp4", "-o", "b.mp4", "--preview")
    assert renderer.job.config.dream.octaves == 1


@pytest.mark.parametrize(("output", "work"), [("b.mp4", "b.mp4.preview.journal"), ("out/", "out.preview.journal")])
def test_a_preview_has_a_journal_of_its_own(dreamvideo, renderer, tmp_path: Path, output: str, work: str) -> None:
    dreamvideo("render", "a.mp4", "-o", output, "--preview", "-y")
    assert renderer.job.work == tmp_path / work != journal_folder(output)


def test_a_preview_has_its_journal_where_the_person_says(dreamvideo, renderer) -> None:
    dreamvideo("render", "a.mp4", "-o", "b.mp4", "--preview", "--work", "w")
    assert renderer.job.work == Path("w")


def test_a_dry_run_tells_and_renders_nothing(dreamvideo, renderer) -> None:
    outcome = dreamvideo("render", "a.mp4", "-o", "b.mp4", "--dry-run")
    assert (outcome.code, outcome.err, renderer.jobs) == (0, "", [])
    assert outcome.out.splitlines() == [
        "input      a.mp4",
        "output     b.mp4",
        "frames     240, 1280x720 at 30000/1001 a second",
        "network    inceptionv3 in bfloat16",
        "objective  mean_square(mixed4) + 0.5 * mean_square(mixed5)",
        "octaves    1280x720 in 6 tiles, 853x480",
        "steps      up to 20 in each octave of a shot's first frame, 1 of each frame after",
        "time       about 2 min 38 s (0.6 s a frame, 14 s for a shot's first)",
        "memory     about 1.2 GiB",
        "note: the clip has no sound",
    ]


@pytest.mark.usefixtures("renderer")
def test_a_dry_run_as_json(dreamvideo) -> None:
    plan = json.loads(dreamvideo("render", "a.mp4", "-o", "b.mp4", "--dry-run", "--json").out)
    assert (plan["rate"], plan["octaves"][0], plan["notes"]) == ("30000/1001", [720, 1280], ["the clip has no sound"])


class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


def show(quiet: bool = False) -> None:
    with Display(quiet) as display:
        for done in range(4):
            display.progress(Progress("dream", done, 3, objective=1.5))
        display.note("said")
        display.progress(Progress("encode", 1, None))


def test_the_bar_is_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    show()
    text = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "dream   0%|" in text
    assert " 3/3 [" in text
    assert "s/frame, objective 1.5]" in text
    assert "\rdreamvideo: said\n" in text
    assert "encode 1 [" in text


@pytest.mark.parametrize(("quiet", "stream", "said"), [(True, Terminal, ""), (False, StringIO, "dreamvideo: said\n")])
def test_the_bar_is_not_drawn(monkeypatch: pytest.MonkeyPatch, quiet: bool, stream: type[StringIO], said: str) -> None:
    monkeypatch.setattr(sys, "stderr", stream())
    show(quiet)
    assert sys.stderr.getvalue() == said  # type: ignore[attr-defined]


def interrupted_by(number: signal.Signals) -> Callable[[Job, Listener], Report]:
    """A render that gets the signal, then waits to be asked to stop."""

    def render(job: Job, listener: Listener) -> Report:
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 20
        while not listener.stop() and time.monotonic() < deadline:
            time.sleep(0.01)
        return Report(job.output, 3, 3, 1, 1.0, interrupted=listener.stop(), work=Path("my work"))

    return render


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_render_with_the_way_to_go_on(
    dreamvideo, renderer, number: signal.Signals, code: int
) -> None:
    renderer.behave = interrupted_by(number)
    before = signal.getsignal(number)
    outcome = dreamvideo("render", "my clip.mp4", "-o", "b.mp4", "--set", "dream.layers={mixed3 = 1}", "-q")
    assert (outcome.code, outcome.out) == (code, "")
    again = "; press Ctrl-C again to stop at once" if number == signal.SIGINT else ""
    assert outcome.err == (
        f"dreamvideo: finishing the frame in flight{again}\n"
        "dreamvideo: interrupted; 3 frames kept in my work. Go on with:\n"
        "  dreamvideo render --resume 'my clip.mp4' -o b.mp4 --set 'dream.layers={mixed3 = 1}' -q\n"
    )
    assert signal.getsignal(number) is before


def test_an_interrupted_render_as_json_tells_how_to_go_on(dreamvideo, renderer) -> None:
    renderer.behave = interrupted_by(signal.SIGINT)
    outcome = dreamvideo("render", "--resume", "a.mp4", "-o", "b.mp4", "--json")
    answer = json.loads(outcome.out)
    assert (answer["interrupted"], answer["resume"]) == (True, "dreamvideo render --resume a.mp4 -o b.mp4 --json")


STUBBORN = """
import hashlib, sys, types
from dreamvideo.cli import main
def render(job, listener):
    print("begun", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 3 * 10**7)  # like TensorFlow: some 10 s that no signal interrupts
for name in ("clip", "picture", "plan"):
    module = types.ModuleType("dreamvideo.render." + name)
    module.render_clip = module.render_image = module.make_plan = module.preview_config = render
    sys.modules[module.__name__] = module
sys.exit(main(["render", "a.mp4", "-o", "b.mp4"]))
"""


def test_the_second_ctrl_c_ends_the_process_at_once() -> None:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", STUBBORN], **pipes) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
            assert process.stderr.readline().startswith("dreamvideo: finishing the frame in flight; press Ctrl-C again")
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=20) == 130
        finally:
            process.kill()
