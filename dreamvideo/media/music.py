"""What schedules hear: features of a sound, one number in [0, 1] for each frame of the picture."""

from fractions import Fraction
from functools import cached_property

import numpy as np

from dreamvideo.errors import ConfigError
from dreamvideo.expression import FEATURES
from dreamvideo.media.beats import Beats, find_beats
from dreamvideo.media.sound import Sound
from dreamvideo.media.spectrum import HOP_RATE, SILENCE, Spectrum, measure, separate

RELEASE = {
    **dict.fromkeys(FEATURES, 0.08),
    "onset": 0.12,
    "beat": 0.25,
    "beat_phase": 0.0,
    "bar_phase": 0.0,
}

_LOUD = 99
# What is loudest in a feature becomes 1, but a trace of bass in birdsong must not: at least these shares of the
# loudest of all, for bands and for what hpss separates.
_BAND_SHARE = 0.02
_PART_SHARE = 0.25
# A mean rise of the mel bands by this many dB, which even a soft note has, or a ripple would count as an onset.
_ONSET_FLOOR = 1.0


class Music:
    """A sound as the picture hears it; made by ``listen``.

    Frame ``k`` is at ``k / rate`` seconds on the picture's clock. Levels are means, onsets the highest value, over the
    frame's own time, from half a frame before that to half a frame after. Everything is 0 before the sound begins and
    after it ends. What a feature needs is worked out when it is first asked for: for five minutes of
    sound the beats take two or three seconds, percussive and harmonic together about fifteen.

    Attributes
    ----------
    rate, count : frames a second and how many frames there are.
    waveform : ``float32 [2 * count]`` in [-1, 1], the lowest and the highest sample of each frame in turn: drawn as
        one line over ``numpy.arange(2 * count) / 2`` frames it is the sound's outline. As heard, whatever ``offset``.
    """

    def __init__(self, sound: Sound, spectrum: Spectrum, rate: Fraction, count: int, offset: float, bar: int) -> None:
        self.rate = rate
        self.count = count
        self._sound = sound
        self._spectrum = spectrum
        self._offset = offset
        self._bar = bar
        self._cache: dict[tuple[str, float, float], np.ndarray] = {}

    @property
    def beats(self) -> np.ndarray:
        """Where the beats lie that have a frame, ``float64 [n]`` seconds on the picture's clock, ascending."""
        return self._beat_times[self._seen]

    @property
    def first_bar(self) -> int:
        """The index in ``beats`` of the first downbeat; ``len(beats)`` or more where none is seen."""
        before = int(np.argmax(self._seen)) if self._seen.any() else 0
        return (self._found.first_bar - before) % self._bar

    @property
    def tempo(self) -> float:
        """Beats a minute, over the whole sound; 0 where it has none."""
        return self._found.tempo

    @cached_property
    def waveform(self) -> np.ndarray:
        edges = self._edges()
        pairs = np.stack([-_highest(-self._spectrum.low, edges), _highest(self._spectrum.high, edges)], axis=1)
        return np.clip(pairs, -1, 1).reshape(-1).astype(np.float32)

    def feature(self, name: str, attack: float | None = None, release: float | None = None) -> np.ndarray:
        """One of FEATURES, ``float64 [count]`` in [0, 1]; do not write to it, it is kept.

        Parameters
        ----------
        name : volume, bass (20 to 250 Hz), mid (to 2 kHz), treble (to 10 kHz), brightness (the spectral centroid in
            octaves), percussive and harmonic: levels, 1 where they are about the highest of the whole sound. onset:
            how much begins. beat: 1 on the frame nearest to each beat, else falling. beat_phase and bar_phase: rising
            from 0 to 1 from each beat, or downbeat, to the next.
        attack, release : time constants in seconds of the exponential by which it rises and falls; 0 is at once, None
            the default: attack 0, release as in RELEASE. An attack weakens a beat, which is one frame long.

        Raises
        ------
        ConfigError
            There is no such feature, or a time constant is negative.
        InputError
            The sound can no longer be decoded.
        """
        if name not in FEATURES:
            raise ConfigError(f"music has no feature {name!r}; it has {', '.join(FEATURES)}.")
        rise = 0.0 if attack is None else attack
        fall = RELEASE[name] if release is None else release
        if not (rise >= 0 and fall >= 0):
            raise ConfigError(f"attack and release of {name} are {rise:g} s and {fall:g} s; they must be 0 or more.")
        key = (name, rise, fall)
        if key not in self._cache:
            self._cache[key] = self._work_out(name, rise, fall)
            self._cache[key].flags.writeable = False
        return self._cache[key]

    def _work_out(self, name: str, attack: float, release: float) -> np.ndarray:
        frames = np.arange(self.count) / float(self.rate)
        if name in {"beat", "beat_phase", "bar_phase"}:
            values = self._pulse() if name == "beat" else self._phase(frames, 1 if name == "beat_phase" else self._bar)
            values = follow(values, attack, release, float(self.rate))
        else:
            hops = follow(self._level(name), attack, release, HOP_RATE)
            edges = self._edges() - self._offset
            values = _highest(hops, edges) if name == "onset" else _mean(hops, edges)
        half = 0.5 / float(self.rate)
        heard = (frames >= self._offset - half) & (frames <= self._offset + self._spectrum.seconds + half)
        return np.clip(np.where(heard, values, 0.0), 0.0, 1.0)

    def _edges(self) -> np.ndarray:
        """Where each frame's own time begins and ends, ``float64 [count + 1]`` seconds on the picture's clock."""
        return (np.arange(self.count + 1) - 0.5) / float(self.rate)

    def _level(self, name: str) -> np.ndarray:
        """A feature at HOP_RATE, 1 where it is about the highest of the whole sound."""
        levels = self._spectrum.levels
        heard = levels["volume"] > 0
        if name in {"percussive", "harmonic"}:
            loudest = max(_loud(part, heard) for part in self._parts.values())
            return _scaled(self._parts[name], heard, max(SILENCE, _PART_SHARE * loudest))
        if name in {"onset", "brightness"}:
            return _scaled(levels[name], heard, _ONSET_FLOOR if name == "onset" else 0.1)
        return _scaled(levels[name], heard, max(SILENCE, _BAND_SHARE * _loud(levels["volume"], heard)))

    @cached_property
    def _parts(self) -> dict[str, np.ndarray]:
        """Percussive and harmonic at HOP_RATE."""
        count = len(self._spectrum.low)
        heard = self._spectrum.levels["volume"] > 0
        parts = separate(self._sound)
        return {
            name: np.interp(np.arange(count), 2 * np.arange(len(part)), part) * heard for name, part in parts.items()
        }

    @cached_property
    def _found(self) -> Beats:
        return find_beats(self._spectrum, self._bar)

    @property
    def _beat_times(self) -> np.ndarray:
        """All beats of the sound, also those that no frame shows, on the picture's clock."""
        return self._found.times + self._offset

    @property
    def _beat_frames(self) -> np.ndarray:
        return np.floor(self._beat_times * float(self.rate) + 0.5).astype(int)

    @property
    def _seen(self) -> np.ndarray:
        return (self._beat_frames >= 0) & (self._beat_frames < self.count)

    def _pulse(self) -> np.ndarray:
        """1 on the frame nearest to each beat, else 0."""
        pulse = np.zeros(self.count)
        pulse[self._beat_frames[self._seen]] = 1
        return pulse

    def _phase(self, frames: np.ndarray, beats: int) -> np.ndarray:
        """How far each frame is from one beat to the next, or through a bar of ``beats`` beats, in [0, 1).

        0 before the first beat; after the last one it rises once more, as fast as before.
        """
        times = self._beat_times
        if len(times) < 2:
            return np.zeros(self.count)
        times = np.append(times, 2 * times[-1] - times[-2])
        count = np.interp(frames, times, np.arange(len(times)), left=0, right=0)
        inside = (frames >= times[0]) & (frames < times[-1])
        return np.where(inside, ((count - self._found.first_bar % beats) % beats) / beats, 0.0)


