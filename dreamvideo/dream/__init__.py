"""The dream itself: networks, objectives, gradient treatments and the engine. The only room that imports TensorFlow."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def _silenced_stderr() -> Iterator[None]:
    """Drop what native code writes to stderr: TensorFlow's banners would break the progress bar. Errors are raised."""
    sys.stderr.flush()
    saved = os.dup(2)
    with open(os.devnull, "wb") as sink:  # noqa: PTH123 - a device, by descriptor
        os.dup2(sink.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)


os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _silenced_stderr():
    import tensorflow as tf

    tf.config.list_physical_devices()  # looks for GPUs now, and says so now
logging.getLogger("tensorflow").setLevel(logging.ERROR)  # it warns of each new size that a graph is traced for
