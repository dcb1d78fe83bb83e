"""What the user asked for: one pydantic model per section. A setting's default, bounds and sentence live here only.

The smaller sections are in ``sections``. ``merging.resolve`` makes a ``Config`` of defaults, preset, config file and
command line; ``settings`` tells a person what each setting takes.
"""

from typing import Any, Literal

import tomli_w
from pydantic import Field, field_validator, model_validator

from dreamvideo.sections import (
    MAX_PIXELS,
    Audio,
    Camera,
    Carry,
    Color,
    Input,
    Noise,
    Output,
    Section,
    Shots,
    Zoom,
)

__all__ = [
    "MAX_PIXELS",
    "MOST_CROP",
    "MOVING",
    "Audio",
    "Camera",
    "Carry",
    "Color",
    "Config",
    "Dream",
    "Input",
    "Noise",
    "Output",
    "Section",
    "Shots",
    "Zoom",
    "has_formula",
    "to_toml",
]

MOST_CROP = 16  # activations at a border: more would leave small octaves with nothing
MOVING = "moving"  # the field of Config that no person writes: schedules stand in place of the numbers


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
        default={},
        description="The layers whose response is raised, each with its weight, as `dreamvideo layers` lists them; "
        "unset: mixed4 and mixed5, or what suits another network.",
    )
    objective: str | list[str] = Field(
        default="mean_square",
        examples=["mean", "channel(mixed4, 139) - 0.1 * mean(mixed2)"],
        description="What is raised in each layer, or a formula with its own layers; a list is a sum of formulas.",
    )
    pictures: dict[str, str] = Field(
        default={}, description="Pictures and clips that formulas call by these names: guides, styles, masks."
    )
    crop: int = Field(
        default=0, ge=0, le=MOST_CROP, description="Activations left out of the objective at each border of a tile."
    )
    strength: float = Field(
        default=1.0, ge=0, le=10, description="Multiplies every step: 0 changes nothing, 2 is heavy."
    )
    step: float = Field(
        default=0.012,
        ge=0,
        le=1_000_000,
        description="How far one step moves the picture, as dream.normalize measures it; the range is 0 to 1.",
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
    octaves_above: int = Field(
        default=0, ge=0, le=8, description="How many of the octaves are larger than the frame, for finer detail."
    )
    octave_mode: Literal["residual", "detail", "grow"] = Field(
        default="residual",
        description="What goes from one octave to the next: the dream alone (residual), the dreamed picture with the "
        "detail that shrinking took added back (detail), or as it is (grow). Carried frames go by residual.",
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
    smooth: float = Field(
        default=0.0,
        ge=0,
        le=64,
        description="Blur of the gradient, in pixels, shrinking over an octave's steps; 0: none.",
    )
    one_over_f: float = Field(
        default=0.0, ge=0, le=2, description="Divides the gradient's spectrum by frequency to this power; 0: as it is."
    )
    normalize: Literal["rms", "std", "mean_abs", "l2", "none"] = Field(
        default="rms", description="What the gradient is divided by before a step."
    )
    ascent: Literal["plain", "momentum", "adam"] = Field(
        default="momentum", description="How steps follow the gradient: each alone, or with a memory of those before."
    )
    momentum: float = Field(
        default=0.6, ge=0, lt=1, description="How much of its memory momentum or Adam keeps from step to step."
    )
    memory: Literal["reset", "carry"] = Field(
        default="carry",
        description="Whether that memory begins anew with each frame, or is carried along the motion; a zoom begins it "
        "anew unless told otherwise.",
    )
    max_loss: float | None = Field(
        default=None, description="An octave's steps end early where the objective is above this."
    )
    min_change: float | None = Field(
        default=None, gt=0, lt=1, description="They end, too, when a step changes the objective by a smaller share."
    )
    jitter: int = Field(
        default=8,
        ge=1,
        le=256,
        description="How far each step moves its tiles at random, in pixels, or somewhat farther; 1 keeps them still.",
    )
    quality: Literal["draft", "standard", "fine"] = Field(
        default="standard",
        description="How much time is spent: fine dreams every octave of every frame; standard gives the coarser ones "
        "of a clip every other step, by turns; draft does so at half the size, with an octave fewer, for every other "
        "frame.",
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="The network's arithmetic; auto takes the fastest that the machine computes in."
    )
    tile: int = Field(
        default=896,
        ge=64,
        le=8192,
        description="The side of a square of as many pixels as a tile may have: memory depends on it.",
    )
    halo: int = Field(
        default=48, ge=0, le=512, description="Pixels around a tile's part of the frame that hide its borders."
    )
    batch: int = Field(
        default=1, ge=1, le=256, description="Tiles that go through the network together; raise it on a GPU."
    )

    @field_validator("objective")
    @classmethod
    def _can_be_read(cls, value: str | list[str]) -> str | list[str]:
        if not value:
            raise ValueError("dream.objective names nothing to raise")
        if not has_formula(value):
            return value
        from dreamvideo.formula import FormulaError, parse_formula  # which needs numpy, and most commands don't

        try:
            for text in [value] if isinstance(value, str) else value:
                parse_formula(text)
        except FormulaError as error:
            raise ValueError(f"dream.objective: {error}") from error
        return value

    @model_validator(mode="after")
    def _something_is_raised(self) -> "Dream":
        if has_formula(self.objective):
            if self.layers:
                raise ValueError("dream.layers has no say where dream.objective is a formula; leave one of them out")
        elif self.layers and not any(self.layers.values()):
            raise ValueError("dream.layers gives no layer a weight other than 0; give it one")
        if self.octaves_above >= self.octaves:
            raise ValueError(f"dream.octaves_above must be below dream.octaves ({self.octaves})")
        return self

    @property
    def formulas(self) -> list[str]:
        """The objective as a list of formulas, whose sum it is."""
        return [self.objective] if isinstance(self.objective, str) else self.objective


def has_formula(objective: Any) -> bool:
    """Whether an objective names its own layers: any but the bare name of what is raised in ``dream.layers``."""
    return isinstance(objective, list) or (isinstance(objective, str) and not objective.strip().isidentifier())


class Config(Section):
    """Everything that decides what a render looks like."""

    seed: int = Field(
        default=0, ge=0, lt=2**63, description="Chooses among equally good dreams; the same seed repeats one."
    )
    dream: Dream = Field(default_factory=Dream, description="What is dreamed, how strongly, and how it looks.")
    carry: Carry = Field(default_factory=Carry, description="How the dream goes on from frame to frame.")
    shots: Shots = Field(default_factory=Shots, description="Where the dream starts afresh.")
    input: Input = Field(default_factory=Input, description="Which part of the input is dreamed.")
    camera: Camera = Field(default_factory=Camera, description="How the picture moves by itself.")
    zoom: Zoom = Field(default_factory=Zoom, description="How long `dreamvideo zoom` dives, and how it closes.")
    color: Color = Field(default_factory=Color, description="The colours of the result, beside those of its source.")
    audio: Audio = Field(default_factory=Audio, description="The sound that schedules listen to, and that is heard.")
    noise: Noise = Field(default_factory=Noise, description="What `dreamvideo noise` starts from.")
    output: Output = Field(default_factory=Output, description="How the result is encoded.")
    moving: dict[str, str] = Field(
        default={}, description="Schedules in place of numbers, by the full names of their settings."
    )

    @model_validator(mode="after")
    def _order(self) -> "Config":
        if self.input.start is not None and self.input.end is not None and self.input.end <= self.input.start:
            raise ValueError(f"input.end ({self.input.end:g} s) must come after input.start ({self.input.start:g} s)")
        return self


def to_toml(config: Config) -> str:
    """The whole config as TOML, every setting that has a value; ``resolve`` reads it back as the same config."""
    values = config.model_dump(mode="json", exclude_none=True, exclude={MOVING})
    for key, text in config.moving.items():
        table, *names = key.split(".", 2)
        place = values[table]
        for name in names[:-1]:
            place = place[name]
        place[names[-1]] = text
    return tomli_w.dumps(values)
