"""Pictures of every depth and kind, and the lossless PNG of the journal."""

import errno
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from dreamvideo.errors import InputError, OutputError
from dreamvideo.media import still
from dreamvideo.media.still import quantize16, read_image, read_png16, write_image, write_png16
from tests.media.conftest import files_in

COLOR = (200, 100, 50)


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).uniform(-0.1, 1.1, (33, 47, 3)).astype(np.float32)


@pytest.mark.parametrize("shape", [(33, 47, 3), (1, 1, 3), (1, 9, 3), (9, 1, 3)])
def test_png16_gives_back_what_quantize16_says(tmp_path: Path, noise: np.ndarray, shape: tuple[int, ...]) -> None:
    frame = noise[: shape[0], : shape[1]]
    path = str(tmp_path / "a.png")
    write_png16(path, frame, metadata="steps = 3")
    assert np.array_equal(read_png16(path), quantize16(frame))
    assert np.array_equal(read_image(path), quantize16(frame))
    assert np.array_equal(quantize16(quantize16(frame)), quantize16(frame))
    assert np.abs(quantize16(frame) - np.clip(frame, 0, 1)).max() < 1 / 65535
    assert files_in(tmp_path) == ["a.png"]


def test_png16_refuses_what_is_damaged(tmp_path: Path, noise: np.ndarray) -> None:
    path = tmp_path / "a.png"
    write_png16(str(path), noise)
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(InputError, match="not a whole 16-bit"):
        read_png16(str(path))
    write_image(str(path), noise)
    with pytest.raises(InputError, match="not a whole 16-bit"):
        read_png16(str(path))


@pytest.mark.parametrize(("name", "bits", "step"), [("a.png", 8, 255), ("a.png", 16, 65535), ("a.tif", 16, 65535)])
def test_lossless_kinds_keep_the_frame(tmp_path: Path, noise: np.ndarray, name: str, bits: int, step: int) -> None:
    path = str(tmp_path / name)
    write_image(path, noise, bits=bits)
    assert np.abs(read_image(path) - np.clip(noise, 0, 1)).max() <= 0.51 / step


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.JPEG", "a b ü.jpg"])
def test_lossy_kinds_come_close(tmp_path: Path, name: str) -> None:
    frame = np.full((16, 16, 3), COLOR, np.float32) / 255
    write_image(str(tmp_path / name), frame, metadata="[dream]")
    assert np.abs(read_image(str(tmp_path / name)) - frame).max() < 0.02


def test_metadata_is_found_again(tmp_path: Path, noise: np.ndarray) -> None:
    text = '[dream]\nlayers = ["mixed3"]  # é\n'
    write_image(str(tmp_path / "a.png"), noise, metadata=text)
    write_image(str(tmp_path / "a.jpg"), noise, metadata=text)
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.info["Comment"] == text
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.info["comment"].decode() == text


@pytest.mark.parametrize("mode", ["RGB", "P", "CMYK"])
def test_colour_modes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    Image.new("RGB", (5, 4), COLOR).convert(mode).save(path)
    assert read_image(str(path)) == pytest.approx(np.full((4, 5, 3), COLOR) / 255, abs=0.03)


@pytest.mark.parametrize("name", ["a.png", "a.tif", "a.webp"])
def test_transparency_is_composited_over_black(tmp_path: Path, name: str) -> None:
    Image.new("RGBA", (5, 4), (200, 100, 50, 128)).save(tmp_path / name, lossless=True)
    assert read_image(str(tmp_path / name))[2, 2] * 255 == pytest.approx([100, 50, 25], abs=1.5)


def test_sixteen_bit_grey(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.full((3, 2), 40000, np.uint16))
    frame = read_image(str(tmp_path / "a.png"))
    assert frame.shape == (3, 2, 3)
    assert frame == pytest.approx(40000 / 65535, abs=1e-7)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(tmp_path: Path, orientation: int) -> None:
    picture = np.zeros((8, 16, 3), np.uint8)
    picture[:4, :4] = 255
    picture[:4, 12:] = 128
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(tmp_path / "a.png", exif=exif)
    expected = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_COLOR)  # OpenCV turns it where it drops the alpha
    assert expected is not None
    info = still.describe_image(str(tmp_path / "a.png"))
    assert (info.height, info.width) == expected.shape[:2]
    assert np.array_equal(np.rint(read_image(str(tmp_path / "a.png")) * 255), expected)


def test_what_is_no_picture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "empty.png").touch()
    for name, sentence in [("text.png", "damaged"), ("empty.png", "empty"), ("none.png", "no such file")]:
        with pytest.raises(InputError, match=sentence) as caught:
            read_image(str(tmp_path / name))
        assert name in str(caught.value)
    Image.new("RGB", (50, 40)).save(tmp_path / "large.png")
    with pytest.raises(InputError, match="50x40"):
        read_image(str(tmp_path / "large.png"), max_pixels=100)


def test_kinds_that_cannot_be_written_are_refused(tmp_path: Path, noise: np.ndarray) -> None:
    with pytest.raises(OutputError, match=r"\.webp"):
        write_image(str(tmp_path / "a.bmp"), noise)
    with pytest.raises(OutputError, match="8 bits"):
        write_image(str(tmp_path / "a.jpg"), noise, bits=16)
    assert files_in(tmp_path) == []


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.png"
    write_png16(str(path), noise)
    before = path.read_bytes()

    def full(temporary: Path, *_: bytes) -> None:
        temporary.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("dreamvideo.media.files._write", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_png16(str(path), 1 - noise)
    assert files_in(tmp_path) == ["a.png"]
    assert path.read_bytes() == before
