"""A clip on many machines, by Ray: shots, and chunks of long ones, are dreamed side by side and joined here."""

import os
import socket
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from dreamvideo.errors import ConfigError, DreamError, DreamFailed
from dreamvideo.media.files import output_error
from dreamvideo.media.source import Source, file_identity, open_source
from dreamvideo.render.chunks import Chunk, ChunkJournal, restricted, shots_of, split
from dreamvideo.render.companions import Companions
from dreamvideo.render.crew import Crew, Gone, Needed
from dreamvideo.render.footage import Footage, Part, film_footage, hear_clip
from dreamvideo.render.job import CrewPlan, Job, Listener, Plan, Report, Stopped
from dreamvideo.render.journal import Journal
from dreamvideo.render.listening import Heard
from dreamvideo.render.pipeline import Outcome, Result, open_journal, render_reel, stopped_early
from dreamvideo.render.plan import make_plan
from dreamvideo.render.start import Notes, check_job, open_input
from dreamvideo.render.worker import About, Order, Worker, identity_of

CORES = 4  # of a worker without a GPU: the steps of a frame don't make good use of many more
CLIENT_PORT = 10001  # of a Ray cluster, unless its address says otherwise
CONNECT_SECONDS = 5.0
OBJECT_STORE = 256 << 20  # bytes; of a cluster of our own, which hands on little


@dataclass(frozen=True)
class Placement:
    """So many workers, each with so many cores and GPUs."""

    workers: int
    cores: int
    gpus: int


def render_on_cluster(job: Job, listener: Listener) -> Report:
    """``render_clip`` with the workers of ``job.cluster``; what is on one machine and on many looks the same.

    Only shots longer than ``shots.chunk`` frames are dreamed differently: in chunks that are faded into each other.
    """
    begun, notes = time.monotonic(), Notes(listener)
    with open_input(job) as source:
        _refuse_still(job, source)
        check_job(job, source)
        notes.add(source.warnings)
        with open_journal(job, source, notes) as journal:
            try:
                heard = hear_clip(job, source, listener)
                with film_footage(job, source, heard) as footage, ray_cluster(job, listener) as hands:
                    placement = place(job.workers, hands.nodes())
                    count = min(placement.workers, len(chunks_of(footage, looks_at_shots=False)))
                    order = Order(job, _silent(heard), journal.folder, journal.mark(), placement.cores)
                    hands.prepare(order, placement)
                    with Crew(hands, count, _needed(job), listener) as crew:
                        about = crew.about()
                        notes.add(about.notes)
                        reel = ClusterReel.of(footage, about)
                        dreaming = partial(_dream, crew, reel.footage, journal)
                        return render_reel(job, reel, journal, notes, begun, dreaming)
            except Stopped:
                return stopped_early(job, journal, notes, begun)


def _refuse_still(job: Job, source: Source) -> None:
    if source.still:
        raise ConfigError(f"{job.input} is a single picture, which one machine dreams; leave --cluster out")


def plan_on_cluster(job: Job) -> Plan:
    """What ``render_on_cluster`` would do. The time takes the workers' machines to be like this one."""
    with open_input(job) as source:
        _refuse_still(job, source)
    plan, listener = make_plan(job), Listener()
    with (
        open_input(job) as source,
        film_footage(job, source, hear_clip(job, source, listener)) as footage,
        ray_cluster(job, listener) as hands,
    ):
        placement, chunks = place(job.workers, hands.nodes()), chunks_of(footage, looks_at_shots=False)
    dreamed = sum(chunk.work for chunk in chunks)
    share = 1.0 if placement.gpus else min(1.0, placement.cores / (os.cpu_count() or 1))
    settling = plan.seconds_first_frame - plan.seconds_per_frame
    alone = [chunk.work * plan.seconds_per_frame + len(chunk.stretches) * settling for chunk in chunks]
    return replace(
        plan,
        frames=sum(chunk.end - chunk.head for chunk in chunks),
        seconds=max([sum(alone) / placement.workers, *alone]) / share,
        crew=CrewPlan(len({chunk.shot for chunk in chunks}), len(chunks), dreamed, **vars(placement)),
    )


def _silent(heard: Heard) -> Heard:
    """What workers need of it: the schedules are worked out."""
    clock = replace(heard.timeline.clock, feature=None, beats=None)
    return replace(heard, timeline=heard.timeline.with_clock(clock), music=None)


def _needed(job: Job) -> dict[str, Needed]:
    """What workers have to see, or to be sent: of a folder all files, since their own settings choose among them."""
    network = job.config.dream.network
    needed = {network: Needed(identity_of(job, network), [Path(network)])} if Path(network).is_file() else {}
    for path in [*job.config.dream.pictures.values(), job.input]:
        with open_source(path, max_pixels=job.config.input.max_pixels) as source:
            needed[path] = Needed(identity_of(job, path), source.files)
    return needed


