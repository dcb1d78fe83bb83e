"""How files are spoiled, and what may come of reading them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from dreamvideo.errors import DreamError

LONGEST_SENTENCE = 4000  # characters
_TIMES = int(os.environ.get("DREAMVIDEO_EXAMPLES", "1"))
_TELLING = [
    b"\0\0\0\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\x80\0\0\0",
    b"\0\0\0\1",
    b"\1\0\0\0",
    b"\xff",
    b"\0",
]


def draws(examples: int) -> settings:
    """Draw ``examples``, the same ones each time; a slow one is no error, since only a hang is."""
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
    return settings(
        max_examples=examples * _TIMES,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=[*checks, HealthCheck.large_base_example],
    )


@dataclass(frozen=True)
class Edit:
    """One thing done to a file at ``place``, from its beginning (0) to its end (1), over ``length`` bytes."""

    kind: str
    place: float
    length: int
    put: bytes

    def apply(self, data: bytes, other: bytes) -> bytes:
        """``data`` with this done to it; ``other`` is another file to splice in."""
        begin = int(self.place * len(data))
        end = min(len(data), begin + self.length)
        changed = {
            "flip": data[begin : begin + 1] and bytes([data[begin] ^ (self.length % 255 + 1)]) + data[begin + 1 :],
            "put": self.put + data[begin + len(self.put) :],
            "insert": self.put + data[begin:],
            "cut": b"",
            "drop": data[end:],
            "zero": bytes(end - begin) + data[end:],
            "double": data[begin:end] + data[begin:],
            "splice": other[int(self.place * len(other)) :],
        }
        return data[:begin] + changed[self.kind]


_KINDS = ("flip", "flip", "put", "put", "insert", "cut", "drop", "zero", "double", "splice")
_PLACES = st.one_of(st.floats(0, 0.999), st.floats(0, 0.1), st.floats(0.9, 0.999))
EDITS = st.lists(
    st.builds(Edit, st.sampled_from(_KINDS), _PLACES, st.integers(1, 400), st.sampled_from(_TELLING)),
    min_size=1,
    max_size=6,
)


def spoil(data: bytes, edits: list[Edit], other: bytes) -> bytes:
    """``data`` after all ``edits``."""
    for edit in edits:
        data = edit.apply(data, other)
    return data


def sentence_of(read: Callable[[], Any], kind: type[DreamError]) -> str:
    """The sentence of the error ``kind`` in which ``read()`` ends, "" where it ends well; all else is let through."""
    try:
        read()
    except kind as error:
        sentence = str(error)
    else:
        return ""
    assert 0 < len(sentence) < LONGEST_SENTENCE
    assert "\0" not in sentence
    return sentence
