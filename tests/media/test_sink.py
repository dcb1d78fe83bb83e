"""Outputs: whole or not at all, of the right size, rate and colours, and every loss is said."""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvideo.errors import OutputError
from dreamvideo.media import encode, ffmpeg, files
from dreamvideo.media.colors import HD, UNTAGGED, Colors, output_colors
from dreamvideo.media.probe import probe
from dreamvideo.media.sink import GifSpec, OutputKind, check_output, write_clip
from dreamvideo.media.source import open_source
from dreamvideo.media.still import read_image
from tests.media.conftest import X264, Make, files_in, log_of, moving, pixels, ramp, spec, write
from tests.media.test_clip import NAMES

STUCK = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=100,setpts=N*60/TB,realtime=limit=100"]  # a frame a minute
FULL = Colors("pc", "bt709", "bt709", "bt709")
SETTINGS = '[dream]\nlayers = ["mixed3"]\n'


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm", "A.MP4"])
def test_clips_keep_rate_size_count_and_settings(tmp_path: Path, name: str) -> None:
    frames = ramp(12)
    output = tmp_path / name
    notes = write(output, frames, spec(Fraction(30000, 1001), crf=10, metadata=SETTINGS))
    info = probe(str(output))
    assert notes == []
    assert (info.rate, info.width, info.height, info.pixel_format) == (Fraction(30000, 1001), 64, 48, "yuv420p")
    assert len(pixels(str(output))) == 12
    assert np.abs(pixels(str(output)) / 255 - np.stack(frames)).mean() < 0.02
    assert "[dream]" in log_of(str(output))
    assert 'layers = ["mixed3"]' in log_of(str(output))
    assert files_in(tmp_path) == [name]


