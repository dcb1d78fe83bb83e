"""Settings: who beats whom, what is refused and in which words, and that the files made from the schema are true."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dreamvideo.config import Carry, Config, Dream, Input, to_toml
from dreamvideo.errors import ConfigError
from dreamvideo.merging import resolve
from dreamvideo.presets import list_presets, presets_folder, read_preset
from dreamvideo.settings import SETTINGS, reference_toml, toml_value


@pytest.fixture
def presets(tmp_path: Path) -> Path:
    folder = tmp_path / "presets"
    folder.mkdir()
    (folder / "wild.toml").write_text("# Strong and early.\n[dream]\nstrength = 2\nsteps = 7\nlayers = {mixed3 = 1}\n")
    (folder / "reference.toml").write_text("# Not a preset.\n")
    return folder


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def problems(**arguments: object) -> list[str]:
    """The lines of the one error, without its heading."""
    with pytest.raises(ConfigError) as caught:
        resolve(**arguments)  # type: ignore[arg-type]
    lines = str(caught.value).splitlines()
    return [line.strip() for line in (lines[1:] or lines)]


def test_nothing_asked_is_the_defaults() -> None:
    assert resolve() == Config()


def test_each_layer_beats_the_one_below(presets: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.toml", "[dream]\nsteps = 8\noctaves = 4\njitter = 8\n")
    sets, named = ["dream.octaves=5", "dream.jitter=9"], {"dream.jitter": 10, "dream.tile": None}
    dream = resolve("wild", file, sets, named, presets=presets).dream
    assert (dream.strength, dream.steps, dream.octaves, dream.jitter) == (2, 8, 5, 10)
    assert dream.tile == Dream().tile


def test_a_table_of_layers_replaces_the_one_below(presets: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.toml", "[dream.layers]\nmixed5 = 0.5\n")
    assert resolve("wild", presets=presets).dream.layers == {"mixed3": 1}
    assert resolve("wild", file, presets=presets).dream.layers == {"mixed5": 0.5}
    assert resolve("wild", sets=["dream.layers={mixed6 = 1}"], presets=presets).dream.layers == {"mixed6": 1}


def test_set_changes_one_entry_of_the_layers(presets: Path) -> None:
    sets = ["dream.layers.mixed5=0.5", "dream.layers.block/2.out=3"]
    assert resolve("wild", sets=sets, presets=presets).dream.layers == {"mixed3": 1, "mixed5": 0.5, "block/2.out": 3}


@pytest.mark.parametrize("text", ["carry = 0.25\n", "[carry]\nstrength = 0.25\n"])
def test_a_number_is_short_for_the_strength_of_carry(tmp_path: Path, text: str) -> None:
    carry = resolve(config_file=write(tmp_path / "a.toml", text), sets=["carry.steps=3"]).carry
    assert (carry.strength, carry.steps) == (0.25, 3)
    assert resolve(sets=["carry.steps=3", "carry=0"]).carry == Carry(strength=0, steps=3)
    assert Config.model_validate({"carry": 0.5}).carry.strength == 0.5


@pytest.mark.parametrize(
    ("argument", "key", "value"),
    [
        ("dream.strength=.5", "strength", 0.5),
        ("dream.strength = 2", "strength", 2),
        ("dream.network=some_net", "network", "some_net"),
        ('dream.network="a = b"', "network", "a = b"),
        ("dream.network=a=b", "network", "a=b"),
    ],
)
def test_set_takes_toml_or_a_bare_word(argument: str, key: str, value: object) -> None:
    assert getattr(resolve(sets=[argument]).dream, key) == value


@pytest.mark.parametrize(
    ("value", "rate"), [("25", "25"), ("23.976", "23.976"), ("30000/1001", "30000/1001"), ('"24"', "24")]
)
def test_a_rate_is_kept_as_it_was_written(value: str, rate: str) -> None:
    assert resolve(sets=[f"input.fps={value}"]).input.fps == rate


@pytest.mark.parametrize("value", ["0", "25/0", "0/25", "true", "fast", "-25", "25/", "[25]"])
def test_what_is_no_rate_is_refused(value: str) -> None:
    assert problems(sets=[f"input.fps={value}"])[0].endswith('such as 25, 23.976 or "30000/1001"')


def test_every_problem_is_reported_at_once(presets: Path, tmp_path: Path) -> None:
    file = write(
        tmp_path / "mine.toml",
        'sead = 1\nshots = 3\n[drem]\na = 1\n[dream]\nstepz = 3\noctave_scale = 1\nascent = "plane"\nnetwork = 5\n'
        'layers = {mixed4 = "x"}\n[carry]\nstrength = true\n',
    )
    sets = ["foo", "dream.steps=1.5", "shots.min_frames=[1", "strength=1", "dream.halo.x=1"]
    found = problems(preset="wilt", config_file=file, sets=sets, named={"dream.strength": 20}, presets=presets)
    expected = [
        "there is no preset called 'wilt'; did you mean 'wild'? (known: wild)",
        f"shots is 3 (in {file}); it must be a table: [shots]",
        "--set foo: this should read section.key=value, such as dream.steps=3",
        "--set shots.min_frames=[1: the value is no valid TOML: ",
        "dream.strength is 20 (on the command line); it must be a number from 0 to 10",
        "dream.steps is 1.5 (in --set); it must be a whole number from 1 to 1000",
        f"dream.octave_scale is 1 (in {file}); it must be a number, above 1 and at most 4",
        f'dream.ascent is "plane" (in {file}); it must be "plain", "momentum" or "adam"',
        f"dream.network is 5 (in {file}); it must be a name",
        f'dream.layers.mixed4 is "x" (in {file}); it must be a number',
        "dream.halo is {x = 1} (in --set); it must be a whole number from 0 to 512",
        f"dream.stepz is no setting (in {file}); did you mean 'dream.step'?",
        f"carry.strength is true (in {file}); it must be a number, at least 0 and below 1",
        f"sead is no setting (in {file}); did you mean 'seed'?",
        f"drem is no setting (in {file}); did you mean 'dream'?",
        "strength is no setting (in --set); did you mean 'dream.strength' or 'carry.strength'?",
    ]
    assert [line for line in expected if not any(one.startswith(line) for one in found)] == []
    assert len(found) == len(expected)


def test_the_last_to_set_a_value_is_named(presets: Path) -> None:
    (presets / "wild.toml").write_text("[dream]\nlayers = {a = 'x'}\nsteps = 0\n")
    found = problems(preset="wild", sets=["dream.layers.b='y'", "dream.steps=-1"], presets=presets)
    assert 'dream.layers.a is "x" (in the preset wild); it must be a number' in found
    assert 'dream.layers.b is "y" (in --set); it must be a number' in found
    assert "dream.steps is -1 (in --set); it must be a whole number from 1 to 1000" in found


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "cannot be read (No such file or directory)"),
        (b"[dream\n", "is no valid TOML: "),
        (b"[dream]\nsteps = 1\nsteps = 2\n", "(at line 3, column 10)"),
        (b"a = '\xff'\n", "is no UTF-8 text"),
    ],
)
def test_a_config_file_that_cannot_be_used(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "mine.toml"
    if content is not None:
        file.write_bytes(content)
    (line,) = problems(config_file=file)
    assert str(file) in line
    assert complaint in line


@pytest.mark.parametrize("argument", ["dream.strength=true", "dream.steps=3.0", "shots.detect=1", "shots.detect=yes"])
def test_values_of_another_type_are_refused(argument: str) -> None:
    (line,) = problems(sets=[argument])
    assert line.startswith(f"{argument.partition('=')[0]} is ")


@pytest.mark.parametrize(("key", "meant"), [("carry.step", "carry.steps"), ("drem.steps", "dream"), ("seeed", "seed")])
def test_the_nearest_setting_is_offered(key: str, meant: str) -> None:
    assert problems(sets=[f"{key}=1"])[0].endswith(f"; did you mean '{meant}'?")


def test_the_end_comes_after_the_start() -> None:
    assert problems(sets=["input.start=5", "input.end=3"]) == ["input.end (3 s) must come after input.start (5 s)"]


def test_infinity_and_no_layers_are_refused() -> None:
    assert problems(sets=["dream.layers.mixed4=nan"]) == ["dream.layers.mixed4 is nan (in --set); it must be a number"]
    assert problems(sets=["dream.strength=inf"]) == [
        "dream.strength is inf (in --set); it must be a number from 0 to 10"
    ]
    assert problems(sets=["dream.layers={mixed4 = 0}"]) == [
        "dream.layers gives no layer a weight other than 0; give it one"
    ]


def test_a_formula_does_away_with_layers_set_below_it_and_layers_with_a_formula(presets: Path, tmp_path: Path) -> None:
    file = write(tmp_path / "mine.toml", '[dream]\nobjective = ["mean(mixed3)", "0.5 * channel(mixed4, 1)"]\n')
    dream = resolve("wild", file, presets=presets).dream
    assert (dream.objective, dream.layers) == (["mean(mixed3)", "0.5 * channel(mixed4, 1)"], {})
    dream = resolve("wild", file, ["dream.layers={mixed6 = 1}"], presets=presets).dream
    assert (dream.objective, dream.layers) == ("mean_square", {"mixed6": 1})
    dream = resolve("wild", file, ["dream.objective=mean"], presets=presets).dream
    assert (dream.objective, dream.layers) == ("mean", Dream().layers)


def test_layers_beside_a_formula_are_refused_not_ignored(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.toml", '[dream]\nobjective = "mean(mixed3)"\nlayers = {mixed4 = 1}\n')
    (line,) = problems(config_file=file)
    assert line.startswith("dream.layers has no say")
    (line,) = problems(sets=["dream.objective=mean(mixed3)", "dream.layers.mixed4=1"])
    assert line.startswith("dream.layers has no say")


def test_a_formula_that_cannot_be_read_points_at_the_character() -> None:
    with pytest.raises(ConfigError) as caught:
        resolve(sets=["dream.objective=0.2 * mean(mixed2) + 3"])
    first, formula, mark = str(caught.value).splitlines()
    assert first.startswith("dream.objective: this is no objective")
    assert formula[mark.index("^")] == "3"


def test_a_long_value_is_cut_in_messages() -> None:
    (line,) = problems(named={"dream.steps": "x" * 1000})
    assert len(line) < 200


@given(
    strength=st.floats(0, 10),
    seed=st.integers(0, 2**63 - 1),
    layers=st.dictionaries(st.text("aé.\"'\\ /\n", min_size=1), st.floats(-5, 5).filter(bool), min_size=1, max_size=3),
    start=st.none() | st.floats(0, 1e6),
)
def test_a_config_survives_the_way_through_toml(
    tmp_path_factory: pytest.TempPathFactory, strength: float, seed: int, layers: dict[str, float], start: float | None
) -> None:
    config = Config(
        seed=seed, dream=Dream(strength=strength, layers=layers), input=Input(start=start, fps="30000/1001")
    )
    file = write(tmp_path_factory.getbasetemp() / "round.toml", to_toml(config))
    assert resolve(config_file=file) == config


def test_presets_are_listed_with_their_first_comment(presets: Path) -> None:
    assert [(preset.name, preset.description) for preset in list_presets(presets)] == [("wild", "Strong and early.")]
    assert read_preset("wild", presets).startswith("# Strong and early.")


@pytest.mark.parametrize("name", ["reference", "../secret", "", "wild.toml"])
def test_only_presets_are_presets(presets: Path, name: str) -> None:
    (presets.parent / "secret.toml").write_text("")
    with pytest.raises(ConfigError, match="no preset called"):
        read_preset(name, presets)


def test_the_programs_own_presets_are_valid_and_described() -> None:
    found = list_presets()
    assert "painterly" in {preset.name for preset in found}
    for preset in found:
        assert preset.description.endswith("."), preset.name
        assert resolve(preset.name) != Config(), preset.name


def test_the_reference_is_what_the_schema_says() -> None:
    text = (presets_folder() / "reference.toml").read_text(encoding="utf-8")
    assert text == reference_toml(), "run: python tools/make_reference.py"


def test_the_reference_with_its_comments_taken_away_is_the_defaults(tmp_path: Path) -> None:
    lines = [line.removeprefix("#") for line in reference_toml().splitlines() if not line.startswith("# ")]
    text = "\n".join(line for line in lines if not line.endswith(" ="))
    assert resolve(config_file=write(tmp_path / "all.toml", text)) == Config()
    given_keys = {f"{table}.{key}" for table, keys in tomllib.loads(text).items() if table != "seed" for key in keys}
    unset = {key for key, setting in SETTINGS.items() if setting.default is None}
    assert given_keys | unset | {"seed"} == SETTINGS.keys()


def test_every_setting_has_a_sentence_and_says_what_it_takes() -> None:
    for setting in SETTINGS.values():
        assert setting.sentence.endswith("."), setting.key
        assert setting.expected, setting.key


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("dream.strength", "a number from 0 to 10"),
        ("carry.strength", "a number, at least 0 and below 1"),
        ("dream.octave_scale", "a number, above 1 and at most 4"),
        ("carry.steps", "a whole number from 1 to 1000"),
        ("shots.detect", "true or false"),
        ("carry.mode", '"residual" or "frame"'),
    ],
)
def test_bounds_in_words(key: str, expected: str) -> None:
    assert SETTINGS[key].expected == expected


@settings(max_examples=30)
@given(
    value=st.recursive(
        st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_values_are_written_as_toml_reads_them(value: object) -> None:
    assert tomllib.loads(f"value = {toml_value(value)}")["value"] == value


def test_layers_and_a_formula_typed_together_contradict() -> None:
    for sets, named in (
        (["dream.layers.mixed6=1"], {"dream.objective": "mean(mixed4)"}),
        (["dream.objective=mean(mixed4)", "dream.layers={mixed6 = 1}"], {}),
    ):
        (line,) = problems(sets=sets, named=named)
        assert line.startswith("dream.layers has no say")


def test_a_layer_that_is_named_takes_the_place_of_the_networks_own() -> None:
    assert resolve(sets=["dream.layers.mixed6=1"]).dream.layers == {"mixed6": 1}


def test_a_formula_is_read_also_where_other_settings_are_wrong() -> None:
    found = problems(sets=["dream.steps=-1", "dream.objective=mean(mixed4"])
    assert any(line.startswith("dream.objective: this ( is never closed") for line in found)
    assert any(line.startswith("dream.steps is -1") for line in found)
