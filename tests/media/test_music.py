"""What is heard: each feature follows what it is named after, on the right frames, within [0, 1]."""

import sys
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from dreamvideo.errors import ConfigError
from dreamvideo.media import music, spectrum, track
from dreamvideo.media.music import FEATURES, RELEASE, Music, follow, listen
from dreamvideo.media.sound import Sound
from dreamvideo.media.track import open_track

RATE = 44100
BAND_NAMES = ("bass", "mid", "treble")

Heard = Callable[..., Music]


@pytest.fixture
def save(tmp_path: Path) -> Callable[[np.ndarray], Sound]:
    """``save(samples)`` writes mono samples at RATE to a file and opens it."""

    def build(samples: np.ndarray) -> Sound:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.wav"
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        return open_track(str(path))

    return build


@pytest.fixture
def hear(save: Callable[[np.ndarray], Sound]) -> Heard:
    """``hear(samples, rate=30, count=None)`` listens to mono samples; count: as long as they last."""

    def build(samples: np.ndarray, rate: Fraction | int = 30, count: int | None = None, **options: float) -> Music:
        frames = round(len(samples) / RATE * rate) if count is None else count
        return listen(save(samples), rate=Fraction(rate), count=frames, **options)  # pyright: ignore[reportArgumentType]

    return build


def clock(seconds: float) -> np.ndarray:
    return np.arange(round(seconds * RATE)) / RATE


def sine(frequency: float, seconds: float) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * frequency * clock(seconds))


def clicks(tempo: float, seconds: float = 10.0, first: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """Short decaying clicks at a tempo, and the times they begin."""
    times = np.arange(first, seconds - 0.05, 60 / tempo)
    one = np.sin(2 * np.pi * 1000 * clock(0.02)) * np.exp(-clock(0.02) / 0.005)
    sound = np.zeros(round(seconds * RATE))
    for time in times:
        sound[round(time * RATE) :][: len(one)] += 0.8 * one
    return sound, times


def drums(tempo: float, seconds: float, bar: int, downbeat: int) -> np.ndarray:
    """Clicks with a bass drum on the beat number ``downbeat`` and every ``bar`` after it."""
    sound, times = clicks(tempo, seconds)
    for time in times[downbeat::bar]:
        drum = 0.6 * sine(60, 0.2) * np.exp(-clock(0.2) / 0.06)
        sound[round(time * RATE) :][: len(drum)] += drum[: len(sound) - round(time * RATE)]
    return sound


@pytest.mark.parametrize("tempo", [120, 93, 75, 150])
def test_each_beat_is_found_within_a_frame(hear: Heard, tempo: int) -> None:
    sound, times = clicks(tempo)
    heard = hear(sound)
    assert len(heard.beats) == len(times)
    assert np.abs(heard.beats - times).max() <= 1 / 30
    assert abs(np.mean(heard.beats - times)) < 0.008
    assert heard.tempo == pytest.approx(tempo, rel=0.01)


def test_the_pulse_is_1_on_the_frame_nearest_to_each_beat(hear: Heard) -> None:
    heard = hear(clicks(120)[0])
    nearest = np.floor(heard.beats * 30 + 0.5).astype(int)
    pulse = heard.feature("beat")
    assert np.array_equal(np.flatnonzero(pulse == 1), nearest)
    after = pulse[nearest[3] : nearest[4]]
    assert after == pytest.approx(np.exp(-np.arange(len(after)) / 30 / RELEASE["beat"]))
    assert set(heard.feature("beat", release=0)) == {0.0, 1.0}
    assert not pulse[: nearest[0]].any()


@pytest.mark.parametrize(("bar", "downbeat"), [(4, 0), (4, 3), (3, 1)])
def test_bars_begin_on_the_strongest_beats(hear: Heard, bar: int, downbeat: int) -> None:
    heard = hear(drums(120, 12, bar, downbeat), beats_per_bar=bar)
    assert heard.first_bar == downbeat
    phase = heard.feature("bar_phase")
    for beat in heard.beats[downbeat::bar][1:]:
        frame = int(np.ceil(beat * 30))
        assert phase[frame] < 0.15
        assert phase[frame - 2] > 0.85


def test_phases_rise_from_beat_to_beat(hear: Heard) -> None:
    heard = hear(clicks(120)[0])
    at, phase = np.arange(heard.count) / 30, heard.feature("beat_phase")
    for begin, end in zip(heard.beats[:-1], heard.beats[1:], strict=True):
        inside = (at > begin + 0.001) & (at < end - 0.001)
        assert phase[inside] == pytest.approx((at[inside] - begin) / (end - begin), abs=1e-6)
    assert not phase[at < heard.beats[0] - 0.001].any()


def test_beats_that_no_frame_shows_are_not_given(hear: Heard) -> None:
    sound = drums(120, 12, 4, 1)
    whole = hear(sound)
    early = hear(sound, count=90, offset=-2.2)
    shown = whole.beats[(whole.beats >= 2.2) & (whole.beats < 5.2)] - 2.2
    assert early.beats == pytest.approx(shown)
    downbeats = whole.beats[whole.first_bar :: 4] - 2.2
    assert early.beats[early.first_bar] == pytest.approx(downbeats[downbeats > 0][0])


def test_a_sweep_lights_the_bands_in_turn(hear: Heard) -> None:
    low, high, seconds = 60, 8000, 9
    growth = np.log(high / low) / seconds
    heard = hear(0.5 * np.sin(2 * np.pi * low / growth * (np.exp(growth * clock(seconds)) - 1)))
    levels = np.stack([heard.feature(name) for name in BAND_NAMES])
    frequency = low * np.exp(growth * np.arange(heard.count) / 30)
    sounding = np.searchsorted([250, 2000], frequency)
    clear = np.min(np.abs(np.log(frequency[:, None] / [250, 2000])), axis=1) > 0.25
    clear[[0, 1, -1, -2]] = False
    assert np.array_equal(np.argmax(levels, axis=0)[clear], sounding[clear])
    assert list(np.argsort(np.argmax(levels, axis=1))) == [0, 1, 2]
    assert np.all(np.diff(heard.feature("brightness", release=0)[3:-3]) > -1e-3)
    assert heard.feature("volume")[5:-5] == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("level", [0, 1e-4])
def test_silence_and_faint_noise_give_zeros(hear: Heard, level: float) -> None:
    heard = hear(np.random.default_rng(1).standard_normal(3 * RATE) * level)
    for name in FEATURES:
        assert not heard.feature(name).any(), name
    assert (len(heard.beats), heard.tempo) == (0, 0)


@pytest.mark.parametrize("samples", [100, 900, 5000])
def test_very_short_sounds(hear: Heard, samples: int) -> None:
    heard = hear(sine(440, 1)[:samples] + 0.1, count=10)
    for name in FEATURES:
        values = heard.feature(name)
        assert values.shape == (10,)
        assert np.isfinite(values).all()
        assert not values[5:].any()
    assert len(heard.waveform) == 20


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(12), Fraction(240)])
def test_all_features_stay_between_0_and_1(hear: Heard, rate: Fraction) -> None:
    noise = np.random.default_rng(2).standard_normal(4 * RATE)
    heard = hear(clicks(140, 4)[0] + 0.1 * noise, rate=rate)
    for name in FEATURES:
        values = heard.feature(name, release=0 if rate == 12 else None)
        assert (values.shape, values.dtype) == ((heard.count,), np.float64)
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= 1
        assert values.max() > 0.2, name


