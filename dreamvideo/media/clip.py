"""A clip as a source: ffmpeg decodes it to a pipe, at a constant rate, exactly the frames that were asked for."""

import subprocess
from collections.abc import Iterator
from fractions import Fraction

import numpy as np

from dreamvideo.errors import InputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.colors import output_colors, raw_format, to_rgb
from dreamvideo.media.formats import guards
from dreamvideo.media.probe import ClipInfo, probe
from dreamvideo.media.sound import Sound
from dreamvideo.media.source import Part, Source, cut, file_identity, frame_at, scaled_size

SEEK_FROM = 30.0
SEEK_MARGIN = 10.0
FLOOD_TIMES, FLOOD_FRAMES = 4, 1000  # more frames than these, of and beside what the header announces, are not believed
_PATIENCE = 4  # seconds to decode one second of footage that is passed over: far more than any decoder needs


class ClipSource(Source):
    """The frames of a clip from ``start`` to ``end``, resampled in time to a constant rate."""

    def __init__(self, path: str, part: Part) -> None:
        info = probe(path, max_pixels=part.max_pixels)
        self.info = info
        self.name = path
        self.warnings = []
        self.rate = part.rate or info.rate
        self.width, self.height = scaled_size(path, info.width, info.height, part.width, part.max_pixels)
        self.full_width = info.width
        self.sample_aspect = info.sample_aspect
        self.colors = output_colors(info.colors)
        self.audio = info.audio
        count = None if info.duration is None else max(1, round(info.duration * self.rate))
        self._first, last = cut(path, part.start, part.end, self.rate, count)
        self._stop = None if part.end is None else frame_at(part.end, self.rate)
        self.frame_count = self._announced = None if last is None else last - self._first
        self._input = [*guards(part.max_pixels), *ffmpeg.input_arguments(path)]
        self._pixels = raw_format(info.depth, alpha=info.alpha)
        self._decoders: list[Decoder] = []
        if count is not None and self._stop is not None and self._stop > count + 1:
            self._warn(f"end is {part.end:g} s, but {path} is only {info.duration:.3f} s long; it stops there.")
        if info.colors.high_dynamic_range:
            self._warn(f"{path} is HDR ({info.colors.transfer}); its tags are kept, but a clip is written with 8 bits.")

    @property
    def sound(self) -> Sound | None:
        if not self.audio:
            return None
        begin = float(self.info.start + self._first / self.rate)
        end = None if self._stop is None else float(self.info.start + self._stop / self.rate)
        return Sound(self.name, begin, end, self.audio)

    def identity(self) -> dict[str, str | int]:
        return file_identity(self.name)

    def close(self) -> None:
        for decoder in self._decoders:
            decoder.close()
        self._decoders.clear()

    def frames(self, first: int = 0) -> Iterator[np.ndarray]:
        if self._stop is not None and self._stop - self._first <= first:
            return
        arguments = self._arguments(first)
        decoder = Decoder(arguments, self.width, self.height, self._pixels)
        self._decoders.append(decoder)
        seeking, count = "-ss" in arguments, first
        passed_over = 0.0 if seeking else float((self._first + first) / self.rate)
        try:
            frame = decoder.read(_PATIENCE * passed_over)
            if seeking and frame is not None:
                decoder.forgive()
            while frame is not None:
                count += 1
                self._refuse_flood(count)
                yield frame
                frame = decoder.read()
            decoder.finish()
            self._account(count, decoder, begun=count > first)
        finally:
            decoder.close()
            if decoder in self._decoders:
                self._decoders.remove(decoder)

    def _refuse_flood(self, count: int) -> None:
        """One frame with a false time makes the rate's gaps be filled for hours."""
        if self._announced is not None and count > FLOOD_TIMES * self._announced + FLOOD_FRAMES:
            raise InputError(
                f"{self.name} announces about {self._announced} frames, but has more than {count - 1}: its times are "
                "damaged; choose a part of it with --end"
            )

    def _arguments(self, first: int = 0) -> list[str]:
        """ffmpeg arguments that decode the chosen frames from number ``first`` on.

        The fps filter numbers frames from the file's start, whatever was skipped; trimming by that number makes the
        choice of frames the same with and without seeking.
        """
        origin, begin = self.info.first_tick(self.rate), self._first + first
        last = "" if self._stop is None else f":end_pts={origin + self._stop}"
        size = to_rgb(self.width, self.height, self._pixels)
        filters = f"fps={self.rate},trim=start_pts={origin + begin}{last},{size}"
        return [
            *_seek(self.info, self._input, begin / self.rate, self.rate),
            *self._input,
            *("-map", "0:V:0", "-vf", filters, "-fps_mode", "passthrough", "-f", "rawvideo", "-"),
        ]

    def _account(self, count: int, decoder: "Decoder", *, begun: bool) -> None:
        """Say what the decoder could not give: nothing is left out in silence.

        ``count`` holds the frames that were passed over, too; unless decoding has ``begun``, there are no more than
        that, perhaps fewer.
        """
        complaints = ffmpeg.reasons(decoder.stderr())
        if count == 0:
            detail = f" ({complaints[0]})" if complaints else ""
            raise InputError(f"{self.name}: no frame could be decoded from there on{detail}; choose an earlier start.")
        if begun:
            self._say_what_is_missing(str(count), count, complaints, stalled=decoder.stalled)
            self.frame_count = count
        elif self.frame_count is None or count < self.frame_count:
            self._say_what_is_missing(f"at most {count}", count, complaints, stalled=decoder.stalled)
            self.frame_count = count

    def _say_what_is_missing(self, counted: str, count: int, complaints: list[str], *, stalled: bool) -> None:
        expected = self._announced
        if stalled:
            self._say_damage(f"{self.name} stopped answering after {counted} frames; the rest is missing.")
        elif complaints and expected is not None and count < expected - 1:
            self._say_damage(f"{self.name} is truncated: {counted} of about {expected} frames could be decoded.")
        elif complaints:
            self._say_damage(f"{self.name} is damaged ({complaints[0]}); some of its {counted} frames may show it.")
        elif expected is not None and count < expected - max(2, expected // 20):
            self._warn(f"{self.name} holds {counted} frames where its header announces about {expected}.")

    def _say_damage(self, sentence: str) -> None:
        self.damage = sentence
        self._warn(sentence)


def _seek(info: ClipInfo, opened: list[str], start: Fraction, rate: Fraction) -> list[str]:
    """Arguments that skip most of what lies before ``start`` seconds, if that gives the very same frames.

    ``opened`` is ffmpeg's arguments that open the clip.

    Only for containers with an exact index whose clock starts at zero, since then a frame's timestamp does not depend
    on the seek. Decoding begins at a key frame at least ten seconds early, so that it has settled; a look at the
    first frame proves that it lies before the cut, which a long held frame would not.
    """
    if not info.seekable or start < SEEK_FROM:
        return []
    place = float(start) - SEEK_MARGIN
    seek = ["-copyts", "-noaccurate_seek", "-seek_timestamp", "1", "-ss", f"{place:.6f}"]
    arguments = [*seek, *opened, "-map", "0:V:0", "-vf", "showinfo=checksum=0"]
    try:
        _, text = ffmpeg.run([*arguments, "-frames:v", "1", "-fps_mode", "passthrough", "-f", "null", "-"])
    except TimeoutError:
        return []
    time = first_time(text)
    safe = time is not None and time * rate < info.first_tick(rate) + start * rate - 1
    return seek if safe else []


def first_time(showinfo: str) -> float | None:
    """The timestamp in seconds of the first frame that showinfo printed."""
    for line in showinfo.splitlines():
        if "] n:" in line and "pts_time:" in line:
            word = line.split("pts_time:")[1].split()[0]
            return None if word == "NOPTS" else float(word)
    return None


class Decoder:
    """One running ffmpeg that writes raw frames of a known size to a pipe."""

    def __init__(self, arguments: list[str], width: int, height: int, pixels: str) -> None:
        self._shape = (height, width, 4 if pixels.startswith("rgba") else 3)
        self._dtype = np.dtype("<u2") if pixels.endswith("le") else np.dtype(np.uint8)
        self._log = ffmpeg.ErrorLog()
        self.stalled = False
        options = ["-v", "error", "-threads", "0"]
        self._process = ffmpeg.spawn([*options, *arguments], stdout=subprocess.PIPE, stderr=self._log.file)

    def read(self, patience: float = 0.0) -> np.ndarray | None:
        """The next frame as ``float32 [h, w, 3]`` in [0, 1], None after the last one; never blocks for ever.

        ``patience`` is how many seconds longer than usual it may take. Transparency is composited over black.
        """
        pixels = np.empty(self._shape, self._dtype)
        with ffmpeg.stall_guard(self._process, ffmpeg.STALL_SECONDS + patience, self._on_stall):
            whole = self._fill(pixels.reshape(-1).view(np.uint8).data)
        if not whole:
            return None
        frame = pixels.astype(np.float32) / np.float32(np.iinfo(self._dtype).max)
        return frame if frame.shape[2] == 3 else frame[..., :3] * frame[..., 3:]

    def _fill(self, view: memoryview) -> bool:
        pipe = self._process.stdout
        if pipe is None or pipe.closed:
            return False
        filled = 0
        while filled < len(view):
            got = pipe.readinto(view[filled:])  # pyright: ignore[reportAttributeAccessIssue]
            if not got:
                return False
            filled += got
        return True

    def _on_stall(self) -> None:
        self.stalled = True

    def finish(self) -> None:
        """Wait for ffmpeg to end by itself after its last frame, so that its stderr is whole."""
        with ffmpeg.stall_guard(self._process, ffmpeg.STALL_SECONDS, self._on_stall):
            self._process.wait()

    def forgive(self) -> None:
        """Leave what ffmpeg has complained of so far out of ``stderr``: after a jump it misses frames it never saw."""
        self._log.skip()

    def stderr(self) -> str:
        return self._log.text()

    def close(self) -> None:
        """End ffmpeg; harmless when it has ended, or twice."""
        ffmpeg.kill(self._process)
        self._log.close()
