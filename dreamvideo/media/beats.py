"""Where the beats of a sound lie, and which of them begin a bar."""

from dataclasses import dataclass

import numpy as np

from dreamvideo.media.spectrum import HOP, HOP_RATE, Spectrum
from dreamvideo.media.track import SAMPLE_RATE

# Below this many dB, taken as the mean rise over all mel bands, nothing begins: it is a steady tone's ripple.
QUIET_ONSET = 0.2
SHORTEST = 1.0
LEAST_BASS = 0.05  # of the loudest volume
NEARLY = 0.85

_TEMPO_WINDOW = 689
_TEMPO_PIECE = 5000
_NEAR = 3
_PAUSE = 172


@dataclass(frozen=True)
class Beats:
    """``times``: ``float64 [n]`` seconds into the sound, ascending; ``first_bar``: the first downbeat's index.

    ``tempo`` is in beats a minute, 0 where there are none.
    """

    times: np.ndarray
    first_bar: int
    tempo: float


def find_beats(spectrum: Spectrum, beats_per_bar: int) -> Beats:
    """The beats of a sound, none in one that has no pulse or is shorter than a second.

    Dynamic programming over the onset strength (Ellis 2007) with one tempo for the whole sound; music may stray from
    it by a tenth or so. On clicks at a steady tempo a beat is at most 12 ms off, 4 ms early in the mean.
    """
    import librosa

    onset = np.where(spectrum.levels["onset"] < QUIET_ONSET, 0, spectrum.levels["onset"])
    tempo = _tempo(onset) if len(onset) > SHORTEST * HOP_RATE and np.count_nonzero(onset) > 1 else 0.0
    if tempo <= 0:
        return Beats(np.empty(0), 0, 0.0)
    # Without a pause on both sides the tracker misses a first or last beat close to the end.
    padded = np.pad(onset, _PAUSE)
    _, hops = librosa.beat.beat_track(onset_envelope=padded, bpm=tempo, sr=SAMPLE_RATE, hop_length=HOP, trim=False)
    hops = _within_sound(hops - _PAUSE, onset)
    return Beats(hops / HOP_RATE, _first_bar(spectrum, hops, beats_per_bar), _exact(tempo, hops))


def _tempo(onset: np.ndarray) -> float:
    """The main tempo in beats a minute, 0 if there is none, from the mean of tempograms of a minute each.

    One tempogram of a whole hour would take gigabytes.
    """
    import librosa

    # Widened, so that beats which are not a whole number of hops apart still meet themselves.
    onset = np.convolve(onset, [0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25], "same")
    total = np.zeros(_TEMPO_WINDOW)
    for start in range(0, len(onset), _TEMPO_PIECE):
        piece = onset[start : start + _TEMPO_PIECE]
        if piece.any():
            gram = librosa.feature.tempogram(
                onset_envelope=piece, sr=SAMPLE_RATE, hop_length=HOP, win_length=_TEMPO_WINDOW
            )
            total += np.nansum(gram, axis=1)
    if not total.any():
        return 0.0
    mean = total[:, None] / len(onset)
    return float(np.squeeze(librosa.feature.tempo(tg=mean, sr=SAMPLE_RATE, hop_length=HOP)))


def _within_sound(hops: np.ndarray, onset: np.ndarray) -> np.ndarray:
    """The beats from the sound's first onset to its last: the tracker goes on counting in silence."""
    heard = np.flatnonzero(onset)
    hops = hops[(hops >= heard[0] - _NEAR) & (hops <= heard[-1] + _NEAR)]
    return np.clip(hops, 0, len(onset) - 1)


def _exact(tempo: float, hops: np.ndarray) -> float:
    """The tempo from the mean distance of beats, which is finer than the tracker's whole hops."""
    intervals = np.diff(hops)
    if not len(intervals):
        return tempo
    middle = np.median(intervals)
    return 60 * HOP_RATE / float(np.mean(intervals[np.abs(intervals - middle) <= 0.1 * middle]))


def _first_bar(spectrum: Spectrum, hops: np.ndarray, beats_per_bar: int) -> int:
    """The index of the first downbeat.

    Bars begin on the beats with most bass, where there is some, else on those that begin hardest (which alone would
    mistake the snare for the downbeat). Of beats that are nearly as strong the earliest counts: music tends to begin
    with a bar.
    """
    bass = _around(spectrum.levels["bass"], hops)
    has_bass = bass.max(initial=0) > LEAST_BASS * spectrum.levels["volume"].max(initial=0)
    strength = bass if has_bass else _around(spectrum.levels["onset"], hops)
    middles = [np.median(strength[first::beats_per_bar]) for first in range(min(beats_per_bar, len(hops)))]
    return int(np.argmax(middles >= NEARLY * np.max(middles))) if middles else 0


def _around(values: np.ndarray, hops: np.ndarray) -> np.ndarray:
    """The highest value within _NEAR hops of each beat."""
    places = np.clip(hops[:, None] + np.arange(-_NEAR, _NEAR + 1), 0, len(values) - 1)
    return values[places].max(axis=1)
