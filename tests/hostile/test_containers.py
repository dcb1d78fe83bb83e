"""Spoiled clips and sounds, playlists that pose as clips, and giant frames."""

import struct
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreamvideo.errors import InputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.probe import probe
from dreamvideo.media.source import open_source
from dreamvideo.media.track import blocks, open_track
from tests.hostile.fuzz import EDITS, Edit, draws, sentence_of, spoil
from tests.media.conftest import X264, moving, tone

SOUND = ["-c:a", "aac", "-shortest"]
RECIPES: dict[str, list[str]] = {
    "mp4": [*X264, *SOUND],
    "mov": ["-c:v", "mjpeg", "-c:a", "pcm_s16le", "-shortest"],
    "mkv": [*X264, "-c:a", "flac", "-shortest"],
    "webm": ["-c:v", "libvpx", "-b:v", "90k", "-c:a", "libvorbis", "-ac", "2", "-shortest"],
    "avi": ["-c:v", "mpeg4", "-c:a", "mp3", "-shortest"],
    "ts": ["-c:v", "mpeg2video", "-c:a", "mp2", "-shortest"],
    "flv": ["-c:v", "flv", "-c:a", "mp3", "-ar", "44100", "-shortest"],
    "gif": [],
    "apng": ["-plays", "0"],
}
SOUNDS = {"wav": [], "ogg": ["-c:a", "libvorbis", "-ac", "2"], "mp3": [], "flac": [], "m4a": ["-c:a", "aac"]}
MOST_FRAMES = 60  # of which a clip of eight frames may be made to announce any number
MOST_PIXELS = 1 << 20


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("clips")
    inputs = [*moving(seconds="0.32", size="32x24"), *tone("0.32")]
    return {name: made(folder / f"a.{name}", [*inputs, *options]) for name, options in RECIPES.items()}


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("sounds")
    return {name: made(folder / f"a.{name}", [*tone("0.4"), *options]) for name, options in SOUNDS.items()}


def made(path: Path, arguments: list[str]) -> bytes:
    status, stderr = ffmpeg.run(["-v", "error", "-y", *arguments, ffmpeg.url(path)])
    assert status == 0, stderr
    return path.read_bytes()


def read_clip(path: Path) -> None:
    """All frames and all sound, each held against what was announced."""
    with open_source(str(path), max_pixels=MOST_PIXELS) as source:
        assert source.width * source.height <= MOST_PIXELS
        frames: Iterator[np.ndarray] = islice(source.frames(), MOST_FRAMES)
        for frame in frames:
            assert frame.shape == (source.height, source.width, 3)
            assert frame.dtype == np.float32
            assert frame.min() >= 0
            assert frame.max() <= 1
        if source.sound is not None:
            hear(blocks(source.sound))


def hear(heard: Iterator[np.ndarray]) -> None:
    for block in islice(heard, 3):
        assert block.dtype == np.float32
        assert np.isfinite(block).all()


@draws(90)
@given(name=st.sampled_from(list(RECIPES)), other=st.sampled_from(list(RECIPES)), edits=EDITS)
def test_a_spoiled_clip_is_read_as_announced_or_refused(
    tmp_path: Path, clips: dict[str, bytes], name: str, other: str, edits: list[Edit]
) -> None:
    path = tmp_path / f"it.{name}"
    path.write_bytes(spoil(clips[name], edits, clips[other]))
    sentence_of(lambda: read_clip(path), InputError)


FIELDS = {  # of the boxes of an mp4: a name, and where after it numbers stand that decide on sizes, times and turns
    b"mvhd": range(0, 100, 4),
    b"tkhd": range(0, 84, 4),
    b"mdhd": range(0, 24, 4),
    b"stts": range(0, 16, 4),
    b"stsz": range(0, 20, 4),
    b"stsc": range(0, 16, 4),
    b"stco": range(0, 16, 4),
    b"avc1": range(24, 36, 2),
    b"pasp": range(0, 8, 4),
    b"elst": range(0, 20, 4),
    b"trak": range(-4, 4, 4),
}
NUMBERS = st.one_of(st.sampled_from([0, 1, 2**31 - 1, 2**31, 2**32 - 1, 2**16, 90000]), st.integers(0, 2**32 - 1))


