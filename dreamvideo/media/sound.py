"""The sound of a clip beside its new picture: copied where the container takes it, else encoded once, cut alike."""

from dataclasses import dataclass, field

from dreamvideo.media import ffmpeg
from dreamvideo.media.formats import guards
from dreamvideo.media.probe import AudioTrack

COPY_SLACK = 0.05
LENGTH_SLACK = 0.05
SEEK_FROM = 30.0
SEEK_MARGIN = 10.0

_EVERYWHERE = {"aac", "mp3", "ac3", "alac"}
_PCM = {"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s16be", "pcm_s24be"}
_COPIED = {
    ".mp4": _EVERYWHERE | {"eac3"},
    ".mov": _EVERYWHERE | _PCM,
    ".mkv": _EVERYWHERE | {"eac3", "opus", "vorbis", "flac", "mp2", "dts", "truehd"} | _PCM,
    ".webm": {"opus", "vorbis"},
}


@dataclass(frozen=True)
class Sound:
    """The part of ``path``'s sound that belongs to the picture, in seconds on that file's timeline.

    ``start`` is where the first frame stands; ``end`` is None for as long as the picture lasts. ``tracks`` are the
    file's audio tracks from its first on, in order. ``seconds`` is known for a track of its own only, which then
    fills the picture: how long the file really sounds from ``start`` on, whatever ``end`` says.
    """

    path: str
    start: float
    end: float | None
    tracks: tuple[AudioTrack, ...]
    seconds: float | None = None


@dataclass(frozen=True)
class PlannedTrack:
    """One sound track of an output: ffmpeg's arguments to decode it from track ``index`` of an input, cut alike."""

    input: list[str]
    index: int
    filters: str
    copied: bool


@dataclass
class SoundPlan:
    """ffmpeg arguments for the sound of one output: its inputs, its output options, and notes for the user.

    ``tracks`` is what they make, in order.
    """

    tracks: list[PlannedTrack] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan_sound(sound: Sound, extension: str, picture: float) -> SoundPlan:
    """Put ``sound`` beside ``picture`` seconds of picture, which is ffmpeg's input 0.

    A track is copied bit by bit if its cut starts where the file does (within 50 ms, by which it is shifted exactly)
    and the container takes its codec; else it is cut to the sample and encoded. A track of its own that ends before
    the picture is encoded with silence to the picture's end.
    """
    plan = SoundPlan(notes=_length_notes(sound, picture))
    seconds = picture if sound.end is None else min(picture, sound.end - sound.start)
    padded = picture if _too_short(sound, picture) else None
    seek = seek_before(sound.start)
    inputs = {
        True: ["-itsoffset", f"{-sound.start:.6f}", "-t", f"{seconds + sound.start:.6f}"],
        False: ["-ss", f"{seek:.6f}"] if seek > 0 else [],  # to jump to 0 loses what a decoder's delay hides
    }
    file = [*guards(), *ffmpeg.input_arguments(sound.path)]
    opened: dict[bool, int] = {}
    for index, track in enumerate(sound.tracks):
        if track.codec in {"none", "unknown"}:
            plan.notes.append(f"sound track {index + 1} of {sound.path} is of a kind ffmpeg does not know; left out.")
            continue
        copied = padded is None and 0 <= sound.start <= COPY_SLACK and track.codec in _COPIED[extension]
        if copied not in opened:
            opened[copied] = len(opened) + 1
            plan.inputs += [*inputs[copied], *file]
        whole = f"atrim=end={sound.start + seconds:.6f}"
        filters = whole if copied else _cut(sound.start - seek, seconds, padded) + _layouts(extension)
        planned = PlannedTrack([*inputs[False], *file], index, filters, copied)
        plan.options += ["-map", f"{opened[copied]}:a:{index}", *_codec(planned, track, len(plan.tracks), extension)]
        plan.tracks.append(planned)
    return plan


def seek_before(start: float) -> float:
    """Where to begin reading a file for sound from ``start`` seconds on: early enough for its decoder to settle."""
    return max(0.0, start - SEEK_MARGIN) if start > SEEK_FROM else 0.0


def _audible(sound: Sound) -> float | None:
    """How many seconds there are of a track of its own, None for a clip's own sound."""
    if sound.seconds is None or sound.end is None:
        return sound.seconds
    return min(sound.seconds, sound.end - sound.start)


def _too_short(sound: Sound, picture: float) -> bool:
    audible = _audible(sound)
    return audible is not None and audible < picture - LENGTH_SLACK


def _length_notes(sound: Sound, picture: float) -> list[str]:
    """A sentence where a track of its own is not as long as the picture."""
    short = _too_short(sound, picture)
    length = _audible(sound) if short else sound.seconds
    if length is None or not (short or length > picture + LENGTH_SLACK):
        return []
    place = f" from {sound.start:.2f} s on" if sound.start > 0 else ""
    rest = "silent" if short else "cut"
    return [f"{sound.path}{place} is {length:.2f} s long, the picture {picture:.2f} s: the rest is {rest}."]


def _cut(start: float, seconds: float, padded: float | None) -> str:
    """A filter that cuts decoded sound to the sample, with silence where it begins late or, ``padded``, ends early."""
    cut = f"atrim=start={start:.6f}:end={start + seconds:.6f},asetpts=PTS-{start:.6f}/TB"
    silence = "" if padded is None else f",apad=whole_dur={padded:.6f}"
    return f"{cut},aresample=async=1:first_pts=0{silence}"


def _layouts(extension: str) -> str:
    """A filter for the layouts that Opus knows."""
    return ",aformat=channel_layouts=mono|stereo|quad|5.1|7.1" if extension == ".webm" else ""


def _codec(planned: PlannedTrack, track: AudioTrack, place: int, extension: str) -> list[str]:
    """Output options of the sound track that is to be number ``place``."""
    if planned.copied:
        return [f"-c:a:{place}", "copy"]
    codec = "libopus" if extension == ".webm" else "aac"
    rate = 192 if track.channels <= 2 else min(512, 96 * track.channels)
    return [f"-filter:a:{place}", planned.filters, f"-c:a:{place}", codec, f"-b:a:{place}", f"{rate}k"]
