"""What a sound is like 86 times a second: its level, bands, brightness and onsets, in memory that does not grow.

The sound is read and transformed in blocks of 20 s, of which only a few numbers for each hop are kept: about 10 MB an
hour. With librosa itself, the program grows by about 250 MB for a song and no more than 270 MB for an hour of sound.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from dreamvideo.errors import ConfigError
from dreamvideo.media.sound import Sound
from dreamvideo.media.track import SAMPLE_RATE, blocks

HOP = 256
HOP_RATE = SAMPLE_RATE / HOP
WINDOW = 2048
# A window of 23 ms tells when a note begins to within 10 ms; one of 93 ms would tell 30 ms too early.
ONSET_WINDOW = 512
ONSET_BANDS = 40
BANDS = {"bass": (20.0, 250.0), "mid": (250.0, 2000.0), "treble": (2000.0, 10000.0)}
BRIGHTNESS = (50.0, 10000.0)
SILENCE = 10 ** (-70 / 20)
# Brightness fades in over the 20 dB above silence, so that the hiss of a fading note does not flare up.
HEARD = 10 ** (-50 / 20)

_HPSS_HOP = 512
_HPSS_MARGIN = 32


@dataclass(frozen=True)
class Spectrum:
    """A sound at HOP_RATE, each array ``float32 [n]``, hop ``i`` standing for the time ``i / HOP_RATE`` seconds.

    ``levels`` holds volume and bands as RMS amplitudes (full scale 1), ``brightness`` in [0, 1] and ``onset`` as the
    mean rise of the mel bands in dB; all are 0 where the sound is below -70 dBFS. ``low`` and ``high`` are the
    lowest and the highest sample of each hop. ``seconds`` is the length of the sound.
    """

    levels: dict[str, np.ndarray]
    low: np.ndarray
    high: np.ndarray
    seconds: float


def require_librosa() -> None:
    """Raise a ConfigError that says what to install if librosa is missing."""
    if find_spec("librosa") is None:
        raise ConfigError("listening to music needs librosa; install it with `pip install 'dreamvideo[music]'`")


def measure(sound: Sound) -> Spectrum:
    """Decode ``sound`` once and measure it. Raises InputError where nothing decodes, ConfigError without librosa."""
    require_librosa()
    pieces: dict[str, list[np.ndarray]] = {}
    mel: np.ndarray | None = None
    count = 0

    def counted() -> Iterator[np.ndarray]:
        nonlocal count
        for block in blocks(sound):
            count += len(block)
            yield block

    for stretch in stretches(counted(), HOP):
        rising, mel = _onset(stretch, mel)
        measured = {**_levels(_power(stretch)), "onset": rising, **_extremes(stretch)}
        for name, values in measured.items():
            pieces.setdefault(name, []).append(values)
    whole = {name: np.concatenate(values).astype(np.float32) for name, values in pieces.items()}
    heard = whole["volume"] >= SILENCE
    low, high = whole.pop("low"), whole.pop("high")
    return Spectrum({name: values * heard for name, values in whole.items()}, low, high, count / SAMPLE_RATE)


def stretches(sound: Iterator[np.ndarray], hop: int) -> Iterator[np.ndarray]:
    """Samples in stretches of whole windows ``hop`` apart, the first one centred on the sound's first sample.

    Each stretch begins where the window after the last one of the stretch before does; silence stands at both ends.
    """
    rest = np.zeros(WINDOW // 2, np.float32)
    for block in sound:
        rest = np.concatenate([rest, block])
        count = 1 + (len(rest) - WINDOW) // hop
        if count > 0:
            yield rest[: WINDOW + (count - 1) * hop]
            rest = rest[count * hop :]
    yield np.concatenate([rest, np.zeros(WINDOW // 2, np.float32)])


def separate(sound: Sound) -> dict[str, np.ndarray]:
    """The RMS amplitudes of what is ``percussive`` and what is ``harmonic``, ``float32 [m]`` at half the HOP_RATE.

    Median filtering of the spectrogram across frequency and across time (Fitzgerald 2010): the dear part of
    listening, about 3 s for a minute of sound. Decodes the sound again. Raises as ``measure`` does.
    """
    require_librosa()
    percussive: list[np.ndarray] = []
    harmonic: list[np.ndarray] = []
    pieces = (np.sqrt(_power(stretch, _HPSS_HOP)) for stretch in stretches(blocks(sound), _HPSS_HOP))
    for magnitude, ours in _with_margins(pieces):
        steady, struck = _hpss(magnitude)
        harmonic.append(_root(steady[:, ours]))
        percussive.append(_root(struck[:, ours]))
    return {"percussive": np.concatenate(percussive), "harmonic": np.concatenate(harmonic)}


def _hpss(magnitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    import librosa

    return librosa.decompose.hpss(magnitude)


def _with_margins(pieces: Iterator[np.ndarray]) -> Iterator[tuple[np.ndarray, slice]]:
    """Each piece of a spectrogram with its neighbours' columns, and the slice in it that is the piece itself.

    A median over time then sees at the seams what it would see in one long spectrogram.
    """
    before, piece = None, next(pieces)
    while piece is not None:
        after = next(pieces, None)
        left = piece[:, :0] if before is None else before[:, -_HPSS_MARGIN:]
        right = piece[:, :0] if after is None else after[:, :_HPSS_MARGIN]
        yield np.concatenate([left, piece, right], axis=1), slice(left.shape[1], left.shape[1] + piece.shape[1])
        before, piece = piece, after


def _power(stretch: np.ndarray, hop: int = HOP, window: int = WINDOW) -> np.ndarray:
    """The power spectrum of each window, ``float32 [window // 2 + 1, n]``; a column's sum is the sound's power."""
    import librosa

    scale = 2 / (window * np.sum(np.hanning(window + 1)[:-1] ** 2))
    transformed = librosa.stft(stretch, n_fft=window, hop_length=hop, center=False)
    return (np.abs(transformed) ** 2 * scale).astype(np.float32)


def _levels(power: np.ndarray) -> dict[str, np.ndarray]:
    """Volume, bands and brightness of each column of a power spectrum."""
    frequencies = np.fft.rfftfreq(WINDOW, 1 / SAMPLE_RATE)
    levels = {"volume": np.sqrt(power.sum(axis=0))}
    for name, (low, high) in BANDS.items():
        levels[name] = np.sqrt(power[(frequencies >= low) & (frequencies < high)].sum(axis=0))
    levels["brightness"] = _brightness(np.sqrt(power), frequencies) * _heard(levels["volume"])
    return levels


def _brightness(magnitude: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    """Where the spectral centroid lies between the ends of BRIGHTNESS on a scale of octaves, in [0, 1]."""
    centroid = frequencies.astype(np.float32) @ magnitude / np.maximum(magnitude.sum(axis=0), 1e-12)
    low, high = BRIGHTNESS
    return np.clip(np.log(np.maximum(centroid, low) / low) / np.log(high / low), 0, 1)


def _heard(volume: np.ndarray) -> np.ndarray:
    """0 in silence rising to 1 at HEARD, evenly in dB."""
    return np.clip(np.log(np.maximum(volume, SILENCE) / SILENCE) / np.log(HEARD / SILENCE), 0, 1)


def _onset(stretch: np.ndarray, before: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Onset strength of each window, and the last window's mel spectrum in dB, which the next stretch goes on from."""
    import librosa

    margin = (WINDOW - ONSET_WINDOW) // 2
    power = _power(stretch[margin : len(stretch) - margin], HOP, ONSET_WINDOW)
    bands = librosa.filters.mel(sr=SAMPLE_RATE, n_fft=ONSET_WINDOW, n_mels=ONSET_BANDS, norm=None)
    # An absolute floor: one relative to the loudest sound of a stretch would differ from stretch to stretch.
    mel = librosa.power_to_db(bands @ power, amin=1e-8, top_db=None)
    before = np.full((ONSET_BANDS, 1), -80.0, np.float32) if before is None else before
    levels = np.concatenate([before, mel], axis=1)
    strength = librosa.onset.onset_strength(S=levels, sr=SAMPLE_RATE, hop_length=HOP, center=False)
    return strength[1:], mel[:, -1:]


def _extremes(stretch: np.ndarray) -> dict[str, np.ndarray]:
    """The lowest and the highest of the HOP samples around the middle of each window."""
    count = 1 + (len(stretch) - WINDOW) // HOP
    first = (WINDOW - HOP) // 2
    hops = stretch[first : first + count * HOP].reshape(count, HOP)
    return {"low": hops.min(axis=1), "high": hops.max(axis=1)}


def _root(magnitude: np.ndarray) -> np.ndarray:
    return np.sqrt((magnitude**2).sum(axis=0)).astype(np.float32)
