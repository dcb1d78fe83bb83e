"""Receptive fields: those that are known, and the rules they follow."""

import math

from dreamvideo.dream.receptive import EVERYTHING, Step, receptive_fields


def test_vgg16_has_the_fields_that_are_known_of_it() -> None:
    steps, last = {}, ()
    for block, depth in enumerate((2, 2, 3, 3, 3), start=1):
        for index in range(1, depth + 1):
            steps[f"block{block}_conv{index}"] = Step(last, (3, 3))
            last = (f"block{block}_conv{index}",)
        steps[f"block{block}_pool"] = Step(last, (2, 2), (2, 2))
        last = (f"block{block}_pool",)
    fields = receptive_fields(steps)
    assert (fields["block1_conv2"], fields["block3_conv3"], fields["block5_conv3"]) == (5, 40, 196)


def test_the_widest_branch_counts_and_each_axis_for_itself() -> None:
    steps = {"a": Step((), (1, 7)), "b": Step((), (3, 1)), "join": Step(("a", "b")), "after": Step(("join",), (7, 1))}
    assert receptive_fields(steps) == {"a": 7, "b": 3, "join": 7, "after": 9}


def test_a_layer_after_a_global_one_sees_everything() -> None:
    steps = {"pool": Step((), EVERYTHING), "gate": Step(("pool",)), "scaled": Step(("gate", "conv"))}
    assert math.isinf(receptive_fields({"conv": Step((), (3, 3)), **steps})["scaled"])
