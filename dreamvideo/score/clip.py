"""The score of a clip's dream: whatever made it, and whatever it was made with."""

from dataclasses import replace
from math import ceil

from dreamvideo.media.clip import ClipSource
from dreamvideo.media.source import Source
from dreamvideo.render.job import Listener, Progress, Stopped
from dreamvideo.score.integrity import Facts, check_clip
from dreamvideo.score.lost import Thumbnails
from dreamvideo.score.measurement import Measurement
from dreamvideo.score.pairs import Pairs
from dreamvideo.score.result import Check, Score, Settings
from dreamvideo.score.sound import match_sound
from dreamvideo.score.strength import Strength

LOOKED_AT = 100  # frames on which strength is measured, about
EVERY_OF_UNKNOWN = 25  # frames, where nobody knows how many there are


def score_clip(input_path: str, output_path: str, settings: Settings, listener: Listener | None = None) -> Score:
    """Measure the dream ``output_path`` of ``input_path``. Both are read once, and their sound once more.

    Raises ``InputError`` where one of them cannot be read, ``ConfigError`` for an unknown network or layer or frames
    that are too small for it, ``NetworkError`` for weights, and ``Stopped`` where the listener asks for it.
    """
    listener = listener or Listener()
    with Pairs(input_path, output_path, settings) as pairs:
        every = settings.every or _every(pairs.source)
        strength = Strength(settings.network, settings.layers)
        measurement, thumbnails = Measurement(pairs.rate, strength, every), Thumbnails()
        for done, (frame, dreamed) in enumerate(pairs):
            if listener.stop():
                raise Stopped
            measurement.add(frame, dreamed)
            thumbnails.add(frame, dreamed)
            listener.progress(Progress("look", done + 1, pairs.source.frame_count))
        listener.progress(Progress("check", 0, None))
        checks = _checks(pairs, thumbnails)
        notes = [*pairs.source.warnings, *pairs.dream.warnings, *_notes(pairs)]
    for note in notes:
        listener.note(note.rstrip("."))
    return Score(
        input=input_path,
        output=output_path,
        width=pairs.source.width,
        height=pairs.source.height,
        rate=pairs.rate,
        network=strength.network,
        layers=strength.layers,
        every=every,
        whole=all(check.ok for check in checks),
        checks=checks,
        measured=measurement.result(),
        notes=notes,
    )


def _every(source: Source) -> int:
    return EVERY_OF_UNKNOWN if source.frame_count is None else max(1, ceil(source.frame_count / LOOKED_AT))


def _checks(pairs: Pairs, thumbnails: Thumbnails) -> list[Check]:
    source, dream = (
        Facts(count, clip.rate if isinstance(clip, ClipSource) else None, (clip.width, clip.height))
        for count, clip in zip(pairs.frames, (pairs.source, pairs.dream), strict=True)
    )
    if pairs.resampled_from is not None:
        rate, count = pairs.resampled_from
        dream = replace(dream, rate=rate, frames=count)
    gif = isinstance(pairs.dream, ClipSource) and pairs.dream.info.container == "gif"
    lost = "" if pairs.resampled_from else thumbnails.lost(source.frames, dream.frames)
    return check_clip(source, dream, match_sound(pairs.source.sound, pairs.dream.sound), gif=gif, lost=lost)


def _notes(pairs: Pairs) -> list[str]:
    """What was measured in another way than frame by frame, at the output's own size."""
    source, dream, notes = pairs.source, pairs.dream, []
    if abs(source.width - dream.width) > 1 or abs(source.height - dream.height) > 1:
        sizes = f"{dream.name} is {dream.width}x{dream.height} and was scaled to {source.width}x{source.height}"
        notes.append(f"{sizes}; give --width {dream.width} if it was dreamed at that size")
    if pairs.resampled_from is not None:
        notes.append(f"{dream.name} has another rate than {source.name}: frames were compared by their time")
    return notes