def chunks_of(footage: Footage, *, looks_at_shots: bool) -> list[Chunk]:
    """What of a clip is dreamed together, in the clip's order."""
    clock, carrying = footage.timeline.clock, footage.timeline.carries
    shots = shots_of(clock.cuts, clock.count)
    whole = split(shots, footage.config.shots, carries=carrying, looks_at_shots=looks_at_shots)
    stretches = [range(stretch.start, min(stretch.stop, clock.count)) for stretch in footage.part.stretches]
    return restricted(whole, stretches, carries=carrying)


@dataclass(frozen=True)
class Kept:
    """The frames that a journal holds, by number: its own, and those among its heads."""

    own: Set[int]
    heads: Set[int]

    def __len__(self) -> int:
        return len(self.own | self.heads)

    def of(self, chunk: Chunk) -> set[int]:
        """The frames of ``chunk`` among them."""
        dreamed = (index for stretch in chunk.stretches for index in stretch)
        return {index for index in dreamed if index in (self.heads if index < chunk.head else self.own)}


@dataclass(frozen=True)
class ClusterReel:
    """A clip that workers dream in ``footage.chunks``; a ``Reel``.

    ``faded``: some chunks of the whole clip are faded into each other.
    """

    footage: Footage
    about: About
    faded: bool

    @classmethod
    def of(cls, footage: Footage, about: About) -> "ClusterReel":
        whole = replace(footage, part=Part([range(footage.timeline.clock.count)]))
        faded = any(chunk.fades for chunk in chunks_of(whole, looks_at_shots=about.looks_at_shots))
        chunks = chunks_of(footage, looks_at_shots=about.looks_at_shots)
        return cls(replace(footage, chunks=chunks), about, faded)

    @property
    def shots(self) -> int:
        return len({chunk.shot for chunk in self.footage.chunks})

    @property
    def source(self) -> Source:
        return self.footage.source

    def manifest(self) -> dict[str, Any]:
        track = self.footage.config.audio.track
        return {
            "input": self.source.identity(),
            "sound": None if track is None else file_identity(track),
            "pictures": self._pictures(),
            **self.about.made_of,
            **({"--cluster": "long shots in chunks"} if self.faded else {}),
        }

    def _pictures(self) -> dict[str, Any]:
        with Companions(self.about.pictures, self.source, start=self.footage.config.input.start) as companions:
            return companions.identity()

    def kept(self, journal: Journal, progress: Callable[[int, int], None]) -> Kept:
        memory = self.about.with_memory
        own = journal.kept(with_memory=memory, among=self.footage.asks_for, progress=progress)
        return Kept(own, journal.heads.kept(with_memory=memory))

    def asks_for(self, index: int) -> bool:
        return self.footage.asks_for(index)

    def finished(self, journal: Journal, count: int, /) -> Result:
        return self.footage.finished(journal, count)

    def warnings(self) -> list[str]:
        return self.footage.warnings


def _dream(crew: Crew, footage: Footage, journal: Journal, kept: Kept) -> Outcome:
    """Let the crew dream all chunks of ``footage``, and see that every frame is there then."""
    journal.heads.make()
    chunks = footage.chunks
    before = {chunk: kept.of(chunk) for chunk in chunks}
    finished = crew.dream(chunks, journal, before)
    crew.dismiss()  # joining may take long, and needs nobody
    dreamed = crew.done - sum(map(len, before.values()))
    if not finished:
        shown = sum(index >= chunk.head for chunk in chunks for index in crew.kept[chunk])
        return Outcome(shown, dreamed, stopped=True)
    lost = next((index for chunk in chunks for index in ChunkJournal(journal, chunk).missing()), None)
    if lost is not None:
        raise DreamFailed(f"frame {lost} was dreamed, but it is not in the journal; see whether its disk is shared")
    asked = footage.total
    return Outcome(sum(chunk.work for chunk in chunks) if asked is None else asked, dreamed, stopped=False)


