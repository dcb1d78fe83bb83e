"""Exactly the frames that were asked for, whatever the clip, its name and its state."""

import os
import shutil
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.errors import InputError
from dreamvideo.media import clip, ffmpeg
from dreamvideo.media.source import file_identity, frame_at, open_source
from tests.media.conftest import X264, Make, moving, pixels, tone

NAMES = [
    *("-y", 'it\'s "so"', "new\nline", "ünï→", "%03d", "a*[b]?", "$(x) `y`; z"),
    *("concat:a|b", "http:here", "http://host/a", "pipe:0"),
]


def frames_of(path: str, **options: float | Fraction | None) -> np.ndarray:
    with open_source(path, **options) as source:  # pyright: ignore[reportArgumentType]
        return np.stack(list(source.frames()))


def as_bytes(frames: np.ndarray) -> np.ndarray:
    return np.rint(frames * 255).astype(np.uint8)


@pytest.fixture
def ntsc(make: Make) -> str:
    return make("ntsc.mp4", *moving("30000/1001", "2"), *X264, "-g", "7", "-bf", "2", "-x264-params", "open-gop=1")


def test_frames_are_what_ffmpeg_shows(make: Make) -> None:
    path = make("rgb.mkv", *moving("30000/1001"), "-c:v", "ffv1", "-pix_fmt", "bgr0")
    with open_source(path) as source:
        frames = list(source.frames())
    assert frames[0].dtype == np.float32
    assert frames[0].shape == (48, 64, 3)
    assert len(frames) == source.frame_count == 30
    assert np.array_equal(as_bytes(np.stack(frames)), pixels(path))
    assert (source.rate, source.warnings) == (Fraction(30000, 1001), [])


def test_iterating_again_gives_the_same(ntsc: str) -> None:
    with open_source(ntsc) as source:
        assert all(np.array_equal(a, b) for a, b in zip(source.frames(), source.frames(), strict=True))


@pytest.mark.parametrize(("start", "end"), [(0.5, 1.2), (None, 0.5), (1.0, None), (0.017, 0.06), (1.5, 9.0)])
def test_cut_is_the_slice_of_the_whole(ntsc: str, start: float | None, end: float | None) -> None:
    rate = Fraction(30000, 1001)
    expected = frames_of(ntsc)[frame_at(start or 0, rate) : frame_at(end, rate) if end else None]
    assert np.array_equal(frames_of(ntsc, start=start, end=end), expected)


