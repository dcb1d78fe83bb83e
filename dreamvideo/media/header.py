"""What the file of a still says of itself: size, orientation and number of pictures. Nothing is decoded.

So a few bytes that stand for a picture of any size cost nothing before they are refused.
"""

import struct
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import Image, TiffImagePlugin

Image.MAX_IMAGE_PIXELS = None  # only headers are read with Pillow; the limit on pixels is input.max_pixels

TIFF_MAGIC = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")

_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PPM", "TIFF", "WEBP")  # what OpenCV decodes, less PNG
_WIDTH, _HEIGHT, _ORIENTATION = 0x0100, 0x0101, 0x0112
_LARGEST_EXIF = 1 << 20  # bytes


@dataclass(frozen=True)
class StillInfo:
    """A still's displayed size, its EXIF orientation (1 to 8, 1 is upright) and how many pictures the file holds."""

    width: int
    height: int
    orientation: int
    pictures: int


def read_header(path: str) -> StillInfo:
    """The header of the still at ``path``. Raises anything at all where that is damaged, as Pillow does."""
    with Path(path).open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        magic = file.read(8)
        file.seek(0)
        if magic == _PNG_MAGIC:
            return _png(file)
        try:
            return _any(file)
        except Exception:
            if magic[:4] not in TIFF_MAGIC:
                raise
            return _tiff(file)  # of floats in colour, which Pillow does not know


def _info(width: int, height: int, orientation: object, pictures: int) -> StillInfo:
    """The size as displayed: orientations 5 to 8 lie on their side. What is no orientation counts as upright."""
    known = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    if width < 1 or height < 1:
        raise ValueError(f"a picture of {width}x{height}")
    return StillInfo(*((height, width) if known > 4 else (width, height)), known, pictures)


def _any(file: BinaryIO) -> StillInfo:
    Image.init()  # for kinds that are named, Pillow does not do so itself
    with Image.open(file, formats=_FORMATS) as image:
        return _info(*image.size, image.getexif().get(_ORIENTATION), getattr(image, "n_frames", 1))


def _png(file: BinaryIO) -> StillInfo:
    """Pillow decodes the whole of a PNG to find its EXIF, and unpacks its texts."""
    width = height = 0
    pictures, exif = 1, Image.Exif()
    for kind, data in _chunks(file, {b"IHDR", b"acTL", b"eXIf"}):
        if kind == b"IHDR":
            width, height = struct.unpack(">II", data[:8])
        elif kind == b"acTL":
            pictures = max(1, struct.unpack(">I", data[:4])[0])
        else:
            exif.load(data)
    return _info(width, height, exif.get(_ORIENTATION), pictures)


def _chunks(file: BinaryIO, kinds: set[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """The chunks of these kinds (PNG specification, 5.3), up to the end of what is there."""
    file.seek(len(_PNG_MAGIC))
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if kind in kinds and length <= _LARGEST_EXIF:
            yield kind, file.read(length)
            length = 0
        file.seek(length + 4, 1)


def _tiff(file: BinaryIO) -> StillInfo:
    """The first picture of a TIFF, from its tags alone."""
    file.seek(0)
    start = file.read(8)
    tags = TiffImagePlugin.ImageFileDirectory_v2(start + (file.read(8) if 43 in start[2:4] else b""))
    file.seek(tags.next)
    tags.load(file)
    return _info(tags[_WIDTH], tags[_HEIGHT], tags.get(_ORIENTATION), 1)
