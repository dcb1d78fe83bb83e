"""``networks`` and ``networks pull``."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dreamvideo.catalogue import NETWORKS, NetworkSpec
from dreamvideo.dream import pull
from dreamvideo.errors import NetworkError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DREAMVIDEO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_every_network_is_listed_with_its_source_size_and_licence(dreamvideo, cache: Path) -> None:
    outcome = dreamvideo("networks")
    header, *rows = outcome.out.splitlines()
    assert header.split() == ["network", "from", "size", "licence", "layers", "source"]
    assert [row.split()[0] for row in rows] == list(NETWORKS)
    places = {row.split()[0]: row.split()[1] for row in rows}
    assert (places["inceptionv3"], places["vgg16"], places["resnet50"]) == ("here", "pip", "web")
    assert "block2_conv2 ... block5_conv3" in outcome.out
    cache.mkdir()
    (cache / "vgg16.keras").touch()
    listed = {entry["name"]: entry for entry in json.loads(dreamvideo("networks", "--json").out)["networks"]}
    assert listed["vgg16"]["here"]
    assert listed["vgg16"]["licence"] == NETWORKS["vgg16"].licence
    assert listed["vgg16"]["layers"][-1] == "block5_conv3"


def test_licences_are_those_of_the_weights_or_said_to_be_unknown() -> None:
    names = ("xception", "resnet50", "resnet50v2", "densenet121", "mobilenet", "convnext_tiny", "efficientnetb0")
    assert [NETWORKS[name].licence for name in names] == [
        *("MIT", "MIT", "BSD", "BSD-3-Clause", "Apache-2.0", "Apache-2.0", "unknown; see keras.io")
    ]


def test_pull_prints_where_the_network_is(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(spec: NetworkSpec, tell: Callable[[str], None]) -> Path:
        path = Path(str(spec.path()))
        if path.exists():
            tell(f"{spec.name} is here already")
        path.parent.mkdir(exist_ok=True)
        path.touch()
        return path

    monkeypatch.setattr(pull, "pull", fetch)
    first = dreamvideo("networks", "pull", "vgg16")
    assert (first.code, first.out, first.err) == (0, f"{NETWORKS['vgg16'].path()}\n", "")
    again = dreamvideo("networks", "pull", "vgg16", "vgg19", "--json")
    assert [entry["name"] for entry in json.loads(again.out)["networks"]] == ["vgg16", "vgg19"]
    assert again.err == "dreamvideo: vgg16 is here already\n"
    assert dreamvideo("networks", "--json", "pull", "vgg16", "vgg19").out == again.out


def test_pull_says_what_went_wrong(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    unknown = dreamvideo("networks", "pull", "vgg61")
    assert (unknown.code, unknown.out) == (2, "")
    assert "there is no network called 'vgg61'; did you mean" in unknown.err

    def fetch(*_: object) -> Path:
        raise NetworkError("no such host")

    monkeypatch.setattr(pull, "pull", fetch)
    outcome = dreamvideo("networks", "pull", "resnet50")
    assert (outcome.code, outcome.out, outcome.err) == (5, "", "dreamvideo: error: no such host\n")


def test_its_help_names_both_commands_and_a_wrong_option_is_usage(dreamvideo) -> None:
    assert "pull" in dreamvideo("networks", "--help").out
    assert "NAME..." in dreamvideo("networks", "pull", "--help").out
    outcome = dreamvideo("networks", "pull")
    assert outcome.code == 2
    assert "Try `dreamvideo networks pull --help`." in outcome.err
