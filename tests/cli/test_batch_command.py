"""``batch``: from inputs, patterns and job lists to jobs, what is said meanwhile, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import dreamvideo.render.batch  # noqa: F401 - as it is, before the renderer that it needs is a fake
from dreamvideo.cli.progress import BatchDisplay
from dreamvideo.config import Config, Input
from dreamvideo.errors import DreamFailed, InputError
from dreamvideo.merging import resolve
from dreamvideo.render import zoom
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.selection import Selection
from tests.cli.test_render_command import Terminal

Behave = Callable[[Job, Listener], Report]


def write(job: Job, _: Listener) -> Report:
    Path(job.output).write_text("a dream")
    return Report(job.output, 4, 4, 1, 83.0, notes=["a cut at frame 2"])


def failing(name: str, error: Exception) -> Behave:
    def render(job: Job, listener: Listener) -> Report:
        if Path(job.input).name == name:
            raise error
        return write(job, listener)

    return render


@pytest.fixture
def rendered(renderer: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The fake renderer, in a folder with three clips that it finds good."""
    for name in ("a.mp4", "b.mp4", "c.mov"):
        (tmp_path / name).write_text(name)
    renderer.behave = write
    monkeypatch.setattr(zoom, "render_zoom", renderer.render("zoom"))
    return renderer


def jobs(rendered: Any) -> list[tuple[str, str, str]]:
    return [(kind, job.input, job.output) for kind, job in rendered.jobs]


def test_every_input_is_a_job(dreamvideo, rendered) -> None:
    outcome = dreamvideo(
        "batch", "b.mp4", "a.mp4", "-o", "out", "--preset", "fur", "--pattern", "{stem}_{preset}.{ext}"
    )
    assert (outcome.code, outcome.out) == (0, "out/b_fur.mp4\nout/a_fur.mp4\n")
    assert jobs(rendered) == [("clip", "b.mp4", "out/b_fur.mp4"), ("clip", "a.mp4", "out/a_fur.mp4")]
    assert outcome.err == (
        "dreamvideo: b.mp4: a cut at frame 2\ndreamvideo: done out/b_fur.mp4, 4 frames in 1 min 23 s\n"
        "dreamvideo: a.mp4: a cut at frame 2\ndreamvideo: done out/a_fur.mp4, 4 frames in 1 min 23 s\n"
        "dreamvideo: 2 done, in 0 s\n"
    ).replace("in 0 s", outcome.err.rsplit(", ", 1)[1].strip())


