"""Batches: which jobs there are to do, what their outputs are called, and that one failure or stop is not the end."""

import json
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dreamvideo.cli import main
from dreamvideo.config import Config, to_toml
from dreamvideo.dream import engine, networks
from dreamvideo.errors import ConfigError, DreamError, DreamFailed, OutputError
from dreamvideo.media.still import write_image
from dreamvideo.render.batch import Ears, Entry, Outcome, run_batch, survey
from dreamvideo.render.batch_names import Wish, name_outputs
from dreamvideo.render.batch_record import NAME, BatchRecord, Made
from dreamvideo.render.clip import render_clip
from dreamvideo.render.job import Job, Listener, Report
from dreamvideo.render.start import load_dreamer
from tests.tiny import picture, shared_dreamer, tiny_config, tiny_network


@dataclass
class Hall:
    """A folder to work in, and a batch whose renderer is a fake that writes its output unless told otherwise."""

    folder: Path
    groups: list[list[str]] = field(default_factory=list)
    stop_after: int | None = None
    errors: dict[str, Exception] = field(default_factory=dict)
    told: list[Outcome] = field(default_factory=list)

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def still(self, name: str, width: int = 24) -> str:
        write_image(str(self.folder / name), picture(16, width))
        return str(self.folder / name)

    def entries(self, *inputs: str, overwrite: bool = False, config: Config | None = None) -> list[Entry]:
        self.out.mkdir(exist_ok=True)
        wishes = [Wish("clip", name, config or tiny_config(), "default") for name in inputs]
        return survey(wishes, name_outputs(wishes, self.out), self.record, overwrite=overwrite, keep=False)

    @property
    def record(self) -> BatchRecord:
        return BatchRecord(self.out)

    def run(self, entries: list[Entry], render: Any = None, **options: Any) -> list[str]:
        """The states in which the jobs end."""
        ears = Ears(lambda _: Listener(stop=self.stop), self.told.append, self.stop)
        return [outcome.state for outcome in run_batch(entries, self.record, render or self.render, ears, **options)]

    def stop(self) -> bool:
        return self.stop_after is not None and len(self.told) >= self.stop_after

    def render(self, _kind: str, jobs: Sequence[Job], _: Listener) -> Generator[Report | DreamError, None, None]:
        self.groups.append([Path(job.input).name for job in jobs])
        for job in jobs:
            error = self.errors.get(Path(job.input).name)
            if isinstance(error, DreamError):
                yield error
            elif error is not None:
                raise error
            elif self.stop():
                yield Report(job.output, 0, 0, 0, 0.0, interrupted=True)
            else:
                Path(job.output).write_text(job.input)
                yield Report(job.output, 1, 1, 1, 0.5)

    def standings(self, *inputs: str, **options: Any) -> list[str]:
        return [entry.standing for entry in self.entries(*inputs, **options)]


@pytest.fixture
def hall(tmp_path: Path) -> Hall:
    return Hall(tmp_path)


def test_stills_of_one_size_are_rendered_together_and_others_alone(hall: Hall) -> None:
    names = [hall.still(name, width) for name, width in (("a.png", 24), ("b.png", 32), ("c.png", 24), ("d.png", 24))]
    (hall.folder / "clip.mp4").write_bytes(b"clip")
    assert hall.run(hall.entries(*names[:2], str(hall.folder / "clip.mp4"), *names[2:])) == ["done"] * 5
    assert hall.groups == [["a.png", "c.png", "d.png"], ["b.png"], ["clip.mp4"]]


def test_only_what_is_missing_is_done_again(hall: Hall) -> None:
    names = [hall.still(f"{name}.png") for name in "abc"]
    hall.run(hall.entries(*names))
    (hall.out / "b.png").unlink()
    assert hall.standings(*names) == ["done", "missing", "done"]
    assert hall.run(hall.entries(*names, overwrite=True)) == ["skipped", "done", "skipped"]
    assert hall.groups == [["a.png", "b.png", "c.png"], ["b.png"]]


