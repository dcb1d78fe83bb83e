"""What each level of ``dream.quality`` leaves out: octaves, sizes, and steps of carried frames."""

from dataclasses import dataclass

from dreamvideo.config import Dream


@dataclass(frozen=True)
class Quality:
    """What a level of ``dream.quality`` saves.

    All octaves are ``shrink`` times smaller, and ``fewer`` of them are dreamed, unless nothing would be left. With
    ``by_turns`` every other one of the coarser octaves is dreamed in one carried frame, and the others in the next.
    Of carried frames one in ``every`` is dreamed, so many times farther; the others are only moved along.
    A carried frame that is all new has ``care`` steps more in its finest octave, and others their share of that.
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


def turn(settings: Dream, index: int) -> dict[int, float]:
    """The octaves that are dreamed in carried frame ``index``, each with a factor on its steps."""
    quality = QUALITIES[settings.quality]
    if index % quality.every:
        return {}
    return {
        octave: float(quality.every)
        for octave in range(settings.octaves)
        if octave == 0 or not quality.by_turns or (octave + index // quality.every) % 2
    }


def octave_count(settings: Dream) -> int:
    """How many octaves are dreamed where the frame is large enough for all of them."""
    return max(settings.octaves_above + 1, settings.octaves - QUALITIES[settings.quality].fewer)


def keeping(settings: Dream, strength: float, index: int) -> tuple[float, float]:
    """How much of the dream stays in carried frame ``index``, and what of ``turn``'s factor a step then needs.

    All of it stays where nothing is dreamed, and ``strength**every`` in the others; the same strength as ever is then
    kept by ``(1 - strength**every) / (1 - strength)`` times the step.
    """
    every = QUALITIES[settings.quality].every
    if every == 1:
        return strength, 1.0
    stays = strength**every
    return (1.0 if index % every else stays), (1 - stays) / (1 - strength) / every
