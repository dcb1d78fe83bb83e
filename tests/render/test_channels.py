"""Channels as people name them."""

import pytest

from dreamvideo.errors import ConfigError
from dreamvideo.render.channels import choose_channels


def test_numbers_and_ranges_in_their_order() -> None:
    assert choose_channels(None, "mixed", 3) == [0, 1, 2]
    assert choose_channels("0-3,9", "mixed", 10) == [0, 1, 2, 3, 9]
    assert choose_channels(" 7, 2 - 3 ,2", "mixed", 10) == [7, 2, 3]


@pytest.mark.parametrize("text", ["", "x", "1,", "-3", "1-", "1.5", "0-2-4"])
def test_what_is_no_channel_is_said(text: str) -> None:
    with pytest.raises(ConfigError, match="numbers and ranges such as 0-63,139"):
        choose_channels(text, "mixed", 10)


def test_a_range_runs_upwards() -> None:
    with pytest.raises(ConfigError, match="write 3-5"):
        choose_channels("5-3", "mixed", 10)


@pytest.mark.parametrize("text", ["10", "0-10", "3,0-999999999"])
def test_past_the_end_the_last_is_named(text: str) -> None:
    with pytest.raises(ConfigError, match="its last is 9"):
        choose_channels(text, "mixed", 10)
