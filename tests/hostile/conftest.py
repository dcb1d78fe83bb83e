"""A folder to be in while strangers' files are read, in which nothing may appear."""

from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def nothing_is_written(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here: Path = tmp_path_factory.mktemp("outside") / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    yield
    assert [path.name for path in here.parent.rglob("*")] == ["here"]