def test_other_settings_or_another_input_are_refused_unless_it_may_be_replaced(hall: Hall) -> None:
    names = [hall.still(f"{name}.png") for name in "abc"]
    hall.run(hall.entries(*names[:2]))
    hall.still("a.png", 40)
    (hall.out / "c.png").write_text("by hand")
    entries = hall.entries(*names, config=tiny_config(seed=1))
    assert [entry.why for entry in entries] == [
        f"{hall.out}/a.png exists already, made from an input that has changed since; -y replaces it",
        f"{hall.out}/b.png exists already, made with other settings; -y replaces it",
        f"{hall.out}/c.png exists already, and no batch made it; -y replaces it",
    ]
    assert hall.run(entries) == ["failed"] * 3
    assert (hall.out / "c.png").read_text() == "by hand"
    again = hall.entries(*names, config=tiny_config(seed=1), overwrite=True)
    assert hall.run(again) == ["done"] * 3
    assert hall.standings(*names, config=tiny_config(seed=1)) == ["done"] * 3


def test_an_input_that_has_moved_is_the_same(hall: Hall) -> None:
    hall.run(hall.entries(hall.still("a.png")))
    (hall.folder / "elsewhere").mkdir()
    (hall.folder / "a.png").rename(hall.folder / "elsewhere" / "a.png")
    assert hall.standings(str(hall.folder / "elsewhere" / "a.png")) == ["done"]


def test_a_picture_that_the_settings_name_counts(hall: Hall) -> None:
    name, guide = hall.still("a.png"), hall.still("guide.png")
    config = tiny_config(dream={"layers": {}, "objective": "guide(mixed, g)", "pictures": {"g": guide}})
    hall.run(hall.entries(name, config=config))
    assert hall.standings(name, config=config) == ["done"]
    hall.still("guide.png", 48)
    assert hall.standings(name, config=config) == ["refused"]


@pytest.mark.parametrize("error", [DreamFailed("no luck"), ZeroDivisionError("oh no")])
def test_a_failure_is_the_job_s_own(hall: Hall, error: Exception) -> None:
    names = [hall.still(f"{name}.png") for name in "abc"]
    hall.errors["b.png"] = error
    assert hall.run(hall.entries(*names)) == ["done", "failed", "done"]
    failed = hall.told[1]
    if isinstance(error, DreamError):
        assert (failed.error, failed.bug) == ("no luck", None)
    else:
        assert failed.error == "this is a bug in dreamvideo: ZeroDivisionError: oh no"
        assert failed.bug is not None
        assert "in render" in failed.bug
        assert hall.groups == [["a.png", "b.png", "c.png"], ["c.png"]]


def test_fail_fast_begins_nothing_more(hall: Hall) -> None:
    names = [hall.still(f"{name}.png") for name in "abc"]
    hall.errors["b.png"] = DreamFailed("no luck")
    assert hall.run(hall.entries(*names), fail_fast=True) == ["done", "failed", "not begun"]
    assert not (hall.out / "c.png").exists()


def test_an_input_that_is_missing_or_no_file_is_refused_before_it_is_read(hall: Hall) -> None:
    os.mkfifo(hall.folder / "pipe.png")
    entries = hall.entries(str(hall.folder / "nope.png"), str(hall.folder / "pipe.png"))
    assert [entry.why for entry in entries] == [
        f"there is no {hall.folder}/nope.png",
        f"{hall.folder}/pipe.png is neither a file nor a folder",
    ]


def test_what_a_stop_leaves_undone_stands_in_the_record_as_before(hall: Hall) -> None:
    names = [hall.still(f"{name}.png") for name in "abc"]
    hall.run(hall.entries(*names))
    hall.told.clear()
    hall.stop_after = 1
    states = hall.run(hall.entries(*names, config=tiny_config(seed=1), overwrite=True))
    assert states == ["done", "not begun", "not begun"]
    assert hall.standings(*names) == ["refused", "done", "done"]


@pytest.mark.parametrize(("replaces", "standing"), [(False, "done"), (True, "refused")])
def test_an_output_that_is_there_after_a_kill_is_whole_unless_there_was_one_before(
    hall: Hall, replaces: bool, standing: str
) -> None:
    seen: list[Made | None] = []

    def render(*_: Any) -> Generator[Report | DreamError, None, None]:
        seen.append(hall.record.get("a.png"))
        yield DreamFailed("no luck")

    name = hall.still("a.png")
    hall.out.mkdir()
    if replaces:
        (hall.out / "a.png").write_text("old")
    hall.run(hall.entries(name, overwrite=True), render)
    hall.record.put({"a.png": seen[0]})
    (hall.out / "a.png").write_text("old or new")
    assert hall.standings(name) == [standing]


