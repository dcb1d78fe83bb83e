"""The atlas of a layer: what each of its channels dreams of, cell by cell."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from dreamvideo.media.noise import grey_noise
from dreamvideo.media.sheet import Label, Layout
from dreamvideo.motion.carry import still_pace
from dreamvideo.render.channels import choose_channels
from dreamvideo.render.job import Listener
from dreamvideo.render.sheets import Cell, SheetJob, SheetReport, make_sheet, open_journal
from dreamvideo.render.start import Notes, load_dreamer

if TYPE_CHECKING:
    from dreamvideo.dream.engine import Dreamer

OVERSIZE = 1.5  # a cell is dreamed larger than it is shown: finer, and with more of what the channel looks for
TEXTURES = 16  # pictures that dreams start from
SHARE = 1 / 16  # of the channels, that make one of them


def atlas_objective(layer: str) -> str:
    """The objective of every cell: one channel of ``layer``, which one being an input of the graph."""
    return f'channel("{layer}", 0)'


def render_atlas(job: SheetJob, layer: str, channels: str | None, listener: Listener) -> SheetReport:
    """Dream the channels of ``layer`` that ``channels`` names (``0-63,139``; None is all) onto one sheet.

    The job's config has ``atlas_objective(layer)``: all cells are dreamed with one graph.
    """
    notes = Notes(listener)
    journal = open_journal(job)
    dreamer = load_dreamer(job.config)
    count = dreamer.network.channels(layer)
    chosen = choose_channels(channels, layer, count)
    side = max(round(OVERSIZE * job.cell), dreamer.smallest)
    layout = Layout(
        count=len(chosen),
        cell=(job.cell, job.cell),
        title=f"{layer} of {dreamer.network.name}",
        subtitle=f"{len(chosen)} of {count} channels, each dreamed from noise",
    )
    starts = _Starts(dreamer, layer, side, job.config.seed)
    cells = [Cell(Label(str(channel)), _dream(dreamer, starts, channel)) for channel in chosen]
    made_of = {"layer": layer, "channels": chosen, "weights": dreamer.network.sha256, "precision": dreamer.precision}
    return make_sheet(job, journal, layout, cells, made_of, notes)


def dream_channels(
    dreamer: "Dreamer", frame: np.ndarray, weights: np.ndarray, steps: int, index: int = 0
) -> tuple[np.ndarray, float]:
    """Dream on ``frame`` by the channels of ``weights`` (``float32 [channels]``); the picture, and the objective."""
    from dreamvideo.dream.engine import Prepared

    rate = still_pace(dreamer.settings).rate
    start = np.zeros_like(frame)
    dreamed = dreamer.dream(frame, start, index=index, steps=steps, rate=rate, prepared=Prepared([weights]))
    return np.clip(frame + dreamed.residual, 0, 1), dreamed.objective


def _dream(dreamer: "Dreamer", starts: "_Starts", channel: int) -> Callable[[], tuple[np.ndarray, float]]:
    """How to dream one channel; nothing is done before it is called."""
    only = np.eye(1, starts.channels, channel, dtype=np.float32)[0]
    return lambda: dream_channels(dreamer, starts.frame(channel), only, still_pace(dreamer.settings).steps)


class _Starts:
    """Where each channel's dream starts.

    Some channels see nothing at all in noise, and then there is no gradient to follow. So noise is dreamed on for a
    few steps by a random share of the channels together, a number of times, and each channel starts from the texture
    that it responds to most.
    """

    def __init__(self, dreamer: "Dreamer", layer: str, side: int, seed: int) -> None:
        self.dreamer, self.layer, self.side, self.seed = dreamer, layer, side, seed
        self.channels = dreamer.network.channels(layer)

    def frame(self, channel: int) -> np.ndarray:
        """``float32 [side, side, 3]``."""
        return self._textures[int(self._chosen[channel])]

    @cached_property
    def _textures(self) -> list[np.ndarray]:
        return [self._texture(variant) for variant in range(TEXTURES)]

    def _texture(self, variant: int) -> np.ndarray:
        noise, pace = grey_noise(self.side, self.side, self.seed, variant), still_pace(self.dreamer.settings)
        rng = np.random.default_rng([self.seed, variant])
        share = np.zeros(self.channels, np.float32)
        share[rng.choice(self.channels, max(1, round(SHARE * self.channels)), replace=False)] = 1
        return dream_channels(self.dreamer, noise, share, max(1, pace.steps // 2), variant)[0]

    @cached_property
    def _chosen(self) -> np.ndarray:
        """The texture of each channel, by its mean response at all octaves: ``int [channels]``."""
        import tensorflow as tf

        from dreamvideo.dream.engine import resize
        from dreamvideo.dream.tiles import round_up

        features = self.dreamer.network.features([self.layer], self.dreamer.precision)
        fitting = self.dreamer.network.sides([self.layer]).fitting
        responses = np.zeros((TEXTURES, self.channels), np.float32)
        for height, width in self.dreamer.octave_sizes(self.side, self.side):
            size = (round_up(height, *fitting), round_up(width, *fitting))
            for index, texture in enumerate(self._textures):
                found = features(tf.constant(resize(texture, size)[None]))[self.layer]
                responses[index] += tf.reduce_mean(tf.cast(found, tf.float32), [0, 1, 2]).numpy()
        return responses.argmax(axis=0)
