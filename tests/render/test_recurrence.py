"""What the recurrence makes of a clip: how steady a dream is from frame to frame."""

from typing import Any

import numpy as np

from dreamvideo.motion.carry import Seen
from dreamvideo.render.recurrence import Recurrence
from dreamvideo.render.timeline import unmoved
from tests.tiny import picture, tiny_config, tiny_dreamer

SIZE = 72, 96


def flicker(**dream: Any) -> tuple[float, float]:
    """Of a scene that stands still under grain: its dream's change from frame to frame over its RMS, and that."""
    scene, rng = picture(*SIZE, low=0.4, high=0.6), np.random.default_rng(0)
    flow, trust = np.zeros((*SIZE, 2), np.float32), np.ones((*SIZE, 1), np.float32)
    dream["octaves"] = 1
    loop = Recurrence(unmoved(tiny_config(dream=dream)), tiny_dreamer(**dream))
    residuals = []
    for index in range(16):
        frame = scene + 0.03 * rng.standard_normal(scene.shape).astype(np.float32)
        seen = Seen(index, frame) if index == 0 else Seen(index, frame, False, flow, trust)
        residuals.append(loop.next(seen).state.residual)
    settled = np.array(residuals[6:])
    return level(np.diff(settled, axis=0)) / level(settled), level(settled)


def level(values: np.ndarray) -> float:
    return float(np.sqrt(np.mean(values**2)))


def test_a_memory_that_is_carried_makes_the_dream_steadier_and_no_weaker() -> None:
    changes, strength = flicker()
    for other in ({"ascent": "plain"}, {"memory": "reset"}):
        changes_without, strength_without = flicker(**other)
        assert changes < 0.85 * changes_without
        assert strength > 0.9 * strength_without
