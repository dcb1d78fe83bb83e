"""Whether a dream pulses: the spectrum over time of what changes in it and not in its input."""

import cv2
import numpy as np

from dreamvideo.score.result import Pulse

SHORTEST = 16  # frames of a shot
CELL, MOST_CELLS = 16, 32  # pixels, and cells along a side: a grid coarse enough to leave noise out
LONGEST = 256  # changes in a window: longer shots are cut into windows that overlap by half
POINTS = 1024  # of the transform: fine enough for any window's peak, and the same frequencies for all of them
_SEEN = 0.25  # of a cell: where less of it is trusted, its change is unknown
_OFTEN = 0.75  # of the time: a cell that is unknown more often has no spectrum
_TREND = 2.0  # cycles a window: half of a Hann window's main lobe, below which is the trend
_MIRROR = 1.5  # cycles a window: so near to half the frame rate a sine and its mirror image add up


class PulseMeter:
    """Takes the changes of a clip, one after another. Its memory does not grow with the clip.

    The amplitude spectrum is that of Welch (1967): linear trend taken away, Hann window, squares averaged over windows
    by their length, over cells, and over red, green and blue.
    """

    def __init__(self, rate: float) -> None:
        """``rate`` is in frames a second."""
        self._rate = rate
        self._changes: list[np.ndarray] = []
        self._seen: list[np.ndarray] = []
        self._new = 0
        self._squares, self._weights = np.zeros(POINTS // 2 + 1), np.zeros(POINTS // 2 + 1)

    def add(self, change: np.ndarray, trust: np.ndarray) -> None:
        """``change`` is the output's less the input's, ``float32 [height, width, 3]``; ``trust`` has one channel."""
        cells, seen = _averaged(change, trust)
        self._changes.append(cells)
        self._seen.append(seen)
        self._new += 1
        if len(self._changes) == LONGEST:
            self._take_in(keep=LONGEST // 2)

    def end_shot(self) -> None:
        """What comes next has nothing to do with what came."""
        if self._new and len(self._changes) >= SHORTEST - 1:
            self._take_in()
        self._forget(0)

    def result(self) -> Pulse | None:
        """The pulse of all shots; ``None`` where none was long enough, or could be followed."""
        self.end_shot()
        counted = self._weights > 0
        if not counted.any():
            return None
        frequencies = np.fft.rfftfreq(POINTS, 1 / self._rate)[counted]
        amplitudes = np.sqrt(self._squares[counted] / self._weights[counted])
        peak, median = int(np.argmax(amplitudes)), float(np.median(amplitudes))
        found = float(amplitudes[peak])
        return Pulse(
            frequency=float(frequencies[peak]) if found else None,
            amplitude=found,
            above_median=found / median if median else None,
            slow=peak == 0 and found > 0,
            frequencies=[float(each) for each in frequencies],
            amplitudes=[float(each) for each in amplitudes],
        )

    def _take_in(self, keep: int = 0) -> None:
        """Add the spectrum of the window at hand; its last changes are kept for the next."""
        changes, seen = np.stack(self._changes), np.stack(self._seen).mean(axis=0)
        count = len(changes)
        followed = changes[:, seen >= _OFTEN]
        if followed.size:
            counted = _counted(count)
            self._squares += np.where(counted, count * _squares(followed.reshape(count, -1)), 0)
            self._weights += np.where(counted, count, 0)
        self._forget(keep)

    def _forget(self, keep: int) -> None:
        start = len(self._changes) - keep
        self._changes, self._seen, self._new = self._changes[start:], self._seen[start:], 0


def _averaged(change: np.ndarray, trust: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean of each cell over its trusted pixels, ``float32 [cells, 3]``, 0 where it is not seen; and if it is."""
    height, width = change.shape[:2]
    size = min(MOST_CELLS, max(1, width // CELL)), min(MOST_CELLS, max(1, height // CELL))
    share = cv2.resize(trust, size, interpolation=cv2.INTER_AREA).reshape(-1, 1)
    total = cv2.resize(change * trust, size, interpolation=cv2.INTER_AREA).reshape(-1, 3)
    seen = share >= _SEEN
    return np.where(seen, total / np.maximum(share, _SEEN), 0), seen[:, 0]


def _squares(series: np.ndarray) -> np.ndarray:
    """The squared amplitude at each frequency, the mean over the columns of ``[time, n]``: ``float64 [POINTS/2 + 1]``.

    A sine of amplitude A has A^2 at its frequency; at half the frame rate it is its own mirror image.
    """
    window = np.hanning(len(series) + 2)[1:-1]
    spectrum = np.fft.rfft(_without_trend(series) * window[:, None], POINTS, axis=0)
    scale = np.full(POINTS // 2 + 1, 2 / window.sum())
    scale[-1] /= 2
    return np.mean(np.abs(spectrum) ** 2, axis=1) * scale**2


def _counted(count: int) -> np.ndarray:
    """The frequencies of which a window of ``count`` changes can tell, ``bool [POINTS/2 + 1]``."""
    cycles = np.arange(POINTS // 2 + 1) * count / POINTS
    counted = (cycles >= _TREND) & (cycles <= count / 2 - _MIRROR)
    counted[-1] = True
    return counted


def _without_trend(series: np.ndarray) -> np.ndarray:
    """Each column less its least-squares line."""
    time = np.arange(len(series)) - (len(series) - 1) / 2
    level = series - series.mean(axis=0)
    return level - time[:, None] * (time @ level / (time @ time))
