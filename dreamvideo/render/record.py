"""A kept frame as one file: a 16-bit PNG that any viewer shows, with a chunk of ours before its end.

The chunk ``dvST`` (ancillary, private, not safe to copy: PNG specification, 5.4) holds, in this order: the SHA-256 of
everything before the chunk and of the rest of its own data, one byte that is 1 where the frame begins a shot, and the
age of every pixel as an 8-bit grey PNG, in sixteenths of a frame.
"""

import hashlib
import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from dreamvideo.errors import InputError
from dreamvideo.media.still import UNFILTERED_PNG, decode_png16, encode_png16
from dreamvideo.motion.carry import AGE_STEPS

_KIND = b"dvST"
_END = struct.pack(">I", 0) + b"IEND" + struct.pack(">I", zlib.crc32(b"IEND"))
_DIGEST = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Record:
    """A finished frame, ``float32 [height, width, 3]`` in [0, 1], and its age, ``float32 [height, width, 1]``."""

    dreamed: np.ndarray
    age: np.ndarray
    begins_shot: bool


def pack(record: Record) -> bytes:
    """The file of a record."""
    ages = np.rint(record.age * AGE_STEPS).astype(np.uint8)
    done, age = cv2.imencode(".png", ages, [cv2.IMWRITE_PNG_COMPRESSION, 1, *UNFILTERED_PNG])
    assert done
    picture = memoryview(encode_png16(record.dreamed))[: -len(_END)]
    rest = bytes([record.begins_shot]) + age.tobytes()
    chunk = _KIND + _digest(picture, rest) + rest
    return b"".join([picture, struct.pack(">I", len(chunk) - 4), chunk, struct.pack(">I", zlib.crc32(chunk)), _END])


def begins_shot(data: bytes) -> bool | None:
    """Whether the frame in the file of a record begins a shot; None where that is not as it was packed."""
    parts = _parts(data)
    return None if parts is None else parts[1][:1] == b"\x01"


def unpack(data: bytes, name: str) -> Record:
    """The record in the file ``name``. Raises ``InputError`` if it isn't as it was packed."""
    parts = _parts(data)
    if parts is None:
        raise InputError(f"{name} is damaged; go on with --resume, and it is made again.")
    dreamed = decode_png16(data, name) if _is_stored(data) else None
    age = _age(parts[1][1:])
    if dreamed is None or age is None:
        raise InputError(f"{name} is not what a render keeps, whatever its checksum; use --overwrite to start afresh.")
    return Record(dreamed, age, begins_shot=parts[1][:1] == b"\x01")


def _is_stored(png: bytes) -> bool:
    """Whether a picture is as large as its header says: ours aren't compressed, and unpack to nothing larger."""
    width, height = struct.unpack(">II", png[16:24]) if len(png) >= 24 else (0, 0)
    return 0 < 6 * width * height <= len(png)


def _age(png: bytes) -> np.ndarray | None:
    try:
        ages = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_GRAYSCALE)
    except cv2.error:
        return None
    return None if ages is None else ages[..., None].astype(np.float32) / np.float32(AGE_STEPS)


def _parts(data: bytes) -> tuple[memoryview, bytes] | None:
    """The picture without its end, and what stands behind the digest; None where that doesn't match."""
    start = data.rfind(_KIND) - 4
    if start < 0 or not data.endswith(_END):
        return None
    (length,) = struct.unpack_from(">I", data, start)
    body = data[start + 8 : start + 8 + length]
    if len(data) != start + 12 + length + len(_END) or len(body) <= _DIGEST:
        return None
    picture, rest = memoryview(data)[:start], body[_DIGEST:]
    return (picture, rest) if _digest(picture, rest) == body[:_DIGEST] else None


def _digest(picture: bytes | memoryview, rest: bytes) -> bytes:
    digest = hashlib.sha256(picture)
    digest.update(rest)
    return digest.digest()
