"""Receptive fields: how much of the picture one activation sees.

A window of ``k`` inputs that lie ``j`` pixels apart widens the field by ``(k - 1) j``, and a stride of ``s`` sets the
next inputs ``s j`` apart; where branches meet the widest counts (Araujo, Norris and Sim 2019, "Computing receptive
fields of convolutional neural networks", Distill, equations 1 and 2 and section "Non-sequential networks").
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

Pair = tuple[float, float]  # (height, width)

EVERYTHING: Pair = (math.inf, math.inf)


@dataclass(frozen=True)
class Step:
    """One operation: the names it reads, and the window and stride with which it slides over them."""

    inputs: tuple[str, ...]
    window: Pair = (1, 1)
    stride: Pair = (1, 1)


def receptive_fields(steps: Mapping[str, Step]) -> dict[str, float]:
    """The field's longer side in pixels for every operation; ``inf`` where it is the whole picture.

    ``steps`` in an order in which inputs come first; a name that is not in it is the picture itself.
    """
    fields: dict[str, tuple[Pair, Pair]] = {}
    for name, step in steps.items():
        sources = [fields.get(source, ((1, 1), (1, 1))) for source in step.inputs] or [((1, 1), (1, 1))]
        axes = []
        for axis in (0, 1):
            size = max(field[axis] for field, _ in sources)
            jump = max(jump[axis] for _, jump in sources)
            axes.append((size + (step.window[axis] - 1) * jump, jump * step.stride[axis]))
        fields[name] = ((axes[0][0], axes[1][0]), (axes[0][1], axes[1][1]))
    return {name: max(field) for name, (field, _) in fields.items()}
