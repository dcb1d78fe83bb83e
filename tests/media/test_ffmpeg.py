"""How ffmpeg is started, and how its complaints are read."""

import os
import sys

import pytest

from dreamvideo.media import ffmpeg


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are POSIX")
def test_ctrl_c_at_the_terminal_does_not_reach_ffmpeg() -> None:
    process = ffmpeg.spawn(["-re", "-f", "lavfi", "-i", "color=d=100", "-f", "null", "-"])
    try:
        assert os.getsid(process.pid) != os.getsid(0)
    finally:
        ffmpeg.kill(process)
    assert process.returncode is not None
    ffmpeg.kill(process)


def test_the_reason_is_the_line_that_tells() -> None:
    stderr = (
        "[vf#0:0 @ 0x55d1] Error while filtering: Generic error in an external library\n"
        "[libx264 @ 0x55ca] width not divisible by 2 (63x47).\n"
        "Conversion failed!\n"
    )
    assert ffmpeg.reason(stderr) == "width not divisible by 2 (63x47)"
    assert ffmpeg.reason("") == "ffmpeg gave no reason"
    assert ffmpeg.reasons("    Last message repeated 3 times\n") == []


def test_a_long_log_keeps_its_beginning_and_end() -> None:
    log = ffmpeg.ErrorLog()
    log.file.write(b"first\n" + b"x" * 500_000 + b"\nlast\n")
    log.close()
    assert log.text().startswith("first")
    assert log.text().endswith("last\n")
    assert len(log.text()) == 1 << 17


def test_what_a_log_is_told_to_skip_is_left_out() -> None:
    log = ffmpeg.ErrorLog()
    process = ffmpeg.spawn(["-i", "none"], stderr=log.file)
    process.wait()
    ffmpeg.kill(process)
    log.skip()
    log.file.write(b"later\n")
    log.close()
    assert log.text() == "later\n"
