"""Presets: short TOML files of differences from the defaults, each with one sentence in its first comment line."""

from dataclasses import dataclass
from pathlib import Path

from dreamvideo.errors import ConfigError
from dreamvideo.names import expect_name

_REFERENCE = "reference"


@dataclass(frozen=True)
class PresetInfo:
    """A preset's name and what it looks like, in one sentence."""

    name: str
    description: str


def presets_folder() -> Path:
    """``configs`` as it lies in an installed package, else as it lies in a checkout."""
    package = Path(__file__).parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"


def list_presets(folder: Path | None = None) -> list[PresetInfo]:
    """The presets in ``folder`` (by default those that travel with the program), sorted by name."""
    names = sorted(path.stem for path in (folder or presets_folder()).glob("*.toml") if path.stem != _REFERENCE)
    return [PresetInfo(name, _description(read_preset(name, folder))) for name in names]


def read_preset(name: str, folder: Path | None = None) -> str:
    """The text of a preset. Raises ``ConfigError`` with the nearest name if there is none called ``name``."""
    folder = folder or presets_folder()
    expect_name(name, sorted(path.stem for path in folder.glob("*.toml") if path.stem != _REFERENCE), "preset")
    try:
        return (folder / f"{name}.toml").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the preset {folder / name}.toml cannot be read ({error})") from error


def _description(text: str) -> str:
    return next((line.lstrip("#").strip() for line in text.splitlines() if line.startswith("#")), "")
