"""What made the outputs of a batch, kept beside them: so that the same command does only what is missing."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import TypeAdapter

from dreamvideo import __version__
from dreamvideo.errors import InputError, OutputError
from dreamvideo.media.files import output_error, write_bytes
from dreamvideo.media.source import file_identity
from dreamvideo.render.job import Job
from dreamvideo.render.start import open_input

NAME = "dreamvideo-batch.json"
FORMAT = "dreamvideo batch 1"
_FILES = (".keras", ".pb")  # of networks


@dataclass(frozen=True)
class Made:
    """What made an output: digests of its settings and of its input, and the program's version.

    ``frames`` and ``seconds`` are None until it is whole. ``replaces``: there was another under its name when it was
    begun.
    """

    settings: str
    input: str
    version: str
    frames: int | None = None
    seconds: float | None = None
    replaces: bool = False

    def change(self, now: "Made") -> str | None:
        """Why ``now`` would make another output, in words; None where it makes the same."""
        if self.input != now.input:
            return "made from an input that has changed since"
        if self.settings != now.settings:
            return "made with other settings"
        return f"made by version {self.version} of dreamvideo" if self.version != now.version else None


def made_now(kind: str, job: Job) -> Made:
    """What would make the output of ``job`` as things are on the disk. Raises ``InputError``."""
    settings = job.config.model_dump(mode="json")
    beside = {path: _file_digest(path) for path in _files_beside(job)}
    part = [] if job.frames is None else [asdict(job.frames)]
    return Made(_digest([kind, settings, beside, *part]), _input_digest(job), __version__)


def _input_digest(job: Job) -> str:
    """Wherever it lies, the same content is the same input."""
    if Path(job.input).is_dir():
        with open_input(job) as source:
            identity = source.identity()
    else:
        identity = file_identity(job.input)
    return _digest({name: value for name, value in identity.items() if name != "path"})


def _files_beside(job: Job) -> list[str]:
    """The files that the settings name."""
    track, network = job.config.audio.track, job.config.dream.network
    files = [track] if track is not None else []
    files += [network] if network.endswith(_FILES) else []
    return [*files, *job.config.dream.pictures.values()]


def _file_digest(path: str) -> str | None:
    """None for a file that isn't there: the render says so."""
    if not Path(path).is_file():
        return None
    with suppress(InputError):
        return _digest(file_identity(path))
    return None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:32]


class BatchRecord:
    """``dreamvideo-batch.json`` in the output folder: what made each output, by its name there.

    Raises ``OutputError`` for a file of that name which is damaged or none of ours: it is never written over.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        self._lock = folder / f".{NAME}.lock"
        self._entries = self._read()
        self._lines: dict[str, str] = {}
        self._stamp = self._look()

    def get(self, name: str) -> Made | None:
        """What made ``name``; None if that isn't known."""
        return self._entries.get(name)

    def put(self, changes: Mapping[str, Made | None]) -> None:
        """Write down what made these outputs; None takes one out."""
        if all(self._entries.get(name) == made for name, made in changes.items()):
            return
        try:
            with FileLock(self._lock):  # other batches may write to the same folder
                self._put(changes)
        except OSError as error:
            raise output_error(self.path, error) from error

    def _put(self, changes: Mapping[str, Made | None]) -> None:
        if self._look() != self._stamp:  # another one has
            self._entries, self._lines = self._read(), {}
        for name, made in changes.items():
            self._lines.pop(name, None)
            self._entries.pop(name, None)
            if made is not None:
                self._entries[name] = made
        write_bytes(self.path, self._text().encode())
        self._stamp = self._look()

    def _text(self) -> str:
        """The whole file, a line for each output; lines are kept, since there may be ten thousand."""
        for name, made in self._entries.items():
            if name not in self._lines:
                self._lines[name] = f"{json.dumps(name)}: {json.dumps(vars(made))}"
        lines = ",\n".join(self._lines.values())
        return f'{{"format": {json.dumps(FORMAT)}, "outputs": {{\n{lines}\n}}}}\n'

    def _look(self) -> tuple[int, int, int] | None:
        """What differs when another has written the file."""
        with suppress(OSError):
            stat = self.path.stat()
            return stat.st_ino, stat.st_mtime_ns, stat.st_size
        return None

    def _read(self) -> dict[str, Made]:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            if not self.path.exists():
                return {}
            if self.path.is_file():
                return _entries(json.loads(self.path.read_bytes()))
        raise OutputError(
            f"{self.path} is damaged, or no record of a batch; move it away (outputs that are there can then be "
            "replaced with -y)"
        )


def _entries(read: Mapping[str, Any]) -> dict[str, Made]:
    """Raises ``ValueError``, ``KeyError``, ``TypeError`` or ``AttributeError`` for what is no record."""
    if read["format"] != FORMAT:
        raise ValueError
    outputs = read["outputs"]
    return dict(zip(outputs, TypeAdapter(list[Made]).validate_python(list(outputs.values())), strict=True))
