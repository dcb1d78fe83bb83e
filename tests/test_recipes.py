"""One step of every published recipe, against its formula written out plainly.

The step is taken on one octave of a picture that the network sees whole, without random offsets, so that nothing of the
engine's own stands between the recipe and its result. Where a recipe's network has to be fetched, a small seeded one
with the same layer names and value range stands in.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from dreamvideo.config import Config
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.folding import rewrite
from dreamvideo.dream.networks import Network
from dreamvideo.merging import resolve
from dreamvideo.presets import list_presets
from tests.tiny import picture, randomize, zeros

SIZE = 139, 155  # both of 11 modulo 16: InceptionV3 sees every pixel
CONFIGS = Path(__file__).parents[1] / "configs"
Loss = Callable[[dict[str, Any]], Any]
pytestmark = pytest.mark.filterwarnings("ignore:The structure of `inputs`")


def one_octave(name: str, **changes: Any) -> Config:
    config = resolve(name)
    alone = {"octaves": 1, "octaves_above": 0, "steps": 1, "jitter": 1, "precision": "float32", "tile": 1024}
    return config.model_copy(update={"dream": config.dream.model_copy(update={**alone, **changes})})


def one_step(config: Config, network: Network, frame: np.ndarray, **pictures: np.ndarray) -> np.ndarray:
    dreamer = Dreamer(config.dream, seed=0, network=network)
    prepared = dreamer.prepare(frame, pictures)
    step = config.dream.step
    return frame + dreamer.dream(frame, zeros(frame), index=0, steps=1, rate=step, prepared=prepared).residual


def gradient_of(
    loss: Loss, model: Any, layers: list[str], frame: np.ndarray, scale: float, offset: float
) -> np.ndarray:
    """The plain way: the whole picture through the network, its loss differentiated with respect to the picture."""
    outputs = keras.Model(model.inputs, {name: model.get_layer(name).output for name in layers})
    image = tf.constant(frame[None] * scale + offset)
    with tf.GradientTape() as tape:
        tape.watch(image)
        value = loss(outputs(image, training=False))
    return np.asarray(tape.gradient(value, image))[0]


def assert_step(dreamed: np.ndarray, frame: np.ndarray, change: np.ndarray) -> None:
    wanted = np.clip(frame + change, 0, 1)
    assert np.abs(wanted - frame).max() > 1e-3
    assert dreamed == pytest.approx(wanted, abs=0.01 * float(np.abs(change).max()))


@pytest.fixture(scope="module")
def plain_inception(inception: Network) -> Any:
    """The embedded network in float32, by Keras' own layers alone."""
    return rewrite(inception.model, ["mixed2", "mixed3", "mixed4", "mixed5"])


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("inception-weighted", {"mixed2": 0.2, "mixed3": 3.0, "mixed4": 2.0, "mixed5": 1.5}),
        ("fine-texture", {"mixed2": 5.0, "mixed3": 1.0, "mixed4": 0.5, "mixed5": 0.2}),
        ("abstract-shapes", {"mixed2": 0.1, "mixed3": 0.5, "mixed4": 2.0, "mixed5": 5.0}),
        ("production", {"mixed2": 0.2, "mixed3": 3.0, "mixed4": 2.0, "mixed5": 1.5}),
    ],
)
def test_the_weighted_inception(name: str, weights: dict[str, float], inception: Network, plain_inception: Any) -> None:
    frame = picture(*SIZE)

    def loss(x: dict[str, Any]) -> Any:
        return sum(
            weight
            * tf.reduce_sum(tf.square(x[layer][:, 2:-2, 2:-2]))
            / tf.cast(tf.size(x[layer][:, 2:-2, 2:-2]), tf.float32)
            for layer, weight in weights.items()
        )

    gradient = gradient_of(loss, plain_inception, list(weights), frame, 2, -1)
    change = 0.01 / 2 * gradient / np.sqrt(np.mean(gradient**2))  # a step of 0.01 where pictures go from -1 to 1
    assert_step(one_step(one_octave(name), inception, frame), frame, change)


def test_the_published_counts_of_the_weighted_inception() -> None:
    dream = resolve("inception-weighted").dream
    assert (dream.steps, dream.octaves, dream.octave_scale, dream.octave_mode) == (20, 3, 1.4, "detail")
    production = resolve("production").dream
    assert (production.steps, production.octaves, production.layers) == (50, 5, dream.layers)


@pytest.mark.parametrize("name", ["tutorial", "tutorial-simple"])
def test_the_tutorial(name: str, inception: Network, plain_inception: Any) -> None:
    frame = picture(*SIZE)
    layers = ["mixed3", "mixed5"]
    gradient = gradient_of(
        lambda x: sum(tf.reduce_mean(x[layer]) for layer in layers), plain_inception, layers, frame, 2, -1
    )
    assert_step(one_step(one_octave(name), inception, frame), frame, 0.01 / 2 * gradient / gradient.std())


def test_the_published_counts_of_the_tutorial() -> None:
    dream = resolve("tutorial").dream
    assert (dream.octaves, dream.octaves_above, dream.octave_scale, dream.steps) == (5, 2, 1.3, 50)
    assert (dream.tile, resolve("tutorial-simple").dream.steps) == (512, 100)


BOTTLENECK = "mixed4d_3x3_bottleneck_pre_relu"


