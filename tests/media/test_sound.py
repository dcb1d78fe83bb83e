"""Sound: none lost, none out of step, as long as the picture."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.media import ffmpeg, sound
from dreamvideo.media.probe import AudioTrack, probe
from dreamvideo.media.sink import Sound
from dreamvideo.media.source import open_source
from dreamvideo.media.track import open_track
from tests.media.conftest import (
    X264,
    Make,
    flash_and_beep,
    log_of,
    measure,
    moving,
    pipe,
    ramp,
    samples,
    spec,
    tone,
    write,
)

PACKET = 1024 / 48000 + 0.003
FRAME = 0.041


def render(path: str, output: Path, **cut: float) -> list[str]:
    """Pass a clip through, as a render of no strength does."""
    with open_source(path, **cut) as source:  # pyright: ignore[reportArgumentType]
        frames = list(source.frames())
        return write(output, frames, spec(source.rate, colors=source.colors, sound=source.sound))


def packets(path: str, track: int = 0) -> str:
    """A hash of the packets of one sound track."""
    copy = ["-v", "error", "-i", ffmpeg.url(path), "-map", f"0:a:{track}", "-c", "copy", "-f", "data", "-"]
    return hashlib.sha256(pipe(copy)).hexdigest()


def test_whole_sound_is_copied_bit_by_bit(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *moving("25", "2"), *tone("2"), *X264, "-c:a", "aac")
    for name in ("o.mp4", "o.mov", "o.mkv"):
        assert render(path, tmp_path / name) == []
        assert packets(str(tmp_path / name)) == packets(path)


def test_sound_is_encoded_where_the_container_does_not_take_it(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *flash_and_beep(), *X264, "-c:a", "aac")
    render(path, tmp_path / "o.webm")
    assert [track.codec for track in probe(str(tmp_path / "o.webm")).audio] == ["opus"]
    found = measure(str(tmp_path / "o.webm"))
    assert found.beep == pytest.approx(found.flash, abs=0.01)
    assert found.seconds == pytest.approx(3, abs=PACKET)
    render(str(tmp_path / "o.webm"), tmp_path / "back.mp4")
    assert [track.codec for track in probe(str(tmp_path / "back.mp4")).audio] == ["aac"]
    found = measure(str(tmp_path / "back.mp4"))
    assert found.beep == pytest.approx(found.flash, abs=0.01)


def test_sound_that_is_encoded_is_heard_from_its_first_moment(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *moving(), *tone(), *X264, "-c:a", "aac")
    render(path, tmp_path / "o.webm")
    assert np.abs(samples(str(tmp_path / "o.webm"))[:480]).max() > 0.05


def test_all_tracks_are_kept(make: Make, tmp_path: Path) -> None:
    maps = ["-map", "0", "-map", "1", "-map", "2", "-c:a:0", "aac", "-c:a:1", "flac"]
    loud = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=5.1:d=1"]
    path = make("a.mkv", *moving(), *tone(), *loud, *maps, *X264)
    render(path, tmp_path / "o.mp4")
    assert [(track.codec, track.channels) for track in probe(str(tmp_path / "o.mp4")).audio] == [("aac", 1), ("aac", 6)]
    assert packets(str(tmp_path / "o.mp4"), 0) == packets(path, 0)
    render(path, tmp_path / "o.webm")
    assert [track.channels for track in probe(str(tmp_path / "o.webm")).audio] == [1, 6]
    render(path, tmp_path / "o.mkv")
    assert packets(str(tmp_path / "o.mkv"), 1) == packets(path, 1)


def test_chapters_of_another_timeline_are_not_taken_over(make: Make, tmp_path: Path) -> None:
    chapters = tmp_path / "chapters.txt"
    chapters.write_text(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=900\ntitle=one\n")
    path = make("a.mkv", *moving(), *tone(), "-i", str(chapters), "-map_chapters", "2", *X264, "-c:a", "aac")
    assert "Chapter" in log_of(path)
    render(path, tmp_path / "o.mkv", start=0.5)
    assert "Chapter" not in log_of(str(tmp_path / "o.mkv"))


def test_no_sound_stays_no_sound(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *moving(), *X264)
    assert render(path, tmp_path / "o.mp4") == []
    assert probe(str(tmp_path / "o.mp4")).audio == ()


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.webm"])
@pytest.mark.parametrize("cut", [{"start": 1.2}, {"end": 2.2}, {"start": 0.52, "end": 2.3}])
def test_cut_sound_is_in_step_and_as_long_as_the_picture(
    make: Make, tmp_path: Path, name: str, cut: dict[str, float]
) -> None:
    path = make("a.mp4", *flash_and_beep(), *X264, "-c:a", "aac")
    render(path, tmp_path / name, **cut)
    found = measure(str(tmp_path / name))
    start, end = cut.get("start", 0.0), cut.get("end", 3.0)
    assert found.flash == pytest.approx(1.6 - start, abs=FRAME)
    assert found.beep == pytest.approx(found.flash, abs=0.01)
    assert found.seconds == pytest.approx(end - start, abs=PACKET + FRAME / 2)


@pytest.mark.parametrize(
    "delay",
    [{which: ["-itsoffset", seconds]} for which in ("sound", "picture") for seconds in ("0.7", "0.03")],
)
@pytest.mark.parametrize("cut", [{}, {"start": 0.6}])
@pytest.mark.parametrize("names", [("a.mp4", "o.mp4"), ("a.mkv", "o.webm"), ("a.mkv", "o.mkv")])
def test_tracks_that_start_apart_stay_in_step(
    make: Make, tmp_path: Path, delay: dict[str, list[str]], cut: dict[str, float], names: tuple[str, str]
) -> None:
    path = make(names[0], *flash_and_beep(delay=delay), *X264, "-c:a", "aac")
    before = measure(path)
    render(path, tmp_path / names[1], **cut)
    after = measure(str(tmp_path / names[1]))
    assert after.beep - after.flash == pytest.approx(before.beep - before.flash, abs=0.012)
    assert abs(before.beep - before.flash) > 0.02


def test_late_sound_begins_with_silence_where_it_is_encoded(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *flash_and_beep(delay={"sound": ["-itsoffset", "0.7"]}), *X264, "-c:a", "aac")
    render(path, tmp_path / "o.webm")
    assert abs(probe(str(tmp_path / "o.webm")).audio[0].start) < 0.02


def test_surround_sound_of_any_layout_becomes_opus(make: Make, tmp_path: Path) -> None:
    surround = ["-f", "lavfi", "-i", "anullsrc=r=48000:cl=5.1(side):d=1"]
    path = make("a.mkv", *moving(), *surround, *X264, "-c:a", "ac3")
    render(path, tmp_path / "o.webm")
    assert [track.channels for track in probe(str(tmp_path / "o.webm")).audio] == [6]


def test_sound_far_into_a_clip_is_found_by_seeking(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sound, "SEEK_FROM", 0.5)
    monkeypatch.setattr(sound, "SEEK_MARGIN", 0.4)
    path = make("a.mp4", *flash_and_beep(), *X264, "-g", "10", "-c:a", "aac")
    render(path, tmp_path / "o.mp4", start=1.2, end=2.0)
    found = measure(str(tmp_path / "o.mp4"))
    assert found.beep == pytest.approx(found.flash, abs=0.01)
    assert found.seconds == pytest.approx(0.8, abs=PACKET)


def test_longer_sound_ends_with_the_picture(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *moving("25", "1"), *tone("3"), *X264, "-c:a", "aac")
    render(path, tmp_path / "o.mp4", end=1.0)
    assert len(samples(str(tmp_path / "o.mp4"))) / 48000 == pytest.approx(1, abs=PACKET)


def test_pictures_say_that_the_sound_is_lost(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *moving("25", "0.2"), *tone(), *X264, "-c:a", "aac")
    for name in ("o.gif", "o/"):
        assert "has no sound" in render(path, tmp_path / name, end=0.2)[0]


def test_an_unknown_track_is_left_out_and_said(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *moving("25", "0.2"), *tone(), *X264, "-c:a", "aac")
    tracks = (AudioTrack("none", 0, 4, 0), *probe(path).audio)
    plan = sound.plan_sound(Sound(path, 0, None, tracks), ".mp4", 0.2)
    assert "track 1" in plan.notes[0]
    assert plan.options[:2] == ["-map", "1:a:1"]
    assert write(tmp_path / "o.mp4", ramp(5), spec(sound=Sound(path, 0, None, tracks[:1]))) == plan.notes


@pytest.mark.parametrize(("track", "name"), [("a.wav", "o.mp4"), ("a.mp3", "o.mkv"), ("a.ogg", "o.webm")])
def test_a_track_shorter_than_the_picture_is_followed_by_silence(
    make: Make, tmp_path: Path, track: str, name: str
) -> None:
    path = make(track, *tone("0.6"))
    notes = write(tmp_path / name, ramp(25), spec(sound=open_track(path)))
    assert notes == [f"{path} is 0.60 s long, the picture 1.00 s: the rest is silent."]
    heard = samples(str(tmp_path / name))
    assert len(heard) / 48000 == pytest.approx(1, abs=PACKET)
    assert np.abs(heard[:24000]).max() > 0.05
    assert np.abs(heard[32000:]).max() < 0.002


@pytest.mark.parametrize(("start", "name"), [(0.0, "o.mp4"), (0.0, "o.mkv"), (0.5, "o.mp4")])
def test_a_track_longer_than_the_picture_is_cut(make: Make, tmp_path: Path, start: float, name: str) -> None:
    path = make("a.mp3", *tone("3"))
    notes = write(tmp_path / name, ramp(25), spec(sound=open_track(path, start=start)))
    place = " from 0.50 s on is 2.50" if start else " is 3.00"
    assert notes == [f"{path}{place} s long, the picture 1.00 s: the rest is cut."]
    heard = samples(str(tmp_path / name))
    assert len(heard) / 48000 == pytest.approx(1, abs=2 * PACKET)
    assert np.abs(heard[-4800:]).max() > 0.05


def test_a_part_of_a_track_is_followed_by_silence(make: Make, tmp_path: Path) -> None:
    path = make("a.wav", *tone("3"))
    notes = write(tmp_path / "o.mp4", ramp(25), spec(sound=open_track(path, start=0.2, seconds=0.5)))
    assert notes == [f"{path} from 0.20 s on is 0.50 s long, the picture 1.00 s: the rest is silent."]
    heard = samples(str(tmp_path / "o.mp4"))
    assert len(heard) / 48000 == pytest.approx(1, abs=PACKET)
    assert np.abs(heard[28000:]).max() < 0.002


def test_a_track_as_long_as_the_picture_is_copied_without_a_word(make: Make, tmp_path: Path) -> None:
    path = make("a.m4a", *tone("0.97"))
    assert write(tmp_path / "o.mp4", ramp(25), spec(sound=open_track(path))) == []
    assert packets(str(tmp_path / "o.mp4")) == packets(path)


def test_a_clips_own_sound_is_not_padded(make: Make, tmp_path: Path) -> None:
    path = make("a.mp4", *moving("25", "1"), *tone("0.5"), *X264, "-c:a", "aac")
    assert render(path, tmp_path / "o.mp4") == []
    assert packets(str(tmp_path / "o.mp4")) == packets(path)
