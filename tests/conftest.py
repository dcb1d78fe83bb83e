"""What all tests share: a quiet TensorFlow, and the embedded network, loaded once."""

import os
from typing import Any

import pytest

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


@pytest.fixture(scope="session")
def inception() -> Any:
    """The embedded network. Tests must not change it."""
    from dreamvideo.dream.networks import load_network

    return load_network("inceptionv3")
