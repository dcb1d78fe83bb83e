"""A sound file of its own: opened, measured, decoded to the sample, and refused in one sentence."""

from pathlib import Path

import numpy as np
import pytest

from dreamvideo.errors import InputError
from dreamvideo.media import sound, track
from dreamvideo.media.sound import Sound
from dreamvideo.media.track import SAMPLE_RATE, decode, open_track, track_seconds
from tests.media.conftest import X264, Make, moving, tone


def beep(at: float, seconds: float = 2, rate: int = 44100) -> list[str]:
    """ffmpeg input: silence but for 0.1 s of a tone of amplitude 0.5 on both sides of a stereo sound."""
    one = f"0.5*sin(2*PI*1000*t)*between(t,{at},{at + 0.1})"
    return ["-f", "lavfi", "-i", f"aevalsrc='{one}|{one}':d={seconds}:s={rate}"]


def heard_at(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(samples) > 0.2)) / SAMPLE_RATE


@pytest.mark.parametrize(
    ("name", "rate"),
    [("a.wav", 8000), ("a.wav", 48000), ("a.mp3", 44100), ("a.ogg", 48000), ("a.flac", 44100), ("a.m4a", 48000)],
)
def test_formats_decode_to_the_same_samples(make: Make, name: str, rate: int) -> None:
    opened = open_track(make(name, *beep(1.2, rate=rate)))
    samples = decode(opened)
    assert (samples.dtype, samples.ndim) == (np.float32, 1)
    assert opened.seconds == pytest.approx(2, abs=0.002)
    assert len(samples) / SAMPLE_RATE == opened.seconds == track_seconds(opened)
    assert heard_at(samples) == pytest.approx(1.2, abs=0.006)
    assert np.abs(samples).max() == pytest.approx(0.5, abs=0.1)


def test_both_sides_of_a_stereo_sound_are_averaged(make: Make) -> None:
    for channels in ("1", "2"):
        samples = decode(open_track(make("a.wav", *beep(0.5), "-ac", channels)))
        assert np.abs(samples).max() == pytest.approx(0.5, abs=0.01)


def test_the_first_of_several_tracks_is_heard(make: Make) -> None:
    maps = ["-map", "0:v", "-map", "1:a", "-map", "2:a"]
    opened = open_track(make("a.mkv", *moving(), *beep(0.3, 1), *tone("3"), *maps, *X264, "-c:a", "flac"))
    assert len(opened.tracks) == 1
    assert heard_at(decode(opened)) == pytest.approx(0.3, abs=0.006)
    assert opened.seconds == pytest.approx(1, abs=0.01)


def test_a_track_that_begins_late_begins_with_silence(make: Make) -> None:
    path = make("a.mkv", *moving("25", "3"), "-itsoffset", "0.7", *beep(0.5), *X264, "-c:a", "flac")
    opened = open_track(path)
    assert heard_at(decode(opened)) == pytest.approx(1.2, abs=0.006)
    assert opened.seconds == pytest.approx(2.7, abs=0.01)
    assert heard_at(decode(open_track(path, start=0.3))) == pytest.approx(0.9, abs=0.006)


def test_a_part_is_cut_to_the_sample(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("a.wav", "-f", "lavfi", "-i", f"aevalsrc='0.5*sin(900*t*t)':d=2:s={SAMPLE_RATE}")
    whole = decode(open_track(path))
    opened = open_track(path, start=0.5, seconds=1.0)
    part = whole[SAMPLE_RATE // 2 : SAMPLE_RATE * 3 // 2]
    assert opened.seconds == pytest.approx(1.5, abs=0.001)
    assert (opened.start, opened.end) == (0.5, 1.5)
    assert np.array_equal(decode(opened), part)
    assert np.array_equal(decode(opened, seconds=0.2), part[: SAMPLE_RATE // 5])
    monkeypatch.setattr(sound, "SEEK_FROM", 0.3)
    monkeypatch.setattr(sound, "SEEK_MARGIN", 0.2)
    assert np.array_equal(decode(opened), part)


def test_blocks_join_to_the_whole(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_track(make("a.wav", *tone("2")))
    whole = decode(opened)
    monkeypatch.setattr(track, "BLOCK", 1000)
    pieces = list(track.blocks(opened))
    assert {len(piece) for piece in pieces[:-1]} == {1000}
    assert np.array_equal(np.concatenate(pieces), whole)


def test_a_header_that_lies_is_not_believed(make: Make) -> None:
    path = Path(make("a.wav", *tone("3")))
    path.write_bytes(path.read_bytes()[:-96000])
    assert open_track(str(path)).seconds == pytest.approx(2, abs=0.05)


def test_what_gives_no_sound_is_refused_in_one_sentence(make: Make, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("this is text\n" * 99)
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "half.m4a").write_bytes(Path(make("a.m4a", *tone("2"))).read_bytes()[:5000])
    make("silent.mp4", *moving("25", "0.2"), *X264)
    reasons = {
        "missing.wav": "no such file",
        "text.wav": "cannot be read as sound",
        "empty.wav": "is empty",
        "half.m4a": "moov",
        "silent.mp4": "holds no sound",
        "": "is not a file",
    }
    for name, reason in reasons.items():
        with pytest.raises(InputError, match=reason) as raised:
            open_track(str(tmp_path / name))
        assert "\n" not in str(raised.value)


def test_a_part_outside_the_track_is_refused(make: Make) -> None:
    path = make("a.wav", *tone("1"))
    with pytest.raises(InputError, match="choose an earlier start"):
        open_track(path, start=2)
    with pytest.raises(InputError, match="0 or more"):
        open_track(path, start=-1)
    with pytest.raises(InputError, match="more than 0"):
        open_track(path, seconds=0)


def test_a_decoder_that_does_not_answer_is_given_up(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_track(make("a.wav", *tone("1")))
    monkeypatch.setattr(track.ffmpeg, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(track, "_arguments", lambda *_: ["-re", "-f", "lavfi", "-i", "sine", "-f", "f32le", "-"])
    with pytest.raises(InputError, match="stopped answering"):
        decode(opened)


def test_a_clips_own_sound_decodes_from_its_cut(make: Make) -> None:
    path = make("a.mp4", *moving("25", "2"), *beep(1.2), *X264, "-c:a", "aac")
    whole = open_track(path)
    assert heard_at(decode(Sound(path, 0.5, 1.5, whole.tracks))) == pytest.approx(0.7, abs=0.006)
