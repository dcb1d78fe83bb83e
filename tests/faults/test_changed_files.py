"""What a render is made of changes on the disk while it is interrupted."""

from pathlib import Path

import pytest

from dreamvideo.errors import OutputError
from dreamvideo.media import ffmpeg
from dreamvideo.media.still import write_image
from tests.render.conftest import Studio
from tests.tiny import picture, tiny_config


@pytest.fixture
def made(studio: Studio, tmp_path: Path) -> Studio:
    """Of a clip, a sound and a guide picture of its own."""
    clip = tmp_path / "own.mp4"
    clip.write_bytes(Path(studio.input).read_bytes())
    sound, guide = tmp_path / "own.wav", tmp_path / "own.png"
    status, stderr = ffmpeg.run(["-v", "error", "-f", "lavfi", "-i", "sine=d=2:r=8000", ffmpeg.url(sound)])
    assert status == 0, stderr
    write_image(str(guide), picture(40, 56, 3))
    studio.input = str(clip)
    dream = {"octaves": 1, "steps": 2, "layers": {}, "objective": "guide(mixed, own)", "pictures": {"own": str(guide)}}
    studio.config = tiny_config(dream=dream, audio={"track": str(sound)})
    return studio


@pytest.mark.parametrize(("name", "what"), [("own.mp4", "input"), ("own.wav", "sound"), ("own.png", "pictures")])
def test_what_changed_is_named_and_nothing_mixed(made: Studio, tmp_path: Path, name: str, what: str) -> None:
    made.render(stop_after=3)
    frames, file = made.kept(), tmp_path / name
    before = file.read_bytes()
    changed = bytearray(before)
    changed[len(before) * 2 // 3] ^= 1
    file.write_bytes(changed)
    with pytest.raises(OutputError, match=rf"^{what} changed on disk since .*{what}\S*\.sha256 was"):
        made.render(resume=True)
    assert made.kept() == frames
    file.write_bytes(before)
    assert made.render(resume=True).dreamed == 15
