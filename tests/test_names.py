"""Names that people mistype."""

import pytest

from dreamvideo.errors import ConfigError
from dreamvideo.names import expect_name, nearest


def test_nearest_finds_the_one_that_was_meant() -> None:
    assert nearest("mixde4", ["conv1", "mixed4", "logits"]) == "; did you mean 'mixed4'?"


def test_nearest_is_silent_when_nothing_is_near() -> None:
    assert nearest("zebra", ["conv1", "mixed4"]) == ""


def test_a_known_name_passes() -> None:
    expect_name("b", iter(["a", "b"]), "thing")


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigError, match=r"no thing called 'gentel'; did you mean 'gentle'\? \(known: gentle, wild\)"):
        expect_name("gentel", iter(["gentle", "wild"]), "thing")
