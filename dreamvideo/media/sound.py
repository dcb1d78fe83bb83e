"""The sound of a clip beside its new picture: copied where the container takes it, else encoded once, cut alike."""

from dataclasses import dataclass, field

from dreamvideo.media import ffmpeg
from dreamvideo.media.probe import AudioTrack

COPY_SLACK = 0.05
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

    ``start`` is where the first frame stands; ``end`` is None for as long as the picture lasts. ``tracks`` are all
    audio tracks of the file, in order.
    """

    path: str
    start: float
    end: float | None
    tracks: tuple[AudioTrack, ...]


@dataclass
class SoundPlan:
    """ffmpeg arguments for the sound of one output: its inputs, its output options, and notes for the user."""

    inputs: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def plan_sound(sound: Sound, extension: str, picture: float) -> SoundPlan:
    """Put ``sound`` beside ``picture`` seconds of picture, which is ffmpeg's input 0.

    A track is copied bit by bit if its cut starts where the file does (within 50 ms, by which it is shifted exactly)
    and the container takes its codec; else it is cut to the sample and encoded.
    """
    plan = SoundPlan()
    seconds = picture if sound.end is None else min(picture, sound.end - sound.start)
    seek = max(0.0, sound.start - SEEK_MARGIN) if sound.start > SEEK_FROM else 0.0
    inputs = {
        True: ["-itsoffset", f"{-sound.start:.6f}", "-t", f"{seconds + sound.start:.6f}"],
        False: ["-ss", f"{seek:.6f}"],
    }
    opened: dict[bool, int] = {}
    kept = 0
    for index, track in enumerate(sound.tracks):
        if track.codec in {"none", "unknown"}:
            plan.notes.append(f"sound track {index + 1} of {sound.path} is of a kind ffmpeg does not know; left out.")
            continue
        copied = 0 <= sound.start <= COPY_SLACK and track.codec in _COPIED[extension]
        if copied not in opened:
            opened[copied] = len(opened) + 1
            plan.inputs += [*inputs[copied], *ffmpeg.input_arguments(sound.path)]
        codec = [f"-c:a:{kept}", "copy"] if copied else _encode(track, kept, extension, sound.start - seek, seconds)
        plan.options += ["-map", f"{opened[copied]}:a:{index}", *codec]
        kept += 1
    return plan


def _encode(track: AudioTrack, index: int, extension: str, start: float, seconds: float) -> list[str]:
    """Cut decoded sound to the sample, put silence where the track begins after the picture, then encode."""
    cut = f"atrim=start={start:.6f}:end={start + seconds:.6f},asetpts=PTS-{start:.6f}/TB"
    filters = f"{cut},aresample=async=1:first_pts=0"
    codec = "libopus" if extension == ".webm" else "aac"
    if codec == "libopus":
        filters += ",aformat=channel_layouts=mono|stereo|quad|5.1|7.1"
    rate = 192 if track.channels <= 2 else min(512, 96 * track.channels)
    return [f"-filter:a:{index}", filters, f"-c:a:{index}", codec, f"-b:a:{index}", f"{rate}k"]