def test_every_option_reaches_the_jobs(dreamvideo, rendered, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("[dream]\nsteps = 9\noctaves = 2\n")
    line = (
        "batch a.mp4 -o out --ext gif --preset painterly --config mine.toml --set dream.octaves=4"
        " --set output.gif_colors=64 --seed 7 --width 640 --fps 30000/1001 --carry .5 --crf 20 --keep -y"
    )
    assert dreamvideo(*line.split()).out == "out/a.gif\n"
    job = rendered.job
    assert (job.keep, job.overwrite, job.resume) == (True, True, False)
    config = job.config
    assert (config.dream.strength, config.dream.steps, config.dream.octaves) == (0.45, 9, 4)
    assert (config.seed, config.carry.strength, config.output.crf, config.output.gif_colors) == (7, 0.5, 20, 64)
    assert config.input == Input(width=640, fps="30000/1001")


def test_patterns_are_expanded_in_natural_order(dreamvideo, tmp_path: Path) -> None:
    for name in ("s10.mp4", "s9.mp4", "s[1].mp4", ".s1.mp4"):
        (tmp_path / name).touch()
    (tmp_path / "s1").mkdir()
    line = ["batch", "s*", "s[1].mp4", "-o", "out", "--pattern", "{index}-{stem}.{ext}", "--dry-run", "--json"]
    told = json.loads(dreamvideo(*line).out)
    assert [job["input"] for job in told["jobs"]] == ["s1", "s9.mp4", "s10.mp4", "s[1].mp4", "s[1].mp4"]


def test_the_same_command_does_only_what_is_missing(dreamvideo, rendered, tmp_path: Path) -> None:
    line = ["batch", "a.mp4", "b.mp4", "-o", "out"]
    dreamvideo(*line)
    (tmp_path / "out" / "b.mp4").unlink()
    again = dreamvideo(*line)
    assert (again.code, again.out) == (0, "out/a.mp4\nout/b.mp4\n")
    assert [job.input for _, job in rendered.jobs] == ["a.mp4", "b.mp4", "b.mp4"]
    assert "dreamvideo: 1 done before, 1 done, in" in again.err
    refused = dreamvideo(*line, "--seed", "3")
    assert (refused.code, refused.out) == (7, "")
    assert "error: a.mp4: out/a.mp4 exists already, made with other settings; -y replaces it\n" in refused.err
    assert dreamvideo(*line, "--seed", "3", "-y").code == 0


def test_a_failure_does_not_stop_the_rest_and_is_told_at_the_end(dreamvideo, rendered) -> None:
    rendered.behave = failing("a.mp4", DreamFailed("out of memory"))
    outcome = dreamvideo("batch", "a.mp4", "b.mp4", "nope.mp4", "-o", "out")
    assert (outcome.code, outcome.out) == (7, "out/b.mp4\n")
    assert "dreamvideo: failed a.mp4: out of memory\n" in outcome.err
    *_, counts, first, second = outcome.err.splitlines()
    assert counts.startswith("dreamvideo: 2 failed, 1 done, in ")
    assert (first, second) == (
        "dreamvideo: error: a.mp4: out of memory",
        "dreamvideo: error: nope.mp4: there is no nope.mp4",
    )


def test_fail_fast_stops_at_the_first(dreamvideo, rendered) -> None:
    rendered.behave = failing("a.mp4", InputError("cut off"))
    outcome = dreamvideo("batch", "a.mp4", "b.mp4", "-o", "out", "--fail-fast")
    assert (outcome.code, [job.input for _, job in rendered.jobs]) == (7, ["a.mp4"])
    assert "dreamvideo: 1 failed, 1 not begun, in" in outcome.err


def test_a_bug_shows_its_traceback_and_the_rest_goes_on(dreamvideo, rendered) -> None:
    rendered.behave = failing("a.mp4", ZeroDivisionError("oh no"))
    outcome = dreamvideo("batch", "a.mp4", "b.mp4", "-o", "out", "-q")
    assert (outcome.code, outcome.out) == (7, "out/b.mp4\n")
    assert outcome.err.startswith("Traceback (most recent call last):\n")
    assert outcome.err.endswith(
        "ZeroDivisionError: oh no\n\ndreamvideo: error: a.mp4: this is a bug in dreamvideo: ZeroDivisionError: oh no\n"
    )


def test_json_is_one_object(dreamvideo, rendered) -> None:
    dreamvideo("batch", "b.mp4", "-o", "out")
    rendered.behave = failing("a.mp4", DreamFailed("out of memory"))
    told = json.loads(dreamvideo("batch", "a.mp4", "b.mp4", "c.mov", "-o", "out", "--json").out)
    assert (told["done"], told["failed"], told["skipped"]) == (1, 1, 1)
    nothing: dict[str, Any] = {"error": None, "frames": None, "seconds": None, "notes": []}
    assert told["jobs"] == [
        {**nothing, "input": "a.mp4", "output": "out/a.mp4", "state": "failed", "error": "out of memory"},
        {**nothing, "input": "b.mp4", "output": "out/b.mp4", "state": "skipped", "frames": 4},
        {
            **nothing, "input": "c.mov", "output": "out/c.mp4", "state": "done", "frames": 4, "seconds": 83.0,
            "notes": ["a cut at frame 2"],
        },
    ]  # fmt: skip


def test_a_dry_run_lists_the_jobs_and_does_nothing(dreamvideo, rendered, tmp_path: Path) -> None:
    dreamvideo("batch", "b.mp4", "-o", "out")
    outcome = dreamvideo("batch", "a.mp4", "b.mp4", "no\npe.mp4", "-o", "out", "--dry-run")
    assert (outcome.code, outcome.err, len(rendered.jobs)) == (0, "", 1)
    assert outcome.out.splitlines() == [
        "state    input       output",
        "missing  a.mp4       out/a.mp4",
        "done     b.mp4       out/b.mp4",
        r"refused  no\npe.mp4  out/no\npe.mp4  there is no no\npe.mp4",
    ]
    told = json.loads(dreamvideo("batch", "a.mp4", "b.mp4", "-o", "out", "--dry-run", "--json").out)
    assert [job["state"] for job in told["jobs"]] == ["missing", "done"]
    dreamvideo("batch", "a.mp4", "-o", "new", "--dry-run")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("line", "code", "message"),
    [
        ("batch", 2, "missing argument 'INPUT'"),
        ("batch a.mp4", 2, "missing option '-o' / '--output': the folder of the results"),
        ("batch a.mp4 -o no/out", 4, "no/out: the folder "),
        ("batch a.mp4 -o b.mp4", 4, "b.mp4 is a file; a batch needs a folder for its results"),
        ("batch x*.mp4 -o out", 2, "nothing matches the pattern x*.mp4"),
        ("batch a.mp4 b.toml -o out", 2, "b.toml is a job list, which comes alone"),
        ("batch a.mp4 -o out --pattern {stm}.mp4", 2, "the pattern {stm}.mp4 has no field {stm} to fill; did you mean"),
        ("batch a.mp4 -o out --pattern {stem.__class__}", 2, "the pattern {stem.__class__} has no field {stem.__class"),
        (
            "batch a.mp4 -o out --pattern {stem!r}.mp4",
            2,
            "the pattern {stem!r}.mp4 asks for more than a name in {stem}",
        ),
        ("batch a.mp4 -o out --pattern {index:999999999d}", 2, "the pattern {index:999999999d} asks for more"),
        ("batch a.mp4 -o out --pattern {stem", 2, "the pattern {stem can't be read: expected '}'"),
        ("batch a.mp4 -o out --pattern {}.mp4", 2, "the pattern {}.mp4 has no field {}"),
        ("batch a.mp4 -o out --pattern ../{stem}.mp4", 2, "a.mp4: the output ../a.mp4 would lie outside out"),
        ("batch a.mp4 -o out --ext foo", 2, "a.mp4: out/a.foo: .foo cannot be written; use .mp4"),
        ("batch a.mp4 b.mp4 -o out --pattern x.mp4", 2, "out/x.mp4 would be made of both a.mp4 and b.mp4"),
        ("batch a.mp4 -o .", 2, "a.mp4 is there to be read by this batch, not written"),
        ("batch a.mp4 -o out --set zoom.fade=2", 2, "zoom.fade has no say in these jobs; leave it out"),
        ("batch a.mp4 -o out --preset fr", 2, "there is no preset called 'fr'; did you mean 'fur'?"),
    ],
)
def test_a_bad_line_is_refused_before_anything_is_done(
    dreamvideo, rendered, tmp_path: Path, line: str, code: int, message: str
) -> None:
    outcome = dreamvideo(*line.split())
    assert (outcome.code, outcome.out, rendered.jobs) == (code, "", [])
    assert outcome.err.startswith(f"dreamvideo: error: {message}")
    assert not (tmp_path / "out").exists()