def small_network(layers: dict[str, int], **values: Any) -> Network:
    """Convolutions one after the other, each with its channels, that see every size whole."""
    image = x = keras.Input((None, None, 3))
    for name, channels in layers.items():
        x = keras.layers.Conv2D(channels, 3, padding="same", name=name)(keras.layers.ReLU()(x))
    model = keras.Model(image, x)
    randomize(model, 1)
    return Network(model, name="small", **values)


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("inception5h-naive", lambda g: g / g.std()),
        ("inception5h-multiscale", lambda g: g / g.std()),
        ("inception5h-dream", lambda g: 1.5 * g / np.abs(g).mean()),
    ],
)
def test_the_original_notebook(name: str, step: Callable[[np.ndarray], np.ndarray]) -> None:
    network, frame = small_network({BOTTLENECK: 144}, scale=255.0, offset=-117.0), picture(60, 70)
    gradient = gradient_of(
        lambda x: tf.reduce_mean(x[BOTTLENECK][..., 139]), network.model, [BOTTLENECK], frame, 255, -117
    )
    assert_step(one_step(one_octave(name), network, frame), frame, step(gradient) / 255)


def test_the_original_notebooks_laplacian_normalisation() -> None:
    network, frame = small_network({BOTTLENECK: 144}, scale=255.0, offset=-117.0), picture(64, 96)
    gradient = gradient_of(
        lambda x: tf.reduce_mean(x[BOTTLENECK][..., 139]), network.model, [BOTTLENECK], frame, 255, -117
    )
    levels, current = [], gradient[None]
    for _ in range(4):
        smaller = tf.nn.avg_pool2d(current, 2, 2, "SAME")
        levels.append(current - tf.image.resize(smaller, current.shape[1:3]))
        current = smaller
    levels.append(current - tf.reduce_mean(current, [1, 2], keepdims=True))
    levels = [level / tf.sqrt(tf.reduce_mean(tf.square(level))) for level in levels]
    merged = levels.pop()
    while levels:
        merged = tf.image.resize(merged, levels[-1].shape[1:3]) + levels.pop()
    assert_step(one_step(one_octave("inception5h-lapnorm"), network, frame), frame, np.asarray(merged)[0] / 255)


def test_the_published_counts_of_the_original_notebook() -> None:
    naive, multiscale, lapnorm, dream = (
        resolve(f"inception5h-{name}").dream for name in ("naive", "multiscale", "lapnorm", "dream")
    )
    assert (naive.steps, naive.octaves) == (20, 1)
    assert (multiscale.octaves, multiscale.octave_scale, multiscale.octave_mode) == (3, 1.4, "grow")
    assert lapnorm.laplacian == 4 + 1  # four levels and what is left
    assert (dream.octaves, dream.octave_scale, dream.octave_mode) == (4, 1.4, "residual")


def test_the_classic_vgg16() -> None:
    weights = {"block4_conv1": 0.05, "block5_conv2": 0.2}
    network, frame = small_network({"block4_conv1": 6, "block5_conv2": 7}), picture(60, 70)
    gradient = gradient_of(
        lambda x: sum(weight * tf.reduce_mean(tf.square(x[layer])) for layer, weight in weights.items()),
        network.model,
        list(weights),
        frame,
        1,
        0,
    )
    config = one_octave("vgg16-classic")
    change = config.dream.step * gradient / np.abs(gradient).mean()
    assert_step(one_step(config, network, frame), frame, change)
    stopped = one_octave("vgg16-classic", max_loss=1e-6)
    assert np.array_equal(one_step(stopped, network, frame), frame)


def test_a_feature_map_of_vgg16() -> None:
    network, frame = small_network({"block3_conv1": 6}), picture(60, 70)
    gradient = gradient_of(
        lambda x: tf.reduce_mean(x["block3_conv1"][..., 0]), network.model, ["block3_conv1"], frame, 1, 0
    )
    change = gradient / np.sqrt(np.mean(gradient**2)) / 255
    assert_step(one_step(one_octave("vgg16-feature"), network, frame), frame, change)


def test_style_by_vgg19() -> None:
    """Adam's first step is as long as its rate wherever the gradient isn't nothing: its sign is compared."""
    styles = [f"block{i}_conv1" for i in range(1, 6)]
    network = small_network({**dict.fromkeys(styles, 5), "block5_conv2": 6})
    frame, style = picture(60, 70), picture(50, 40, 1)
    config = one_octave("vgg19-style", pictures={"style": "style.jpg"})
    style_weight, content_weight, tv_weight = (float(text.split(" * ")[0]) for text in config.dream.formulas)

    def gram(x: Any) -> Any:
        flat = tf.reshape(x, [-1, x.shape[-1]])
        return tf.transpose(flat) @ flat / float(tf.shape(flat)[0])

    outputs = keras.Model(
        network.model.inputs, {n: network.model.get_layer(n).output for n in [*styles, "block5_conv2"]}
    )
    wanted, here = outputs(style[None]), outputs(frame[None])
    image = tf.Variable(tf.constant(frame[None]))
    with tf.GradientTape() as tape:
        x = outputs(image)
        loss = style_weight * sum(tf.reduce_mean((gram(x[n]) - gram(wanted[n])) ** 2) for n in styles) / 5
        loss += content_weight * tf.reduce_mean((x["block5_conv2"] - here["block5_conv2"]) ** 2)
        loss += tv_weight * tf.reduce_sum(tf.image.total_variation(image))
    gradient = np.asarray(tape.gradient(loss, image))[0]
    dreamed = one_step(config, network, frame, style=style)
    clear = np.abs(gradient) > 0.01 * np.abs(gradient).max()
    assert clear.mean() > 0.2
    assert dreamed[clear] == pytest.approx((frame - 0.02 * np.sign(gradient))[clear], abs=1e-3)


def test_every_recipe_is_proven_here() -> None:
    recipes = {
        preset.name for preset in list_presets() if "Recipe:" in (CONFIGS / f"{preset.name}.toml").read_text("utf-8")
    }
    text = Path(__file__).read_text("utf-8")
    assert len(recipes) == 13
    assert [name for name in recipes if f'"{name}"' not in text and f'"{name.split("-")[-1]}"' not in text] == []
