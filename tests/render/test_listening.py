"""What schedules know of a clip: its own cuts and length, whatever its header says, and its sound or its silence."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.config import Config
from dreamvideo.errors import ConfigError, InputError
from dreamvideo.media.source import Source, open_source
from dreamvideo.media.still import read_image, write_image
from dreamvideo.render.clip import render_clip
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.listening import Heard, plan_timeline, track_of
from dreamvideo.render.picture import render_image
from dreamvideo.render.plan import make_plan
from dreamvideo.render.zoom import open_dive, plan_way
from tests.media.conftest import X264, Make, make, moving, samples
from tests.render.conftest import FRAMES, Studio, pan
from tests.tiny import picture, tiny_config

__all__ = ["make"]

MakeStudio = Callable[..., Studio]
FRAMES_OF_TWO_SHOTS = [*pan(5, low=0, high=0.4), *pan(4, 1, low=0.6, high=1)]


def heard(source: Source, config: Config, **options: Any) -> Heard:
    return plan_timeline(config, source, track_of(config) or source.sound, **options)


def values(source: Source, text: str, **changes: Any) -> np.ndarray:
    """A schedule's value at each frame of ``source``."""
    config = tiny_config(moving={"dream.strength": text}, **changes)
    return heard(source, config).timeline.values("dream.strength")


def test_shots_are_those_of_the_clip(folder_studio: MakeStudio) -> None:
    with open_source(folder_studio(FRAMES_OF_TWO_SHOTS).input) as source:
        assert values(source, "shot").tolist() == [0] * 5 + [1] * 4
        assert values(source, "shot_t * fps") == pytest.approx([0, 1, 2, 3, 4, 0, 1, 2, 3])
        assert values(source, "shot", shots={"detect": False}).tolist() == [0] * 9
        found = heard(source, tiny_config(moving={"dream.strength": "shot"}))
        assert (found.timeline.clock.cuts, found.scouted) == ((0, 5), True)


