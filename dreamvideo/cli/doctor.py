"""``dreamvideo doctor``: what this machine has, and what is missing."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import typer

from dreamvideo.cli import options
from dreamvideo.cli.output import as_json, result, table
from dreamvideo.errors import DreamError, InputError, NetworkError, OutputError

_FEATURES = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "asimd", "bf16")
_ENCODERS = ("libx264", "libvpx-vp9")
_LEAST_FREE_BYTES = 2**30


@dataclass(frozen=True)
class Check:
    """One line of the report. ``exit_code`` is the process's if this is the first problem, 0 where all is well."""

    name: str
    text: str
    exit_code: int = 0


def doctor(json: options.Json = False) -> None:
    """Check that this machine can dream.

    Looks at Python, TensorFlow and its devices, ffmpeg, the network's weights and the disk here. Exit status: that of
    the first problem.
    """
    import dreamvideo.dream  # noqa: F401 - its first act is to keep TensorFlow's own notes off the terminal

    checks = [_check(name, probe, kind) for name, probe, kind in _PROBES]
    if json:
        result(as_json({"checks": [{**asdict(check), "ok": check.exit_code == 0} for check in checks]}))
    else:
        result(table([("problem" if check.exit_code else "ok", check.name, check.text) for check in checks]))
    raise typer.Exit(next((check.exit_code for check in checks if check.exit_code), 0))


def _check(name: str, probe: Callable[[], str], kind: type[DreamError]) -> Check:
    try:
        return Check(name, probe())
    except Exception as error:  # whatever a broken installation raises is what the person wants to read
        return Check(name, " ".join(str(error).split()) or type(error).__name__, kind.exit_code)


def _python() -> str:
    return f"{platform.python_version()} ({platform.python_implementation()}) at {sys.executable}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    words = set(info.read_text(encoding="utf-8", errors="replace").split()) if info.is_file() else set()
    return ", ".join([f"{os.cpu_count()} cores", *(feature for feature in _FEATURES if feature in words)])


def _tensorflow() -> str:
    import tensorflow as tf

    devices = tf.config.list_physical_devices()
    names = [
        tf.config.experimental.get_device_details(device).get("device_name", device.device_type) for device in devices
    ]
    return f"{tf.__version__} on {', '.join(names)}"


def _precision() -> str:
    from dreamvideo.dream.networks import resolve_precision

    return f'{resolve_precision("auto")} (dream.precision = "auto")'


def _ffmpeg() -> str:
    from dreamvideo.media import ffmpeg

    answer = subprocess.run(ffmpeg.command("-version"), capture_output=True, text=True, check=True, timeout=60)
    return f"{answer.stdout.split()[2]} at {ffmpeg.executable()}"


def _encoders() -> str:
    from dreamvideo.media import ffmpeg

    answer = subprocess.run(ffmpeg.command("-encoders"), capture_output=True, text=True, check=True, timeout=60)
    missing = [name for name in _ENCODERS if name not in answer.stdout.split()]
    if missing:
        raise OutputError(
            f"this ffmpeg has no {' and no '.join(missing)}; unset IMAGEIO_FFMPEG_EXE to use the bundled one"
        )
    return ", ".join(_ENCODERS)


def _network() -> str:
    from dreamvideo.dream.networks import NETWORKS
    from dreamvideo.settings import SETTINGS

    spec = NETWORKS[SETTINGS["dream.network"].default]
    digest = hashlib.sha256(spec.path().read_bytes()).hexdigest()
    if digest != spec.sha256:
        raise NetworkError(
            f"{spec.name} is corrupt (sha256 {digest[:12]}..., not {spec.sha256[:12]}...); install again"
        )
    return f"{spec.name}, sha256 {digest[:12]}..."


def _pulled() -> str:
    from dreamvideo.catalogue import NETWORKS, cache_folder

    names = [spec.name for spec in NETWORKS.values() if spec.origin is not None and spec.path().is_file()]
    return f"{', '.join(names) or 'no other networks'} in {cache_folder()}"


def _disk() -> str:
    free = shutil.disk_usage(".").free
    if free < _LEAST_FREE_BYTES:
        raise OutputError(
            f"only {free / 2**20:.0f} MiB free in {Path.cwd()}; a render keeps its frames until it is done"
        )
    return f"{free / 2**30:.0f} GiB free in {Path.cwd()}"


_PROBES: tuple[tuple[str, Callable[[], str], type[DreamError]], ...] = (
    ("python", _python, DreamError),
    ("platform", platform.platform, DreamError),
    ("processor", _processor, DreamError),
    ("tensorflow", _tensorflow, NetworkError),
    ("precision", _precision, NetworkError),
    ("network", _network, NetworkError),
    ("pulled", _pulled, NetworkError),
    ("ffmpeg", _ffmpeg, InputError),
    ("encoders", _encoders, OutputError),
    ("disk", _disk, OutputError),
)
