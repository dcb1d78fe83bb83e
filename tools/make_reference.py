"""Write configs/reference.toml from the schema: ``python tools/make_reference.py``."""

from pathlib import Path

from dreamvideo.settings import reference_toml

if __name__ == "__main__":
    path = Path(__file__).parent.parent / "configs" / "reference.toml"
    path.write_text(reference_toml(), encoding="utf-8")
    print(path)
