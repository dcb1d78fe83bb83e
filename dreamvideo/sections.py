"""The tables of a config but for ``dream``: one pydantic model each, with defaults, bounds and sentences."""

import re
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Literal

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
        description="Steps in the finest octave of a carried frame, shorter the more there are; unset: as few as "
        "needed, and in a clip up to four where much is new.",
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
    chunk: int = Field(
        default=240,
        ge=2,
        description="With --cluster: about how many frames of a long shot one machine dreams; no fewer than it needs.",
    )
    lead_in: int = Field(
        default=24, ge=0, description="Frames that a chunk of a shot is dreamed ahead of, so that it has settled."
    )
    overlap: int = Field(default=16, ge=1, description="Frames over which a chunk of a shot is faded into the next.")


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
