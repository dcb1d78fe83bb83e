"""What a score is: plain data, fit for JSON."""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True)
class Settings:
    """What is asked of a score.

    ``network`` and ``layers`` measure the strength (without layers, the network's own), on every ``every``-th frame
    (``None``: on about 100). ``start``, ``end`` (seconds), ``width`` (pixels) and ``rate`` (frames a second) say what
    of the input was dreamed.
    """

    network: str = "inceptionv3"
    layers: tuple[str, ...] = ()
    every: int | None = None
    start: float | None = None
    end: float | None = None
    width: int | None = None
    rate: Fraction | None = None


@dataclass(frozen=True)
class WarpError:
    """The mean warp error over ``pairs`` of frames that are ``apart``, mean square x 1e4; ``None`` without pairs."""

    apart: int
    pairs: int
    output: float | None
    input: float | None
    above: float | None


@dataclass(frozen=True)
class Drift:
    """How a shot changes by itself: least-squares slopes a second, ``None`` where the shot is too short for one.

    ``strength`` is that of output over input; ``mean``, ``deviation`` and ``saturation`` are the output's less the
    input's, of the range 0 to 1. The shot is frames ``first`` up to, not including, ``end``.
    """

    shot: int
    first: int
    end: int
    strength: float | None
    mean: float | None
    deviation: float | None
    saturation: float | None


@dataclass(frozen=True)
class Pulse:
    """The strongest ``frequency`` (Hz) of what changes from frame to frame and not in the input, and the spectrum.

    ``amplitude`` (of the range 0 to 1) is that of the change at this frequency, ``above_median`` how many times the
    median of the spectrum. ``None`` where nothing changes at all.
    ``slow``: it is the lowest frequency that can be told; then the dream changes slowly and does not pulse.
    """

    frequency: float | None
    amplitude: float
    above_median: float | None
    slow: bool
    frequencies: list[float]
    amplitudes: list[float]


@dataclass(frozen=True)
class Check:
    """One fact of the output beside the input's; ``ok`` within ``tolerance``."""

    name: str
    ok: bool
    input: float | str | bool | None
    output: float | str | bool | None
    tolerance: str
    note: str = ""


@dataclass(frozen=True)
class Curves:
    """A value for each frame; ``None`` where it has none. Units as in the summaries.

    ``strength`` has one for each of ``strength_frames``. ``difference`` is the mean of |output - input|; ``mean``,
    ``deviation`` and ``saturation`` are the output's less the input's.
    """

    short_output: list[float | None] = field(default_factory=list)
    short_input: list[float | None] = field(default_factory=list)
    long_output: list[float | None] = field(default_factory=list)
    long_input: list[float | None] = field(default_factory=list)
    difference: list[float] = field(default_factory=list)
    mean: list[float] = field(default_factory=list)
    deviation: list[float] = field(default_factory=list)
    saturation: list[float] = field(default_factory=list)
    strength_frames: list[int] = field(default_factory=list)
    strength: list[float | None] = field(default_factory=list)


@dataclass(frozen=True)
class Measured:
    """What the frames say. ``shots``: frames that begin one.

    ``strength``: ``None`` where the input excites nothing, or its frames are too small for the network.
    """

    frames: int
    shots: list[int]
    strength: float | None
    difference: float
    short: WarpError
    long: WarpError
    drift: list[Drift]
    pulse: Pulse | None
    curves: Curves


@dataclass(frozen=True)
class Score:
    """How good a dream is; ``measured`` at ``width`` x ``height`` and ``rate``, ``every`` says where strength was."""

    input: str
    output: str
    width: int
    height: int
    rate: Fraction
    network: str
    layers: tuple[str, ...]
    every: int
    whole: bool
    checks: list[Check]
    measured: Measured
    notes: list[str] = field(default_factory=list)
