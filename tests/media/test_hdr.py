"""10-bit clips with a wide gamut: every level is read, and the output says what the input said."""

from pathlib import Path

import numpy as np
import pytest

from dreamvideo.media.probe import probe
from dreamvideo.media.sink import ClipSpec, write_clip
from dreamvideo.media.source import open_source
from tests.media.conftest import Make

TAGS = {"transfer": "smpte2084", "primaries": "bt2020", "matrix": "bt2020nc", "range": "tv"}


@pytest.fixture
def hdr(make: Make) -> str:
    ramp = "gradients=s=128x32:c0=black:c1=white:x0=0:y0=0:x1=127:y1=0:d=0.2:r=25:speed=0.00001"
    tags = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc:range=limited"
    coding = ["-c:v", "libx265", "-pix_fmt", "yuv420p10le", "-x265-params", f"log-level=none:qp=4:{tags}"]
    return make("hdr.mp4", "-f", "lavfi", "-i", ramp, *coding)


def test_an_hdr_clip_keeps_its_tags_and_says_that_it_loses_bits(hdr: str, tmp_path: Path) -> None:
    assert probe(hdr).depth == 10
    with open_source(hdr) as source:
        frames = list(source.frames())
        assert any("HDR" in warning and "8 bits" in warning for warning in source.warnings)
        spec = ClipSpec(source.rate, source.colors, crf=8)
    output = str(tmp_path / "out.mp4")
    write_clip(output, lambda: frames, len(frames), spec, overwrite=False, on_frame=lambda: None)
    for path in (hdr, output):
        colors = probe(path).colors
        assert {name: getattr(colors, name) for name in TAGS} == TAGS
    with open_source(output) as again:
        assert np.abs(next(again.frames()) - frames[0]).mean() < 3 / 255


def test_ten_bits_are_read(hdr: str) -> None:
    with open_source(hdr) as source:
        frame = next(source.frames())
    steps = frame[16, :, 1] * 255
    assert np.abs(steps - np.rint(steps)).max() > 0.1