def test_a_clip_that_was_stopped_goes_on_and_not_with_other_settings(hall: Hall, clip: str, dreamed: list[int]) -> None:
    def render(_kind: str, jobs: Sequence[Job], _: Listener) -> Generator[Report | DreamError, None, None]:
        before = len(dreamed)
        yield render_clip(jobs[0], Listener(stop=lambda: stop and len(dreamed) - before >= 3))

    stop = True
    assert hall.run(hall.entries(clip), render) == ["interrupted"]
    assert hall.standings(clip) == ["unfinished"]
    other = hall.entries(clip, config=tiny_config(seed=1))
    assert [entry.why for entry in other] == [
        f"{hall.out}/in.mp4 is unfinished, made with other settings; -y starts it afresh"
    ]
    kept = dreamed.copy()
    dreamed.clear()
    stop = False
    assert hall.run(hall.entries(clip), render) == ["done"]
    assert dreamed == [index for index in range(8) if index not in kept]


def test_unfinished_with_other_settings_starts_afresh_where_it_may(hall: Hall, clip: str, dreamed: list[int]) -> None:
    def render(_kind: str, jobs: Sequence[Job], _: Listener) -> Generator[Report | DreamError, None, None]:
        yield render_clip(jobs[0], Listener(stop=lambda: len(dreamed) == 3))

    hall.run(hall.entries(clip), render)
    dreamed.append(-1)
    (entry,) = hall.entries(clip, config=tiny_config(carry={"strength": 0.5}), overwrite=True)
    assert (entry.standing, entry.job.resume) == ("missing", False)
    assert hall.run([entry], render) == ["done"]
    assert dreamed[4:] == list(range(8))


def test_batches_in_one_folder_keep_each_other_s_records(hall: Hall) -> None:
    names = [hall.still(f"{name}.png") for name in "ab"]
    mine = hall.entries(names[0])
    record = hall.record
    hall.run(hall.entries(names[1]))
    run_batch(mine, record, hall.render, Ears(lambda _: Listener(), lambda _: None))
    assert hall.standings(*names) == ["done", "done"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"format": "other"}',
        '{"format": "dreamvideo batch 1", "outputs": {"a": {"settings": 1}}}',
        "[" * 10**5,
    ],
)
def test_a_record_that_is_none_is_left_alone(hall: Hall, text: str) -> None:
    hall.out.mkdir()
    (hall.out / NAME).write_text(text)
    with pytest.raises(OutputError, match="damaged, or no record of a batch"):
        hall.entries(hall.still("a.png"))
    assert (hall.out / NAME).read_text() == text


