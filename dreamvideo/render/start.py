"""What every render begins with: its input and output looked at, its network loaded, somebody to tell things to."""

from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dreamvideo.config import Config, Dream
from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.sink import OutputKind, check_output
from dreamvideo.media.source import Source, file_identity, open_source
from dreamvideo.render.companions import Companions
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.timeline import schedules

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer


KEPT = 2  # dreamers, for the next render of the same look: their graphs are traced already, but take memory


def load_dreamer(config: Config) -> "Dreamer":
    """The dreamer of a config; the same one as before for the same look.

    TensorFlow is imported here, seconds after a bad input has been refused.
    """
    from dreamvideo.dream.engine import Dreamer

    moving = frozenset(each.key for each in schedules(config))
    return _dreamer(Dreamer, config.dream.model_dump_json(), config.seed, moving)


@lru_cache(KEPT)
def _dreamer(make: Callable[..., "Dreamer"], dream: str, seed: int, moving: frozenset[str]) -> "Dreamer":
    return make(Dream.model_validate_json(dream), seed=seed, moving=moving)


class Notes:
    """Sentences for the user: each told once, when it is known, and kept for the report."""

    def __init__(self, listener: Listener) -> None:
        self.listener, self.all = listener, []

    def add(self, sentences: Iterable[str]) -> None:
        """Tell those that are new."""
        for sentence in sentences:
            if sentence not in self.all:
                self.all.append(sentence)
                self.listener.note(sentence)


def journal_folder(output: str) -> Path:
    """Where the journal of ``output`` lies unless the user says otherwise."""
    path = Path(output).absolute()
    return path.with_name(f"{path.name}.journal")


def open_input(job: Job, *, width: int | None = None) -> Source:
    """The job's input, as its config asks for it, but for ``width`` where that is given."""
    given = job.config.input
    rate = Fraction(given.fps) if given.fps else None
    return open_source(
        job.input,
        start=given.start,
        end=given.end,
        width=width or given.width,
        rate=rate,
        max_pixels=given.max_pixels,
        frames=given.frames,
    )


def made_of(config: Config, source: Source, dreamer: "Dreamer", companions: Companions) -> dict[str, Any]:
    """What decides a render's frames besides its config, as plain JSON data for the journal."""
    track = config.audio.track
    return {
        "input": source.identity(),
        "sound": None if track is None else file_identity(track),
        "pictures": companions.identity(),
        "weights": dreamer.network.sha256,
        "precision": dreamer.precision,
    }


def check_job(job: Job, source: Source) -> OutputKind:
    """Refuse what can't end well before anything is dreamed or written: ``OutputError`` or ``ConfigError``."""
    if not job.output:
        raise OutputError("the output has no name")
    kind = check_output(job.output, overwrite=job.overwrite)
    output = Path(job.output)
    if output.exists():
        places = [file if kind is not OutputKind.FOLDER else file.parent for file in source.files]
        if any(output.samefile(place) for place in places):
            raise OutputError(f"{job.output} is the input itself; give the dream another name")
    if kind is OutputKind.STILL and not source.still:
        raise ConfigError(f"{job.output} holds one picture, but {job.input} is a clip; name a clip or a folder")
    return kind
