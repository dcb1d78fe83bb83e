"""What a network sees in a photo: the activations of one layer, channel by channel, as a sheet of maps."""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from dreamvideo.config import Config
from dreamvideo.errors import InputError
from dreamvideo.media.sheet import Label, Layout, contact_sheet
from dreamvideo.media.still import resize
from dreamvideo.render.channels import choose_channels
from dreamvideo.render.job import Job, Listener
from dreamvideo.render.picture import check_photo, write_picture
from dreamvideo.render.sheets import SheetReport, check_size, fit
from dreamvideo.render.start import Notes, open_input

if TYPE_CHECKING:
    from dreamvideo.dream.networks import Network

LARGEST = 1024  # pixels on the longer side at which a photo is looked at, unless the user says how wide

Order = Literal["strongest", "number"]


@dataclass(frozen=True)
class FeaturesJob:
    """The maps of ``layer`` for ``input``.

    ``channels`` picks some (``0-63,139``; None is all), of which the first ``count`` in ``order`` are shown, each
    ``cell`` pixels on its longer side.
    """

    input: str
    output: str
    config: Config
    layer: str
    channels: str | None
    count: int
    order: Order
    cell: int
    overwrite: bool = False


def render_features(job: FeaturesJob, listener: Listener) -> SheetReport:
    """Draw the maps of ``job`` into its output.

    Raises ``ConfigError`` for a layer or channel that isn't there and ``InputError`` for a photo too small for it.
    """
    begun, notes = time.monotonic(), Notes(listener)
    photo = _read(job, notes)
    network = _load(job.config)
    chosen = choose_channels(job.channels, job.layer, network.channels(job.layer))
    maps = activations(network, job.layer, photo, job.config.dream.precision)
    shown = _arrange(maps, chosen, job.order)[: job.count]
    told = f"{len(shown)} of {maps.shape[2]} channels{', the strongest first' * (job.order == 'strongest')}"
    layout = Layout(
        count=len(shown) + 1,
        cell=fit(photo.shape[0], photo.shape[1], job.cell),
        title=f"{job.layer} of {network.name}",
        subtitle=f"{maps.shape[1]} x {maps.shape[0]} activations, {told}; at the right the peak of each",
    )
    check_size(layout, job.output)
    labels = [Label("input"), *(Label(str(channel), f"{maps[..., channel].max():.2f}") for channel in shown)]
    pictures = [photo, *(draw_map(maps[..., channel], layout.cell) for channel in shown)]
    write_picture(job.output, contact_sheet(layout, labels, pictures), job.config)
    return SheetReport(job.output, len(shown), len(shown), time.monotonic() - begun, notes=notes.all)


def activations(network: "Network", layer: str, photo: np.ndarray, precision: str = "auto") -> np.ndarray:
    """The activations of ``layer``, ``float32 [rows, columns, channels]``, with ``photo`` looked at whole.

    Raises ``InputError`` if it is too small for that.
    """
    import tensorflow as tf

    from dreamvideo.dream.networks import resolve_precision

    height, width = photo.shape[:2]
    smallest = network.smallest_side([layer])
    if min(height, width) < smallest:
        raise InputError(f"a picture of {width}x{height} is too small for {layer}: it takes {smallest}x{smallest}")
    compute = network.features([layer], resolve_precision(precision, network.precisions))
    return tf.cast(compute(tf.constant(photo[None]))[layer][0], tf.float32).numpy()


def draw_map(values: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """One channel, ``float32 [rows, columns]``, as a picture of ``size`` (width, height).

    The least value is black and the greatest yellow, in a map of colours whose lightness rises evenly (inferno); each
    activation is a square of its own.
    """
    low, high = values.min(), values.max()
    scaled = (values - low) / (high - low) if high > low else np.zeros_like(values)
    shrink = size[0] < values.shape[1]
    enlarged = cv2.resize(scaled, size, interpolation=cv2.INTER_AREA if shrink else cv2.INTER_NEAREST_EXACT)
    colored = cv2.applyColorMap(np.rint(255 * enlarged).astype(np.uint8), cv2.COLORMAP_INFERNO)
    return colored[..., ::-1].astype(np.float32) / np.float32(255)


def _read(job: FeaturesJob, notes: Notes) -> np.ndarray:
    with open_input(photo := Job(job.input, job.output, job.config, overwrite=job.overwrite)) as source:
        check_photo(photo, source)
        notes.add(source.warnings)
        frame = next(source.frames())
    height, width = frame.shape[:2]
    if job.config.input.width is None and max(height, width) > LARGEST:
        return resize(frame, *fit(height, width, LARGEST))
    return frame


def _load(config: Config) -> "Network":
    from dreamvideo.dream.networks import load_network

    dream = config.dream
    return load_network(dream.network, input_range=dream.input_range, input_node=dream.input_node)


def _arrange(maps: np.ndarray, channels: list[int], order: Order) -> list[int]:
    """``channels`` by their peaks, the highest first, or as they are."""
    if order == "number":
        return channels
    peaks = maps.max(axis=(0, 1))
    return sorted(channels, key=lambda channel: -peaks[channel])
