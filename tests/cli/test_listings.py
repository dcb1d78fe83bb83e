"""``presets``, ``layers`` and ``doctor``."""

import json
import shlex
from pathlib import Path

import pytest

from dreamvideo.errors import NetworkError, OutputError


def test_presets_are_listed_with_their_sentences(dreamvideo) -> None:
    outcome = dreamvideo("presets")
    assert (outcome.code, outcome.err) == (0, "")
    assert next(line for line in outcome.out.splitlines() if line.startswith("painterly  ")).endswith(".")
    listed = json.loads(dreamvideo("presets", "--json").out)["presets"]
    assert [entry["name"] for entry in listed] == [line.split()[0] for line in outcome.out.splitlines()]


def test_a_preset_is_shown_as_it_stands(dreamvideo) -> None:
    text = dreamvideo("presets", "--show", "painterly").out
    assert text.startswith("# ")
    assert "strength = 0.45" in text
    assert json.loads(dreamvideo("presets", "--show", "painterly", "--json").out) == {"name": "painterly", "toml": text}


def test_layers(dreamvideo) -> None:
    outcome = dreamvideo("layers")
    header, *rows = outcome.out.splitlines()
    assert header.split() == ["layer", "kind", "shape", "channels", "stride", "sees"]
    assert [row.split()[0] for row in rows] == [f"mixed{index}" for index in range(10)]
    assert rows[4].split()[3] == "768"
    assert "--all lists all" in outcome.err
    assert outcome.err.endswith("Dream on one with --network inceptionv3 --objective 'mean_square(mixed0)'\n")
    everything = json.loads(dreamvideo("layers", "--all", "--json").out)
    assert everything["network"] == "inceptionv3"
    assert len(everything["layers"]) > 90


def test_layers_have_the_shapes_of_a_pictures_size(dreamvideo) -> None:
    first = json.loads(dreamvideo("layers", "--size", "640x360", "--json").out)["layers"][0]
    assert (first["width"], first["height"], first["stride"]) == (77, 42, 8)
    square = json.loads(dreamvideo("layers", "--size", "299", "--json").out)["layers"][0]
    assert (square["width"], square["height"]) == (35, 35)
    for size in ("big", "0x5", "640x", "99999"):
        outcome = dreamvideo("layers", "--size", size)
        assert outcome.code == 2
        assert "give WIDTHxHEIGHT (640x360)" in outcome.err


def test_layers_of_a_file_come_with_what_to_type_and_with_strides_below_one(dreamvideo, tmp_path: Path) -> None:
    import keras

    from dreamvideo.config import Dream
    from dreamvideo.dream.binding import bind_objective

    layers = (keras.layers.UpSampling2D(name="up-1"), keras.layers.MaxPooling2D(2, name="after"))
    keras.Sequential([keras.Input((None, None, 3)), *layers]).save(tmp_path / "my up.keras")
    outcome = dreamvideo("layers", "--network", "my up.keras")
    assert outcome.code == 0
    assert [row.split()[4:6] for row in outcome.out.splitlines()[1:]] == [["1/2", "px"], ["1", "px"]]
    typed = shlex.split(outcome.err.partition("Dream on one with ")[2])
    assert typed[:3] == ["--network", "my up.keras", "--objective"]
    assert bind_objective(Dream(objective=typed[3])).layers == ["up-1"]


def test_a_network_that_is_not_there_is_one_sentence(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DREAMVIDEO_CACHE", "nowhere")
    for network, code, sentence in (
        (
            "inceptoinv3",
            2,
            "there is no network called 'inceptoinv3'; did you mean 'inceptionv3'? (known: inceptionv3,",
        ),
        ("vgg16", 5, "the network vgg16 is not on this machine yet; fetch it with `dreamvideo networks pull vgg16`"),
        ("mine.keras", 5, "cannot read the network mine.keras (No such file or directory)"),
    ):
        outcome = dreamvideo("layers", "--network", network)
        assert (outcome.code, outcome.out) == (code, "")
        assert outcome.err.startswith(f"dreamvideo: error: {sentence}")
        assert outcome.err.count("\n") == 1


def test_doctor_finds_this_machine_well(dreamvideo) -> None:
    outcome = dreamvideo("doctor")
    assert outcome.code == 0, outcome.out
    lines = [line.split(maxsplit=2) for line in outcome.out.splitlines()]
    assert {line[0] for line in lines} == {"ok"}
    found = {line[1]: line[2] for line in lines}
    assert found["encoders"] == "libx264, libvpx-vp9"
    assert found["network"].startswith("inceptionv3, sha256 ")
    assert found["precision"].split()[0] in {"float32", "bfloat16", "float16"}


def broken() -> str:
    raise OSError("the file is\n  gone")


def test_doctor_names_each_problem_and_exits_with_the_firsts_code(dreamvideo, monkeypatch: pytest.MonkeyPatch) -> None:
    probes = (("python", lambda: "3.x", OutputError), ("network", broken, NetworkError), ("disk", broken, OutputError))
    monkeypatch.setattr("dreamvideo.cli.doctor._PROBES", probes)
    outcome = dreamvideo("doctor")
    assert outcome.code == NetworkError.exit_code
    assert outcome.out.splitlines() == [
        "ok       python   3.x",
        "problem  network  the file is gone",
        "problem  disk     the file is gone",
    ]
    checks = json.loads(dreamvideo("doctor", "--json").out)["checks"]
    assert [check["ok"] for check in checks] == [True, False, False]
