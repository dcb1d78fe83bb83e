"""How long two clips sound, and by how much one of them is late."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from dreamvideo.errors import InputError
from dreamvideo.media.sound import Sound
from dreamvideo.media.track import SAMPLE_RATE, blocks

COARSE = 4  # samples that are averaged to one: 5.5 kHz are plenty to tell when something is heard
RATE = SAMPLE_RATE / COARSE
LARGEST_OFFSET = 1.0  # seconds
ALIKE = 0.3  # correlation: encoding leaves more than 0.9 of a sound, and another sound has less than 0.1
_SILENCE = 1e-5  # RMS of full scale: -100 dB
_NOTHING = np.zeros(0, np.float32)


@dataclass(frozen=True)
class SoundMatch:
    """``input`` and ``output`` seconds of sound, ``None`` for none at all.

    ``offset``: seconds by which the output's is late, ``None`` unless both sound alike within LARGEST_OFFSET;
    ``likeness`` is their correlation there, ``None`` where one of them is silent.
    The faults are sentences on sound that could not be decoded, or not to its end.
    """

    input: float | None
    output: float | None
    offset: float | None = None
    likeness: float | None = None
    input_fault: str = ""
    output_fault: str = ""


def match_sound(source: Sound | None, dream: Sound | None) -> SoundMatch:
    """Decode both to mono and cross-correlate them, block by block: memory does not grow with their length.

    The offset is where ``sum over t of input(t) * output(t + offset)`` is largest, within LARGEST_OFFSET.
    """
    lags = round(LARGEST_OFFSET * RATE)
    correlation, energies, lengths = np.zeros(2 * lags + 1), np.zeros(2), np.zeros(2, int)
    tracks = _Track(source), _Track(dream)
    for pair in zip_longest(*tracks, fillvalue=_NOTHING):
        counts = [len(each) for each in pair]
        lengths += counts
        energies += [float(np.sum(np.square(each[: min(counts)], dtype=np.float64))) for each in pair]
        if min(counts):
            correlation += _correlated(*pair, lags)
    of_input, of_output = (float(length / RATE) if length else None for length in lengths)
    faults = tracks[0].fault, tracks[1].fault
    if energies.min() <= max(1, lengths.min()) * _SILENCE**2:
        return SoundMatch(of_input, of_output, None, None, *faults)
    peak = int(np.argmax(correlation))
    likeness = float(correlation[peak] / np.sqrt(energies.prod()))
    inside = 0 < peak < 2 * lags  # at the limit it would be larger beyond
    offset = (peak - lags) / RATE if inside and likeness >= ALIKE else None
    return SoundMatch(of_input, of_output, offset, likeness, *faults)


class _Track:
    """Blocks of mono samples at ``RATE``; none where there is no sound. ``fault`` says why there are no more."""

    def __init__(self, sound: Sound | None) -> None:
        self._sound = sound
        self.fault = ""

    def __iter__(self) -> Iterator[np.ndarray]:
        if self._sound is None:
            return
        try:
            for block in blocks(self._sound):
                yield block[: len(block) // COARSE * COARSE].reshape(-1, COARSE).mean(axis=1)
        except InputError as error:
            self.fault = str(error)


def _correlated(first: np.ndarray, second: np.ndarray, lags: int) -> np.ndarray:
    """The cross-correlation by FFT at lags from ``-lags`` to ``lags``: ``float64 [2 * lags + 1]``."""
    size = 1 << (max(len(first), len(second)) + lags - 1).bit_length()
    product = np.conj(np.fft.rfft(first, size)) * np.fft.rfft(second, size)
    whole = np.fft.irfft(product, size)
    return np.concatenate([whole[-lags:], whole[: lags + 1]])