def test_a_record_that_cannot_be_written_fails_the_job_before_it_begins(
    hall: Hall, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OutputError("the disk is full")

    entries = hall.entries(hall.still("a.png"))
    monkeypatch.setattr("dreamvideo.render.batch_record.write_bytes", full)
    assert hall.run(entries) == ["failed"]
    assert (hall.told[0].error, hall.groups) == ("the disk is full", [])


def wish(path: str, **changes: Any) -> Wish:
    return Wish(**{"kind": "clip", "input": path, "config": Config(), "preset": "fur", **changes})


def test_names_follow_the_pattern(tmp_path: Path) -> None:
    (tmp_path / "shot.v1").mkdir()
    wishes = [wish("x/a.b.mp4"), wish("x/c.JPG"), wish("x/c.JPG", kind="zoom"), wish(f"{tmp_path}/shot.v1")]

    def names(pattern: str, extension: str | None = None) -> list[str]:
        return [
            name.removeprefix("o/") for name in name_outputs(wishes, Path("o"), pattern=pattern, extension=extension)
        ]

    assert names("{index:02d}-{stem}_{preset}.{ext}") == [
        "01-a.b_fur.mp4", "02-c_fur.png", "03-c_fur.mp4", "04-shot.v1_fur.mp4",
    ]  # fmt: skip
    assert names("{index}{{}}/{parent}.{ext}", "gif") == [
        f"{i}{{}}/{where}.gif" for i, where in enumerate(["x", "x", "x", tmp_path.name], 1)
    ]


def test_outputs_that_meet_are_refused_with_both_inputs(tmp_path: Path) -> None:
    wishes = [wish("x/Straße.mp4"), wish("y/STRASSE.mov"), wish("z.mp4")]
    with pytest.raises(
        ConfigError, match=r"STRASSE.mp4 would be made of both x/Straße.mp4 and y/STRASSE.mov; tell them"
    ):
        name_outputs(wishes, tmp_path)
    for name in ("frames/", "frames/a.png", "frames.journal/a.png"):
        wishes = [wish("a.mp4", name="frames/"), wish("b.png", name=name)]
        with pytest.raises(ConfigError, match=r"would (be made of both a.mp4 and b.png|lie in what is made of a.mp4)"):
            name_outputs(wishes, tmp_path)
    with pytest.raises(ConfigError, match="there to be read by this batch"):
        name_outputs([wish("a.mp4"), wish(f"{tmp_path}/a.mp4", name="b.mp4")], tmp_path)


PARTS = st.sampled_from(
    ["..", ".", "", "a", "sub", "link", "loop", "~", "a.mp4", "*", "\n", "\0", "-x", "C:", "\\", "/"]
)


@given(parts=st.lists(PARTS, min_size=1, max_size=5), as_pattern=st.booleans(), absolute=st.booleans())
@example(parts=["loop", "..", "a"], as_pattern=False, absolute=False)
@settings(max_examples=300, deadline=None)
def test_no_name_leads_out_of_the_folder(
    tmp_path_factory: pytest.TempPathFactory, parts: list[str], as_pattern: bool, absolute: bool
) -> None:
    top = tmp_path_factory.getbasetemp() / "names"
    home = top / "out"
    if not home.exists():
        (home / "sub").mkdir(parents=True)
        (home / "link").symlink_to(top)
        (home / "loop").symlink_to(home / "loop")
        (home / "a.mp4").symlink_to(top / "elsewhere.mp4")
    name = ("/" if absolute else "") + "/".join(parts) + ".mp4"
    given_name: dict[str, Any] = {} if as_pattern else {"name": name}
    try:
        (output,) = name_outputs([wish("in.mov", **given_name)], home, pattern=name if as_pattern else "{stem}.{ext}")
    except ConfigError:
        return
    assert Path(os.path.realpath(output)).is_relative_to(home.resolve())
    assert Path(os.path.realpath(f"{output}.journal")).is_relative_to(home.resolve())


def test_dreamers_are_shared_by_renders_of_one_look(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def make(dream: Any, *, seed: int, moving: Any) -> Any:
        made.append(seed)
        return shared_dreamer(dream, seed=seed, moving=moving)

    monkeypatch.setattr(engine, "Dreamer", make)
    one = load_dreamer(tiny_config(seed=1))
    assert load_dreamer(tiny_config(seed=1, input={"width": 64})) is one
    assert load_dreamer(tiny_config(seed=2)) is not one
    assert load_dreamer(tiny_config(seed=1)) is one
    assert made == [1, 2]
    load_dreamer(tiny_config(seed=3))
    load_dreamer(tiny_config(seed=2))
    assert made == [1, 2, 3, 2]  # two are kept


def test_a_network_is_loaded_once_for_all_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tiny.keras"
    tiny_network().model.save(path)
    loaded: list[Path] = []
    load = networks.load_keras_file
    monkeypatch.setattr(networks, "load_keras_file", lambda file: (loaded.append(file), load(file))[1])
    first = networks.load_network(str(path))
    assert networks.load_network(str(path)) is first
    assert networks.load_network(str(path), input_range="0..255").scale == 255
    assert (first.scale, len(loaded)) == (1.0, 2)
    tiny_network(1).model.save(path)
    os.utime(path, ns=(0, 0))
    assert networks.load_network(str(path)).sha256 != first.sha256


def test_the_command_dreams_stills_and_clips_with_one_dreamer(
    hall: Hall, clip: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[int] = []

    def make(dream: Any, *, seed: int, moving: Any) -> Any:
        made.append(seed)
        return shared_dreamer(dream, seed=seed, moving=moving)

    monkeypatch.setattr(engine, "Dreamer", make)
    monkeypatch.chdir(hall.folder)
    hall.still("a.png")
    hall.still("b b.png")
    Path("tiny.toml").write_text(to_toml(tiny_config()))
    line = ["batch", "*.png", clip, "-o", "out", "--config", "tiny.toml", "--json"]
    assert main(line) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(job["output"], job["state"], job["frames"]) for job in told["jobs"]] == [
        ("out/a.png", "done", 1),
        ("out/b b.png", "done", 1),
        ("out/in.mp4", "done", 8),
    ]
    assert made == [0]
    assert np.isclose(told["seconds"], sum(job["seconds"] for job in told["jobs"]), atol=2)
    assert main(line) == 0
    assert json.loads(capsys.readouterr().out)["skipped"] == 3
