"""A convolution with constant weights whose gradient is a convolution, too.

The weights of a dream never change. As constants of the graph they are brought into the processor's own layout once,
not at every step, in both directions: the gradient of a convolution of stride 1 with respect to its input is the
convolution of the incoming gradient with the kernel turned by half a circle and its channels exchanged.
"""

from typing import Any

import keras
import numpy as np
import tensorflow as tf


class FrozenConvolution(keras.layers.Layer):
    """What a linear ``keras.layers.Conv2D`` of stride 1 computes, with its weights as constants."""

    def __init__(self, kernel: np.ndarray, bias: np.ndarray, padding: str, **kwargs: Any) -> None:
        """``kernel``: ``float32 [height, width, in, out]``; ``bias``: ``float32 [out]``; "same" or "valid" padding."""
        super().__init__(**kwargs)
        dtype = tf.as_dtype(self.compute_dtype).as_numpy_dtype
        turned = np.ascontiguousarray(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
        self.kernel, self.turned, self.bias = (array.astype(dtype) for array in (kernel, turned, bias))
        rows, columns = kernel.shape[0] - 1, kernel.shape[1] - 1
        self.padding: Any = padding.upper()
        # What "same" takes off the gradient's border is what it added to the picture's, on the other side.
        before_after = ((rows, rows), (columns, columns))
        if padding == "same":
            before_after = ((rows - rows // 2, rows // 2), (columns - columns // 2, columns // 2))
        self.gradient_padding: Any = [[0, 0], *map(list, before_after), [0, 0]]

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """``[batch, height, width, in]`` to ``[batch, height, width, out]``."""

        @tf.custom_gradient
        def convolve(values: tf.Tensor) -> Any:
            result = tf.nn.bias_add(
                tf.nn.conv2d(values, tf.constant(self.kernel), 1, self.padding), tf.constant(self.bias)
            )

            def gradient(upstream: tf.Tensor) -> tf.Tensor:
                return tf.nn.conv2d(upstream, tf.constant(self.turned), 1, self.gradient_padding)

            return result, gradient

        return convolve(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As for ``Conv2D``."""
        sides = [
            side if side is None or self.padding == "SAME" else side - self.kernel.shape[axis] + 1
            for axis, side in enumerate(input_shape[1:3])
        ]
        return (input_shape[0], *sides, self.kernel.shape[3])


def can_freeze(layer: Any) -> bool:
    """Whether ``FrozenConvolution`` computes what ``layer`` does."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.activation is keras.activations.linear
        and layer.data_format == "channels_last"
        and layer.padding in ("same", "valid")
        and {*layer.strides, *layer.dilation_rate, layer.groups} == {1}
    )
