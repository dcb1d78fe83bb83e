"""Spoiled stills, those that claim more pixels than there is memory for, and every kind there is."""

import io
import struct
import warnings
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dreamvideo.errors import InputError
from dreamvideo.media import still
from dreamvideo.media.source import open_source
from dreamvideo.media.still import describe_image, read_image
from tests.hostile.fuzz import EDITS, Edit, draws, sentence_of, spoil

MOST_PIXELS = 1 << 20


def saved(kind: str, mode: str = "RGB", pages: int = 1, **options: object) -> bytes:
    rng = np.random.default_rng(len(kind))
    images = [Image.fromarray(rng.integers(0, 255, (24, 32, 3), np.uint8)).convert(mode) for _ in range(pages)]
    file = io.BytesIO()
    more = {"save_all": True, "append_images": images[1:]} if pages > 1 else {}
    images[0].save(file, format=kind, **more, **options)
    return file.getvalue()


def turned(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def with_opencv(extension: str, pixels: np.ndarray) -> bytes:
    return cv2.imencode(extension, pixels)[1].tobytes()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, extra: bytes = b"", late: bytes = b"") -> bytes:
    """A PNG of that size with its rows left out but for the first few."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    rows = chunk(b"IDAT", zlib.compress(bytes(min(height, 40) * (1 + 3 * min(width, 1000)))))
    return b"\x89PNG\r\n\x1a\n" + head + extra + rows + late + chunk(b"IEND", b"")


def bmp(width: int, height: int) -> bytes:
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 154, 0, 0, 54) + head + bytes(100)


def tiff(width: int, height: int, *, floats: bool = False) -> bytes:
    deep = [(258, 3, 1, 32), (339, 3, 1, 3)] if floats else [(258, 3, 1, 8)]
    tags = [(256, 4, 1, width), (257, 4, 1, height), *deep, (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 8)]
    tags += [(277, 3, 1, 3), (278, 4, 1, height), (279, 4, 1, 100)]
    body = b"".join(struct.pack("<HHII", *tag) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + body + bytes(200)


def jpeg(width: int, height: int) -> bytes:
    data = saved("JPEG")
    place = data.index(b"\xff\xc0") + 5
    return data[:place] + struct.pack(">HH", height, width) + data[place + 4 :]


def webp(width: int, height: int) -> bytes:
    canvas = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    data = saved("WEBP", pages=2)
    place = data.index(b"VP8X") + 12
    return data[:place] + canvas + data[place + 6 :]


KINDS = {
    "png": saved("PNG"),
    "deep.png": with_opencv(".png", np.full((24, 32, 4), 40000, np.uint16)),
    "palette.png": saved("PNG", "P"),
    "turned.png": saved("PNG", exif=turned(6)),
    "moving.png": saved("PNG", pages=3),
    "bit.png": saved("PNG", "1"),
    "jpg": saved("JPEG", exif=turned(8)),
    "cmyk.jpg": saved("JPEG", "CMYK"),
    "grey.jpg": saved("JPEG", "L"),
    "webp": saved("WEBP"),
    "moving.webp": saved("WEBP", pages=3),
    "tif": saved("TIFF", compression="tiff_deflate"),
    "pages.tif": saved("TIFF", pages=3),
    "float.tif": with_opencv(".tif", np.linspace(-1, 2, 2304, dtype=np.float32).reshape(24, 32, 3)),
    "lab.tif": saved("TIFF", "LAB"),
    "fax.tif": saved("TIFF", "1", compression="group4"),
    "bmp": saved("BMP"),
    "gif.png": saved("GIF", pages=3),
}


def read_still(path: Path) -> None:
    with warnings.catch_warnings(action="error"), open_source(str(path), max_pixels=MOST_PIXELS) as source:
        for frame in source.frames():
            assert frame.shape == (source.height, source.width, 3)
            assert frame.dtype == np.float32
            assert frame.min() >= 0
            assert frame.max() <= 1


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_can_be_read(tmp_path: Path, name: str) -> None:
    (tmp_path / f"a.{name}").write_bytes(KINDS[name])
    read_still(tmp_path / f"a.{name}")


@draws(500)
@given(name=st.sampled_from(list(KINDS)), other=st.sampled_from(list(KINDS)), edits=EDITS)
def test_a_spoiled_still_is_read_as_announced_or_refused(
    tmp_path: Path, name: str, other: str, edits: list[Edit]
) -> None:
    path = tmp_path / f"it.{name}"
    path.write_bytes(spoil(KINDS[name], edits, KINDS[other]))
    sentence_of(lambda: read_still(path), InputError)


BOMBS = {
    "png": png(100_000, 100_000),
    "text.png": png(20_000, 20_000, chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(5_000_000)))),
    "bmp": bmp(100_000, 100_000),
    "upside-down.bmp": bmp(100_000, -100_000),
    "tif": tiff(100_000, 100_000),
    "float.tif": tiff(100_000, 100_000, floats=True),
    "jpg": jpeg(65_000, 65_000),
    "webp": webp(16_000, 16_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def decoded(*_: object) -> None:
        raise AssertionError("it was decoded")

    monkeypatch.setattr(still, "_decode", decoded)
    monkeypatch.setattr(Image.Image, "load", decoded)
    for module in Image.Image.__subclasses__():
        monkeypatch.setattr(module, "load", decoded)
    path = str(tmp_path / f"bomb.{name}")
    Path(path).write_bytes(BOMBS[name])
    for read in (lambda: read_image(path), lambda: open_source(path)):
        with pytest.raises(InputError, match=r"\d+x\d+, more than input\.max_pixels \(100000000\); raise that"):
            read()


def test_the_limit_on_pixels_can_be_raised(tmp_path: Path) -> None:
    path = str(tmp_path / "large.png")
    Path(path).write_bytes(KINDS["png"])
    with pytest.raises(InputError, match=r"32x24, more than input\.max_pixels \(700\)"):
        read_image(path, max_pixels=700)
    assert read_image(path, max_pixels=768).shape == (24, 32, 3)


@pytest.mark.parametrize(
    "text", [b"zTXtComment\0\0" + zlib.compress(bytes(5_000_000)), b"iTXtComment\0\0\0\0\0" + bytes(5_000_000)]
)
def test_a_huge_text_in_a_png_is_passed_over(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "a.png").write_bytes(png(5, 4, chunk(text[:4], text[4:])))
    assert read_image(str(tmp_path / "a.png")).shape == (4, 5, 3)


def test_exif_behind_the_picture_turns_it_too(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(5, 4, late=chunk(b"eXIf", turned(6).tobytes()[6:])))
    assert read_image(str(tmp_path / "a.png")).shape == (5, 4, 3)


@pytest.mark.parametrize("orientation", [0, 9, 255, 65535])
def test_an_orientation_that_is_none_counts_as_upright(tmp_path: Path, orientation: int) -> None:
    (tmp_path / "a.jpg").write_bytes(saved("JPEG", exif=turned(orientation)))
    assert describe_image(str(tmp_path / "a.jpg")).orientation == 1
    assert read_image(str(tmp_path / "a.jpg")).shape == (24, 32, 3)
