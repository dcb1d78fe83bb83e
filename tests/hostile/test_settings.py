"""Settings that nobody means: every one is refused in a sentence of bounded length, and soon."""

import string
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dreamvideo.errors import ConfigError
from dreamvideo.merging import resolve
from dreamvideo.presets import presets_folder
from dreamvideo.settings import SETTINGS, reference_toml
from tests.hostile.fuzz import EDITS, Edit, draws, sentence_of, spoil

PRESETS = [path.read_bytes() for path in sorted(presets_folder().glob("*.toml"))]
WHOLE = "\n".join(line.removeprefix("#") if line[1:2].isalpha() else line for line in reference_toml().splitlines())
KEYS = st.one_of(
    st.sampled_from([*SETTINGS, "dream", "carry", "seed", "moving", "moving.x", "dream.layers.x", "dream.pictures.p"]),
    st.text(st.sampled_from(string.ascii_letters + "._-\"' \n\0=["), max_size=30),
)
PLAIN = st.sampled_from(
    [
        *("inf", "-inf", "nan", "1e400", "-0.0", "9" * 300, "9" * 5000, "0x" + "f" * 5000, "-9223372036854775809"),
        *("1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "1979-99-99", "true", '""', "'", '"\\ud800"', '"\\u0000"'),
        *("[" * 5000, "[" * 300 + "]" * 300, "{a=" * 300 + "1" + "}" * 300, "[1, [2, 'x']]", "{a.b.c = 1}"),
        *("'" + "x" * 100_000 + "'", "x" * 100_000, "[" + "1," * 5000 + "]", "1\nseed = 2", "1\n[dream]", "\udcff"),
        *("'0: 1, 0: 2'", "'bass'", "'9**9**9'", "mean(mixed4", "1/0", "30000/1001", "1/0001", "\x1b[2J"),
    ]
)
VALUES = st.one_of(PLAIN, st.integers().map(str), st.floats().map(repr), st.text(max_size=60))


@draws(400)
@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3))
@example([(".".join("a" * 3000), "1")])
@example([("dream." + ".".join("a" * 3000), "1")])
@example([("dream.layers", "{" + ".".join("a" * 3000) + " = 1}")])
@example([("dream.objective", "\udcff(mixed4)")])
@example([("k" * 1_000_000, "1")])
@example([("dream." + "k" * 1_000_000, "1")])
def test_anything_set_is_taken_or_refused(pairs: list[tuple[str, str]]) -> None:
    sentence_of(lambda: resolve(sets=[f"{key}={value}" for key, value in pairs]), ConfigError)


@draws(200)
@given(st.text(max_size=200))
@example("k" * 1_000_000)
def test_any_argument_of_set_is_taken_or_refused(text: str) -> None:
    sentence_of(lambda: resolve(sets=[text]), ConfigError)


@draws(400)
@given(st.sampled_from([*PRESETS, WHOLE.encode()]), st.sampled_from(PRESETS), EDITS)
def test_a_spoiled_config_is_taken_or_refused(tmp_path: Path, data: bytes, other: bytes, edits: list[Edit]) -> None:
    (tmp_path / "c.toml").write_bytes(spoil(data, edits, other))
    sentence = sentence_of(lambda: resolve(config_file=tmp_path / "c.toml"), ConfigError)
    assert not sentence or "c.toml" in sentence or "dream." in sentence


@draws(200)
@given(st.lists(st.tuples(st.sampled_from(list(SETTINGS)), PLAIN), min_size=1, max_size=4))
def test_a_table_of_anything_is_taken_or_refused(tmp_path: Path, pairs: list[tuple[str, str]]) -> None:
    text = "\n".join(f"{key} = {value}" for key, value in pairs)
    (tmp_path / "c.toml").write_text(text, encoding="utf-8", errors="surrogatepass")
    sentence_of(lambda: resolve(config_file=tmp_path / "c.toml"), ConfigError)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".".join("a" * 50_000) + " = 1", "nest more than 16 deep"),  # 44 s and 10 GB in tomllib
        ("[" + ".".join("a" * 20_000) + "]", "nest more than 16 deep"),
        ('"a"."b" . ' * 9 + "c = 1", "nest more than 16 deep"),
        ("dream.layers = " + "[" * 3000 + "]" * 3000, "nest more than 16 deep"),
        ("dream.layers = " + "[" * 30 + "]" * 30, "nest more than 16 deep"),
        ("seed = " + "9" * 5000, "too many digits"),
        ("seed = 0x" + "f" * 5000, "seed has more than 64 bits"),
        ("dream.step = " + "9" * 30, "dream.step has more than 64 bits"),
        ("# " + "x" * (1 << 18), "longer than 262144 characters"),
        ("seed = 1\nseed = 2", "cannot overwrite"),
        ("\n".join(f"k{index} = 1" for index in range(500)), "and 480 more"),
        ("k" * 10_000 + " = 1", "k... is no setting"),
        ("[dream.layers]\n" + "k" * 10_000 + " = 'x y'", "k... is "),
    ],
)
def test_what_is_wrong_is_said_in_bounds(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "c.toml").write_text(text)
    assert said in sentence_of(lambda: resolve(config_file=tmp_path / "c.toml"), ConfigError)


def test_a_file_without_end_is_not_read_to_it(tmp_path: Path) -> None:
    with (tmp_path / "c.toml").open("wb") as file:
        file.truncate(1 << 40)
    assert "longer than" in sentence_of(lambda: resolve(config_file=tmp_path / "c.toml"), ConfigError)


@pytest.mark.parametrize("name", ["../pyproject", "/etc/passwd", "x" * 1_000_000, "a\0b", "", "."])
def test_a_preset_is_a_name_and_no_path(name: str) -> None:
    assert "no preset called" in sentence_of(lambda: resolve(preset=name), ConfigError)


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "."])
def test_a_config_that_cannot_be_opened(name: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve(config_file=Path(name))


def test_more_than_one_line_is_no_value() -> None:
    assert "more than one line" in sentence_of(lambda: resolve(sets=["seed=1\nx=2"]), ConfigError)
