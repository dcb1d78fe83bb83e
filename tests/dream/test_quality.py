"""``dream.quality``: what each level saves, and that nothing is left out for good."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dreamvideo.config import Config, Dream
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.octaves import octave_sizes
from dreamvideo.motion.carry import Seen, carry
from dreamvideo.quality import QUALITIES, Turn, keeping, turns
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved
from tests.tiny import picture, tiny_config, tiny_dreamer

PERIOD = 4  # frames after which all levels begin anew


def pixels(quality: str, steps: int = 1, *, carried: bool = True) -> float:
    """How many steps there are in each frame, on average, times the pixels of their octaves."""
    settings = Dream(quality=quality)  # pyright: ignore[reportArgumentType]
    sizes = octave_sizes(720, 1280, settings, 75)
    found = [turns(settings, index, steps, carried=carried) for index in range(PERIOD)]
    return sum(turn.steps * np.prod(sizes[k]) for each in found for k, turn in each.items() if k < len(sizes)) / PERIOD


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("octaves", [1, 2, 3, 6])
@pytest.mark.parametrize("steps", [1, 2, 3, 20])
@pytest.mark.parametrize("carried", [True, False])
def test_every_octave_has_its_turn_and_the_finest_goes_as_far_as_ever(
    quality: str, octaves: int, steps: int, carried: bool
) -> None:
    settings = Dream(quality=quality, octaves=octaves)  # pyright: ignore[reportArgumentType]
    found = [turns(settings, index, steps, carried=carried) for index in range(PERIOD)]
    if steps == 1 and not carried:
        return  # an octave always has a step there: below
    paths = [sum(each[k].steps * each[k].farther for each in found if k in each) for k in range(octaves)]
    assert paths[0] == PERIOD * steps
    assert all(path == paths[1] > 0 for path in paths[1:])
    assert paths[-1] <= paths[0]


def test_each_level_costs_less_than_the_next() -> None:
    draft, standard, fine = map(pixels, ("draft", "standard", "fine"))
    assert draft < standard / 4
    assert standard < 0.85 * fine
    first = [pixels(quality, 20, carried=False) for quality in ("draft", "standard", "fine")]
    assert first[0] < first[1] / 2
    assert first[1] < 0.85 * first[2]


def test_a_draft_is_dreamed_at_half_the_size_unless_the_network_needs_more() -> None:
    draft = Dream(quality="draft", octave_scale=2.0)
    assert octave_sizes(400, 600, draft, 75) == [(200, 300), (100, 150)]
    assert octave_sizes(140, 600, draft, 75) == [(140, 600)]
    assert octave_sizes(400, 600, draft.model_copy(update={"octaves": 1}), 75) == [(200, 300)]


def frames(count: int) -> list[Seen]:
    """A shot that stands still."""
    frame = picture(96, 120, low=0.4, high=0.6)
    flow, trust = np.zeros((96, 120, 2), np.float32), np.ones((96, 120, 1), np.float32)
    return [Seen(i, frame) if i == 0 else Seen(i, frame, False, flow, trust) for i in range(count)]


def recurrence(quality: str) -> tuple[Recurrence, Config]:
    config = tiny_config(dream={"quality": quality, "octaves": 3, "octave_scale": 1.3})
    dreamer = tiny_dreamer(quality=quality, octaves=3, octave_scale=1.3)
    return Recurrence(unmoved(config), dreamer), config


def test_a_draft_only_moves_every_other_frame_along() -> None:
    loop, config = recurrence("draft")
    first, second, third = frames(3)
    before = loop.next(first).state
    moved = loop.next(second).state
    whole = config.carry.model_copy(update={"strength": 1.0})
    assert moved.residual == pytest.approx(carry(before, second, whole).residual, abs=1e-4)
    dreamed = loop.next(third).state
    assert np.abs(dreamed.residual - carry(moved, third, config.carry).residual).max() > 1e-3


@pytest.mark.parametrize("mode", ["residual", "detail", "grow"])
def test_a_draft_leaves_the_footage_its_own_detail(mode: str) -> None:
    """What it adds is smooth: nothing of it is finer than half the size."""
    frame = np.random.default_rng(0).random((96, 120, 3), np.float32) * 0.2 + 0.4
    settings = {"quality": "draft", "octaves": 3, "octave_scale": 1.3, "octave_mode": mode}
    found = tiny_dreamer(**settings).dream(frame, np.zeros_like(frame), index=0, steps=2, rate=0.01).residual
    assert np.abs(found).mean() > 1e-3
    assert np.abs(np.diff(found, axis=1)).mean() < 0.3 * np.abs(np.diff(frame, axis=1)).mean()


@pytest.mark.parametrize("strength", [0.95, 0.5, 0.2])
def test_a_draft_steps_as_far_as_what_it_fades(strength: float) -> None:
    """The recurrence ``level' = stays * level + share * every * (1 - strength)`` goes to 1, whatever the strength."""
    level, settings = 0.3, Dream(quality="draft")
    for index in range(400):
        stays, share = keeping(settings, strength, index)
        finest = turns(settings, index, 1, carried=True).get(0, Turn(0))
        level = stays * level + share * finest.steps * finest.farther * (1 - strength)
    assert level == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("quality", QUALITIES)