def place(wanted: int | None, nodes: Sequence[dict[str, float]]) -> Placement:
    """How workers fit on ``nodes`` (resources by Ray's names): one on each GPU, or else on each ``CORES`` cores.

    Raises ``ConfigError`` where none fits, or not as many as are ``wanted``: Ray would wait for ever.
    """
    cores = [int(node.get("CPU", 0)) for node in nodes]
    beside = [(int(node.get("GPU", 0)), count) for node, count in zip(nodes, cores, strict=True)]
    gpus = sum(min(pair) for pair in beside)
    size = min(max(1, count // each) for each, count in beside if min(each, count)) if gpus else _share(wanted, cores)
    most = gpus or sum(count // size for count in cores)
    each = Placement(most, size, 1 if gpus else 0)
    if most == 0:
        raise ConfigError(f"no worker fits on the cluster: it has {_resources(nodes)}; add machines")
    if wanted is not None and wanted > most:
        raise ConfigError(
            f"{wanted} workers are asked for, but {most} fit on the cluster, which has {_resources(nodes)}; "
            "ask for fewer with --workers"
        )
    return replace(each, workers=wanted or most)


def _share(wanted: int | None, cores: Sequence[int]) -> int:
    """The cores of a worker: the most with which as many as are ``wanted`` fit on machines of so many ``cores``."""
    largest = max(1, *cores, 1)
    if wanted is None:
        return min(CORES, largest)
    fitting = (size for size in range(largest, 1, -1) if sum(count // size for count in cores) >= wanted)
    return next(fitting, 1)


def _resources(nodes: Sequence[dict[str, float]]) -> str:
    cores, gpus = (int(sum(node.get(name, 0) for node in nodes)) for name in ("CPU", "GPU"))
    return f"{len(nodes)} machine{'s' * (len(nodes) != 1)}, {cores} cores and {gpus} GPUs"


class RayHands:
    """Workers as Ray's actors; ``Hands``."""

    def __init__(self, ray: Any) -> None:
        self._ray = ray

    def nodes(self) -> list[dict[str, float]]:
        """The resources of each machine that is up."""
        return [node["Resources"] for node in self._ray.nodes() if node["Alive"]]

    def prepare(self, order: Order, placement: Placement) -> None:
        """What every worker will be told, and given."""
        self._order = self._ray.put(order)
        self._actor = self._ray.remote(num_cpus=placement.cores, num_gpus=placement.gpus, max_restarts=0)(Worker)

    def hire(self) -> Any:
        return self._actor.remote(self._order)

    def call(self, worker: Any, method: str, *arguments: Any) -> Any:
        return getattr(worker, method).remote(*arguments)

    def wait(self, tickets: Sequence[Any], seconds: float) -> list[Any]:
        some, _ = self._ray.wait(list(tickets), num_returns=1, timeout=seconds)
        if not some:
            return []
        ready, _ = self._ray.wait(list(tickets), num_returns=len(tickets), timeout=0)
        return ready or some

    def answer(self, ticket: Any) -> Any:
        errors = self._ray.exceptions
        try:
            return self._ray.get(ticket)
        except errors.RayTaskError as error:
            if isinstance(error.cause, OSError):
                raise output_error("a worker's temporary folder", error.cause) from None
            raise error.cause if isinstance(error.cause, DreamError) else error from None
        except errors.RayError as error:
            raise Gone(_reason(error)) from error

    def dismiss(self, worker: Any) -> None:
        self._ray.kill(worker)


def _reason(error: BaseException) -> str:
    """The line of Ray's message that says most."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "Error" in line or "unexpected" in line or "killed" in line]
    return (telling or lines or [type(error).__name__])[0][:200].rstrip(".")


def _reach(address: str) -> None:
    """See that somebody listens at ``[ray://]host[:port]``, for which Ray waits for minutes. Raises ``OSError``."""
    place = urlsplit(address if "://" in address else f"//{address}")
    port = place.port or (CLIENT_PORT if place.scheme == "ray" else None)
    if place.hostname and port:
        with socket.create_connection((place.hostname, port), CONNECT_SECONDS):
            return


@contextmanager
def ray_cluster(job: Job, listener: Listener) -> Iterator[RayHands]:
    """The cluster of ``job``: one of our own on this machine, or the one at its address.

    Raises ``ConfigError`` without Ray, and where no cluster answers.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_worker_niceness", "0")
    try:
        import ray
    except ImportError as error:
        raise ConfigError(
            "--cluster needs Ray, which is not installed; install it with: pip install 'dreamvideo[cluster]'"
        ) from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if job.cluster == "local":
            ray.init(
                address="local",
                num_cpus=os.cpu_count(),
                include_dashboard=False,
                object_store_memory=OBJECT_STORE,
                **quiet,
            )
        else:
            listener.note(f"connecting to {job.cluster}")
            _reach(job.cluster or "")
            ray.init(address=job.cluster, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise ConfigError(
            f"the cluster at {job.cluster} does not answer ({_reason(error)}); see `ray status`"
        ) from error
    try:
        yield RayHands(ray)
    finally:
        ray.shutdown()