def test_a_clip_is_looked_at_only_where_that_is_asked_for(
    folder_studio: MakeStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_source(folder_studio(FRAMES_OF_TWO_SHOTS).input) as source:
        monkeypatch.setattr(source, "frames", lambda: pytest.fail("the clip was decoded"))
        for moving_settings in ({}, {"dream.strength": "0: 1, 2s: t"}):
            found = heard(source, tiny_config(moving=moving_settings))
            assert (found.scouted, found.music, found.timeline.clock.count) == (False, None, 9)


def test_the_strength_follows_the_cuts_of_a_render(folder_studio: MakeStudio) -> None:
    studio = folder_studio(FRAMES_OF_TWO_SHOTS, moving={"dream.strength": "1 - shot"}, carry={"strength": 0.0})
    assert studio.render("frames/").shots == 2
    before = [read_image(str(file)) for file in sorted(Path(studio.input).iterdir())]
    after = [read_image(str(file)) for file in sorted((studio.folder / "frames").iterdir())]
    changed = [float(np.abs(a - b).mean()) for a, b in zip(after, before, strict=True)]
    assert min(changed[:5]) > 0.01
    assert max(changed[5:]) == 0


@pytest.fixture
def truncated(make: Make, tmp_path: Path) -> str:
    """A clip whose header announces 90 frames, of which fewer are there."""
    whole = Path(make("whole.mp4", *moving("30", "3"), *X264, "-g", "10", "-movflags", "+faststart"))
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[: len(whole.read_bytes()) * 6 // 10])
    return str(tmp_path / "cut.mp4")


def test_length_is_what_is_there_and_not_what_the_header_says(truncated: str) -> None:
    with open_source(truncated) as source:
        assert source.frame_count == 90
        found = values(source, "frames / 100")
        count = len(found)
        assert 20 < count < 80
        assert set(found) == {count / 100}
        assert values(source, "seconds")[0] == pytest.approx(count / 30)
        assert values(source, "frame / (frames - 1)")[[0, -1]].tolist() == [0, 1]


def test_a_render_of_a_header_that_lies_ends_where_its_schedule_does(truncated: str, out: Path) -> None:
    studio = Studio(out, truncated, tiny_config(moving={"color.opacity": "0 if frame == frames - 1 else 1"}))
    count = studio.render("frames/").frames
    assert {step.total for step in studio.progress if step.stage != "look"} == {count}
    with open_source(truncated) as source:
        inputs = list(source.frames())
    assert len(inputs) == count
    last, other = (read_image(str(out / "frames" / f"{index:06d}.png")) for index in (count - 1, count - 2))
    assert np.abs(last - inputs[-1]).max() < 1 / 255
    assert np.abs(other - inputs[-2]).mean() > 0.005


def test_a_dive_is_one_shot_as_long_as_asked(tmp_path: Path) -> None:
    write_image(str(tmp_path / "a.png"), picture(48, 64))
    tables: dict[str, Any] = {"zoom": {"seconds": 1.0}, "input": {"fps": "10"}}
    with open_dive(Job(str(tmp_path / "a.png"), str(tmp_path / "b.mp4"), tiny_config(**tables))) as source:
        for text, wanted in {"frames": 10, "seconds": 1, "shot": 0}.items():
            assert values(source, text, **tables).tolist() == [wanted] * 10
        found = heard(source, tiny_config(moving={"camera.zoom": "1 + t / seconds"}, **tables))
        assert plan_way(tiny_config(**tables), source, found).loop.dreamed == 10


def test_without_sound_a_schedule_that_listens_is_refused_first(folder_studio: MakeStudio, dreamed: list[int]) -> None:
    studio = folder_studio(pan(4), moving={"dream.strength": "1 + bass"})
    for attempt in (studio.render, lambda: make_plan(studio.job())):
        with pytest.raises(ConfigError) as caught:
            attempt()
        first, line, mark = str(caught.value).splitlines()
        assert first.startswith("dream.strength: this listens to 'bass', but there is no sound; give a track")
        assert line[mark.index("^") :] == "bass"
    assert (dreamed, studio.files(), studio.progress) == ([], [], [])


def test_a_formula_that_listens_is_refused_as_well(folder_studio: MakeStudio, dreamed: list[int]) -> None:
    studio = folder_studio(pan(2), dream={"layers": {}, "objective": "(1 + bass) * mean(mixed)"})
    with pytest.raises(ConfigError, match=r"dream\.objective: this listens to 'bass'"):
        studio.render()
    assert (dreamed, studio.files()) == ([], [])


def test_a_sound_that_cannot_be_read_is_refused_first(folder_studio: MakeStudio, dreamed: list[int]) -> None:
    studio = folder_studio(pan(2), audio={"track": __file__})
    with pytest.raises(InputError, match="sound"):
        studio.render()
    assert (dreamed, studio.files()) == ([], [])


@pytest.mark.parametrize("text", ["1 + bass", "1 + 9 * beat", "1 + beat_index", "0: 1, 8b: 2"])
def test_an_image_hears_silence(tmp_path: Path, text: str) -> None:
    write_image(str(tmp_path / "a.png"), picture(48, 64))

    def render(name: str, **changes: Any) -> np.ndarray:
        job = Job(str(tmp_path / "a.png"), str(tmp_path / name), tiny_config(**changes))
        render_image(job, Listener())
        assert make_plan(Job(job.input, str(tmp_path / "c.png"), job.config)).frames == 1
        return read_image(job.output)

    assert np.array_equal(render("moving.png", moving={"dream.strength": text}), render("plain.png"))


def test_a_clip_s_own_sound_is_heard_and_a_track_before_it(make: Make) -> None:
    """Silence and then a tone; the track is the other way round."""
    late, early = (f"aevalsrc='0.5*sin(2000*t)*{when}(t,0.5)':d=1:s=48000" for when in ("gt", "lt"))
    clip = make("a.mp4", *moving("20"), "-f", "lavfi", "-i", late, *X264, "-c:a", "aac", "-shortest")
    track = make("a.wav", "-f", "lavfi", "-i", early)
    with open_source(clip) as source:
        own = values(source, "volume(release=0)")
        other = values(source, "volume(release=0)", audio={"track": track})
        shifted = values(source, "volume(release=0)", audio={"offset": -0.25})
    for quiet, loud in (
        (own[:9], own[12:18]),
        (other[12:], other[2:9]),
        (shifted[:4], shifted[7:14]),
    ):
        assert quiet.max() < 0.2
        assert loud.min() > 0.8


def test_a_track_runs_along_with_the_part_that_is_dreamed(make: Make) -> None:
    track = make("a.wav", "-f", "lavfi", "-i", "aevalsrc='0.5*sin(2000*t)*gt(t,0.6)':d=2:s=48000")
    sound = track_of(tiny_config(audio={"track": track}, input={"start": 0.5}))
    assert sound is not None
    assert (sound.start, sound.seconds) == (0.5, pytest.approx(1.5, abs=0.01))
    assert track_of(tiny_config()) is None


def test_the_track_is_heard_in_the_result(studio: Studio, make: Make) -> None:
    track = make("a.wav", "-f", "lavfi", "-i", "aevalsrc='0.5*sin(900*t*t)':d=2:s=48000")
    studio.config = tiny_config(audio={"track": track})
    report = studio.render()
    assert [note for note in report.notes if "the rest is cut" in note]
    heard_there, given = samples(report.output)[1000:11000], samples(track)[1000:11000]
    assert np.corrcoef(heard_there, given)[0, 1] > 0.98


def test_looking_for_cuts_shows_progress_and_can_be_stopped(studio: Studio) -> None:
    studio.config = tiny_config(moving={"dream.strength": "1 + 0 * shot"})
    assert studio.render().frames == FRAMES
    looks = [step.done for step in studio.progress if step.stage == "look"]
    assert looks == list(range(1, FRAMES + 1))
    studio.progress.clear()
    listener = Listener(studio.progress.append, stop=lambda: len(studio.progress) >= 3)
    report = render_clip(studio.job("again.mp4"), listener)
    assert (report.interrupted, report.frames) == (True, 0)
    assert [step.stage for step in studio.progress] == ["look"] * 3
    assert studio.files() == ["out.mp4"]
