"""One ``dreamvideo`` process that is watched, held up, or killed on its way.

It is forked from a process that has imported TensorFlow and used nothing of it, since importing takes seconds.
"""

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import tensorflow as tf

import dreamvideo.render.clip
import dreamvideo.render.cluster  # noqa: F401 - what is imported before the fork is not imported after it
from dreamvideo.cli import main
from dreamvideo.dream.engine import Dreamer
from tests.tiny import tiny_network

CANNOT_MOUNT = 77
_NEW_USER, _NEW_MOUNTS = 0x10000000, 0x00020000  # sched.h
_CHANGES = {"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen"}


@dataclass(frozen=True)
class Kill:
    """kill -9, ``seconds`` after the ``event``-th thing that the process does with a file of the folder ``within``.

    Starting a program counts, too: its arguments are taken for paths. ``name``: only paths that end so; ``kind``: only
    what Python calls so (docs.python.org/3/library/audit_events.html).
    """

    event: int
    seconds: float = 0.0
    within: str = ""
    name: str = ""
    kind: str = ""


@dataclass(frozen=True)
class Order:
    """A command line, the folder that gets ``stdout``, ``stderr`` and ``dreamed``, and what is to happen.

    ``holds``: seconds by which a frame takes longer to dream. ``traced``: run graphs as ever; otherwise they are not
    traced, which takes longer than these renders. ``limit``: bytes that a file may have.
    """

    arguments: Sequence[str]
    log: Path
    kill: Kill | None = None
    holds: dict[int, float] = field(default_factory=dict)
    traced: bool = False
    limit: int | None = None


def save_network(path: Path) -> None:
    """Write the tiny network to a file."""
    tiny_network().model.save(path)


def attempt(order: Order) -> None:
    """Do as ordered, and exit with the command line's status."""
    os.setsid()
    multiprocessing.set_start_method("fork", force=True)  # whoever is killed after this leaks no semaphores
    order.log.mkdir(parents=True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(order.log / name, os.O_CREAT | os.O_WRONLY), number)
    tf.config.run_functions_eagerly(not order.traced)
    if order.limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (order.limit, order.limit))
    _watch_dreams(order)
    if order.kill is not None:
        _watch_files(order.kill)
    sys.exit(main(list(order.arguments)))


def _watch_dreams(order: Order) -> None:
    """Log each frame as its dream begins, once."""
    log = os.open(order.log / "dreamed", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    original, begun = Dreamer.dream, set[int]()

    def dream(self: Dreamer, *arguments: Any, index: int, **options: Any) -> Any:
        if index not in begun:
            begun.add(index)
            os.write(log, f"{index}\n".encode())
            time.sleep(order.holds.get(index, 0))
        return original(self, *arguments, index=index, **options)

    Dreamer.dream = dream


def _watch_files(kill: Kill) -> None:
    numbers = count(1)

    def hear(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _CHANGES or kill.kind not in {"", event}:
            return
        paths = [os.fsdecode(each) for each in arguments if isinstance(each, str | bytes | os.PathLike)]
        if event == "subprocess.Popen":
            paths += [os.fsdecode(each) for each in arguments[1]]
        if not any(kill.within in path and path.endswith(kill.name) for path in paths) or next(numbers) != kill.event:
            return
        if kill.seconds:
            threading.Timer(kill.seconds, _die).start()
        else:
            _die()

    sys.addaudithook(hear)


def _die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def on_small_disk(disk: Path, steps: Sequence[Order | str], copy: Path) -> None:
    """Do ``steps`` one after another, with a disk of its own at ``disk``, whose content is copied to ``copy`` at last.

    A step is an attempt, or the size that the disk is to have from now on. Exits with ``CANNOT_MOUNT`` where users may
    not mount.
    """
    libc, user, group = ctypes.CDLL(None), os.getuid(), os.getgid()
    if libc.unshare(_NEW_USER | _NEW_MOUNTS) != 0:
        sys.exit(CANNOT_MOUNT)
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {user} 1"), ("gid_map", f"0 {group} 1")):
        Path("/proc/self", name).write_text(text)
    mount = ["mount", "-t", "tmpfs", "tmpfs", str(disk)]
    for step in steps:
        if isinstance(step, str):
            done = subprocess.run([*mount, "-o", f"size={step}"], check=False, stderr=subprocess.DEVNULL)
            if done.returncode:
                sys.exit(CANNOT_MOUNT)
            mount = ["mount", str(disk), "-o", "remount"]
        else:
            _forked(step)
    subprocess.run(["cp", "-a", f"{disk}/.", str(copy)], check=True)
    sys.exit(0)


def _forked(order: Order) -> None:
    """``attempt`` in a process of its own, whose exit status is left beside its log."""
    process = os.fork()
    if process == 0:
        status = 1
        try:
            attempt(order)
        except SystemExit as ended:
            status = int(ended.code or 0)
        finally:
            os._exit(status)
    _, status = os.waitpid(process, 0)
    (order.log / "status").write_text(str(os.waitstatus_to_exitcode(status)))
