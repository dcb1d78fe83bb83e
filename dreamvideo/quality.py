"""What each level of ``dream.quality`` leaves out: octaves, sizes, and steps of carried frames."""

from dataclasses import dataclass

from dreamvideo.config import Dream

FARTHER = 1.25  # times as far as others goes a step of an octave that has only every other one: large shapes keep up


@dataclass(frozen=True)
class Quality:
    """What a level of ``dream.quality`` saves.

    All octaves are ``shrink`` times smaller, and ``fewer`` of them are dreamed, unless nothing would be left. With
    ``by_turns`` the coarser octaves of a clip have every other step, in turn. Of carried frames one in ``every`` is
    dreamed, so many times farther; the others are only moved along. A carried frame that is all new has ``care`` steps
    more in its finest octave, and others their share of that.
    """

    shrink: float = 1.0
    fewer: int = 0
    by_turns: bool = False
    every: int = 1
    care: float = 3.0


QUALITIES = {
    "draft": Quality(shrink=2.0, fewer=1, by_turns=True, every=2, care=0.0),
    "standard": Quality(by_turns=True),
    "fine": Quality(),
}


@dataclass(frozen=True)
class Turn:
    """An octave's steps in one frame, each ``farther`` times as long as ever."""

    steps: int
    farther: float = 1.0


def turns(settings: Dream, index: int, steps: int, *, carried: bool) -> dict[int, Turn]:
    """What is dreamed in frame ``index`` of a clip, in which an octave may have ``steps``; others have none."""
    quality = QUALITIES[settings.quality]
    every = quality.every if carried else 1
    if index % every:
        return {}
    found = {}
    for octave in range(settings.octaves):
        if octave == 0 or not quality.by_turns:
            found[octave] = Turn(steps, float(every))
        elif half := max((steps + (octave + index // every) % 2) // 2, not carried):
            found[octave] = Turn(half, every * FARTHER)
    return found


def octave_count(settings: Dream) -> int:
    """How many octaves are dreamed where the frame is large enough for all of them."""
    return max(settings.octaves_above + 1, settings.octaves - QUALITIES[settings.quality].fewer)


def keeping(settings: Dream, strength: float, index: int) -> tuple[float, float]:
    """How much of the dream stays in carried frame ``index``, and what of ``Turn.farther`` a step then needs.

    All of it stays where nothing is dreamed, and ``strength**every`` in the others; the same strength as ever is then
    kept by ``(1 - strength**every) / (1 - strength)`` times the step.
    """
    every = QUALITIES[settings.quality].every
    if every == 1:
        return strength, 1.0
    stays = strength**every
    return (1.0 if index % every else stays), (1 - stays) / (1 - strength) / every
