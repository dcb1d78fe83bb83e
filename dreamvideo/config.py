"""What the user asked for: one pydantic model per section. A setting's default, bounds and sentence live here only.

``merging.resolve`` makes a ``Config`` of defaults, preset, config file and command line; ``settings`` tells a person
what each setting takes.
"""

import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

import tomli_w
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

MOST_CROP = 16  # activations at a border: more would leave small octaves with nothing
MOVING = "moving"  # the field of Config that no person writes: schedules stand in place of the numbers
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
        default="plain", description="How steps follow the gradient: each alone, or with a memory of those before."
    )
    momentum: float = Field(
        default=0.9, ge=0, lt=1, description="How much of its memory momentum or Adam keeps from step to step."
    )
    memory: Literal["reset", "carry"] = Field(
        default="reset",
        description="Whether that memory begins anew with each frame, or is carried along the motion.",
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
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="The network's arithmetic; auto takes the fastest that the machine computes in."
    )
    tile: int = Field(default=544, ge=64, le=8192, description="Largest tile side, in pixels: memory depends on it.")
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
        if self.memory == "carry" and self.ascent == "plain":
            raise ValueError(
                'dream.memory = "carry" needs dream.ascent = "momentum" or "adam": plain steps have no memory'
            )
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
    frames: int = Field(default=1, ge=1, description="How many frames a still is shown for, in a clip or GIF.")
    max_pixels: int = Field(
        default=MAX_PIXELS, ge=1, description="Frames with more pixels than this are refused, as a guard against bombs."
    )


class Camera(Section):
    """How the picture moves by itself: the dive of `dreamvideo zoom`, or a move over a clip."""

    zoom: float = Field(
        default=1.0,
        ge=0.01,
        le=100,
        description="How much closer the camera comes in a second: 1.5 is half as close again, below 1 goes outwards.",
    )
    rotate: float = Field(default=0.0, ge=-3600, le=3600, description="How far it turns in a second, in degrees.")
    pan_x: float = Field(
        default=0.0, ge=-10, le=10, description="How far it moves to the right in a second, in widths of the frame."
    )
    pan_y: float = Field(
        default=0.0, ge=-10, le=10, description="How far it moves down in a second, in heights of the frame."
    )
    center_x: float = Field(
        default=0.5, ge=-1, le=2, description="Where it dives in and turns, from the left (0) to the right (1)."
    )
    center_y: float = Field(
        default=0.5, ge=-1, le=2, description="Where it dives in and turns, from the top (0) to the bottom (1)."
    )
    scale: float = Field(
        default=1.0,
        ge=0.1,
        le=10,
        description="Magnification besides all that, such as 1 + 0.1 * beat for a kick on each beat.",
    )
    hold: float = Field(
        default=1.0,
        ge=0,
        le=1,
        description="How firmly a dive keeps the sharpness of its first frame; 0 lets it soften or harden.",
    )


class Zoom(Section):
    """How long `dreamvideo zoom` dives, and how the end leads back to the beginning."""

    seconds: float | None = Field(
        default=None, gt=0, le=86400, description="Length of the result; unset: that of the music, or 10 seconds."
    )
    loop: Literal["none", "crossfade", "droste", "pingpong"] = Field(
        default="none",
        description="How the end meets the beginning: crossfade (the tail fades into the head), droste (the still "
        "waits inside itself at the end of the dive) or pingpong (the same way back).",
    )
    fade: float = Field(default=1.0, gt=0, le=60, description="Length of a crossfade, in seconds.")


class Color(Section):
    """The colours of the result, beside those of its source."""

    keep: float = Field(
        default=0.0, ge=0, le=1, description="How far the source keeps its hues: at 1 the dream changes lightness only."
    )
    match: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="How far the mean and contrast of each colour are those of the source, or of a dive's first frame.",
    )
    saturation: float = Field(default=1.0, ge=0, le=4, description="Multiplies the saturation; 0 is grey.")
    contrast: float = Field(default=1.0, ge=0, le=4, description="Multiplies the contrast around mid-grey.")
    blend: Literal["normal", "screen", "overlay", "soft-light"] = Field(
        default="normal", description="How the dream is laid over its source."
    )
    opacity: float = Field(default=1.0, ge=0, le=1, description="How much of that covers the source.")


class Audio(Section):
    """The sound that schedules listen to, and that is heard."""

    track: str | None = Field(
        default=None, description="A sound file to listen to, heard in the result; unset: the clip's own sound."
    )
    offset: float = Field(
        default=0.0,
        ge=-60,
        le=60,
        description="Seconds by which schedules hear later than it is heard; below 0: earlier.",
    )
    beats_per_bar: int = Field(default=4, ge=1, le=32, description="How many beats make a bar.")


class Noise(Section):
    """What `dreamvideo noise` starts from, and how its dream is shown."""

    amplitude: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Height of plain even noise around mid-grey; unset: clouds in which the objective sees something.",
    )
    spread: float | None = Field(
        default=None,
        gt=0,
        le=1,
        description="Standard deviation around mid-grey to which the dream is stretched; unset: it stays as it is.",
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
