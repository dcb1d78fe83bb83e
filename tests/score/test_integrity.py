"""Whether an output is whole: each check with its tolerance."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from dreamvideo.score.integrity import Facts, check_clip
from dreamvideo.score.lost import Thumbnails
from dreamvideo.score.sound import SoundMatch
from tests.score.conftest import Frames, noisy, pan

CLIP = Facts(250, Fraction(25), (640, 360))
SOUND = SoundMatch(10.0, 10.0, 0.0, 1.0)


def failed(dream: Facts = CLIP, sound: SoundMatch = SOUND, source: Facts = CLIP, *, gif: bool = False) -> list[str]:
    return [check.name for check in check_clip(source, dream, sound, gif=gif) if not check.ok]


def test_a_copy_is_whole() -> None:
    checks = check_clip(CLIP, CLIP, SOUND, gif=False)
    names = ["frames", "size", "decodes", "frame rate", "duration", "sound", "sound length", "sound offset"]
    assert [check.name for check in checks] == names
    assert all(check.ok for check in checks)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"frames": 249}, ["frames"]),
        ({"frames": 248}, ["frames", "duration"]),
        ({"size": (641, 361)}, []),
        ({"size": (642, 360)}, ["size"]),
        ({"rate": Fraction(24)}, ["frame rate", "duration"]),
        ({"rate": Fraction("24.99")}, []),
        ({"aspect": Fraction(64, 45)}, ["size"]),
        ({"aspect": Fraction(251, 250)}, []),
        ({"damage": "a.mp4 is damaged (gray chroma); some of its 250 frames may show it."}, ["decodes"]),
    ],
)
def test_the_picture_is_held_against_its_tolerance(changes: dict, names: list[str]) -> None:
    assert failed(replace(CLIP, **changes)) == names


@pytest.mark.parametrize(
    ("sound", "names"),
    [
        (SoundMatch(10.0, None), ["sound"]),
        (SoundMatch(None, 10.0), ["sound"]),
        (SoundMatch(None, None), []),
        (SoundMatch(10.0, 9.95, 0.01, 1), []),
        (SoundMatch(10.0, 9.8, 0.01, 1), ["sound length"]),
        (SoundMatch(12.0, 10.0, 0.01, 1), []),
        (SoundMatch(12.0, 12.0, 0.01, 1), []),
        (SoundMatch(12.0, 12.2, 0.01, 1), ["sound length"]),
        (SoundMatch(10.0, 10.0, 0.2, 0.9), ["sound offset"]),
        (SoundMatch(10.0, 10.0, -0.03, 0.9), ["sound offset"]),
        (SoundMatch(10.0, 10.0, None, 0.1), ["sound offset"]),
        (SoundMatch(10.0, 10.0, None, None), []),
        (SoundMatch(10.0, 4.0, 0.0, 1, output_fault="it stopped answering"), ["sound", "sound length"]),
        (SoundMatch(None, None, output_fault="no sound could be decoded"), ["sound"]),
        (SoundMatch(None, None, input_fault="no sound could be decoded"), []),
    ],
)
def test_the_sound_is_held_against_its_tolerance(sound: SoundMatch, names: list[str]) -> None:
    assert failed(sound=sound) == names


def test_a_gif_is_silent_and_in_centiseconds() -> None:
    source = replace(CLIP, rate=Fraction(24))
    assert failed(replace(source, rate=Fraction(25)), SoundMatch(10.0, None), source, gif=True) == []
    assert failed(replace(source, rate=Fraction(20)), SoundMatch(10.0, None), source, gif=True) == [
        "frame rate",
        "duration",
    ]


def test_what_has_square_pixels_only_has_no_aspect_to_lose() -> None:
    wide, square = replace(CLIP, aspect=Fraction(64, 45)), Facts(250, None, CLIP.size)
    assert failed(CLIP, source=wide) == ["size"]
    assert failed(CLIP, source=wide, gif=True) == []
    assert failed(square, source=wide) == []


def test_a_lost_aspect_is_told() -> None:
    size = check_clip(replace(CLIP, aspect=Fraction(64, 45)), CLIP, SOUND, gif=False)[1]
    assert (size.ok, size.input, size.output) == (False, "640x360", "640x360")
    assert size.note == "pixels of 1:1, and of 64:45 in the input"


def test_an_input_that_is_damaged_itself_is_no_fault_of_the_output() -> None:
    damaged = replace(CLIP, damage="a.mp4 is damaged (gray chroma); some of its 250 frames may show it.")
    check = check_clip(damaged, CLIP, SOUND, gif=False)[2]
    assert (check.name, check.ok, check.input, check.output) == ("decodes", True, "with errors", "cleanly")


@pytest.mark.parametrize(
    ("repeats", "ok", "note"),
    [
        ([], True, ""),
        ([12], False, "as the one before: frame 12"),
        ([3, 4], False, "as the one before: frames 3, 4"),
        (list(range(1, 12)), False, "as the one before: frames 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 and more"),
    ],
)
def test_frames_that_repeat_are_counted_and_named(repeats: list[int], ok: bool, note: str) -> None:
    check = check_clip(CLIP, CLIP, SOUND, gif=False, repeats=repeats)[1]
    assert (check.name, check.ok, check.input, check.output, check.note) == ("repeats", ok, 0, len(repeats), note)


def test_stills_have_no_time() -> None:
    checks = check_clip(replace(CLIP, rate=None), CLIP, SoundMatch(None, 10.0), gif=False)
    assert [check.name for check in checks] == ["frames", "size", "decodes"]


def lost(frames: Frames, dreamed: Frames) -> str:
    seen = Thumbnails()
    for pair in zip(frames, dreamed, strict=False):
        seen.add(*pair)
    return seen.lost(len(frames), len(dreamed))


@pytest.mark.parametrize("place", [0, 7, 20, 39])
def test_the_frame_that_is_missing_is_named(place: int) -> None:
    frames = pan(40)
    assert lost(frames, [*noisy(frames, 0.1)[:place], *noisy(frames, 0.1)[place + 1 :]]) == f"missing: frame {place}"


def test_several_frames_are_named_from_first_to_last() -> None:
    frames = pan(40)
    assert lost(frames, frames[:11] + frames[14:]) == "missing: frames 11 to 13"
    assert lost(frames, frames[:11] + frames[10:]) == "too many: frame 11"
    assert lost(frames, frames[:11] + [frames[10]] * 2 + frames[11:]) == "too many: 2, about frame 12"


def test_nothing_is_said_where_nothing_can_be() -> None:
    frames = pan(40)
    assert lost(frames, noisy(frames, 0.05)) == ""
    assert lost(frames, frames[:20]) == ""
    assert lost(frames, [np.zeros_like(frames[0])] * 5) == ""
