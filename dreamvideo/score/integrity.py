"""Whether an output is still the clip that it was made of: checks by name, each with its tolerance."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from dreamvideo.score.result import Check
from dreamvideo.score.sound import SoundMatch

SIZE_SLACK = 1  # pixels: H.264 players need even sides
RATE_SLACK = Fraction(1, 2000)  # of the rate: 24000/1001 may be written as 23.98, but not as 24
GIF_SLACK = Fraction(1, 200)  # seconds of a frame: a GIF counts in hundredths
SOUND_SLACK = 0.1  # seconds: a few packets of AAC, which last 21 ms each
OFFSET_SLACK = 0.02  # seconds: half of the 40 ms by which EBU R 37 lets sound be early


@dataclass(frozen=True)
class Facts:
    """One clip: ``rate`` in frames a second is ``None`` for stills, which have no time; ``size`` is (width, height)."""

    frames: int
    rate: Fraction | None
    size: tuple[int, int]

    @property
    def seconds(self) -> Fraction | None:
        return None if self.rate is None else self.frames / self.rate


def check_clip(source: Facts, dream: Facts, sound: SoundMatch, *, gif: bool, lost: str = "") -> list[Check]:
    """Compare ``dream`` with its ``source``. ``gif``: it is one; ``lost`` says which frames are missing or too many."""
    checks = [_frames(source, dream, lost), _size(source, dream)]
    if source.rate is not None and dream.rate is not None:
        checks += [_rate(source, dream, gif=gif), _duration(source, dream, gif=gif)]
        checks += _sound(source, sound, gif=gif)
    return checks


def _frames(source: Facts, dream: Facts, lost: str) -> Check:
    return Check("frames", dream.frames == source.frames, source.frames, dream.frames, "exact", lost)


def _size(source: Facts, dream: Facts) -> Check:
    ok = all(abs(a - b) <= SIZE_SLACK for a, b in zip(source.size, dream.size, strict=True))
    return Check("size", ok, _written(source.size), _written(dream.size), f"{SIZE_SLACK} pixel")


def _written(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _rate(source: Facts, dream: Facts, *, gif: bool) -> Check:
    assert source.rate is not None
    assert dream.rate is not None
    if gif:
        ok, tolerance = abs(1 / dream.rate - 1 / source.rate) <= GIF_SLACK, "half a centisecond a frame"
    else:
        ok, tolerance = abs(dream.rate - source.rate) <= RATE_SLACK * source.rate, f"{float(100 * RATE_SLACK):g} %"
    return Check("frame rate", ok, float(source.rate), float(dream.rate), tolerance)


def _duration(source: Facts, dream: Facts, *, gif: bool) -> Check:
    assert source.rate is not None
    assert source.seconds is not None
    assert dream.seconds is not None
    slack = 1 / source.rate + (source.frames * GIF_SLACK if gif else 0)
    ok = abs(dream.seconds - source.seconds) <= slack
    return Check("duration", ok, float(source.seconds), float(dream.seconds), f"{float(slack):.3g} s")


def _sound(source: Facts, sound: SoundMatch, *, gif: bool) -> Iterator[Check]:
    """Nothing is asked of a GIF. An output's sound may end with the picture, or be as long as the input's."""
    if gif:
        return
    heard = sound.input is not None, sound.output is not None
    yield Check("sound", heard[0] == heard[1], *heard, "exact")
    if sound.input is None or sound.output is None or source.seconds is None:
        return
    least = min(sound.input, float(source.seconds)) - SOUND_SLACK
    ok = least <= sound.output <= sound.input + SOUND_SLACK
    yield Check("sound length", ok, sound.input, sound.output, f"{SOUND_SLACK:g} s")
    tolerance = f"{1000 * OFFSET_SLACK:g} ms"
    if sound.offset is not None:
        late = 1000 * sound.offset
        yield Check("sound offset", abs(sound.offset) <= OFFSET_SLACK, 0.0, late, tolerance)
    elif sound.likeness is not None:
        yield Check("sound offset", False, 0.0, None, tolerance, "another sound, or more than a second late or early")
