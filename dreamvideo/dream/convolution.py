"""A convolution with constant weights whose gradient is a convolution, too.

The weights of a dream never change. As constants of the graph they are brought into the processor's own layout once,
not at every step, in both directions: the gradient of a convolution of stride 1 with respect to its input is the
convolution of the incoming gradient with the kernel turned by half a circle and its channels exchanged.

A 1x1 convolution after an average pooling is computed before it: both are linear, and it leaves fewer channels to pool.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf


class FrozenConvolution(keras.layers.Layer):
    """What a linear ``keras.layers.Conv2D`` computes, with its weights as constants."""

    def __init__(
        self,
        kernel: np.ndarray,
        bias: np.ndarray,
        padding: str,
        *,
        stride: int = 1,
        pool: tuple[int, int] | None = None,
        **kwargs: Any,
    ) -> None:
        """``kernel``: ``float32 [height, width, in, out]``; ``bias``: ``float32 [out]``; "same" or "valid" padding.

        ``pool``: (height, width) of the average pooling of stride 1, "same", whose place is before a 1x1 convolution.
        """
        super().__init__(**kwargs)
        dtype = tf.as_dtype(self.compute_dtype).as_numpy_dtype
        turned = np.ascontiguousarray(kernel[::-1, ::-1].transpose(0, 1, 3, 2))
        self.kernel, self.turned, self.bias = (array.astype(dtype) for array in (kernel, turned, bias))
        rows, columns = kernel.shape[0] - 1, kernel.shape[1] - 1
        self.padding: Any = padding.upper()
        self.stride, self.pool = stride, pool
        # What "same" takes off the gradient's border is what it added to the picture's, on the other side.
        before_after = ((rows, rows), (columns, columns))
        if padding == "same":
            before_after = ((rows - rows // 2, rows // 2), (columns - columns // 2, columns // 2))
        self.gradient_padding: Any = [[0, 0], *map(list, before_after), [0, 0]]

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """``[batch, height, width, in]`` to ``[batch, height, width, out]``."""

        result = tf.custom_gradient(self._convolve_both_ways)(inputs) if self.stride == 1 else self._convolve(inputs)
        return tf.nn.avg_pool2d(result, self.pool, 1, "SAME") if self.pool else result

    def _convolve(self, values: tf.Tensor) -> tf.Tensor:
        convolved = tf.nn.conv2d(values, tf.constant(self.kernel), self.stride, self.padding)
        return tf.nn.bias_add(convolved, tf.constant(self.bias))

    def _convolve_both_ways(self, values: tf.Tensor) -> tuple[tf.Tensor, Callable[[tf.Tensor], tf.Tensor]]:
        def gradient(upstream: tf.Tensor) -> tf.Tensor:
            return tf.nn.conv2d(upstream, tf.constant(self.turned), 1, self.gradient_padding)

        return self._convolve(values), gradient

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """As for ``Conv2D``."""
        taken = (0, 0) if self.padding == "SAME" else (self.kernel.shape[0] - 1, self.kernel.shape[1] - 1)
        sides = [
            None if side is None else -((less - side) // self.stride)
            for side, less in zip(input_shape[1:3], taken, strict=True)
        ]
        return (input_shape[0], *sides, self.kernel.shape[3])


def can_freeze(layer: Any) -> bool:
    """Whether ``FrozenConvolution`` computes what ``layer`` does."""
    return (
        type(layer) is keras.layers.Conv2D
        and layer.activation is keras.activations.linear
        and layer.data_format == "channels_last"
        and layer.padding in ("same", "valid")
        and len({*layer.strides}) == 1
        and {*layer.dilation_rate, layer.groups} == {1}
    )


def can_pool_after(pool: Any, layer: Any) -> bool:
    """Whether ``FrozenConvolution`` may compute ``layer`` before ``pool``, which feeds it and nothing else."""
    return (
        type(pool) is keras.layers.AveragePooling2D
        and {*pool.strides} == {1}
        and pool.padding == "same"
        and pool.data_format == "channels_last"
        and can_freeze(layer)
        and {*layer.kernel_size, *layer.strides} == {1}
        and layer.filters < layer.kernel.shape[2]
    )
