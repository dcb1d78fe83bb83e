"""Single pictures: reading any still as a frame, writing frames, and the lossless 16-bit PNG of the journal."""

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from dreamvideo.config import MAX_PIXELS
from dreamvideo.errors import InputError, OutputError
from dreamvideo.media.files import write_bytes
from dreamvideo.media.header import TIFF_MAGIC, StillInfo, read_header
from dreamvideo.media.probe import refuse_unreadable

STILL_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp")
WRITABLE_EXTENSIONS = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")

_TURNS: dict[int, tuple[int, bool]] = {
    1: (0, False), 2: (0, True), 3: (2, False), 4: (2, True),
    5: (3, True), 6: (3, False), 7: (1, True), 8: (1, False),
}  # fmt: skip
UNFILTERED_PNG = [cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_NONE] if hasattr(cv2, "IMWRITE_PNG_FILTER") else []
# At 1280x720 on two cores: stored rows take 7 ms and 5.5 MB; Huffman coding of left differences takes 56 ms and
# 4.8 MB, OpenCV's default 183 ms and 4.8 MB. The low bytes of a dreamed frame are noise that does not compress.
_FAST_PNG = [cv2.IMWRITE_PNG_COMPRESSION, 0, *UNFILTERED_PNG]


def read_image(path: str, *, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Read a still as ``float32 [h, w, 3]`` RGB in [0, 1].

    8 and 16 bits, grey, palette and CMYK are converted; EXIF orientation is applied; transparency is composited over
    black, as ffmpeg users expect of footage. Of several pictures in the file, the first is read.

    Raises
    ------
    InputError
        The file is missing, no picture that can be read, or larger than ``max_pixels``.
    """
    info = describe_image(path)
    if info.width * info.height > max_pixels:
        raise InputError(
            f"{path} is {info.width}x{info.height}, more than input.max_pixels ({max_pixels}); "
            "raise that if you trust the file."
        )
    data = np.fromfile(path, np.uint8)
    pixels = _decode(data)
    if pixels is None or sorted(pixels.shape[:2]) != sorted((info.width, info.height)):
        raise InputError(f"{path} cannot be read as a picture; it is damaged or of another kind than its name says.")
    return _upright(_rgb(pixels, premultiplied=data[:4].tobytes() in TIFF_MAGIC), info.orientation)


def describe_image(path: str) -> StillInfo:
    """Size, orientation and number of pictures from the header alone. Raises InputError."""
    refuse_unreadable(path)
    try:
        return read_header(path)
    except Exception as error:  # Pillow raises many kinds on damaged headers
        raise InputError(f"{path} cannot be read as a picture; it is damaged or no picture.") from error


def _decode(data: np.ndarray) -> np.ndarray | None:
    try:
        return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)
    except cv2.error:
        return None


def _rgb(pixels: np.ndarray, *, premultiplied: bool) -> np.ndarray:
    """OpenCV's grey, BGR or BGRA of any depth as RGB in [0, 1]. It premultiplies 8-bit TIFF itself."""
    scaled = _unit(pixels)
    if scaled.ndim == 2:
        return np.repeat(scaled[..., None], 3, axis=2)
    rgb = scaled[..., 2::-1]
    if scaled.shape[2] == 4 and not (premultiplied and pixels.dtype == np.uint8):
        rgb = rgb * scaled[..., 3:]
    return np.ascontiguousarray(rgb)


def _unit(pixels: np.ndarray) -> np.ndarray:
    """Integers over their largest value, floats clipped: ``float32`` in [0, 1]."""
    if np.issubdtype(pixels.dtype, np.unsignedinteger):
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    return np.clip(np.nan_to_num(pixels), 0, 1).astype(np.float32)


def _upright(frame: np.ndarray, orientation: int) -> np.ndarray:
    """Apply an EXIF orientation: quarter turns counter-clockwise, then a mirror left to right."""
    turns, mirrored = _TURNS.get(orientation, (0, False))
    turned = np.rot90(frame, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirrored else turned)


def to_bytes(frame: np.ndarray) -> np.ndarray:
    """A frame as ``uint8 [h, w, 3]``, rounded to nearest, clipped."""
    return (np.clip(frame, 0, 1) * np.float32(255) + np.float32(0.5)).astype(np.uint8)


def _to_words(frame: np.ndarray) -> np.ndarray:
    """A frame as ``uint16 [h, w, 3]``, rounded to nearest, clipped."""
    return np.rint(np.clip(frame, 0, 1) * np.float32(65535)).astype(np.uint16)


def quantize16(frame: np.ndarray) -> np.ndarray:
    """Exactly what :func:`read_png16` gives after :func:`write_png16`, ``float32`` in [0, 1]."""
    return _unit(_to_words(frame))


def encode_png16(frame: np.ndarray, *, metadata: str | None = None) -> bytes:
    """A frame as 16-bit PNG, made fast (stored, hardly compressed)."""
    return _png(_encode(".png", _to_words(frame), _FAST_PNG), metadata)


def decode_png16(data: bytes, name: str) -> np.ndarray:
    """A frame of :func:`encode_png16`, from the file ``name``: ``float32 [h, w, 3]`` in [0, 1].

    Raises
    ------
    InputError
        It is damaged or no 16-bit RGB picture.
    """
    pixels = _decode(np.frombuffer(data, np.uint8))
    if pixels is None or pixels.dtype != np.uint16 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise InputError(f"{name} is not a whole 16-bit RGB picture; delete it so that it is made again.")
    return _unit(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))


