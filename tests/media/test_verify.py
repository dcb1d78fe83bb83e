"""Outputs are decoded again before they get their name: whole ones pass, and every kind of damage is found."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.errors import OutputError
from dreamvideo.media import ffmpeg, sink, verify
from dreamvideo.media.encode import Encoded, Encoding
from dreamvideo.media.probe import probe
from dreamvideo.media.sink import write_clip
from dreamvideo.media.sound import Sound, SoundPlan
from dreamvideo.media.source import open_source
from dreamvideo.media.track import open_track
from tests.media.conftest import X264, Make, files_in, moving, ramp, spec, tone, write

CLIPS = ["a.mp4", "a.mov", "a.mkv", "a.webm"]

Damage = Callable[[Path], None]


def noisy(count: int = 40) -> list[np.ndarray]:
    """Frames that no codec makes small: 48 high, 64 wide."""
    return list(np.random.default_rng(0).uniform(0, 1, (count, 48, 64, 3)).astype(np.float32))


def damaged(monkeypatch: pytest.MonkeyPatch, damage: Damage) -> None:
    """From now on, what an encoder has written is damaged before it is decoded again."""
    for name in ("encode_clip", "encode_gif"):
        encode: Callable[[Encoding, Path], Encoded] = getattr(sink, name)

        def broken(encoding: Encoding, temporary: Path, encode: Callable[..., Encoded] = encode) -> Encoded:
            encoded = encode(encoding, temporary)
            damage(temporary)
            return encoded

        monkeypatch.setattr(sink, name, broken)


def remade(*arguments: str) -> Damage:
    """Damage that is to pass the file through ffmpeg with these arguments."""

    def damage(file: Path) -> None:
        other = file.with_name("other" + file.suffix)
        container = "gif" if file.read_bytes()[:3] == b"GIF" else "mp4"
        status, text = ffmpeg.run(["-i", ffmpeg.url(file), *arguments, "-f", container, ffmpeg.url(other)])
        assert status == 0, text
        other.replace(file)

    return damage


def truncated(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) * 6 // 10])


def flipped(file: Path) -> None:
    data = bytearray(file.read_bytes())
    for place in range(len(data) // 2, len(data) // 2 + len(data) // 20):
        data[place] ^= 0x55
    file.write_bytes(data)


def garbled(file: Path) -> None:
    """Damage the pictures in an MP4, all but their headers; the container stays whole."""
    data = bytearray(file.read_bytes())
    place = data.index(b"mdat") + 4
    while place < len(data):
        end = place + 4 + int.from_bytes(data[place : place + 4])
        data[place + 16 : end] = bytes(byte ^ 0x55 for byte in data[place + 16 : end])
        place = end
    file.write_bytes(data)


DAMAGES = [truncated, flipped, Path.unlink, lambda file: file.write_bytes(b"")]


def refusal(output: Path, frames: list[np.ndarray], clip: sink.ClipSpec | None = None) -> str:
    """Why ``frames`` were not written to ``output``, of which nothing is left but what was there before."""
    before = files_in(output.parent)
    old = output.read_bytes() if output.is_file() else None
    with pytest.raises(OutputError, match="was not written") as caught:
        write(output, frames, clip, overwrite=True)
    assert files_in(output.parent) == before
    assert (output.read_bytes() if output.is_file() else None) == old
    return str(caught.value)


@pytest.mark.parametrize("name", [*CLIPS, "a.gif", "a/"])
@pytest.mark.parametrize(
    ("count", "size", "rate"),
    [(12, (48, 64), Fraction(24000, 1001)), (1, (47, 63), Fraction(25)), (3, (1, 1), Fraction(1000, 7))],
)
def test_whole_outputs_pass(tmp_path: Path, name: str, count: int, size: tuple[int, int], rate: Fraction) -> None:
    verified: list[int] = []
    write_clip(
        f"{tmp_path}/{name}",
        lambda: ramp(count, *size),
        count,
        spec(rate),
        overwrite=False,
        on_frame=lambda: None,
        on_verified=lambda: verified.append(1),
    )
    assert len(verified) == count
    assert files_in(tmp_path) == [name.rstrip("/")]


def test_a_gif_of_a_still_picture_passes(tmp_path: Path) -> None:
    write(tmp_path / "a.gif", ramp(1) * 20, spec(Fraction(30)))


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_whole_stills_pass(tmp_path: Path, name: str, bits: int) -> None:
    write(tmp_path / name, ramp(1, 5, 7), spec(png_bits=bits, metadata="kept"))
    assert files_in(tmp_path) == [name]


SOURCES: dict[str, list[str]] = {
    "aac.mp4": [*tone("2"), "-c:a", "aac"],
    "shorter.mkv": [*tone("0.9"), "-c:a", "flac"],
    "longer.mkv": [*tone("4"), "-c:a", "libvorbis"],
    "late.mp4": ["-itsoffset", "0.7", *tone("1.5"), "-c:a", "aac"],
    "mp3.mov": [*tone("2"), "-c:a", "libmp3lame"],
    "pcm.mov": [*tone("2"), "-c:a", "pcm_s16le"],
    "two.mkv": [*tone("2"), *tone("0.4"), "-map", "0", "-map", "1", "-map", "2", "-c:a:0", "ac3", "-c:a:1", "libopus"],
}


@pytest.mark.parametrize(
    ("name", "cut"),
    [("o.mp4", {"start": 0.03}), ("o.mkv", {}), ("o.mkv", {"end": 1.3}), ("o.webm", {"start": 0.5, "end": 1.7})],
)
@pytest.mark.parametrize("source", SOURCES)
def test_whole_outputs_with_sound_pass(
    make: Make, tmp_path: Path, source: str, name: str, cut: dict[str, float]
) -> None:
    path = make(source, *moving("30000/1001", "2"), *SOURCES[source], *X264)
    with open_source(path, **cut) as opened:  # pyright: ignore[reportArgumentType]
        write(tmp_path / name, list(opened.frames()), spec(opened.rate, sound=opened.sound))


@pytest.mark.parametrize("seconds", ["0.6", "1", "3"])
@pytest.mark.parametrize("name", ["o.mp4", "o.webm"])
def test_a_whole_track_of_its_own_passes(make: Make, tmp_path: Path, name: str, seconds: str) -> None:
    write(tmp_path / name, ramp(25), spec(sound=open_track(make("a.mp3", *tone(seconds)))))


@pytest.mark.parametrize("name", ["o.mp4", "o.mkv", "o.webm"])
def test_a_track_that_is_over_before_the_picture_begins_may_be_missing(make: Make, tmp_path: Path, name: str) -> None:
    path = make("a.mkv", *moving("25", "2"), *SOURCES["two.mkv"], *X264)
    with open_source(path, start=1.0) as source:
        write(tmp_path / name, list(source.frames()), spec(sound=source.sound))


def test_damage_in_a_sound_that_is_copied_is_the_sources_own(make: Make, tmp_path: Path) -> None:
    path = Path(make("a.mp3", *tone("3")))
    flipped(path)
    write(tmp_path / "o.mkv", ramp(50), spec(sound=Sound(str(path), 0.0, None, open_track(str(path)).tracks)))


@pytest.mark.parametrize("name", [*CLIPS, "a.gif"])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_clip_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: Damage
) -> None:
    write(tmp_path / name, ramp(3))
    damaged(monkeypatch, damage)
    sentence = refusal(tmp_path / name, noisy(), spec(crf=5))
    assert ".partial" not in sentence
    assert sentence.startswith(f"{tmp_path / name} was not written, because what was encoded is not whole (")
    assert sentence.endswith("check the disk.")


def test_a_clip_whose_pictures_are_damaged_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    damaged(monkeypatch, garbled)
    assert "its picture is damaged: " in refusal(tmp_path / "a.mp4", noisy(5), spec(crf=5))


@pytest.mark.parametrize(
    ("name", "arguments", "sentence"),
    [
        ("a.mp4", ["-frames:v", "11"], "it holds 11 frames instead of 12"),
        ("a.gif", ["-frames:v", "11"], "it holds 11 frames instead of 12"),
        ("a.mp4", ["-vf", "select='not(eq(n,5))'", "-fps_mode", "vfr"], "it holds 11 frames instead of 12"),
        ("a.mp4", ["-vf", "tpad=stop=1"], "it holds 13 frames instead of 12"),
        ("a.mp4", ["-vf", "scale=62:48"], "it is 62x48 instead of 64x48"),
        ("a.mp4", ["-vf", "setpts=1.2*PTS", "-fps_mode", "vfr"], "instead of 0.480 s"),
        ("a.gif", ["-vf", "setpts=1.5*PTS", "-r", "16"], "instead of 0.480 s"),
        ("a.mp4", ["-c:v", "copy", "-an"], "it holds 0 sound tracks that can be decoded instead of 1"),
        ("a.mp4", ["-map", "0", "-map", "0:a", "-c", "copy"], "it holds 2 sound tracks"),
        ("a.mp4", ["-c:v", "copy", "-af", "atrim=end=0.35"], "its sound track 1 lasts 0.350 s instead of 0.480 s"),
        ("a.mp4", ["-c:v", "copy", "-af", "apad=pad_dur=0.2"], "its sound track 1 lasts 0.680 s instead of 0.480 s"),
    ],
)
def test_an_output_that_lacks_something_is_not_written(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, arguments: list[str], sentence: str
) -> None:
    clip = spec() if name == "a.gif" else spec(sound=open_track(make("a.wav", *tone("3"))))
    write(tmp_path / name, ramp(12), clip)
    damaged(monkeypatch, remade(*arguments))
    assert sentence in refusal(tmp_path / name, ramp(12), clip)


def test_a_copied_sound_that_is_cut_short_is_found(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = spec(sound=open_track(make("a.m4a", *tone("2"))))
    damaged(monkeypatch, remade("-c:v", "copy", "-af", "atrim=end=1.5"))
    sentence = refusal(tmp_path / "a.mp4", ramp(50), clip)
    assert "its sound track 1 lasts 1.500 s instead of 2.000 s" in sentence


def faulty_pictures(monkeypatch: pytest.MonkeyPatch, name: str, damage: Damage) -> None:
    """From now on, the picture of this name is damaged when it has been written."""
    original = sink.still.write_image

    def broken(path: str, frame: np.ndarray, **options: Any) -> None:
        original(path, frame, **options)
        if Path(path).name == name:
            damage(Path(path))

    monkeypatch.setattr(sink.still, "write_image", broken)


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["new/", "there/"])
def test_a_folder_with_a_damaged_picture_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, damage: Damage
) -> None:
    write(tmp_path / "there", ramp(2))
    old = (tmp_path / "there" / "000000.png").read_bytes()
    faulty_pictures(monkeypatch, "000003.png", damage)
    with pytest.raises(OutputError, match=r"000003\.png is missing or can't be decoded\); check the disk"):
        write(f"{tmp_path}/{name}", noisy(5), overwrite=True)
    assert files_in(tmp_path) == ["there"]
    assert files_in(tmp_path / "there") == ["000000.png", "000001.png"]
    assert (tmp_path / "there" / "000000.png").read_bytes() == old


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_a_damaged_still_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    write(tmp_path / name, ramp(1))
    faulty_pictures(monkeypatch, name, truncated)
    assert f"{name} is missing or can't be decoded" in refusal(tmp_path / name, noisy(1))


def test_a_picture_of_another_size_is_found(tmp_path: Path) -> None:
    write(tmp_path / "a.png", ramp(1, 4, 4))
    with pytest.raises(OutputError, match=r"a\.png is 4x4 instead of 6x4"):
        verify.verify_pictures("o", [tmp_path / "a.png"], (6, 4), lambda: None)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a/", "a.png"])
def test_a_stop_while_verifying_ends_ffmpeg_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    spawn, processes = ffmpeg.spawn, []

    def noted(*arguments: Any, **options: Any) -> Any:
        processes.append(spawn(*arguments, **options))
        return processes[-1]

    def stop() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ffmpeg, "spawn", noted)
    count = 1 if name == "a.png" else 50
    options: dict[str, Any] = {"overwrite": False, "on_frame": lambda: None, "on_verified": stop}
    with pytest.raises(KeyboardInterrupt):
        write_clip(f"{tmp_path}/{name}", lambda: ramp(count), count, spec(), **options)
    assert files_in(tmp_path) == []
    assert all(process.returncode is not None for process in processes)


def test_a_decoder_that_hangs_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "STALL_SECONDS", 0.5)
    write(tmp_path / "a.mp4", ramp(3))
    info = probe(str(tmp_path / "a.mp4"))
    monkeypatch.setattr(verify, "probe", lambda *_, **__: info)
    slow = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=100,setpts=N*N*N/TB,realtime"]
    monkeypatch.setattr(ffmpeg, "input_arguments", lambda _: slow)
    encoded = Encoded(3, (64, 48), Fraction(25), SoundPlan(), [])
    with pytest.raises(OutputError, match=r"stopped answering for 0\.5 s while decoding it\); check the disk"):
        verify.verify_clip("o", tmp_path / "a.mp4", encoded, lambda: None)


def test_frames_are_verified_one_at_a_time(tmp_path: Path) -> None:
    seen: list[str] = []

    def frames() -> Iterator[np.ndarray]:
        seen.append("frames")
        yield from ramp(3)

    options: dict[str, Any] = {"on_frame": lambda: seen.append("on"), "on_verified": lambda: seen.append("verified")}
    write_clip(str(tmp_path / "a.mp4"), frames, 3, spec(), overwrite=False, **options)
    assert seen == ["frames", "on", "on", "on", "verified", "verified", "verified"]