def test_a_steady_tone_stays_steady(hear: Heard) -> None:
    faded = np.clip(np.minimum(clock(4), 4 - clock(4)) / 0.3, 0, 1)
    heard = hear(sine(3000, 4) * np.sin(faded * np.pi / 2) ** 2)
    inside = slice(12, -12)
    assert heard.feature("treble")[inside] == pytest.approx(1, abs=0.02)
    assert heard.feature("bass", release=0)[inside].max() < 0.01
    assert heard.feature("onset", release=0)[inside].max() < 0.05
    assert heard.feature("percussive", release=0)[inside].max() < 0.1
    assert heard.feature("harmonic")[inside].min() > 0.9
    assert len(heard.beats) <= 1


def test_clicks_are_percussive(hear: Heard) -> None:
    heard = hear(clicks(120, 5)[0])
    assert heard.feature("percussive").mean() > 3 * heard.feature("harmonic").mean()


def test_onsets_are_on_the_frames_of_the_clicks(hear: Heard) -> None:
    sound, times = clicks(120, 5)
    onset = hear(sound + sine(300, 5) * 0.2).feature("onset", release=0)
    for time in times:
        assert onset[round(time * 30) - 1 : round(time * 30) + 2].max() > 0.7
    assert np.median(onset) < 0.1


def test_levels_are_of_the_frames_own_time(hear: Heard) -> None:
    sound = np.concatenate([np.zeros(RATE), sine(440, 1), np.zeros(RATE)])
    volume = hear(sound).feature("volume", release=0)
    assert volume[34:56] == pytest.approx(1, abs=0.02)
    assert volume[[30, 60]] == pytest.approx(0.7, abs=0.1)
    assert not volume[:28].any()
    assert not volume[63:].any()


def test_nothing_is_heard_after_the_end(hear: Heard) -> None:
    heard = hear(drums(120, 4, 4, 0) + 0.1 * sine(500, 4), count=300)
    for name in FEATURES:
        assert heard.feature(name).shape == (300,)
        assert not heard.feature(name, release=1.0)[122:].any(), name
    assert not heard.waveform[2 * 122 :].any()


