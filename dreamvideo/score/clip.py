"""The score of a clip's dream: whatever made it, and whatever it was made with."""

from dataclasses import replace
from math import ceil

from dreamvideo.errors import ConfigError
from dreamvideo.media.clip import ClipSource
from dreamvideo.media.source import Source
from dreamvideo.render.job import Listener, Progress, Stopped
from dreamvideo.score.integrity import Facts, check_clip
from dreamvideo.score.lost import Thumbnails
from dreamvideo.score.measurement import Measurement
from dreamvideo.score.pairs import Pairs
from dreamvideo.score.repeats import Repeats
from dreamvideo.score.result import Check, Score, Settings
from dreamvideo.score.shape import scaling_note
from dreamvideo.score.sound import SoundMatch, match_sound
from dreamvideo.score.strength import Strength

LOOKED_AT = 100  # frames on which strength is measured, about
EVERY_OF_UNKNOWN = 25  # frames, where nobody knows how many there are


def score_clip(input_path: str, output_path: str, settings: Settings, listener: Listener | None = None) -> Score:
    """Measure the dream ``output_path`` of ``input_path``. Both are read once, and their sound once more.

    Strength is left out, with a note, where frames are too small for the network. Raises ``InputError`` where one of
    them cannot be read, ``ConfigError`` for an unknown network or layer, ``NetworkError`` for weights, and ``Stopped``
    where the listener asks for it.
    """
    listener = listener or Listener()
    with Pairs(input_path, output_path, settings) as pairs:
        every = settings.every or default_every(pairs.source.frame_count)
        strength = Strength(settings.network, settings.layers)
        too_small = _too_small(strength, pairs.size)
        measurement = Measurement(pairs.rate, None if too_small else strength, every)
        thumbnails, repeats = Thumbnails(), Repeats()
        for done, (frame, dreamed) in enumerate(pairs):
            if listener.stop():
                raise Stopped
            measurement.add(frame, dreamed)
            thumbnails.add(frame, dreamed)
            repeats.add(frame, dreamed)
            listener.progress(Progress("look", done + 1, pairs.source.frame_count))
        listener.progress(Progress("check", 0, None))
        sound = match_sound(pairs.source.sound, pairs.dream.sound)
        checks = _checks(pairs, sound, thumbnails, repeats)
        notes = [*pairs.source.warnings, *pairs.dream.warnings, *too_small, *_notes(pairs, sound)]
    for note in notes:
        listener.note(note.rstrip("."))
    return Score(
        input=input_path,
        output=output_path,
        width=pairs.size[0],
        height=pairs.size[1],
        rate=pairs.rate,
        network=strength.network,
        layers=strength.layers,
        every=every,
        whole=all(check.ok for check in checks),
        checks=checks,
        measured=measurement.result(),
        notes=notes,
    )


def default_every(frame_count: int | None) -> int:
    """How many frames apart strength is measured on about LOOKED_AT of them.

    It is odd: what a dream does in turns, such as to dream on every second frame, would be seen in one phase only.
    """
    return EVERY_OF_UNKNOWN if frame_count is None else max(1, ceil(frame_count / LOOKED_AT)) | 1


def _too_small(strength: Strength, size: tuple[int, int]) -> list[str]:
    """Why frames of ``size`` have no strength; empty where they have."""
    try:
        strength.require(size)
    except ConfigError as error:
        return [str(error)]
    return []


def _checks(pairs: Pairs, sound: SoundMatch, thumbnails: Thumbnails, repeats: Repeats) -> list[Check]:
    source, dream = (_facts(clip, count) for clip, count in zip((pairs.source, pairs.dream), pairs.frames, strict=True))
    if pairs.resampled_from is not None:
        rate, count = pairs.resampled_from
        dream = replace(dream, rate=rate, frames=count)
    gif = isinstance(pairs.dream, ClipSource) and pairs.dream.info.container == "gif"
    lost = "" if pairs.resampled_from else thumbnails.lost(source.frames, dream.frames)
    beside = pairs.frames[0] == pairs.frames[1] > 1 and not pairs.resampled_from
    return check_clip(source, dream, sound, gif=gif, lost=lost, repeats=repeats.frames if beside else None)


def _facts(clip: Source, frames: int) -> Facts:
    rate = clip.rate if isinstance(clip, ClipSource) else None
    return Facts(frames, rate, (clip.width, clip.height), clip.sample_aspect, clip.damage)


def _notes(pairs: Pairs, sound: SoundMatch) -> list[str]:
    """What was measured in another way than frame by frame, at the output's own size, and what was not."""
    source, dream, notes = pairs.source, pairs.dream, []
    scaled = scaling_note(source, dream)
    if scaled is not None:
        notes.append(scaled)
    if sound.input_fault:
        notes.append(sound.input_fault)
    if pairs.resampled_from is not None:
        notes.append(f"{dream.name} has another rate than {source.name}: frames were compared by their time")
    return notes