def test_links_do_not_lead_out_of_the_folder(dreamvideo, rendered, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    out.mkdir()
    (out / "sub").symlink_to(elsewhere)
    (out / "b.mp4").symlink_to(elsewhere / "b.mp4")
    (out / "c.mp4.journal").symlink_to(elsewhere)
    for name, pattern in (("a.mp4", "sub/{stem}.mp4"), ("b.mp4", "{stem}.mp4"), ("c.mov", "{stem}.mp4")):
        outcome = dreamvideo("batch", name, "-o", "out", "--pattern", pattern)
        assert outcome.code == 2
        assert "out" in outcome.err
    assert (rendered.jobs, list(elsewhere.iterdir())) == ([], [])


ODD = ["with space.mp4", 'it\'s "quoted".mp4', "-dash.mp4", "new\nline.mp4", "{stem}.mp4", "ünï 🐕.mp4", "$(x);&|.mp4"]


@pytest.mark.usefixtures("rendered")
def test_odd_names_are_names(dreamvideo, tmp_path: Path) -> None:
    for name in [*ODD, os.fsdecode(b"no\xfftext.mp4")]:
        (tmp_path / name).write_text("odd")
    line = ["batch", "-o", "out", "--json", "--", *ODD, os.fsdecode(b"no\xfftext.mp4")]
    told = json.loads(dreamvideo(*line).out)
    assert told["done"] == len(ODD) + 1
    assert [job["output"] for job in told["jobs"][:-1]] == [f"out/{name}" for name in ODD]
    assert "\nline" not in dreamvideo(*line).err
    assert json.loads(dreamvideo(*line).out)["skipped"] == len(ODD) + 1


def test_a_name_that_is_no_text_comes_out_as_it_is(tmp_path: Path) -> None:
    def stdout(script: str) -> bytes:
        line = [sys.executable, "-c", f"from dreamvideo.cli.output import as_json, result; result({script})"]
        strict = {**os.environ, "PYTHONIOENCODING": "utf-8"}
        return subprocess.run(line, cwd=tmp_path, capture_output=True, check=True, env=strict).stdout

    assert stdout(r"'out/\udcff ü.mp4'") == b"out/\xff \xc3\xbc.mp4\n"
    assert json.loads(stdout(r"as_json({'output': 'ü \udcff'})")) == {"output": "ü \udcff"}


def test_no_name_or_error_speaks_to_the_terminal(dreamvideo, rendered, tmp_path: Path) -> None:
    (tmp_path / "\x1b[2J.mp4").touch()
    rendered.behave = failing("\x1b[2J.mp4", InputError("\x1b[2J.mp4 is no good\nand \x1b[1m never was"))
    outcome = dreamvideo("batch", "\x1b[2J.mp4", "-o", "out")
    assert "\x1b" not in outcome.err
    assert "failed \\x1b[2J.mp4: \\x1b[2J.mp4 is no good\nand \\x1b[1m never was\n" in outcome.err


def test_settings_of_a_job_list_stay_what_they_are() -> None:
    table = {"dream": {"layers": {"mixed4": 1.0}}}
    for weight in (2.0, 3.0):
        config = resolve(sets=[f"dream.layers.mixed5={weight}"], tables=[(table, "in [defaults]")])
        assert config.dream.layers == {"mixed4": 1.0, "mixed5": weight}
    assert table == {"dream": {"layers": {"mixed4": 1.0}}}


LIST = """
pattern = "{stem}_{preset}.{ext}"
[defaults]
preset = "painterly"
dream = { steps = 9, octaves = 4, layers = { mixed3 = 1, mixed4 = 2 } }
[[job]]
input = "a.mp4"
[[job]]
input = { file = "b.mp4", start = 1.5 }
output = { name = "sub/b.gif", gif_colors = 64 }
preset = "fur"
dream.steps = 3
[[job]]
input = "pictures/*.png"
command = "zoom"
audio.track = "track.wav"
"""


def test_a_job_list_gives_each_job_its_own_settings(dreamvideo, rendered, tmp_path: Path) -> None:
    (tmp_path / "list").mkdir()
    (tmp_path / "list" / "jobs.toml").write_text(LIST)
    for name in ("a.mp4", "b.mp4", "pictures/s2.png", "pictures/s10.png"):
        (tmp_path / "list" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "list" / name).touch()
    line = ["batch", "list/jobs.toml", "--set", "dream.octaves=2", "--set", "dream.layers.mixed4=5"]
    assert dreamvideo(*line).code == 0
    assert jobs(rendered) == [
        ("clip", "list/a.mp4", "list/a_painterly.mp4"),
        ("clip", "list/b.mp4", "list/sub/b.gif"),
        ("zoom", "list/pictures/s2.png", "list/s2_painterly.mp4"),
        ("zoom", "list/pictures/s10.png", "list/s10_painterly.mp4"),
    ]
    first, second, third, _ = (job.config for _, job in rendered.jobs)
    assert (first.dream.strength, first.dream.steps, first.dream.octaves) == (0.45, 9, 2)
    assert (second.dream.strength, second.dream.steps, second.dream.octaves) == (Config().dream.strength, 3, 2)
    assert first.dream.layers == second.dream.layers == {"mixed3": 1, "mixed4": 5}
    assert (second.input.start, second.output.gif_colors) == (1.5, 64)
    assert (third.camera.zoom, third.audio.track, first.camera.zoom) == (1.5, "list/track.wav", 1.0)
    rendered.jobs.clear()
    assert dreamvideo(*line, "-o", "out", "--pattern", "{stem}.{ext}", "--preset", "eyes").out.startswith("out/a.mp4\n")


BAD_LIST = """
patern = "{stem}"
[defaults]
presett = "fur"
dream.stepz = 3
[[job]]
inptu = "a.mp4"
[[job]]
input = "a.mp4"
command = "zom"
[[job]]
input = "x*.mp4"
strength = 3
[[job]]
input = { file = 7 }
dream.steps = "many"
preset = "fr"
"""


def test_a_job_may_be_about_a_part_of_a_clip(dreamvideo, rendered, tmp_path: Path) -> None:
    text = '[[job]]\ninput = "a.mp4"\nframes = "3-5,9"\n[[job]]\ninput = "b.mp4"\nevery = 5\n'
    (tmp_path / "jobs.toml").write_text(text)
    assert dreamvideo("batch", "jobs.toml", "-o", "out").code == 0
    assert [job.frames for _, job in rendered.jobs] == [Selection(((3, 5), (9, 9))), Selection(every=5)]
    (tmp_path / "jobs.toml").write_text(text.replace("3-5", "3-6"))
    outcome = dreamvideo("batch", "jobs.toml", "-o", "out")
    assert outcome.code == 7
    assert "out/a.mp4 exists already, made with other settings" in outcome.err


def test_all_that_is_wrong_with_a_job_list_is_told_at_once(dreamvideo, rendered, tmp_path: Path) -> None:
    (tmp_path / "jobs.toml").write_text(BAD_LIST)
    outcome = dreamvideo("batch", "jobs.toml")
    assert (outcome.code, rendered.jobs) == (2, [])
    first, *lines = outcome.err.splitlines()
    assert first == "dreamvideo: error: 11 things are wrong with jobs.toml:"
    assert [line.split(" (known")[0].strip() for line in lines] == [
        "patern is no part of a job list; did you mean 'pattern'?",
        "presett is no part of [defaults]; did you mean 'preset'?",
        "job 1: inptu is no part of a job; did you mean 'input'?",
        'job 1: the input is missing; name it: input = "clip.mp4"',
        "jobs 1, 3, 4: dream.stepz is no setting (in [defaults]); did you mean 'dream.step'?",
        "job 2: command is \"zom\"; it must be render or zoom or image; did you mean 'zoom'?",
        "job 3: nothing matches the pattern x*.mp4",
        "job 3: strength is no setting (in jobs.toml); did you mean 'dream.strength' or 'carry.strength'?",
        "job 4: input is 7; it must be a name, or a table such as { file = ... }",
        "job 4: there is no preset called 'fr'; did you mean 'fur'?",
        'job 4: dream.steps is "many" (in jobs.toml); it must be a whole number from 1 to 1000',
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[job]]\ninput = 3 4", "the job list jobs.toml is no valid TOML"),
        ("a = " + "[" * 10**5, "the job list jobs.toml is no valid TOML"),
        ("", "jobs.toml lists no jobs; begin each with a line [[job]]"),
        ("[job]\ninput = 'a.mp4'", "jobs.toml lists no jobs; begin each with a line [[job]]"),
        ("dream.steps = 3\n[[job]]\ninput = 'a.mp4'", "dream is no part of a job list; write [defaults.dream]"),
        ("pattern = 3\n[[job]]\ninput = 'a.mp4'", "pattern is 3; it must be a text such as '{stem}_{preset}.{ext}'"),
        ("[[job]]\ninput = 'a.mp4'\noutput = '../x.mp4'", "a.mp4: the output ../x.mp4 would lie outside ."),
        ("[[job]]\ninput = 'a.mp4'\noutput = '/x.mp4'", "a.mp4: the output /x.mp4 would lie outside ."),
        (r'[[job]]' '\n' r'input = "a\u0000.mp4"', r"a\x00.mp4: the output a\x00.mp4 holds a zero"),
    ],
)  # fmt: skip
def test_a_bad_job_list_is_refused(dreamvideo, rendered, tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "jobs.toml").write_text(text)
    outcome = dreamvideo("batch", "jobs.toml")
    assert (outcome.code, rendered.jobs) == (2, [])
    assert outcome.err.startswith(f"dreamvideo: error: {message}")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_leaves_the_rest_for_the_same_command(dreamvideo, rendered, number: signal.Signals, code: int) -> None:
    def interrupted(job: Job, listener: Listener) -> Report:
        os.kill(os.getpid(), number)
        deadline = time.monotonic() + 20
        while not listener.stop() and time.monotonic() < deadline:
            time.sleep(0.01)
        return Report(job.output, 3, 3, 1, 1.0, interrupted=listener.stop())

    rendered.behave = interrupted
    outcome = dreamvideo("batch", "a.mp4", "b.mp4", "-o", "out")
    assert (outcome.code, outcome.out, len(rendered.jobs)) == (code, "", 1)
    *_, interrupted_line, counts, last = outcome.err.splitlines()
    assert interrupted_line == "dreamvideo: interrupted out/a.mp4, 3 frames in 1 s"
    assert counts.startswith("dreamvideo: 1 interrupted, 1 not begun, in ")
    assert last == "dreamvideo: the same command goes on with what is missing"


def test_two_bars_are_drawn_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    with BatchDisplay(quiet=False, jobs=2) as display:
        for name in ("a.mp4", "b.mp4"):
            display.begin_job(name)
            for done in range(3):
                display.progress(Progress("dream", done, 2))
            display.note(f"{name} said")
            display.end_job()
    text = sys.stderr.getvalue()  # type: ignore[attr-defined]
    assert "all   0%|" in text
    assert "0/2 jobs [? left, now a.mp4]" in text
    assert "1/2 jobs [" in text
    assert text.count("dream   0%|") >= 2
    assert "\rdreamvideo: b.mp4 said\n" in text


def test_help_fits_a_terminal_and_imports_nothing_heavy(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    text = dreamvideo("batch", "--help").out
    assert max(map(len, text.splitlines())) <= 80
    script = (
        "import sys; from dreamvideo.cli import main; main(['batch', '--help'])\n"
        "print([name for name in ('tensorflow', 'cv2', 'numpy', 'tqdm') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "[]"
