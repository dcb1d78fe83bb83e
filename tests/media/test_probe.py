"""What a clip is, read from one frame; and one clear sentence for everything that is no clip."""

from fractions import Fraction
from pathlib import Path

import pytest

from dreamvideo.errors import InputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.colors import UNTAGGED
from dreamvideo.media.probe import _depth, _rate, probe
from tests.media.conftest import X264, Make, moving, tone


def test_rate_is_the_exact_fraction(make: Make) -> None:
    info = probe(make("a.mp4", *moving("30000/1001"), *X264))
    assert info.rate == Fraction(30000, 1001)
    assert info.frame_count == 30
    assert (info.width, info.height, info.depth, info.colors, info.audio) == (64, 48, 8, UNTAGGED, ())


def test_variable_rate_is_taken_at_its_nominal_rate(make: Make) -> None:
    path = make("v.mp4", *moving("30"), "-vf", "select='lt(n,6)+not(mod(n,3))'", "-fps_mode", "vfr", *X264)
    assert probe(path).rate == 30


def test_a_clock_is_not_taken_for_a_rate() -> None:
    header = "  Stream #0:0: Video: vp9, yuv420p(tv), 64x48, SAR 1:1 DAR 4:3, 24.98 fps, 1k tbr, 1k tbn"
    assert _rate(1000, 1, header) == pytest.approx(24.98, abs=0.001)
    assert _rate(60000, 1001, header) == Fraction(60000, 1001)
    assert _rate(0, 0, "") == 25


def test_rotation_gives_the_displayed_size(make: Make) -> None:
    flat = make("flat.mp4", *moving(), *X264)
    info = probe(make("turned.mp4", "-display_rotation", "90", "-i", ffmpeg.url(flat), "-c", "copy"))
    assert (info.width, info.height) == (48, 64)


def test_depth_aspect_and_tags(make: Make) -> None:
    tags = "setsar=4/3,setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"
    info = probe(make("t.mkv", *moving(), "-vf", f"scale,format=yuv420p10le,{tags}", "-c:v", "libx264"))
    assert (info.depth, info.alpha, info.sample_aspect) == (10, False, Fraction(4, 3))
    assert (info.colors.range, info.colors.matrix, info.colors.transfer) == ("tv", "bt709", "bt709")


def test_every_sound_track_is_described(make: Make) -> None:
    maps = ["-map", "0", "-map", "1", "-map", "2", "-c:a:0", "aac", "-c:a:1", "libmp3lame", "-ac:a:1", "2"]
    late = ["-itsoffset", "0.5", *tone()]
    info = probe(make("s.mkv", *moving(), *tone(), *late, *maps, *X264))
    assert [(track.codec, track.sample_rate, track.channels) for track in info.audio] == [
        ("aac", 48000, 1),
        ("mp3", 48000, 2),
    ]
    assert info.audio[1].start - info.audio[0].start == pytest.approx(0.5, abs=0.05)


def test_depth_of_packed_formats() -> None:
    names = ["yuv420p", "nv12", "p010le", "rgb48le", "gray16be", "rgb565le", "yuv444p12le", "gbrap16le", "bgra"]
    assert [_depth(name) for name in names] == [8, 8, 10, 16, 16, 8, 12, 16, 8]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("text.mp4", b"This is a text that somebody named .mp4.\n" * 40, "not a video"),
        ("text.txt", b"This is a text.\n" * 40, "not a video"),
        ("empty.mp4", b"", "empty"),
        ("noise.mkv", bytes(range(256)) * 20, "not a video"),
    ],
)
def test_what_is_no_clip_is_refused_by_name(tmp_path: Path, name: str, content: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=sentence) as caught:
        probe(str(tmp_path / name))
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        probe(str(tmp_path / "missing.mp4"))
    with pytest.raises(InputError, match="not a file"):
        probe(str(tmp_path))


def test_sound_alone_is_refused(make: Make) -> None:
    with pytest.raises(InputError, match="holds no picture"):
        probe(make("a.mp4", *tone(), "-c:a", "aac"))


def test_a_cover_picture_is_no_clip(make: Make) -> None:
    cover = make("cover.png", *moving(), "-frames:v", "1")
    maps = ["-i", cover, "-map", "0", "-map", "1", "-c:v", "png", "-c:a", "aac", "-disposition:v", "attached_pic"]
    with pytest.raises(InputError, match="holds no picture"):
        probe(make("song.m4a", *tone(), *maps))


def test_clip_cut_off_before_its_index_is_refused(make: Make, tmp_path: Path) -> None:
    whole = Path(make("whole.mp4", *moving(), *X264))
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:2000])
    with pytest.raises(InputError, match="cut off"):
        probe(str(tmp_path / "cut.mp4"))


def test_a_hanging_ffmpeg_is_a_clear_error(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    path = make("a.mp4", *moving(), *X264)

    def hang(*_: object, **__: object) -> tuple[int, str]:
        raise TimeoutError("ffmpeg did not answer within 60 s")

    monkeypatch.setattr(ffmpeg, "run", hang)
    with pytest.raises(InputError, match="did not answer"):
        probe(path)


def test_run_kills_what_takes_too_long() -> None:
    with pytest.raises(TimeoutError, match="did not answer"):
        ffmpeg.run(["-re", "-f", "lavfi", "-i", "color=d=100", "-f", "null", "-"], seconds=0.2)
