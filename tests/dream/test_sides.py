"""Networks that take only some sides, as NASNet does: found out by probing, and dreamed on pictures of any size."""

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.catalogue import NETWORKS, Application
from dreamvideo.dream import pull
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.keras_graph import guess_values
from dreamvideo.dream.networks import Network
from dreamvideo.dream.sides import Sides
from dreamvideo.dream.sight import MOST_SIGHT
from dreamvideo.errors import ConfigError, NetworkError
from tests.tiny import picture, randomize, tiny_dream, tiny_network, zeros

FIRST, SECOND = "join_1", "join_2"


def parting_model() -> Any:
    """Twice it halves in two ways, of which one rounds up and the other down; a layer without padding comes first."""
    image = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(6, 3, 2, "valid", activation="relu", name="stem")(image)
    for index in (1, 2):
        up = keras.layers.Conv2D(6, 3, 2, "same", activation="relu", name=f"up_{index}")(x)
        down = keras.layers.AveragePooling2D(2, name=f"down_{index}")(x)
        x = keras.layers.Add(name=f"join_{index}")([up, down])
    model = keras.Model(image, x, name="parting")
    randomize(model, 0)
    return model


def parting() -> Network:
    return Network(parting_model(), name="parting", scale=2.0, offset=-1.0)


@pytest.mark.parametrize(("layer", "grid"), [("stem", (1, 0)), (FIRST, (4, 1)), (SECOND, (8, 1)), ("up_2", (4, 1))])
def test_the_sides_that_fit_are_found(layer: str, grid: tuple[int, int]) -> None:
    network = parting()
    sides = network.sides([layer])
    assert sides.fitting == grid
    stride, phase = network.whole_sides([layer])
    for side in range(200, 264):
        fits = bool(sides(side))
        assert not (side % grid[0] == grid[1] and not fits)
        assert fits == (grid[0] == 1 or (side - grid[1]) % grid[0] in (0, 1))  # the stem does not see the last of two
        if side % stride == phase:
            assert fits
            features: Any = network.features([layer], "float32")
            assert features(tf.zeros([1, side, side, 3]))[layer].shape[1:3] == (sides(side)[0],) * 2


def test_the_smallest_side_is_one_that_fits() -> None:
    network = parting()
    for border in (0, 1, 2):
        side = network.smallest_side([SECOND], border)
        assert network.sides([SECOND])(side) == [2 * border + 1]


def test_strides_of_another_number_than_two_are_found() -> None:
    sides = Sides(lambda height, width: [(height // 6, width // 6)] if height % 6 == 3 else _refuse())
    assert sides.fitting == (6, 3)
    assert sides.whole == (6, 3)


def test_with_same_padding_a_network_of_skips_takes_multiples() -> None:
    """The finest layer comes last and has a stride of 1, but the way there has one of 4."""
    image = keras.Input((None, None, 3))
    coarse = keras.layers.Conv2D(4, 3, 4, "same", name="coarse")(image)
    fine = keras.layers.UpSampling2D(4, name="fine")(coarse)
    model = keras.Model(image, keras.layers.Concatenate(name="skip")([image, fine]))
    assert Network(model, name="skips").whole_sides(["skip"]) == (4, 0)
    assert Network(model, name="skips").whole_sides(["coarse"]) == (1, 0)


def test_a_network_that_takes_next_to_no_sides_is_refused() -> None:
    for only in (set[int](), {1030}):
        sides = Sides(lambda height, width, only=only: [(height, width)] if height in only else _refuse())
        with pytest.raises(NetworkError, match="no pictures with a side from 1024"):
            _ = sides.fitting


def _refuse() -> Any:
    raise ValueError("it does not fit")


def test_each_side_is_probed_once() -> None:
    asked: list[int] = []
    sides = Sides(lambda height, width: asked.append(height) or [(height // 2, width // 2)])
    assert (sides.fitting, sides.whole, sides.smallest(1)) == ((1, 0), (2, 0), 6)
    assert len(asked) == len(set(asked)) < 40


def test_a_description_is_that_of_the_next_size_that_fits() -> None:
    network = parting()
    found = {layer.name: (layer.height, layer.width, layer.stride) for layer in network.describe(100, 511)}
    assert found[SECOND] == (13, 64, 8)  # of 105x513
    assert network.describe(100, 511) == network.describe(105, 513)
    tiny = tiny_network()
    assert tiny.describe(40, 51) != tiny.describe(40, 53)
    with pytest.raises(ConfigError, match="2x2 is too small for tiny"):
        tiny.describe(2, 2)


OBJECTIVES: dict[str, dict[str, Any]] = {
    "layer": {"layers": {SECOND: 1.0}},
    "two layers": {"layers": {FIRST: 1.0, SECOND: 0.5}},
    "cropped": {"layers": {SECOND: 1.0}, "crop": 2},
    "guide": {"layers": {}, "objective": f"guide({SECOND}, sea)"},
    "strongest": {"layers": {}, "objective": f"strongest({SECOND}, 2)"},
}


@pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)
@pytest.mark.parametrize("size", [(93, 141), (64, 64), (5, 300)])
def test_pictures_of_any_size_are_dreamed(objective: dict[str, Any], size: tuple[int, int]) -> None:
    dreamer = Dreamer(tiny_dream(tile=64, **objective), seed=0, network=parting())
    frame = picture(*size)
    prepared = dreamer.prepare(frame, {"sea": picture(77, 103, 1)} if "guide" in str(objective) else {})
    found = dreamer.dream(frame, zeros(frame), index=0, steps=2, rate=0.02, prepared=prepared).residual
    assert found.shape == frame.shape
    assert np.isfinite(found).all()
    assert np.abs(found[-3:]).mean() > 0.2 * np.abs(found).mean()


@pytest.mark.parametrize("size", [(77, 103), (3, 5), (900, 641), (2, 4000)])
def test_a_picture_is_looked_at_in_a_size_that_fits(size: tuple[int, int]) -> None:
    dreamer = Dreamer(tiny_dream(layers={SECOND: 1.0}), seed=0, network=parting())
    found = dreamer._eye.look(picture(*size), [SECOND])[SECOND]
    assert max(found.shape[:2]) <= 4 * MOST_SIGHT // 8
    assert min(found.shape[:2]) >= 1


@pytest.mark.parametrize("name", ["nasnetmobile", "nasnetlarge"])
def test_nasnet_is_built_for_one_size_and_made_free(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Keras refuses to build it for any size with its weights, and would leave out layers if it did."""
    origin = NETWORKS[name].origin
    assert isinstance(origin, Application)
    built: list[tuple[int | None, ...]] = []

    def build(*, input_shape: tuple[int | None, ...], **_: Any) -> Any:
        built.append(input_shape)
        image = keras.Input(input_shape)
        return keras.Model(image, keras.layers.Conv2D(4, 3, name="conv")(image))

    monkeypatch.setattr(keras.applications, origin.cls, build)
    assert pull.fetch_application(origin).input_shape == (None, None, None, 3)
    assert built == [{"nasnetmobile": (224, 224, 3), "nasnetlarge": (331, 331, 3)}[name]]


def test_the_layers_of_nasnet_that_show_well_are_there() -> None:
    build: Any = keras.applications.NASNetMobile
    model = build(weights=None, include_top=False)
    shown = NETWORKS["nasnetmobile"].showcase
    assert set(shown) <= {layer.name for layer in model.layers}
    sides = [model.get_layer(name).output.shape[1] for name in shown]
    assert (sides[0], sides[-1]) == (56, 7)
    assert guess_values(model) == NETWORKS["nasnetmobile"].values
