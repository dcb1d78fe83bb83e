"""The loop: decode ahead, carry, dream, keep; and at the end, join the kept frames and the sound.

for each frame:
    if it begins a shot: state = settle(frame)
    else:                state = dream(carry(state, flow, trust))
    journal.keep(frame + residual)
"""

import sys
import time
from typing import TYPE_CHECKING, Any

from dreamvideo import __version__
from dreamvideo.config import to_toml
from dreamvideo.errors import OutputError
from dreamvideo.media.prefetch import prefetch, writebehind
from dreamvideo.media.sink import ClipSpec, GifSpec, OutputKind, write_clip
from dreamvideo.media.source import Source
from dreamvideo.motion.carry import watch
from dreamvideo.motion.shots import CutFinder
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener, Progress, Report
from dreamvideo.render.journal import Journal, keeping
from dreamvideo.render.picture import render_still
from dreamvideo.render.recurrence import Dreamt, Recurrence
from dreamvideo.render.start import Notes, check_job, journal_folder, load_dreamer, open_input

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer

AHEAD = 3  # frames decoded, or waiting to be written, beside the one in flight


def render_clip(job: Job, listener: Listener) -> Report:
    """Render a clip, still or folder of frames to ``job.output``; the journal lies beside it until that is whole."""
    begun, notes = time.monotonic(), Notes(listener)
    with open_input(job) as source:
        kind = check_job(job, source)
        notes.add(source.warnings)
        if source.still and kind is OutputKind.STILL:
            return render_still(job, source, notes, begun)
        journal = Journal(job.work or journal_folder(job.output))
        _refuse_unasked(job, journal)
        dreamer = load_dreamer(job.config)
        with Companions(dreamer.pictures, source, start=job.config.input.start) as companions:
            notes.add(dreamer.notes(source.height, source.width))
            notes.add(companions.notes(dreamer.objective.masks, source))
            manifest = _manifest(job, source, dreamer, companions)
            done = _open_journal(job, journal, manifest, notes, with_memory=dreamer.carries_memory)
            with keeping(journal):
                count, shots, stopped = _dream(job, source, dreamer, companions, journal, done, listener)
                notes.add(companions.warnings)
        with keeping(journal):
            notes.add(source.warnings)
            if not stopped:
                try:
                    _join(job, source, journal, count, notes)
                except Stopped:
                    stopped = True
    if not (stopped or job.keep):
        journal.discard()
    return Report(
        output=job.output,
        frames=count,
        dreamed=count - done,
        shots=shots,
        seconds=time.monotonic() - begun,
        interrupted=stopped,
        work=journal.folder if stopped or job.keep else None,
        notes=notes.all,
    )


class Stopped(Exception):
    """Raised while encoding when a stop is asked for: the frames are kept, the output isn't."""


def _refuse_unasked(job: Job, journal: Journal) -> None:
    if journal.exists() and not job.resume and not job.overwrite:
        raise OutputError(
            f"{journal.folder} holds an unfinished render; go on with --resume, or start afresh with --overwrite"
        )


def _manifest(job: Job, source: Source, dreamer: "Dreamer", companions: Companions) -> dict[str, Any]:
    """What decides the frames: if any of it changes, they can't be gone on with."""
    return {
        "version": __version__,
        "config": job.config.model_dump(mode="json", exclude={"output"}),
        "input": source.identity(),
        "pictures": companions.identity(),
        "weights": dreamer.network.sha256,
        "precision": dreamer.precision,
    }


def _open_journal(job: Job, journal: Journal, manifest: dict[str, Any], notes: Notes, *, with_memory: bool) -> int:
    """Go on with the journal, or begin it; the number of frames that are finished."""
    if job.resume and journal.exists():
        journal.go_on(manifest)
        done = journal.finished(with_memory=with_memory)
        notes.add([f"resuming after {done} finished frame{'s' * (done != 1)}"])
        return done
    if job.resume:
        notes.add([f"there is nothing to resume in {journal.folder}; rendering from the start"])
    journal.begin(manifest)
    return 0


def _dream(
    job: Job,
    source: Source,
    dreamer: "Dreamer",
    companions: Companions,
    journal: Journal,
    done: int,
    listener: Listener,
) -> tuple[int, int, bool]:
    """Dream every frame from ``done`` on. Returns the frames finished in all, the shots seen, and if it was stopped."""
    recurrence = Recurrence(job.config, dreamer)
    finder = CutFinder(job.config.shots, source.rate)
    count, shots, total = 0, 0, source.frame_count
    first = sys.maxsize if job.config.carry.strength == 0 else done  # frames that are dreamed alone need no flow
    listener.progress(Progress("dream", done, total))

    def keep(dreamt: Dreamt) -> None:
        journal.keep(dreamt.index, dreamt.dreamed, dreamt.state)

    with (
        prefetch(watch(source.frames(), finder, first=first), AHEAD) as ahead,
        writebehind(keep, AHEAD) as behind,
    ):
        for seen in ahead:
            shots += seen.begins_shot
            if seen.index < done:
                if seen.begins_shot or seen.index == done - 1:
                    recurrence.recall(seen, journal.state(seen.index, seen.frame), companions.at(seen.index))
                count += 1
                continue
            if listener.stop():
                return count, shots, True
            dreamt = recurrence.next(seen, companions.at(seen.index))
            behind.put(dreamt)
            count += 1
            listener.progress(Progress("dream", count, total, dreamt.objective))
    return count, shots, False


def _join(job: Job, source: Source, journal: Journal, count: int, notes: Notes) -> None:
    """Encode the kept frames, with the source's sound, into the output. Raises ``Stopped`` if a stop is asked for."""
    encoded = 0

    def tick() -> None:
        nonlocal encoded
        encoded += 1
        notes.listener.progress(Progress("encode", encoded, count))
        if notes.listener.stop():
            raise Stopped

    spec = ClipSpec(
        rate=source.rate,
        colors=source.colors,
        sample_aspect=source.sample_aspect,
        sound=source.sound,
        crf=job.config.output.crf,
        metadata=to_toml(job.config),
        gif=GifSpec(colors=job.config.output.gif_colors),
    )
    notes.add(
        write_clip(job.output, lambda: journal.frames(count), count, spec, overwrite=job.overwrite, on_frame=tick)
    )
