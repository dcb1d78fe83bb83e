"""The sound of an output beside its input's."""

import wave
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.media.probe import AudioTrack
from dreamvideo.media.sound import Sound
from dreamvideo.score.sound import match_sound

RATE = 22050


def sound(path: Path, samples: np.ndarray) -> Sound:
    """``samples`` in [-1, 1] as a WAV file."""
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes((32767 * samples).astype("<i2").tobytes())
    return Sound(str(path), 0.0, None, (AudioTrack("pcm_s16le", RATE, 1, 0.0),))


def rough(seconds: float, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * RATE)).repeat(8)[: round(seconds * RATE)]


@pytest.mark.parametrize("late", [0.2, -0.35, 0.0])
def test_sound_that_is_late_is_found(tmp_path: Path, late: float) -> None:
    whole = rough(24)
    begin = round((1 - late) * RATE)
    found = match_sound(
        sound(tmp_path / "a.wav", whole[RATE : 22 * RATE]), sound(tmp_path / "b.wav", 0.7 * whole[begin:][: 21 * RATE])
    )
    assert found.offset == pytest.approx(late, abs=0.001)
    assert (found.input, found.output) == (pytest.approx(21, abs=0.001), pytest.approx(21, abs=0.001))


def test_a_tone_is_not_late_by_a_period(tmp_path: Path) -> None:
    tone = sound(tmp_path / "a.wav", 0.5 * np.sin(2 * np.pi * 441 * np.arange(3 * RATE) / RATE))
    assert match_sound(tone, tone).offset == 0


def test_another_sound_has_no_offset(tmp_path: Path) -> None:
    found = match_sound(sound(tmp_path / "a.wav", rough(3)), sound(tmp_path / "b.wav", rough(3, seed=1)))
    assert found.offset is None
    assert found.likeness is not None


def test_sound_that_is_later_than_is_looked_for_has_no_offset(tmp_path: Path) -> None:
    slow = 0.5 * np.sin(2 * np.pi * 0.1 * np.arange(12 * RATE) / RATE)
    late = sound(tmp_path / "b.wav", slow[: 10 * RATE])
    found = match_sound(sound(tmp_path / "a.wav", slow[round(1.5 * RATE) :][: 10 * RATE]), late)
    assert found.likeness is not None
    assert found.likeness > 0.5
    assert found.offset is None


def test_silence_has_a_length_and_nothing_to_compare(tmp_path: Path) -> None:
    found = match_sound(sound(tmp_path / "a.wav", rough(1)), sound(tmp_path / "b.wav", np.zeros(2 * RATE)))
    assert (found.output, found.offset, found.likeness) == (pytest.approx(2, abs=0.001), None, None)


def test_sound_that_cannot_be_decoded_says_so(tmp_path: Path) -> None:
    whole, empty = sound(tmp_path / "a.wav", rough(1)), sound(tmp_path / "b.wav", rough(1))
    Path(empty.path).write_bytes(Path(empty.path).read_bytes()[:44])
    found = match_sound(whole, empty)
    assert (found.output, found.input_fault) == (None, "")
    assert "b.wav: no sound could be decoded" in found.output_fault
    assert "b.wav: no sound could be decoded" in match_sound(empty, whole).input_fault


def test_no_sound_has_no_length(tmp_path: Path) -> None:
    found = match_sound(sound(tmp_path / "a.wav", rough(1)), None)
    assert (found.input_fault, found.output_fault) == ("", "")
    assert (found.input, found.output, found.offset) == (pytest.approx(1, abs=0.001), None, None)