def write_png16(path: str, frame: np.ndarray, *, metadata: str | None = None) -> None:
    """Write a frame as 16-bit PNG, atomically. Raises OutputError."""
    write_bytes(path, encode_png16(frame, metadata=metadata))


def read_png16(path: str) -> np.ndarray:
    """Read a frame of :func:`write_png16`. Raises InputError where it is missing, too."""
    refuse_unreadable(path)
    return decode_png16(Path(path).read_bytes(), path)


def holds_16_bits(path: str) -> bool:
    """Whether this kind of file can hold 16 bits a channel."""
    return Path(path).suffix.lower() in {".png", ".tif", ".tiff"}


def can_embed(path: str) -> bool:
    """Whether :func:`write_image` can put ``metadata`` into this kind of file."""
    return Path(path).suffix.lower() in {".png", ".jpg", ".jpeg"}


def write_image(path: str, frame: np.ndarray, *, bits: int = 8, quality: int = 95, metadata: str | None = None) -> None:
    """Write a frame by the extension of ``path``, atomically, replacing what is there.

    ``bits`` is 8 or 16 (PNG and TIFF only); ``quality`` is 1 to 100 (JPEG and WebP; 100 makes WebP lossless).
    ``metadata`` goes into PNG (iTXt ``Comment``) and JPEG (COM); see :func:`can_embed`.

    Raises
    ------
    OutputError
        Unknown extension, a depth the kind cannot hold, or the file cannot be written.
    """
    extension = Path(path).suffix.lower()
    if extension not in WRITABLE_EXTENSIONS:
        raise OutputError(f"{path}: a picture can be written as {', '.join(WRITABLE_EXTENSIONS)}.")
    if bits == 16 and not holds_16_bits(path):
        raise OutputError(f"{path}: {extension} holds 8 bits a channel; use .png or .tif for 16.")
    options: list[int] = []
    if extension in {".jpg", ".jpeg"}:
        options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if extension == ".webp":
        options = [cv2.IMWRITE_WEBP_QUALITY, quality if quality < 100 else 101]
    data = _encode(extension, _to_words(frame) if bits == 16 else to_bytes(frame), options)
    write_bytes(path, _embed(extension, data, metadata))


def _encode(extension: str, rgb: np.ndarray, options: list[int]) -> bytes:
    try:
        done, data = cv2.imencode(extension, cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
    except cv2.error as error:
        raise OutputError(f"a {rgb.shape[1]}x{rgb.shape[0]} picture cannot be written as {extension}.") from error
    if not done:
        raise OutputError(f"a {rgb.shape[1]}x{rgb.shape[0]} picture cannot be written as {extension}.")
    return data.tobytes()


def _embed(extension: str, data: bytes, metadata: str | None) -> bytes:
    if extension == ".png":
        return _png(data, metadata)
    if extension in {".jpg", ".jpeg"} and metadata:
        text = metadata.encode()[:65533]
        return data[:2] + b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text + data[2:]
    return data


def _png(data: bytes, metadata: str | None) -> bytes:
    """Put an iTXt ``Comment`` behind the header chunk (PNG specification, 11.3.4.5)."""
    if metadata is None:
        return data
    body = b"iTXt" + b"Comment\0\0\0\0\0" + metadata.encode()
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def resize(frame: np.ndarray, width: int, height: int) -> np.ndarray:
    """Scale a frame: averaged areas when it shrinks, Lanczos when it grows, clipped to [0, 1]."""
    if frame.shape[:2] == (height, width):
        return frame
    how = cv2.INTER_AREA if width < frame.shape[1] else cv2.INTER_LANCZOS4
    scaled: Any = cv2.resize(frame, (width, height), interpolation=how)
    return np.clip(scaled, 0, 1)
