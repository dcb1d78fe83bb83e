"""Make every picture and clip in samples/ again, with the commands that the README shows.

python samples/make_samples.py [NAME ...]      all of them, or those whose output's name contains NAME
"""

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np

from dreamvideo.media.still import read_image, write_image
from dreamvideo.presets import list_presets

HERE = Path(__file__).parent
STILL = "samples/inputs/chelsea.jpg"
CLIP = "samples/inputs/bunny.mp4"


def commands() -> list[str]:
    """Every sample's command line, to be run from the root of the project."""
    presets = [preset.name for preset in list_presets()]
    return [
        f"dreamvideo render {CLIP} -o samples/bunny.gif --start 0.6 --end 3 --width 400 --fps 12.5 -y",
        f"dreamvideo render {CLIP} -o samples/bunny.mp4 -y",
        f"dreamvideo image {STILL} -o samples/default.jpg -y",
        *[f"dreamvideo image {STILL} -o samples/{name}.jpg --preset {name} -y" for name in presets],
        "dreamvideo image samples/inputs/astronaut.jpg -o samples/astronaut.jpg -y",
        *[
            f"dreamvideo render {CLIP} -o samples/bunny-{name}.mp4 --preset {name} --start 1 --end 2.4 --width 400 -y"
            for name in ("creatures", "painterly")
        ],
    ]


def before_after(name: str) -> None:
    """``samples/rows/NAME.jpg``: the input and its dream side by side, for the README."""
    before, after = read_image(str(HERE.parent / STILL)), read_image(str(HERE / f"{name}.jpg"))
    row = np.concatenate([before, after], axis=1)
    (HERE / "rows").mkdir(exist_ok=True)
    write_image(str(HERE / "rows" / f"{name}.jpg"), row, quality=88)


def main() -> None:
    wanted = sys.argv[1:]
    for line in commands():
        output = line.split(" -o ")[1].split()[0]
        if wanted and not any(name in Path(output).name for name in wanted):
            continue
        print(line, flush=True)
        subprocess.run([sys.executable, "-m", *shlex.split(line)], check=True, cwd=HERE.parent)
    for name in ["default", *[preset.name for preset in list_presets()]]:
        before_after(name)


if __name__ == "__main__":
    main()
