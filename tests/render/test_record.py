"""The file of a kept frame: what is packed is what comes out, and any damage is seen."""

import hashlib
import io
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from dreamvideo.errors import DreamError, InputError
from dreamvideo.media.still import encode_png16, quantize16
from dreamvideo.motion.carry import AGE_STEPS, OLDEST
from dreamvideo.render.record import Record, begins_shot, pack, unpack
from tests.tiny import picture

FRAME = quantize16(picture(9, 14))
AGE = (np.arange(9 * 14, dtype=np.float32).reshape(9, 14, 1) % 256) / AGE_STEPS
PACKED = pack(Record(FRAME, AGE, begins_shot=True))


def damaged(data: bytes) -> bool:
    """Whether it is known for damaged, by all that look at it."""
    if begins_shot(data) is not None:
        return False
    assert not begins_shot(data)
    with pytest.raises(DreamError, match=r"x\.png is damaged"):
        unpack(data, "x.png")
    return True


@pytest.mark.parametrize("begins", [True, False])
@given(height=st.integers(1, 12), width=st.integers(1, 12), seed=st.integers(0, 99))
def test_a_record_comes_out_as_it_went_in(begins: bool, height: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = quantize16(rng.random((height, width, 3), np.float32))
    age = rng.integers(0, round(OLDEST * AGE_STEPS) + 1, (height, width, 1)).astype(np.float32) / AGE_STEPS
    data = pack(Record(frame, age, begins))
    record = unpack(data, "x.png")
    assert begins_shot(data) is not None
    assert begins_shot(data) is record.begins_shot is begins
    assert np.array_equal(record.dreamed, frame)
    assert np.array_equal(record.age, age)


def test_any_viewer_shows_it() -> None:
    with Image.open(io.BytesIO(PACKED)) as shown:
        shown.load()
        assert shown.size == (14, 9)
        assert np.asarray(shown.convert("RGB")) / 255 == pytest.approx(FRAME, abs=0.01)


def test_no_bit_can_flip_unseen() -> None:
    for place in range(len(PACKED)):
        data = bytearray(PACKED)
        data[place] ^= 1 << place % 8
        # Only the CRC of our chunk is nothing that anybody reads.
        assert damaged(bytes(data)) or _differs_in_crc_alone(bytes(data))


def _differs_in_crc_alone(data: bytes) -> bool:
    return data[:-16] + data[-12:] == PACKED[:-16] + PACKED[-12:]


def test_it_can_t_end_early() -> None:
    assert all(damaged(PACKED[:length]) for length in range(len(PACKED)))
    assert damaged(PACKED + b"\0")


@settings(max_examples=300)
@given(st.data())
def test_whatever_is_cut_out_moved_or_put_in_is_seen(data: st.DataObject) -> None:
    begin, end, to = sorted(data.draw(st.lists(st.integers(0, len(PACKED)), min_size=3, max_size=3)))
    new = PACKED[:begin] + data.draw(st.binary(max_size=40)) + PACKED[end:to] + PACKED[begin:end] + PACKED[to:]
    assert new == PACKED or damaged(new)


@given(st.binary(max_size=200))
def test_no_bytes_are_taken_for_a_record(data: bytes) -> None:
    assert damaged(data)
    assert damaged(b"dvST" + data + PACKED[-12:])


def test_a_picture_without_our_chunk_is_no_record() -> None:
    assert damaged(encode_png16(FRAME))


@pytest.mark.parametrize("rest", [b"\x01", b"\x01no picture", b"\x00" + PACKED])
def test_a_record_of_a_right_checksum_and_wrong_content_is_an_error(rest: bytes) -> None:
    plain = encode_png16(FRAME)[:-12]
    body = b"dvST" + hashlib.sha256(plain + rest).digest() + rest
    chunk = (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    with pytest.raises(InputError, match=r"x\.png"):
        unpack(plain + chunk + PACKED[-12:], "x.png")


def test_a_record_whose_picture_is_none_is_an_error() -> None:
    _, _, rest = PACKED.rpartition(b"dvST")
    rest = rest[32:-16]
    for plain in (b"", b"no picture", encode_png16(FRAME)[:50]):
        body = b"dvST" + hashlib.sha256(plain + rest).digest() + rest
        data = plain + (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4) + PACKED[-12:]
        with pytest.raises(InputError, match=r"x\.png"):
            unpack(data, "x.png")


def test_a_small_record_of_a_large_picture_is_not_unpacked() -> None:
    import cv2

    _, large = cv2.imencode(".png", np.zeros((2000, 3000, 3), np.uint16))
    plain, rest = large.tobytes()[:-12], b"\x01"
    body = b"dvST" + hashlib.sha256(plain + rest).digest() + rest
    chunk = (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4)
    with pytest.raises(InputError, match="not what a render keeps"):
        unpack(plain + chunk + PACKED[-12:], "x.png")
