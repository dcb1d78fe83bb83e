"""The plan says what a render would do; a preview is the same picture, smaller."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dreamvideo.cli.plan import plan_text
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.octaves import octave_sizes
from dreamvideo.errors import ConfigError, OutputError
from dreamvideo.media.still import write_image
from dreamvideo.render.noise import noise_source
from dreamvideo.render.plan import PREVIEW_FRAMES, PREVIEW_WIDTH, make_plan, preview_config
from tests.render.conftest import FRAMES, Studio, pan
from tests.render.test_render_clip import MakeStudio
from tests.tiny import MIXED, picture, tiny_config, tiny_dreamer


def test_a_plan_counts_frames_octaves_tiles_and_steps(studio: Studio) -> None:
    studio.config = tiny_config(
        dream={"octaves": 3, "octave_scale": 2.0, "tile": 64, "jitter": 32, "halo": 8, "steps": 20},
        carry={"strength": 0.9},
    )
    plan = make_plan(studio.job())
    assert (plan.frames, plan.width, plan.height, plan.rate) == (FRAMES, 64, 48, Fraction(30000, 1001))
    assert plan.octaves == [(48, 64), (24, 32), (12, 16)]
    assert plan.tiles == [3, 1, 1]
    assert (plan.first_steps, plan.carried_steps) == (20, 2)
    assert (plan.precision, plan.objective) == ("float32", f"mean_square({MIXED})")
    assert plan.notes == []
    assert plan.seconds is not None
    assert plan.seconds == pytest.approx(plan.seconds_first_frame + (FRAMES - 1) * plan.seconds_per_frame)
    assert plan.seconds_first_frame == pytest.approx(plan.seconds_per_frame * 20 / 2)
    assert studio.files() == []


@pytest.mark.parametrize("strength", [0.0, 0.9])
def test_a_render_takes_the_steps_that_were_planned(
    studio: Studio, monkeypatch: pytest.MonkeyPatch, strength: float
) -> None:
    studio.config = tiny_config(dream={"steps": 20, "quality": "fine"}, carry={"strength": strength})
    plan = make_plan(studio.job())
    steps = [0] * FRAMES
    original = Dreamer.dream

    def spy(self: Dreamer, *arguments: Any, index: int, **options: Any) -> Any:
        steps[index] += options["steps"]
        return original(self, *arguments, index=index, **options)

    monkeypatch.setattr(Dreamer, "dream", spy)
    studio.render()
    assert steps == ([20] * FRAMES if strength == 0 else [20] + [2] * (FRAMES - 1))
    assert plan.seconds_first_frame / plan.seconds_per_frame == pytest.approx(steps[0] / steps[1])


def test_a_preview_of_a_draft_is_dreamed_at_one_of_its_own_octaves(studio: Studio) -> None:
    """Not at a size that the draft itself never comes down to."""
    studio.input = str(studio.folder / "wide.png")
    write_image(studio.input, np.zeros((540, 960, 3), np.float32))
    whole = tiny_config(dream={"octaves": 3, "octave_scale": 1.5, "quality": "draft"})
    studio.config = whole
    preview = preview_config(studio.job())
    sizes, own = (
        octave_sizes(height, width, config.dream, 10)
        for config, height, width in ((preview, 360, preview.input.width or 0), (whole, 540, 960))
    )
    assert preview.input.width == 640
    assert sizes == own[1:]


def test_a_plan_without_carry_takes_all_steps_on_every_frame(studio: Studio) -> None:
    studio.config = tiny_config(carry={"strength": 0.0})
    plan = make_plan(studio.job())
    assert plan.seconds_per_frame == plan.seconds_first_frame > 0


def test_a_plan_says_what_is_left_out(studio: Studio) -> None:
    studio.config = tiny_config(dream={"octaves": 12})
    plan = make_plan(studio.job())
    assert plan.notes == tiny_dreamer(octaves=12).notes(48, 64)
    assert len(plan.octaves) == len(plan.tiles) < 12


def test_larger_tiles_and_frames_take_more_memory(studio: Studio) -> None:
    def memory(**changes: int) -> int:
        studio.config = tiny_config(dream={"tile": 64, "jitter": 32, "halo": 0, **changes})
        return make_plan(studio.job()).memory_bytes

    assert memory() < memory(tile=512) < memory(tile=512, batch=4)


def test_a_plan_refuses_what_a_render_would(studio: Studio) -> None:
    (studio.folder / "out.mp4").write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists"):
        make_plan(studio.job())
    assert make_plan(studio.job(overwrite=True)).frames == FRAMES


def test_a_plan_names_the_layers_that_the_network_chose(studio: Studio) -> None:
    studio.config = tiny_config(dream={"layers": {}})
    (layer,) = tiny_dreamer(layers={}).settings.layers
    assert make_plan(studio.job()).objective == f"mean_square({layer})"


def styled(where: str) -> dict[str, Any]:
    """A guided dream, behind a mask, whose pictures lie at ``where``."""
    formula = f"guide({MIXED}, sea, mask=there)"
    return {"objective": formula, "layers": {}, "pictures": {"sea": where, "there": where}}


def test_a_dream_with_pictures_can_be_planned(studio: Studio) -> None:
    path = str(studio.folder / "sea.png")
    write_image(path, picture(24, 32))
    studio.config = tiny_config(dream=styled(path))
    plan = make_plan(studio.job())
    assert plan.seconds_per_frame > 0
    assert [note for note in plan.notes if "mask there is 32x24" in note]


def test_a_plan_misses_the_pictures_that_a_render_would(studio: Studio) -> None:
    studio.config = tiny_config(dream={**styled("sea"), "pictures": {}})
    with pytest.raises(ConfigError, match=r"give it with --picture \w+=FILE"):
        make_plan(studio.job())


def test_the_plan_of_one_picture_is_told_without_time(large: Studio, studio: Studio) -> None:
    text = plan_text(make_plan(large.job("out.png")))
    assert "1, 1000x600\n" in text
    assert "3 in each octave\n" in text
    assert not [word for word in ("a second", "frame after", "a frame", "shot") if word in text]
    text = plan_text(make_plan(studio.job()))
    assert f"{FRAMES}, 64x48 at 30000/1001 a second" in text
    assert "of each frame after" in text
    assert "for a shot's first)" in text


@pytest.fixture
def large(tmp_path: Path, out: Path) -> Studio:
    """A still of 1000 x 600 pixels."""
    path = tmp_path / "large.png"
    write_image(str(path), picture(600, 1000))
    config = tiny_config(dream={"octaves": 4, "octave_scale": 1.5})
    return Studio(out, str(path), config)


def test_a_preview_leaves_out_the_finest_octaves(large: Studio) -> None:
    job = large.job("out.png")
    config = preview_config(job)
    assert config.input.width == round(1000 / 1.5**3) <= PREVIEW_WIDTH
    assert config.dream.octaves == 1
    assert config.model_copy(update={"dream": job.config.dream, "input": job.config.input}) == job.config


def test_the_octaves_of_a_preview_are_those_of_the_render(large: Studio) -> None:
    large.config = tiny_config(dream={"octaves": 6, "octave_scale": 1.5})
    full = make_plan(large.job("out.png")).octaves
    small = make_plan(replace(large.job("out.png"), config=preview_config(large.job("out.png")))).octaves
    assert len(small) == 3
    for a, b in zip(small, full[-3:], strict=True):
        assert a == pytest.approx(b, abs=1)


def test_a_preview_of_something_small_is_the_thing_itself(studio: Studio) -> None:
    config = preview_config(studio.job())
    assert config.dream == studio.config.dream
    assert config.input.width == 64


def test_a_preview_is_short(folder_studio: MakeStudio) -> None:
    studio = folder_studio(pan(PREVIEW_FRAMES + 8), dream={"steps": 1})
    studio.config = preview_config(studio.job())
    assert studio.render("frames/").frames == PREVIEW_FRAMES


@pytest.mark.parametrize("start", [0.1, 1.02, 0.4])
def test_a_preview_begins_where_the_render_would(folder_studio: MakeStudio, start: float) -> None:
    studio = folder_studio(pan(60), dream={"steps": 1}, input={"start": start})
    studio.config = preview_config(studio.job())
    assert studio.config.input.start == start
    assert studio.render("frames/").frames == PREVIEW_FRAMES


def test_a_preview_ends_where_the_render_would(folder_studio: MakeStudio) -> None:
    studio = folder_studio(pan(30), dream={"steps": 1}, input={"end": 0.2})
    studio.config = preview_config(studio.job())
    assert studio.render("frames/").frames == 5


def test_a_preview_of_a_short_clip_complains_of_nothing(studio: Studio) -> None:
    studio.config = preview_config(studio.job())
    assert studio.render().frames == FRAMES
    assert studio.notes == []


def test_a_dream_on_noise_can_be_planned_and_previewed(studio: Studio) -> None:
    studio.config = tiny_config(dream={"octaves": 4, "octave_scale": 2.0})
    job = studio.job("out.png")
    plan = make_plan(job, noise_source(job.config, (1600, 800)))
    assert (plan.frames, plan.width, plan.height) == (1, 1600, 800)
    config = preview_config(job, noise_source(job.config, (1600, 800)))
    assert (config.input.width, config.dream.octaves) == (400, 2)