def test_seeking_gives_the_same_frames(ntsc: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    cut = ["-vf", "select='not(mod(n,3))+gt(n,30)'", "-fps_mode", "vfr"]
    uneven = make("vfr.mkv", *moving("30", "2"), *cut, *X264, "-g", "5")
    for path in (ntsc, uneven):
        slow = [frames_of(path, start=start, end=start + 0.3) for start in (0.9, 1.0, 1.23, 1.6)]
        monkeypatch.setattr(clip, "SEEK_FROM", 0.5)
        monkeypatch.setattr(clip, "SEEK_MARGIN", 0.4)
        with open_source(path, start=1.23) as source:
            assert isinstance(source, clip.ClipSource)
            assert "-ss" in source._arguments()
        fast = [frames_of(path, start=start, end=start + 0.3) for start in (0.9, 1.0, 1.23, 1.6)]
        assert all(np.array_equal(a, b) for a, b in zip(slow, fast, strict=True))
        monkeypatch.undo()


def test_seeking_is_not_used_where_a_clock_starts_late(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("t.ts", *moving("25", "2"), *X264, "-g", "5")
    slow = frames_of(path, start=1.8, end=1.96)
    monkeypatch.setattr(clip, "SEEK_FROM", 0.5)
    monkeypatch.setattr(clip, "SEEK_MARGIN", 0.2)
    with open_source(path, start=1.8) as source:
        assert isinstance(source, clip.ClipSource)
        assert "-ss" not in source._arguments()
    assert np.array_equal(frames_of(path, start=1.8, end=1.96), slow)
    assert np.array_equal(slow, frames_of(path)[45:49])


UNEVEN = ["-vf", "select='lt(mod(n,7),4)'", "-fps_mode", "vfr"]
B_FRAMES = [*X264, "-g", "12", "-bf", "3", "-x264-params", "open-gop=1"]
DEEP = ["-pix_fmt", "yuv420p10le", "-c:v", "ffv1"]


@pytest.fixture
def odd(make: Make, request: pytest.FixtureRequest) -> str:
    """A clip of the kind that the test names, of 1.6 seconds."""
    test = moving("30", "1.6")
    plain = [*test, *X264, "-g", "10"]
    if request.param == "rotated":
        return make("turned.mp4", "-display_rotation", "90", "-i", ffmpeg.url(make("flat.mp4", *plain)), "-c", "copy")
    return {
        "variable": lambda: make("v.mkv", *test, *UNEVEN, *X264, "-g", "5"),
        "b-frames": lambda: make("b.mp4", *test, *B_FRAMES),
        "late": lambda: make("t.ts", *plain),
        "late picture": lambda: make("l.mp4", "-itsoffset", "0.3", *test, *tone("2"), *X264, "-g", "5", "-c:a", "aac"),
        "no index": lambda: make("live.mkv", *plain, "-f", "matroska", "-live", "1"),
        "fragments": lambda: make("frag.mp4", *plain, "-movflags", "frag_keyframe+empty_moov"),
        "10 bits": lambda: make("deep.mkv", *test, *DEEP),
        "gif": lambda: make("a.gif", *moving("10", "1.6")),
    }[request.param]()


KINDS = ["variable", "b-frames", "rotated", "late", "late picture", "no index", "fragments", "10 bits", "gif"]


@pytest.mark.parametrize("seeking", [False, True])
@pytest.mark.parametrize("odd", KINDS, indirect=True)
def test_frames_from_any_number_are_the_same(odd: str, seeking: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "SEEK_FROM", 0.5 if seeking else 1e9)
    monkeypatch.setattr(clip, "SEEK_MARGIN", 0.3)
    with open_source(odd) as source:
        whole = np.stack(list(source.frames()))
        count, warnings = len(whole), list(source.warnings)
        assert source.frame_count == count
        for first in (1, count // 2, count * 4 // 5, count - 1):
            assert np.array_equal(np.stack(list(source.frames(first))), whole[first:])
        assert (source.frame_count, source.warnings) == (count, warnings)


@pytest.mark.parametrize("cut", [{"start": 0.4}, {"end": 1.2}, {"start": 0.4, "end": 1.2}, {"rate": Fraction(7)}])
def test_frames_are_numbered_from_the_start_that_was_asked_for(ntsc: str, cut: dict[str, float | Fraction]) -> None:
    whole = frames_of(ntsc, **cut)
    for first in (0, 1, len(whole) - 2):
        with open_source(ntsc, **cut) as source:  # pyright: ignore[reportArgumentType]
            announced = source.frame_count
            assert np.array_equal(np.stack(list(source.frames(first))), whole[first:])
            assert source.frame_count == announced == len(whole)
            assert source.warnings == []


@pytest.mark.parametrize("cut", [{}, {"start": 0.4}, {"end": 1.2}])
def test_behind_the_last_frame_there_is_none(ntsc: str, cut: dict[str, float]) -> None:
    for beyond in (0, 1, 500):
        with open_source(ntsc, **cut) as source:  # pyright: ignore[reportArgumentType]
            announced = source.frame_count
            assert announced is not None
            assert list(source.frames(announced + beyond)) == []
            assert (source.frame_count, source.warnings) == (announced, [])


def test_to_find_no_frame_behind_the_end_nothing_is_decoded(ntsc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_source(ntsc, start=0.2, end=1.2) as source:
        monkeypatch.setattr(clip, "Decoder", None)
        assert list(source.frames(30)) == []


LONG = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=60:decimals=1"]


@pytest.mark.parametrize(
    ("name", "options", "seeks"),
    [
        ("a.mp4", [], True),
        ("a.mkv", [], True),
        ("live.mkv", ["-live", "1"], None),
        ("frag.mp4", ["-movflags", "frag_keyframe+empty_moov"], None),
        ("a.ts", [], False),
    ],
)
def test_far_into_a_clip_frames_are_the_same(make: Make, name: str, options: list[str], seeks: bool | None) -> None:
    path = make(name, *LONG, *X264, "-g", "50", "-bf", "2", *options)
    with open_source(path) as source:
        assert isinstance(source, clip.ClipSource)
        whole = np.stack([as_bytes(frame) for frame in source.frames()])
        for first in (299, 437, 598):
            later = np.stack([as_bytes(frame) for frame in source.frames(first)])
            assert np.array_equal(later, whole[first:])
        assert len(whole) == source.frame_count == 600
        assert seeks is None or ("-ss" in source._arguments(437)) == seeks


def test_variable_rate_keeps_its_length(make: Make) -> None:
    drop = "select='lt(n,20)+not(mod(n,4))'"
    path = make("v.mp4", *moving("30", "2"), "-vf", drop, "-fps_mode", "vfr", *X264)
    with open_source(path) as source:
        count = len(list(source.frames()))
    assert source.rate == 30
    assert abs(count - 60) <= 3


def test_rate_resamples_in_time(ntsc: str) -> None:
    with open_source(ntsc, rate=Fraction(10)) as source:
        assert source.rate == 10
        assert len(list(source.frames())) == source.frame_count == 20


def test_rotation_is_applied_once(make: Make) -> None:
    flat = make("flat.mp4", *moving(), *X264)
    turned = make("turned.mp4", "-display_rotation", "90", "-i", ffmpeg.url(flat), "-c", "copy")
    expected = np.rot90(frames_of(flat)[3], 1)
    assert np.abs(frames_of(turned)[3] - expected).mean() < 0.02


def test_width_keeps_the_aspect_and_odd_sizes(make: Make) -> None:
    path = make("odd.webm", *moving(size="63x47"), "-pix_fmt", "yuv420p", "-c:v", "libvpx-vp9", "-cpu-used", "8")
    assert frames_of(path)[0].shape == (47, 63, 3)
    assert frames_of(path, width=31)[0].shape == (23, 31, 3)
    with pytest.raises(InputError, match="choose a smaller width"):
        open_source(path, width=900, max_pixels=10_000)


def test_ten_bits_are_not_lost(make: Make) -> None:
    ramp = "nullsrc=s=256x16:d=0.2:r=10,format=gray10le,geq=lum='400+X/4'"
    path = make("deep.mkv", "-f", "lavfi", "-i", ramp, "-pix_fmt", "yuv420p10le", "-c:v", "ffv1")
    assert len(np.unique(frames_of(path)[0][..., 0])) > 40


def test_transparency_is_composited_over_black(make: Make) -> None:
    path = make("a.mov", "-f", "lavfi", "-i", "color=red@0.5:s=16x16:r=10:d=0.3,format=rgba", "-c:v", "qtrle")
    assert frames_of(path)[0][8, 8] == pytest.approx([0.5, 0, 0], abs=0.01)


def test_gif_is_a_clip(make: Make) -> None:
    path = make("a.gif", *moving("10"))
    with open_source(path) as source:
        assert (source.rate, source.frame_count, source.still) == (10, 10, False)
        assert np.abs(np.stack(list(source.frames())) * 255 - pixels(path)).max() < 1


def truncated(make: Make, tmp_path: Path) -> str:
    whole = Path(make("whole.mp4", *moving("30", "3"), *X264, "-g", "10", "-movflags", "+faststart"))
    data = whole.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) * 6 // 10])
    return str(tmp_path / "cut.mp4")


def test_truncated_clip_gives_what_it_has_and_says_so(make: Make, tmp_path: Path) -> None:
    with open_source(truncated(make, tmp_path)) as source:
        announced = source.frame_count
        count = len(list(source.frames()))
    assert announced == 90
    assert 20 < count < 80
    assert len(source.warnings) == 1
    assert f"cut.mp4 is truncated: {count} of about 90 frames could be decoded" in source.warnings[0]


def test_a_truncated_clip_is_counted_from_its_start_wherever_reading_begins(make: Make, tmp_path: Path) -> None:
    path = truncated(make, tmp_path)
    with open_source(path) as source:
        whole = np.stack(list(source.frames()))
        sentences = source.warnings
        assert source.frame_count == len(whole)
        list(source.frames())
        assert list(source.frames(len(whole))) == []
        assert source.warnings == sentences
    with open_source(path) as source:
        assert np.array_equal(np.stack(list(source.frames(10))), whole[10:])
        assert (source.frame_count, source.warnings) == (len(whole), sentences)
    with open_source(path) as source:
        assert list(source.frames(85)) == []
        assert source.frame_count == 85
        assert source.warnings == [f"{path} is truncated: at most 85 of about 90 frames could be decoded."]


def test_start_behind_the_truncation_is_an_error(make: Make, tmp_path: Path) -> None:
    with open_source(truncated(make, tmp_path), start=2.8) as source, pytest.raises(InputError, match="no frame"):
        list(source.frames())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"start": 2.5}, "only 2.002 s long"),
        ({"start": -1.0}, "0 or more"),
        ({"start": 1.0, "end": 1.0}, "after start"),
        ({"start": 1.0, "end": 1.001}, "no frame lies between"),
        ({"width": 0}, "at least 1 pixel"),
        ({"rate": Fraction(0)}, "more than 0"),
        ({"end": float("nan")}, "after start"),
    ],
)
def test_impossible_cuts_are_refused(ntsc: str, options: dict[str, float], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        open_source(ntsc, **options)  # pyright: ignore[reportArgumentType]


def test_end_behind_the_clip_is_said(ntsc: str) -> None:
    with open_source(ntsc, end=9.0) as source:
        assert any("it stops there" in warning for warning in source.warnings)


@pytest.mark.parametrize("stem", NAMES)
@pytest.mark.parametrize("kind", ["clip", "gif", "folder", "still"])
def test_any_file_name_is_read(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stem: str, kind: str
) -> None:
    place = tmp_path / "place"
    name = stem + {"clip": ".mp4", "gif": ".gif", "folder": "", "still": ".png"}[kind]
    (place / name).parent.mkdir(parents=True)
    if kind == "folder":
        (place / name).mkdir()
        for number in range(5):
            shutil.copy(make("plain.png", *moving("25", "0.2"), "-frames:v", "1"), place / name / f"{number}.png")
    else:
        still = ["-frames:v", "1"] if kind == "still" else []
        shutil.copy(make("plain" + Path(name).suffix, *moving("25", "0.2"), *still), place / name)
    monkeypatch.chdir(place)
    with open_source(name) as source:
        assert len(list(source.frames(1))) == (0 if kind == "still" else 4)


def test_leaving_early_ends_the_decoder(ntsc: str) -> None:
    with open_source(ntsc) as source:
        iterator = source.frames()
        next(iterator)
        assert isinstance(source, clip.ClipSource)
        decoder = source._decoders[0]
        assert decoder._process.poll() is None or decoder._process.returncode == 0
    assert decoder._process.poll() is not None
    assert source._decoders == []


def test_a_stalled_decoder_ends_and_is_said(ntsc: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "STALL_SECONDS", 1.0)
    source = open_source(ntsc)
    slow = ["-re", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=0.2,realtime,tpad=stop=1,setpts=N*N*N/TB"]
    monkeypatch.setattr(source, "_arguments", lambda _: [*slow, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"])
    frames = list(source.frames())
    assert frames
    assert any("stopped answering" in warning for warning in source.warnings)


def test_identity_changes_with_the_file(ntsc: str) -> None:
    before = open_source(ntsc).identity()
    assert before == open_source(ntsc).identity()
    assert Path(str(before["path"])).is_absolute()
    os.utime(ntsc, ns=(time.time_ns(), time.time_ns() + 10**9))
    assert open_source(ntsc).identity() == before  # touched, not changed
    with Path(ntsc).open("ab") as file:
        file.write(b"\0")
    assert open_source(ntsc).identity() != before


def test_of_a_file_too_large_to_be_read_whole_the_time_counts(tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(3 << 20))
    before = file_identity(str(file))
    os.utime(file, ns=(time.time_ns(), time.time_ns() + 10**9))
    assert file_identity(str(file)) != before
