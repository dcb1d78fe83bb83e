"""How much a picture excites a network, as a number: an objective without its ascent."""

from collections.abc import Mapping

import numpy as np
import tensorflow as tf

from dreamvideo.config import Dream
from dreamvideo.dream.engine import Dreamer
from dreamvideo.dream.networks import Network, load_network
from dreamvideo.dream.terms import view_of


class Excitation:
    """An objective of a picture's own activations, in float32: ``sum of weight * measure(layer)``.

    ``network`` is a name, a file or one that is loaded; without ``layers`` they are those that it dreams on by itself.
    Raises ``ConfigError`` for an unknown network, layer or measure, and ``NetworkError`` for weights.
    """

    def __init__(self, network: str | Network, layers: Mapping[str, float], measure: str) -> None:
        loaded = load_network(network) if isinstance(network, str) else network
        settings = Dream(layers=dict(layers), objective=measure, precision="float32")
        dreamer = Dreamer(settings, seed=0, network=loaded)
        self.network, self.layers = loaded.name, tuple(dreamer.objective.layers)
        self.smallest = dreamer.smallest
        self.fitting = loaded.sides(self.layers).fitting
        self._objective = dreamer.objective
        self._features = loaded.features(self.layers, "float32")
        self._value = tf.function(self._compute, input_signature=[tf.TensorSpec([None, None, 3], tf.float32)])

    def __call__(self, picture: np.ndarray) -> float:
        """Of ``float32 [height, width, 3]`` in [0, 1], whose sides fit the network: see ``fitting``, ``smallest``."""
        return float(self._value(picture).numpy())

    def _compute(self, picture: tf.Tensor) -> tf.Tensor:
        weights = np.array(self._objective.weights, np.float32)
        return self._objective.value(view_of(self._features(picture[None])), weights)