def test_follow_is_exponential_both_ways() -> None:
    step = np.concatenate([np.zeros(10), np.ones(90), np.zeros(100)])
    followed = follow(step, 0.2, 0.5, 50)
    assert followed[10:100] == pytest.approx(1 - np.exp(-np.arange(1, 91) / 50 / 0.2))
    assert followed[100:] == pytest.approx(followed[99] * np.exp(-np.arange(1, 101) / 50 / 0.5))
    assert np.array_equal(follow(step, 0, 0, 50), step)
    assert np.array_equal(follow(step, 0, 0.5, 50)[:100], step[:100])


def test_attack_and_release_reach_the_features(hear: Heard) -> None:
    heard = hear(np.concatenate([np.zeros(RATE // 2), sine(440, 2), np.zeros(2 * RATE)]))
    falling = heard.feature("volume", release=0.4)[78:130]
    assert falling == pytest.approx(falling[0] * np.exp(-np.arange(len(falling)) / 30 / 0.4), rel=0.03)
    rising = 1 - heard.feature("volume", attack=0.4)[18:70]
    assert rising == pytest.approx(rising[0] * np.exp(-np.arange(len(rising)) / 30 / 0.4), rel=0.05, abs=0.005)
    assert np.array_equal(heard.feature("volume", 0, RELEASE["volume"]), heard.feature("volume"))
    assert heard.feature("volume") is heard.feature("volume")


@pytest.mark.parametrize("frames", [7, -7])
def test_offset_shifts_by_frames(hear: Heard, frames: int) -> None:
    sound = drums(120, 6, 4, 1) + 0.05 * sine(700, 6)
    here, there = hear(sound), hear(sound, offset=frames / 30)
    ours = slice(20, -20)
    for name in FEATURES:
        moved = np.roll(here.feature(name), frames)
        assert there.feature(name)[ours] == pytest.approx(moved[ours], abs=1e-6), name
    assert np.array_equal(here.waveform, there.waveform)


def test_features_do_not_depend_on_the_frame_rate(hear: Heard) -> None:
    noise = np.random.default_rng(3).standard_normal(6 * RATE)
    sound = drums(120, 6, 4, 1) + noise * 0.1 * (1 + np.sin(2 * np.pi * clock(6)))
    coarse, fine = hear(sound, rate=24), hear(sound, rate=48)
    assert coarse.beats == pytest.approx(fine.beats)
    for name in FEATURES:
        difference = np.abs(coarse.feature(name) - fine.feature(name)[::2])
        assert np.median(difference) < 0.03, name
        if "phase" in name:
            assert difference.max() < 1e-6


def test_the_waveform_outlines_the_sound(hear: Heard) -> None:
    sound = np.concatenate([np.zeros(RATE), sine(440, 1)])
    heard = hear(sound)
    low, high = heard.waveform[0::2], heard.waveform[1::2]
    assert heard.waveform.dtype == np.float32
    assert high[33:58] == pytest.approx(0.5, abs=0.02)
    assert low[33:58] == pytest.approx(-0.5, abs=0.02)
    assert not heard.waveform[:58].any()


def test_a_long_sound_in_blocks_is_heard_like_one(
    save: Callable[[np.ndarray], Sound], monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = save(drums(120, 6, 4, 1) + 0.05 * np.random.default_rng(4).standard_normal(6 * RATE))
    whole = listen(sound, rate=Fraction(30), count=180)
    before = {name: whole.feature(name) for name in FEATURES}
    monkeypatch.setattr(track, "BLOCK", 24001)
    again = listen(sound, rate=Fraction(30), count=180)
    for name in FEATURES:
        assert again.feature(name) == pytest.approx(before[name], abs=1e-4), name


def test_dear_features_are_worked_out_only_when_asked_for(hear: Heard, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("worked out too early")

    monkeypatch.setattr(music, "separate", refuse)
    monkeypatch.setattr(music, "find_beats", refuse)
    heard = hear(sine(440, 0.5))
    for name in ("volume", "bass", "mid", "treble", "onset", "brightness"):
        heard.feature(name)


def test_unknown_features_and_constants_are_refused(hear: Heard) -> None:
    heard = hear(sine(440, 0.2))
    with pytest.raises(ConfigError, match="it has volume, bass"):
        heard.feature("loudness")
    with pytest.raises(ConfigError, match="0 or more"):
        heard.feature("volume", release=-1)


def test_a_missing_librosa_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "librosa", None)
    with pytest.raises(ConfigError, match=r"pip install 'dreamvideo\[music\]'"):
        listen(Sound("a.wav", 0, None, ()), rate=Fraction(25), count=1)
    with pytest.raises(ConfigError, match="needs librosa"):
        spectrum.separate(Sound("a.wav", 0, None, ()))
