"""A command's own defaults: they beat those of the schema, and whatever the person says beats them."""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dreamvideo.config import Config
from dreamvideo.merging import resolve
from dreamvideo.presets import read_preset
from dreamvideo.settings import toml_value


def resolve_over(
    base: Mapping[str, Any],
    preset: str | None,
    config_file: Path | None,
    sets: Iterable[str],
    named: Mapping[str, Any],
) -> Config:
    """``resolve`` with ``base`` (full names such as ``dream.steps`` to values) below the preset."""
    sets = list(sets)
    resolve(preset, config_file, sets, named)  # raises for whatever is wrong, so that the texts below can be read
    texts = [read_preset(preset)] if preset else []
    texts += [config_file.read_text(encoding="utf-8")] if config_file else []
    said = [tomllib.loads(text) for text in texts]
    unsaid = [f"{key}={toml_value(value)}" for key, value in base.items() if not any(_has(each, key) for each in said)]
    return resolve(preset, config_file, [*unsaid, *sets], named)


def _has(table: Mapping[str, Any], key: str) -> bool:
    section, name = key.split(".")
    return name in table.get(section, {})