def listen(sound: Sound, *, rate: Fraction, count: int, offset: float = 0.0, beats_per_bar: int = 4) -> Music:
    """Listen to the first track of ``sound`` for ``count`` frames, ``rate`` a second; its start is the first frame.

    Parameters
    ----------
    offset : seconds by which the features come later than the sound is heard; negative: earlier.
    beats_per_bar : how many beats make a bar.

    Raises
    ------
    InputError
        Nothing of the sound can be decoded.
    ConfigError
        librosa is not installed.
    """
    return Music(sound, measure(sound), rate, count, offset, beats_per_bar)


def follow(values: np.ndarray, attack: float, release: float, rate: float) -> np.ndarray:
    """``values``, ``rate`` a second, followed with one-pole time constants in seconds for rising and for falling.

    What falls to nothing leaves ``exp(-t / release)``; a constant of 0 follows at once.
    """
    if attack == 0 and release == 0:
        return values
    rise, fall = (np.exp(-1 / (rate * constant)) if constant > 0 else 0.0 for constant in (attack, release))
    followed = []
    last = 0.0
    for value in values.tolist():
        last = value + (last - value) * (rise if value > last else fall)
        followed.append(last)
    return np.array(followed)


def _loud(values: np.ndarray, heard: np.ndarray) -> float:
    """The level that counts as loud: nearly the highest where anything is heard, so that pauses do not matter."""
    return float(np.percentile(values[heard], _LOUD)) if heard.any() else 0.0


def _scaled(values: np.ndarray, heard: np.ndarray, least: float) -> np.ndarray:
    """``values`` in [0, 1] with the loud ones, but nothing below ``least``, at 1."""
    return np.clip(values.astype(np.float64) / max(_loud(values, heard), least), 0, 1)


def _mean(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Means of ``values`` at HOP_RATE between successive ``edges`` in seconds, of the part that there is of each."""
    total = np.append(0.0, np.cumsum(values))
    places = np.clip(edges * HOP_RATE + 0.5, 0, len(values))
    sums = np.diff(np.interp(places, np.arange(len(total)), total))
    return sums / np.maximum(np.diff(places), 1e-9)


def _highest(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The highest of ``values`` at HOP_RATE between successive ``edges``; the next value where none lies there."""
    places = np.clip(np.ceil(edges * HOP_RATE), 0, len(values)).astype(int)
    # The zero at the end stands for what comes after; reduceat gives the value at the first index of an empty slice.
    return np.maximum.reduceat(np.append(values, 0), places)[:-1]
