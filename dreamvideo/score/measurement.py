"""Everything that the frames say, taken in one after another, in memory that hardly grows with them."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

import cv2
import numpy as np

from dreamvideo.config import Shots
from dreamvideo.motion.flow import luma
from dreamvideo.motion.shots import CutFinder
from dreamvideo.score.drift import appearance, drifts
from dreamvideo.score.motion import LONG_TERM, History, change, error, motion_between
from dreamvideo.score.pulse import PulseMeter
from dreamvideo.score.result import Curves, Measured, WarpError
from dreamvideo.score.strength import Strength


class Measurement:
    """Takes pairs of frames of one size: the input's and the output's, ``float32 [height, width, 3]`` in [0, 1]."""

    def __init__(self, rate: Fraction, strength: Strength | None = None, every: int = 1) -> None:
        """``rate`` is in frames a second; ``strength`` is measured on every ``every``-th frame."""
        self._rate, self._strength, self._every = rate, strength, every
        self._finder, self._history, self._pulse = CutFinder(Shots(), rate), History(), PulseMeter(float(rate))
        self._curves = Curves()
        self._shots: list[int] = []
        self._sums = np.zeros(2)
        self._count = 0

    def add(self, frame: np.ndarray, dreamed: np.ndarray) -> None:
        """Raises ``ConfigError`` where frames are too small for the network."""
        if self._finder.begins_shot(frame):
            self._shots.append(self._count)
            self._history.clear()
            self._pulse.end_shot()
        gray = luma(frame)
        self._follow(gray, frame, dreamed)
        self._history.add(gray, frame, dreamed)
        self._compare(frame, dreamed)
        if self._strength is not None and self._count % self._every == 0:
            self._excite(self._strength, frame, dreamed)
        self._count += 1

    def result(self) -> Measured:
        curves = self._curves
        base, raised = self._sums
        return Measured(
            frames=self._count,
            shots=self._shots,
            strength=float(raised / base) if base > 0 else None,
            difference=float(np.mean(curves.difference)),
            short=_summary(1, curves.short_output, curves.short_input),
            long=_summary(LONG_TERM, curves.long_output, curves.long_input),
            drift=drifts(curves, self._shots, self._count, float(self._rate)),
            pulse=self._pulse.result(),
            curves=curves,
        )

    def _follow(self, gray: np.ndarray, frame: np.ndarray, dreamed: np.ndarray) -> None:
        """Compare with the frame before, and the one long before."""
        curves = self._curves
        for apart, of_output, of_input in (
            (1, curves.short_output, curves.short_input),
            (LONG_TERM, curves.long_output, curves.long_input),
        ):
            past = self._history.back(apart)
            if past is None:
                of_output.append(None)
                of_input.append(None)
                continue
            motion = motion_between(past.luma, gray, frame.shape[:2])
            floor, found = (change(motion, *pair) for pair in zip(past.frames(), (frame, dreamed), strict=True))
            of_output.append(error(motion, found))
            of_input.append(error(motion, floor))
            if apart == 1:
                self._pulse.add(np.subtract(found, floor, out=found), motion.trust)

    def _compare(self, frame: np.ndarray, dreamed: np.ndarray) -> None:
        curves = self._curves
        curves.difference.append(cv2.norm(dreamed, frame, cv2.NORM_L1) / frame.size)
        mean, deviation, saturation = appearance(dreamed) - appearance(frame)
        curves.mean.append(float(mean))
        curves.deviation.append(float(deviation))
        curves.saturation.append(float(saturation))

    def _excite(self, strength: Strength, frame: np.ndarray, dreamed: np.ndarray) -> None:
        base, raised = strength.at(frame), strength.at(dreamed)
        self._sums += base, raised
        self._curves.strength_frames.append(self._count)
        self._curves.strength.append(raised / base if base > 0 else None)


def measure(
    pairs: Iterable[tuple[np.ndarray, np.ndarray]], rate: Fraction, strength: Strength | None = None, every: int = 1
) -> Measured:
    """What pairs of an input's and an output's frame say, see ``Measurement``."""
    measurement = Measurement(rate, strength, every)
    for frame, dreamed in pairs:
        measurement.add(frame, dreamed)
    return measurement.result()


def _summary(apart: int, output: Sequence[float | None], floor: Sequence[float | None]) -> WarpError:
    pairs = [pair for pair in zip(output, floor, strict=True) if None not in pair]
    if not pairs:
        return WarpError(apart, 0, None, None, None)
    of_output, of_input = (float(mean) for mean in np.mean(np.array(pairs, np.float64), axis=0))
    return WarpError(apart, len(pairs), of_output, of_input, of_output - of_input)
