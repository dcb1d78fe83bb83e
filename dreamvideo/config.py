"""What the user asked for: one pydantic model per section. A setting's default, bounds and sentence live here only.

``merging.resolve`` makes a ``Config`` of defaults, preset, config file and command line; ``settings`` tells a person
what each setting takes.
"""

import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import tomli_w
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

MAX_PIXELS = 100_000_000  # of a frame, unless the user allows more


class Section(BaseModel):
    """A table of the config. Unknown keys and wrong types are errors; values don't change once made.

    ``short_for`` is the setting that is meant when a plain value stands in place of the table.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
    short_for: ClassVar[str | None] = None

    @model_validator(mode="before")
    @classmethod
    def _expand_short(cls, value: Any) -> Any:
        return value if cls.short_for is None or isinstance(value, dict | cls) else {cls.short_for: value}


def _rate_as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _is_rate(text: str) -> str:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?|[0-9]+/0*[1-9][0-9]*", text) or Fraction(text) == 0:
        raise ValueError(f"{text!r} is no rate")
    return text


Rate = Annotated[str, BeforeValidator(_rate_as_text), AfterValidator(_is_rate)]


class Dream(Section):
    """What is dreamed, how strongly, and how it looks."""

    network: str = Field(
        default="inceptionv3",
        description="The pretrained network that dreams: a name of `dreamvideo networks`, or a .keras or .pb file.",
    )
    input_range: Literal["auto", "-1..1", "0..1", "0..255", "torch", "caffe"] = Field(
        default="auto",
        description="The values that a network from a file was trained on; torch and caffe are ImageNet's means.",
    )
    input_node: str | None = Field(
        default=None, description="The node at which pictures enter a .pb file, where that isn't plain to see."
    )
    layers: dict[str, float] = Field(
        default={"mixed4": 1.0, "mixed5": 1.0},
        min_length=1,
        description="The layers whose response is raised, each with its weight; `dreamvideo layers` lists them.",
    )
    objective: Literal["mean", "mean_square"] = Field(
        default="mean_square",
        description="What is raised in each layer: its mean activation, or the mean of its square.",
    )
    crop: int = Field(
        default=0, ge=0, le=16, description="Activations left out of the objective at each border of a tile."
    )
    strength: float = Field(
        default=1.0, ge=0, le=10, description="Multiplies every step: 0 changes nothing, 2 is heavy."
    )
    step: float = Field(
        default=0.012, ge=0, le=1, description="How far one step moves the picture: RMS, of the range 0 to 1."
    )
    steps: int = Field(
        default=20, ge=1, le=1000, description="Steps in each octave for a still or the first frame of a shot."
    )
    octaves: int = Field(
        default=3, ge=1, le=16, description="Sizes at which a frame is dreamed; more makes larger shapes."
    )
    octave_scale: float = Field(
        default=1.5, gt=1, le=4, description="The size of an octave over that of the next coarser one."
    )
    laplacian: int = Field(
        default=5,
        ge=0,
        le=12,
        description="Levels of Laplacian normalisation: soft, natural forms at every size; 0 is raw.",
    )
    natural_colors: float = Field(
        default=0.9,
        ge=0,
        le=1,
        description="How far colours keep to those of natural images: 0 is a rainbow, 1 is paint.",
    )
    jitter: int = Field(
        default=8,
        ge=1,
        le=256,
        description="How far each step moves its tiles at random, in pixels, or somewhat farther; 1 keeps them still.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="The network's arithmetic; auto takes the fastest that the machine computes in."
    )
    tile: int = Field(default=512, ge=64, le=8192, description="Largest tile side, in pixels: memory depends on it.")
    halo: int = Field(
        default=48, ge=0, le=512, description="Pixels around a tile's part of the frame that hide its borders."
    )
    batch: int = Field(
        default=1, ge=1, le=256, description="Tiles that go through the network together; raise it on a GPU."
    )

    @model_validator(mode="after")
    def _some_layer_counts(self) -> "Dream":
        if not any(self.layers.values()):
            raise ValueError("dream.layers gives every layer the weight 0; give one another weight")
        return self


class Carry(Section):
    """How the dream goes on from frame to frame. ``carry = 0.9`` is short for ``carry.strength = 0.9``."""

    short_for: ClassVar[str | None] = "strength"

    mode: Literal["residual", "frame"] = Field(
        default="residual",
        description="What follows the motion: the dream alone (residual), or the whole dreamed frame, blended (frame).",
    )
    strength: float = Field(
        default=0.95, ge=0, lt=1, description="How much of the previous dream stays: 0 dreams every frame alone."
    )
    steps: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Steps in each octave on a carried frame, shorter the more there are; unset: as few as needed.",
    )
    catch_up: float = Field(
        default=3.0,
        ge=1,
        le=16,
        description="How much faster freshly uncovered places dream until they match the rest.",
    )


class Shots(Section):
    """Where one shot ends and the next begins: the dream starts afresh there."""

    detect: bool = Field(default=True, description="Find the cuts of a clip; off treats it as one shot.")
    threshold: float = Field(
        default=27.0, gt=0, le=255, description="How large a change of colour is a cut; lower finds more."
    )
    min_frames: int = Field(default=2, ge=1, description="The shortest shot, in frames.")


class Input(Section):
    """Which part of the input is dreamed, and at what size and rate."""

    start: float | None = Field(default=None, ge=0, description="Where to begin, in seconds.")
    end: float | None = Field(default=None, gt=0, description="Where to stop, in seconds.")
    width: int | None = Field(
        default=None, ge=1, le=32768, description="Width to dream at, in pixels; the height follows."
    )
    fps: Rate | None = Field(
        default=None, examples=[25, 23.976, "30000/1001"], description="Frames a second; unset: those of the input."
    )
    max_pixels: int = Field(
        default=MAX_PIXELS, ge=1, description="Frames with more pixels than this are refused, as a guard against bombs."
    )


class Output(Section):
    """How the result is encoded."""

    crf: int = Field(default=16, ge=0, le=51, description="Quality of MP4 and WebM: lower is better and larger.")
    gif_colors: int = Field(default=256, ge=4, le=256, description="Colours in a GIF's palette.")


class Config(Section):
    """Everything that decides what a render looks like."""

    seed: int = Field(
        default=0, ge=0, lt=2**63, description="Chooses among equally good dreams; the same seed repeats one."
    )
    dream: Dream = Field(default_factory=Dream, description="What is dreamed, how strongly, and how it looks.")
    carry: Carry = Field(default_factory=Carry, description="How the dream goes on from frame to frame.")
    shots: Shots = Field(default_factory=Shots, description="Where the dream starts afresh.")
    input: Input = Field(default_factory=Input, description="Which part of the input is dreamed.")
    output: Output = Field(default_factory=Output, description="How the result is encoded.")

    @model_validator(mode="after")
    def _order(self) -> "Config":
        if self.input.start is not None and self.input.end is not None and self.input.end <= self.input.start:
            raise ValueError(f"input.end ({self.input.end:g} s) must come after input.start ({self.input.start:g} s)")
        return self


def to_toml(config: Config) -> str:
    """The whole config as TOML, every setting that has a value; ``resolve`` reads it back as the same config."""
    return tomli_w.dumps(config.model_dump(mode="json", exclude_none=True))
