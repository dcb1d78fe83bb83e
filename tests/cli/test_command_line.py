"""What every command has in common: streams, exit codes, messages, and that nothing heavy is imported to parse."""

import subprocess
import sys
from collections.abc import Callable

import pytest

from dreamvideo.cli.options import seconds
from dreamvideo.cli.output import duration
from dreamvideo.errors import DreamError, DreamFailed, InputError, NetworkError, OutputError
from dreamvideo.render.job import Job, Listener, Report

HEAVY = ("tensorflow", "keras", "cv2", "scenedetect", "numpy", "imageio_ffmpeg", "rich")


def test_parsing_imports_nothing_heavy() -> None:
    script = (
        "import sys; from dreamvideo.cli import main\n"
        "for line in (['--help'], ['render', '--help'], ['presets'], ['render', 'a', '-o', 'b', '--crf', '99']):\n"
        "    main(line)\n"
        f"print('HEAVY:', [name for name in {HEAVY} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert answer.stdout.splitlines()[-1] == "HEAVY: []"


def test_version_goes_to_stdout(dreamvideo) -> None:
    outcome = dreamvideo("--version")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("dreamvideo ")


def test_no_arguments_show_the_help(dreamvideo) -> None:
    outcome = dreamvideo()
    assert outcome.code == 0
    assert outcome.out == dreamvideo("--help").out
    assert all(f"\n  {name} " in outcome.out for name in ("render", "image", "presets", "layers", "doctor"))


@pytest.mark.parametrize("command", ["render", "image", "presets", "layers", "doctor"])
def test_help_fits_a_terminal_of_80_columns(dreamvideo, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = dreamvideo(command, "--help")
    assert outcome.code == 0
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_an_option_is_described_by_its_setting(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    text = " ".join(dreamvideo("render", "--help").out.split())
    assert "--crf N Quality of MP4 and WebM: lower is better and larger. [from 0 to 51; default 16]" in text
    assert "-o, --output OUTPUT Where the result goes. [required]" in text


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("rendr", "no such command 'rendr'. Did you mean 'render'?\nTry `dreamvideo --help`."),
        ("render", "missing argument 'INPUT'\nTry `dreamvideo render --help`."),
        ("render a -o", "option '-o' requires an argument\nTry `dreamvideo render --help`."),
        ("render a", "missing option '-o' / '--output'\n"),
        ("render a b -o c", "got unexpected extra argument"),
        ("render a -o b --presett x", "no such option: --presett"),
        ("render a -o b --start 1:99", "invalid value for '--start': '1:99' is no time; give seconds (90.5) or"),
        ("render a -o b --strength 50", "dream.strength is 50 (on the command line); it must be a number from 0 to 10"),
        ("render a -o b --seed x", 'seed is "x" (on the command line); it must be a whole number'),
        ("render a -o b --fps [", 'input.fps is "[" (on the command line)'),
        ("render a -o b --set foo", "--set foo: this should read section.key=value, such as dream.steps=3"),
        ("render a -o b --config nope.toml", "the config file nope.toml cannot be read (No such file or directory)"),
        ("render a -o b --preset nope", "there is no preset called 'nope'"),
        ("image a -o b --carry 0.5", "no such option: --carry"),
        ("presets --show paintely", "there is no preset called 'paintely'; did you mean 'painterly'?"),
    ],
)
def test_a_bad_line_is_one_clear_error(dreamvideo, renderer, line: str, message: str) -> None:
    outcome = dreamvideo(*line.split())
    assert (outcome.code, outcome.out, renderer.jobs) == (2, "", [])
    assert outcome.err.startswith(f"dreamvideo: error: {message}")


def failing(error: Exception) -> Callable[[Job, Listener], Report]:
    def fail(_job: Job, _listener: Listener) -> Report:
        raise error

    return fail


@pytest.mark.parametrize(("error", "code"), [(InputError, 3), (OutputError, 4), (NetworkError, 5), (DreamFailed, 6)])
@pytest.mark.parametrize("command", ["render", "image"])
def test_an_error_of_the_renderer_is_a_sentence_and_a_code(
    dreamvideo, renderer, command: str, error: type[DreamError], code: int
) -> None:
    renderer.behave = failing(error("a.mp4 is no good; give another."))
    outcome = dreamvideo(command, "a.mp4", "-o", "b", "-q")
    assert (outcome.code, outcome.out) == (code, "")
    assert outcome.err == "dreamvideo: error: a.mp4 is no good; give another.\n"


def test_a_bug_says_so_with_its_traceback(dreamvideo, renderer) -> None:
    renderer.behave = failing(ZeroDivisionError("oh no"))
    outcome = dreamvideo("render", "a.mp4", "-o", "b")
    assert (outcome.code, outcome.out) == (1, "")
    assert "dreamvideo: error: this is a bug in dreamvideo; please report it with what follows\n" in outcome.err
    assert outcome.err.endswith("ZeroDivisionError: oh no\n")


def test_ctrl_c_outside_a_clip_exits_130(dreamvideo, renderer) -> None:
    def interrupted(_job: Job, _listener: Listener) -> Report:
        raise KeyboardInterrupt

    renderer.behave = interrupted
    assert dreamvideo("image", "a.png", "-o", "b.png").code == 130


def test_a_reader_that_leaves_is_no_error() -> None:
    script = "import sys; from dreamvideo.cli import main; sys.exit(main(['presets']))"
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    stderr = process.stderr.read()
    process.stderr.close()
    assert (process.wait(), stderr) == (0, b"")


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90), ("90.5", 90.5), (".5", 0.5), ("1:30", 90), ("0:05.25", 5.25), ("1:00:00.5", 3600.5), ("99:00", 5940)],
)
def test_times(text: str, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "-3", "1:60", "1:60:00", "1:2:3:4", "1h", "nan", "inf", "1::2", "9" * 400])
def test_no_times(text: str) -> None:
    with pytest.raises(Exception, match="time"):
        seconds(text)


@pytest.mark.parametrize(
    ("value", "text"), [(0.123, "0.12 s"), (9.99, "10 s"), (45.4, "45 s"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_durations(value: float, text: str) -> None:
    assert duration(value) == text
