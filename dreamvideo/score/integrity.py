"""Whether an output is still the clip that it was made of: checks by name, each with its tolerance."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from dreamvideo.score.repeats import named
from dreamvideo.score.result import Check
from dreamvideo.score.shape import ASPECT_SLACK, SIZE_SLACK, near, written
from dreamvideo.score.sound import SoundMatch

RATE_SLACK = Fraction(1, 2000)  # of the rate: 24000/1001 may be written as 23.98, but not as 24
GIF_SLACK = Fraction(1, 200)  # seconds of a frame: a GIF counts in hundredths
SOUND_SLACK = 0.1  # seconds: a few packets of AAC, which last 21 ms each
OFFSET_SLACK = 0.02  # seconds: half of the 40 ms by which EBU R 37 lets sound be early


@dataclass(frozen=True)
class Facts:
    """One clip: ``rate`` in frames a second is ``None`` for stills, which have no time; ``size`` is (width, height).

    ``aspect`` is a pixel's width over its height, ``damage`` a sentence on what could not be decoded, if anything.
    """

    frames: int
    rate: Fraction | None
    size: tuple[int, int]
    aspect: Fraction = Fraction(1)
    damage: str = ""

    @property
    def seconds(self) -> Fraction | None:
        return None if self.rate is None else self.frames / self.rate


def check_clip(
    source: Facts,
    dream: Facts,
    sound: SoundMatch,
    *,
    gif: bool,
    lost: str = "",
    repeats: Sequence[int] | None = None,
) -> list[Check]:
    """Compare ``dream`` with its ``source``.

    ``gif``: it is one; ``lost`` says which frames are missing or too many; ``repeats`` are those that show the one
    before once more, ``None`` where that can't be told.
    """
    checks = [_frames(source, dream, lost)]
    if repeats is not None:
        checks.append(Check("repeats", not repeats, 0, len(repeats), "exact", named(repeats) if repeats else ""))
    checks.append(_size(source, dream, gif=gif))
    if dream.rate is not None:
        checks.append(_decodes(source, dream))
    if source.rate is not None and dream.rate is not None:
        checks += [_rate(source, dream, gif=gif), _duration(source, dream, gif=gif)]
        checks += _sound(source, sound, gif=gif)
    return checks


def _frames(source: Facts, dream: Facts, lost: str) -> Check:
    return Check("frames", dream.frames == source.frames, source.frames, dream.frames, "exact", lost)


def _size(source: Facts, dream: Facts, *, gif: bool) -> Check:
    """Also of a pixel, but for what has square ones only."""
    square = gif or dream.rate is None
    shown = square or abs(dream.aspect - source.aspect) <= ASPECT_SLACK * source.aspect
    note = "" if shown else f"pixels of {_ratio(dream.aspect)}, and of {_ratio(source.aspect)} in the input"
    ok = shown and near(source.size, dream.size)
    return Check("size", ok, written(source.size), written(dream.size), f"{SIZE_SLACK} pixel", note)


def _ratio(aspect: Fraction) -> str:
    return f"{aspect.numerator}:{aspect.denominator}"


def _decodes(source: Facts, dream: Facts) -> Check:
    of_input, of_output = ("with errors" if clip.damage else "cleanly" for clip in (source, dream))
    return Check("decodes", not dream.damage, of_input, of_output, "exact", dream.damage.rstrip("."))


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
    ok = heard[0] == heard[1] and not sound.output_fault
    yield Check("sound", ok, *heard, "exact", sound.output_fault or sound.input_fault)
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