@draws(60)
@given(fields=st.lists(st.tuples(st.sampled_from(sorted(FIELDS)), st.integers(0, 30), NUMBERS), min_size=1, max_size=3))
def test_an_mp4_with_other_numbers_in_its_header(
    tmp_path: Path, clips: dict[str, bytes], fields: list[tuple[bytes, int, int]]
) -> None:
    data = bytearray(clips["mp4"])
    for name, index, number in fields:
        offsets = FIELDS[name]
        if (found := data.find(name)) >= 0:
            place = found + 4 + offsets[index % len(offsets)]
            data[place : place + 4] = struct.pack(">I", number)
    path = tmp_path / "it.mp4"
    path.write_bytes(data)
    sentence_of(lambda: read_clip(path), InputError)


@draws(40)
@given(name=st.sampled_from(list(SOUNDS)), other=st.sampled_from(list(SOUNDS)), edits=EDITS)
def test_a_spoiled_sound_is_heard_or_refused(
    tmp_path: Path, sounds: dict[str, bytes], name: str, other: str, edits: list[Edit]
) -> None:
    path = tmp_path / f"it.{name}"
    path.write_bytes(spoil(sounds[name], edits, sounds[other]))
    sentence_of(lambda: hear(blocks(open_track(str(path)))), InputError)


DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="1"
mimeType="video/mp4" codecs="avc1.64001f"><BaseURL>secret.mp4</BaseURL><SegmentBase/></Representation></AdaptationSet>
</Period></MPD>"""
HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n"
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
LISTS = {
    "list.mp4": "ffconcat version 1.0\nfile secret.mp4\n",
    "list.ffconcat": "ffconcat version 1.0\nfile secret.mp4\n",
    "list.txt": "file 'secret.mp4'\n",
    "list.m3u8": HLS.format("secret.ts"),
    "far.m3u8": HLS.format("http://127.0.0.1:9/secret.ts"),
    "list.mpd": DASH,
    "list.sdp": SDP,
    "list.idx": "# VobSub index file, v7\n",
    "list.asx": '<ASX version="3"><Entry><Ref href="secret.mp4"/></Entry></ASX>',
    "list.pls": "[playlist]\nFile1=secret.mp4\n",
    "list%03d.ppm": "P6 1 1 255\nabc",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_list_of_other_files_opens_none(tmp_path: Path, clips: dict[str, bytes], name: str) -> None:
    for secret in ("mp4", "ts"):
        (tmp_path / f"secret.{secret}").write_bytes(clips[secret])
    (tmp_path / "list001.ppm").write_bytes(b"P6 2 2 255\n" + bytes(12))
    path = tmp_path / name
    path.write_text(LISTS[name])
    for read in (lambda: read_clip(path), lambda: open_track(str(path))):
        with pytest.raises(InputError, match=r"not opened|cannot be read|holds no"):
            read()


def test_ffmpeg_is_told_what_it_may_open(
    tmp_path: Path, clips: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []
    spawn = ffmpeg.spawn

    def spy(arguments: list[str], **options: Any) -> Any:
        commands.append(arguments)
        return spawn(arguments, **options)

    monkeypatch.setattr(ffmpeg, "spawn", spy)
    path = tmp_path / "-i a 'b' \"c\"\n%03d;$(touch owned) ü.mp4"
    path.write_bytes(clips["mp4"])
    read_clip(path)
    hear(blocks(open_track(str(path))))
    for command in commands:
        options = command[: command.index("-i")]
        assert options[options.index("-protocol_whitelist") + 1] == "file,pipe,data,crypto"
        assert command[command.index("-i") + 1] == f"file:{path}"
        formats = options[options.index("-format_whitelist") + 1].split(",")
        assert {"concat", "hls", "dash", "image2", "sdp", "lavfi", "tty"}.isdisjoint(formats)
        assert "-max_pixels" in options


@draws(15)
@given(title=st.text(st.sampled_from("] n: pts 0123456789 [Parsed_showinfo_0 @ 0x1]=/\n\r s:x_"), max_size=80))
@example("\n[Parsed_showinfo_0 @ 0x1] n:   0 pts:      9 s:1x1 fmt:gray sar:1/1")
@example("] n:   0 pts:      9 s:1x1 fmt:gray sar:1/1")
@example("config in time_base: 1/0, frame_rate: 7/1")
@example("color_range:pc color_space:x color_primaries:y color_trc:z")
@example("Stream mapping:\n  Duration: 99:00:00.00, start: 5")
@example("Format not on whitelist, Picture size 9x9 exceeds, Input #0, tty")
def test_no_title_speaks_for_ffmpeg(tmp_path: Path, clips: dict[str, bytes], title: str) -> None:
    (tmp_path / "plain.mp4").write_bytes(clips["mp4"])
    titled = ["-i", ffmpeg.url(tmp_path / "plain.mp4"), "-c", "copy", "-metadata", f"title={title}"]
    made(tmp_path / "titled.mkv", titled)
    made(tmp_path / "bare.mkv", titled[:-2])
    bare, info = (probe(str(tmp_path / f"{name}.mkv")) for name in ("bare", "titled"))
    assert (info.width, info.height, info.rate, info.colors, info.audio) == (
        bare.width,
        bare.height,
        bare.rate,
        bare.colors,
        bare.audio,
    )
    assert info.start == bare.start
    assert info.duration == bare.duration


def giant(clips: dict[str, bytes], name: str) -> bytes:
    """A clip that announces frames of 12000x12000."""
    if name == "gif":
        return clips["gif"][:6] + struct.pack("<HH", 12000, 12000) + clips["gif"][10:]
    if name == "y4m":
        return b"YUV4MPEG2 W12000 H12000 F25:1 C420\nFRAME\n" + bytes(100_000)
    return clips["apng"].replace(struct.pack(">II", 32, 24), struct.pack(">II", 12000, 12000))


@pytest.mark.parametrize("name", ["gif", "y4m", "apng"])
def test_giant_frames_are_refused_before_one_is_decoded(tmp_path: Path, clips: dict[str, bytes], name: str) -> None:
    path = tmp_path / f"giant.{name}"
    path.write_bytes(giant(clips, name))
    with pytest.raises(InputError, match=r"12000x12000, more than input\.max_pixels \(100000000\); raise that"):
        probe(str(path))


def test_the_limit_on_pixels_can_be_raised(tmp_path: Path) -> None:
    path = tmp_path / "large.y4m"
    path.write_bytes(b"YUV4MPEG2 W4000 H3000 F25:1 C420\nFRAME\n" + bytes(4000 * 3000 * 3 // 2))
    with pytest.raises(InputError, match=r"4000x3000, more than input\.max_pixels \(1000000\)"):
        probe(str(path), max_pixels=1_000_000)
    assert probe(str(path), max_pixels=12_000_000).width == 4000


def test_a_false_time_does_not_make_a_clip_endless(tmp_path: Path) -> None:
    """One late timestamp, and the gap before it would be filled with two million frames."""
    late, clip = tmp_path / "late.mkv", tmp_path / "late.ts"
    jump = ["-vf", "setpts='if(eq(N,9),3600*24*25,N)'", "-fps_mode", "passthrough", "-enc_time_base", "1:25"]
    picture = ["-f", "lavfi", "-i", "testsrc=s=32x24:r=25:d=0.4"]
    for arguments in (
        [*picture, *jump, "-c:v", "libx264", ffmpeg.url(late)],
        ["-i", str(late), "-c", "copy", str(clip)],
    ):
        status, text = ffmpeg.run(["-v", "error", *arguments])
        assert status == 0, text
    with open_source(str(clip)) as source, pytest.raises(InputError, match="announces about 9 frames, but has more"):
        for _ in source.frames():
            pass


@pytest.mark.parametrize("name", ["x" * 300, "x" * 300 + "*.png", "a\0b.mp4", "a\0b"])
def test_a_name_that_no_file_can_have_is_refused(name: str) -> None:
    with pytest.raises(InputError):
        open_source(name)