def test_mp4_can_start_before_it_is_whole(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", ramp(5))
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("size", [(47, 63), (1, 1), (48, 63)])
def test_odd_sizes_are_padded_for_h264_and_kept_in_webm(tmp_path: Path, size: tuple[int, int]) -> None:
    frames = ramp(3, *size)
    notes = write(tmp_path / "a.mp4", frames, spec(crf=5))
    info = probe(str(tmp_path / "a.mp4"))
    assert (info.height, info.width) == (size[0] + size[0] % 2, size[1] + size[1] % 2)
    assert len(notes) == 1
    assert f"{size[1]}x{size[0]}" in notes[0]
    shown = pixels(str(tmp_path / "a.mp4"))[0].astype(int)
    assert abs(shown[0, -1] - frames[0][0, -1] * 255).max() < 12
    assert write(tmp_path / "a.webm", frames) == []
    info = probe(str(tmp_path / "a.webm"))
    assert (info.height, info.width) == size


def test_sample_aspect_is_kept(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", ramp(3), spec(sample_aspect=Fraction(4, 3)))
    assert probe(str(tmp_path / "a.mp4")).sample_aspect == Fraction(4, 3)


@pytest.mark.parametrize("picture", ["testsrc2", "natural"])
@pytest.mark.parametrize("tags", [UNTAGGED, HD, FULL, Colors("tv", "bt470bg", "bt470bg", "smpte170m")])
def test_colours_pass_through(make: Make, tmp_path: Path, tags: Colors, picture: str) -> None:
    matrix = "bt709" if tags.matrix == "bt709" else "bt601"
    out = (
        f"out_color_matrix={matrix}:out_range={'pc' if tags.range == 'pc' else 'tv'}:flags=accurate_rnd+full_chroma_int"
    )
    params = f"range={tags.range}:colorspace={tags.matrix}:color_primaries={tags.primaries}:color_trc={tags.transfer}"
    natural = "testsrc2=s=320x240:r=10:d=0.5,gblur=sigma=2,noise=alls=4"
    lavfi = natural if picture == "natural" else "testsrc2=s=320x240:r=10:d=0.5"
    convert = f"format=rgb24,scale={out},format=yuv420p,setparams={params}"
    path = make("in.mp4", "-f", "lavfi", "-i", lavfi, "-vf", convert, "-c:v", "libx264", "-crf", "8")
    with open_source(path) as source:
        frames = list(source.frames())
        write(tmp_path / "out.mp4", frames, spec(source.rate, colors=source.colors, crf=8))
    assert probe(str(tmp_path / "out.mp4")).colors == probe(path).colors == tags
    assert psnr(str(tmp_path / "out.mp4"), path) > 38


def psnr(output: str, path: str) -> float:
    inputs = ["-i", ffmpeg.url(output), "-i", ffmpeg.url(path)]
    _, text = ffmpeg.run([*inputs, "-lavfi", "[0:v][1:v]psnr", "-f", "null", "-"])
    found = re.search(r"average:([\d.]+|inf)", text)
    assert found is not None, text
    return float(found[1])


def test_rgb_and_exotic_matrices_have_a_sane_output() -> None:
    assert output_colors(Colors("pc", "gbr")) == HD
    assert output_colors(Colors("tv", "ycgco", "bt709", "bt709")) == Colors("tv")
    assert output_colors(FULL) == FULL


def test_gif_is_snapped_and_loops(tmp_path: Path) -> None:
    frames = ramp(6)
    notes = write(tmp_path / "a.gif", frames, spec(Fraction(30), metadata=SETTINGS * 20))
    assert len(notes) == 1
    assert "33.33 instead of 30 frames/s, 0.18 s instead of 0.20 s" in notes[0]
    with Image.open(tmp_path / "a.gif") as image:
        assert (image.size, getattr(image, "n_frames", 0)) == ((64, 48), 6)
        assert (image.info["duration"], image.info["loop"]) == (30, 0)
    data = (tmp_path / "a.gif").read_bytes()
    assert data.endswith(b"\0\x3b")
    assert data[data.index(b"\x21\xfe\xff[dream]") - 1] == 0  # the comment follows the last picture, not the trailer
    assert np.abs(pixels(str(tmp_path / "a.gif")) / 255 - np.stack(frames)).mean() < 0.02
    assert files_in(tmp_path) == ["a.gif"]


def test_gif_at_a_rate_it_can_hold_needs_no_note(tmp_path: Path) -> None:
    assert write(tmp_path / "a.gif", ramp(3), spec(Fraction(25), gif=GifSpec(loop=False))) == []
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["duration"] == 40
        assert "loop" not in image.info


@pytest.mark.parametrize("name", ["new/", "new", "there"])
def test_folder_of_frames(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").mkdir()
    frames = ramp(3, 5, 7)
    assert write(f"{tmp_path}/{name}", frames, spec(png_bits=16, metadata=SETTINGS)) == []
    folder = tmp_path / name
    assert files_in(folder) == ["000000.png", "000001.png", "000002.png"]
    assert np.abs(read_image(str(folder / "000002.png")) - frames[2]).max() < 1 / 65535
    assert files_in(tmp_path) == sorted({"there", folder.name})


def test_folder_that_exists_keeps_other_files_and_names_stale_frames(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    write(folder, ramp(4, 5, 7))
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        write(folder, ramp(2, 5, 7))
    notes = write(folder, ramp(2, 5, 7), overwrite=True)
    assert "2 older frames, from 000002.png on" in notes[0]
    assert files_in(folder) == ["000000.png", "000001.png", "000002.png", "000003.png", "notes.txt"]


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.webp", "a.tif"])
def test_one_frame_as_a_still(tmp_path: Path, name: str) -> None:
    notes = write(tmp_path / name, ramp(1), spec(metadata=SETTINGS))
    assert np.abs(read_image(str(tmp_path / name)) - ramp(1)[0]).mean() < 0.02
    assert bool(notes) == (name in {"a.webp", "a.tif"})
    with pytest.raises(OutputError, match="one picture"):
        write(tmp_path / f"b{name}", ramp(2))


@pytest.mark.parametrize("stem", NAMES)
@pytest.mark.parametrize("extension", [".mp4", ".gif", "/", ".png"])
def test_any_file_name_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stem: str, extension: str) -> None:
    monkeypatch.chdir(tmp_path)
    name = stem + extension
    parent = Path(name).parent
    parent.mkdir(parents=True, exist_ok=True)
    count = 1 if extension == ".png" else 3
    write(name, ramp(count))
    assert files_in(parent) == [Path(name).name]
    with open_source(name) as source:
        assert len(list(source.frames())) == count


def test_an_encoder_that_takes_no_frame_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(encode, "_raw_input", lambda *_: STUCK)
    with pytest.raises(OutputError, match=r"a\.mp4 could not be encoded: ffmpeg has not moved for 0\.3 s"):
        write(tmp_path / "a.mp4", ramp(100, 96, 128))
    assert files_in(tmp_path) == []


def test_an_encoder_that_never_ends_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg, "STALL_SECONDS", 0.3)
    monkeypatch.setattr(encode, "_raw_input", lambda *_: STUCK)
    with pytest.raises(OutputError, match=r"a\.gif could not be encoded: ffmpeg has not moved for 0\.3 s"):
        write(tmp_path / "a.gif", ramp(1))
    assert files_in(tmp_path) == []


def test_an_encoder_that_is_slow_to_complete_a_large_file_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ffmpeg, "STALL_SECONDS", 0.3)
    slow = ["-re", "-f", "lavfi", "-i", "testsrc=s=64x48:r=25:d=1.5"]
    file = tmp_path / "a.raw"
    arguments = [*slow, "-f", "rawvideo", "-flush_packets", "1", ffmpeg.url(file)]
    with encode.Encoder(arguments, file, "a") as encoder:
        encoder.finish()
    assert file.stat().st_size == 38 * 64 * 48 * 3


def test_early_refusals(tmp_path: Path) -> None:
    (tmp_path / "there.mp4").write_bytes(b"old")
    (tmp_path / "plain").write_bytes(b"old")
    before = files_in(tmp_path)
    for name, sentence in [
        ("a.xyz", r"\.xyz cannot be written; use \.mp4"),
        ("there.mp4", "exists already"),
        ("none/a.mp4", "does not exist"),
        ("plain", "is a file"),
    ]:
        with pytest.raises(OutputError, match=sentence):
            check_output(str(tmp_path / name), overwrite=False)
    assert check_output(str(tmp_path / "there.mp4"), overwrite=True) is OutputKind.CLIP
    assert check_output(str(tmp_path / "new"), overwrite=False) is OutputKind.FOLDER
    assert check_output(str(tmp_path / "a.gif"), overwrite=False) is OutputKind.GIF
    assert check_output(str(tmp_path / "a.png"), overwrite=False) is OutputKind.STILL
    assert files_in(tmp_path) == before


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder that not even root can write to")
def test_a_folder_that_cannot_be_written_is_refused() -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        check_output("/proc/a.mp4", overwrite=False)


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a/", "there/", "a.png"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, name: str, error: type[BaseException]) -> None:
    (tmp_path / "there").mkdir()

    def broken() -> Iterator[np.ndarray]:
        if name != "a.png":
            yield from ramp(3)
        raise error

    with pytest.raises(error):
        write_clip(f"{tmp_path}/{name}", broken, 9, spec(), overwrite=True, on_frame=lambda: None)
    assert files_in(tmp_path) == ["there"]
    assert files_in(tmp_path / "there") == []


@pytest.mark.parametrize("name", ["a.mp4", "a.gif", "a/"])
def test_a_wrong_number_of_frames_is_refused(tmp_path: Path, name: str) -> None:
    for frames in ([], ramp(2), ramp(4)):
        with pytest.raises(OutputError):
            write_clip(f"{tmp_path}/{name}", lambda f=frames: f, 3, spec(), overwrite=False, on_frame=lambda: None)
    assert files_in(tmp_path) == []


def test_an_old_output_survives_a_failed_one(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", ramp(3))
    before = (tmp_path / "a.mp4").read_bytes()
    with pytest.raises(OutputError):
        write_clip(str(tmp_path / "a.mp4"), lambda: ramp(2), 3, spec(), overwrite=True, on_frame=lambda: None)
    assert (tmp_path / "a.mp4").read_bytes() == before


def test_progress_is_told_once_a_frame(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.gif", "a/"):
        ticks: list[int] = []
        write_clip(
            f"{tmp_path}/{name}", lambda: ramp(4), 4, spec(), overwrite=False, on_frame=lambda t=ticks: t.append(1)
        )
        assert len(ticks) == 4


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.gif", "a.png", "a/"])
def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    original = files.temporary_beside

    def full(path: Path) -> Path:
        temporary = original(path)
        folder = path.parent == tmp_path and name in {"a.png", "a/"}
        if not folder:
            temporary.symlink_to("/dev/full")
        return temporary

    monkeypatch.setattr(files, "temporary_beside", full)
    frames = list(np.random.default_rng(0).uniform(0, 1, (1 if name == "a.png" else 30, 96, 128, 3)).astype(np.float32))
    with pytest.raises(OutputError, match="disk is full"):
        write(f"{tmp_path}/{name}", frames, spec(crf=1))
    assert files_in(tmp_path) == []


def test_an_encoder_that_fails_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="could not be encoded") as caught:
        write(tmp_path / "a.gif", ramp(3), spec(gif=GifSpec(dither="none_such")))
    assert "\n" not in str(caught.value)
    assert files_in(tmp_path) == []


def test_a_cut_is_rendered_through(make: Make, tmp_path: Path) -> None:
    path = make("in.mp4", *moving("25", "2"), *X264)
    with open_source(path, start=0.5, end=1.3) as source:
        frames = list(source.frames())
        write(tmp_path / "out.mp4", frames, spec(source.rate, colors=source.colors))
    assert len(pixels(str(tmp_path / "out.mp4"))) == len(frames) == 20
