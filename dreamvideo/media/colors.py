"""The colour tags of a clip, and the ffmpeg filters that convert by them in both directions.

ffmpeg's scaler converts by the tags of a frame, and takes BT.601 limited range where there are none, whatever the
size. A clip must be encoded by the same rule it was decoded by, or its colours shift.
"""

from dataclasses import dataclass

UNKNOWN = "unknown"
EXACT = "accurate_rnd+full_chroma_int+full_chroma_inp"
_MATRICES = {"bt709", "fcc", "bt470bg", "smpte170m", "smpte240m", "bt2020nc"}


@dataclass(frozen=True)
class Colors:
    """Colour tags in ffmpeg's names: ``range`` is tv or pc; every field may be ``unknown``, which means untagged."""

    range: str = UNKNOWN
    matrix: str = UNKNOWN
    primaries: str = UNKNOWN
    transfer: str = UNKNOWN

    @property
    def high_dynamic_range(self) -> bool:
        """Whether the transfer curve is PQ or HLG."""
        return self.transfer in {"smpte2084", "arib-std-b67"}


UNTAGGED = Colors()
HD = Colors("tv", "bt709", "bt709", "bt709")


def output_colors(tagged: Colors) -> Colors:
    """The tags an encoded file should carry for a source with these.

    A source that is RGB already (stills, GIF, screen captures) becomes BT.709, what players assume for pictures
    from a computer. A matrix that ffmpeg's scaler cannot apply (YCgCo, ICtCp) is decoded by its default, so the
    result is left untagged.
    """
    if tagged.matrix == "gbr":
        return HD
    if tagged.matrix not in _MATRICES and tagged.matrix != UNKNOWN:
        return Colors(range=tagged.range)
    return tagged


def from_rgb(colors: Colors, pixels: str = "yuv420p") -> str:
    """ffmpeg filters that turn RGB into tagged ``pixels``.

    Chroma is averaged over its area: with the sharper kernels, decoding and encoding again loses 2 dB.
    """
    matrix = colors.matrix if colors.matrix in _MATRICES else "bt601"
    full = "pc" if colors.range == "pc" else "tv"
    tags = f"range={colors.range}:colorspace={colors.matrix}"
    curves = f"color_primaries={colors.primaries}:color_trc={colors.transfer}"
    return (
        f"scale=out_color_matrix={matrix}:out_range={full}:flags={EXACT}+area,format={pixels},setparams={tags}:{curves}"
    )


def to_rgb(width: int, height: int, pixels: str) -> str:
    """ffmpeg filters that turn any decoded frame into packed RGB(A) ``pixels`` of this size.

    The frame's own tags choose the matrix and range.
    """
    return f"scale={width}:{height}:flags={EXACT}+lanczos,format={pixels}"


def raw_format(depth: int, *, alpha: bool) -> str:
    """The raw pixel format that carries ``depth`` bits a channel without loss."""
    if depth <= 8:
        return "rgba" if alpha else "rgb24"
    return "rgba64le" if alpha else "rgb48le"
