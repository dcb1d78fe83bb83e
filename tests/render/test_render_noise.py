"""Dreams on noise."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dreamvideo.config import Config
from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.noise import grey_noise
from dreamvideo.media.still import read_image
from dreamvideo.render import noise
from dreamvideo.render.job import Job, Listener, Report
from dreamvideo.render.noise import choose_variant, noise_source, render_noise
from tests.tiny import shared_dreamer, tiny_config

FORMULA = {"objective": "channel(mixed, 3)", "layers": {}}


def render(path: Path, size: tuple[int, int] = (48, 40), *, overwrite: bool = False, **changes: object) -> Report:
    return render_noise(Job("", str(path), tiny_config(**changes), overwrite=overwrite), size, Listener())


def test_the_seed_decides_the_picture(out: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        render(out / f"{name}.png", seed=seed, dream=FORMULA)
    a, b, c = (read_image(str(out / f"{name}.png")) for name in "abc")
    assert a.shape == (40, 48, 3)
    assert np.array_equal(a, b)
    assert np.abs(a - c).mean() > 0.01


def test_it_raises_its_objective(out: Path) -> None:
    config = tiny_config(dream={**FORMULA, "steps": 8, "step": 0.05, "octave_mode": "grow"})
    path = out / "dream.png"
    render_noise(Job("", str(path), config), (48, 48), Listener())
    dreamer = shared_dreamer(config.dream, seed=0)

    def height(frame: np.ndarray) -> float:
        return dreamer.dream(frame, np.zeros_like(frame), index=0, steps=1, rate=1e-9).objective

    before = max(height(grey_noise(48, 48, 0, variant)) for variant in range(noise.TRIED))
    assert height(read_image(str(path))) > 1.2 * before


def test_it_starts_from_the_noise_that_the_objective_sees_best() -> None:
    config = tiny_config(dream={**FORMULA, "octaves": 1})
    dreamer, source = shared_dreamer(config.dream, seed=0), noise_source(config, (40, 40))
    chosen = choose_variant(dreamer, source)
    heights = []
    for source.variant in range(noise.TRIED):
        frame = next(source.frames())
        heights.append(dreamer.dream(frame, np.zeros_like(frame), index=0, steps=1, rate=1e-9).objective)
    assert heights[chosen] == max(heights)


def test_it_holds_the_settings_that_made_it(out: Path) -> None:
    render(out / "dream.png", seed=4)
    with Image.open(out / "dream.png") as image:
        text = str(image.info["Comment"])
    assert Config.model_validate(tomllib.loads(text)) == tiny_config(seed=4)


def test_what_cannot_be_written_is_refused_before_a_network_is_loaded(
    out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(noise, "load_dreamer")
    (out / "mine.png").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        render(out / "mine.png")
    with pytest.raises(ConfigError, match="is not a picture"):
        render(out / "dream.mp4")
    with pytest.raises(ConfigError, match="no time"):
        render(out / "dream.png", input={"start": 1.0})
    for given in ({"fps": 25}, {"frames": 3}):
        with pytest.raises(ConfigError, match=r"leave out input\.fps and input\.frames"):
            render(out / "dream.png", input=given)


def test_plain_noise_has_the_height_and_seed_asked_for() -> None:
    config = tiny_config(dream=FORMULA, noise={"amplitude": 0.08})
    frames = [next(noise_source(tiny_config(seed=seed), (60, 50)).frames()) for seed in (0, 1)]
    plain = next(noise_source(config, (60, 50)).frames())
    assert (plain.shape, plain.dtype) == ((50, 60, 3), np.float32)
    assert (plain.min(), plain.max()) == pytest.approx((0.46, 0.54), abs=1e-3)
    assert not np.array_equal(frames[0], frames[1])
    assert not np.array_equal(plain, frames[0])


def test_a_faint_dream_is_spread_out(out: Path) -> None:
    for name, spread in (("faint", None), ("shown", 0.1)):
        render(out / f"{name}.png", dream={**FORMULA, "step": 0.001}, noise={"amplitude": 0.004, "spread": spread})
    faint, shown = (read_image(str(out / f"{name}.png")) for name in ("faint", "shown"))
    assert faint.std() < 0.01
    assert (shown.mean(), shown.std()) == pytest.approx((0.5, 0.1), abs=0.01)