def test_the_strength_stays(quality: str) -> None:
    loop, _ = recurrence(quality)
    levels = np.array([loop.next(seen).state.level for seen in frames(40)])
    assert levels[4:] == pytest.approx(levels[0], rel=0.25)
    pulse = np.abs(levels[20:-1:2] / levels[21::2] - 1).max()
    assert pulse < (0.16 if quality == "draft" else 0.06)


@pytest.mark.parametrize(("quality", "octaves"), [("fine", [2, 1, 0]), ("standard", [1, 0]), ("draft", [0])])
def test_a_shots_first_frame_is_dreamed_in_every_octave(
    quality: str, octaves: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever its number; ``octaves`` are those of a carried frame."""
    seen: list[int] = []
    octave = Dreamer._octave

    def spy(self: Dreamer, task: object, base: np.ndarray, residual: np.ndarray, number: int) -> object:
        seen.append(number)
        return octave(self, task, base, residual, number)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Dreamer, "_octave", spy)
    loop, _ = recurrence(quality)
    first, second, third = frames(3)
    for begin in (1, 0):
        seen.clear()
        loop.next(replace(first, index=begin))
        assert seen == ([1, 0] if quality == "draft" else [2, 1, 0])
    loop.next(second)
    seen.clear()
    loop.next(third)
    assert seen == octaves


@pytest.mark.parametrize(("quality", "more"), [("fine", 4), ("standard", 4), ("draft", 1)])
def test_where_all_is_new_the_finest_octave_has_more_and_shorter_steps(
    quality: str, more: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, _ = recurrence(quality)
    first, second, third = frames(3)
    assert third.trust is not None
    loop.next(first)
    loop.next(second)
    old, new = {}, {}
    octave = Dreamer._octave

    def spy(self: Dreamer, task: Any, base: np.ndarray, residual: np.ndarray, number: int) -> object:
        found[number] = (task.steps, task.steps * task.rate)
        return octave(self, task, base, residual, number)

    monkeypatch.setattr(Dreamer, "_octave", spy)
    before = loop.state
    found = old
    loop.next(third)
    loop.state = before
    found = new
    loop.next(replace(third, trust=np.zeros_like(third.trust)))
    assert {number: steps for number, (steps, _) in old.items()} == dict.fromkeys(old, 1)
    assert {number: steps for number, (steps, _) in new.items()} == {number: 1 if number else more for number in old}
    assert {number: path for number, (_, path) in new.items()} == pytest.approx(
        {number: path for number, (_, path) in old.items()}
    )


@pytest.mark.parametrize("quality", QUALITIES)
@pytest.mark.parametrize("index", range(PERIOD))
def test_one_step_is_enough_for_a_first_frame_in_every_octave(quality: str, index: int) -> None:
    settings = Dream(quality=quality, octaves=4)  # pyright: ignore[reportArgumentType]
    assert set(turns(settings, index, 1, carried=False)) == {0, 1, 2, 3}
