"""Make every picture and clip in samples/ again, with the commands that the README files show.

python samples/make_samples.py [NAME ...]      all of them, or those whose output's name contains NAME

Pulls the networks that some recipes need. GOOGLENET in the environment names a frozen GoogLeNet (.pb); without it,
the samples that it made stay as they are.
"""

import os
import shlex
import subprocess
import sys
from pathlib import Path

from dreamvideo.catalogue import NETWORKS
from dreamvideo.media.sheet import side_by_side
from dreamvideo.media.still import read_image, write_image
from dreamvideo.presets import list_presets

HERE = Path(__file__).parent
STILL = "samples/inputs/chelsea.jpg"
CLIP = "samples/inputs/bunny.mp4"
RECIPES = "samples/recipes"
LOOKS = "samples/looking"
MOVING = "samples/moving"
MUSIC = "samples/inputs/garzul.ogg"
CHANNEL = '"channel(mixed4_pool_reduce, 61)"'


def looks() -> list[str]:
    """The presets that are neither recipes nor for things that move."""
    special = ("Recipe:", "Dances:", "Dives:")
    return [preset.name for preset in list_presets() if not preset.description.startswith(special)]


def commands() -> list[str]:
    """Every sample's command line, to be run from the root of the project."""
    return [
        f"dreamvideo render {CLIP} -o samples/bunny.gif --start 0.6 --end 3 --width 400 --fps 12.5 -y",
        f"dreamvideo render {CLIP} -o samples/bunny.mp4 -y",
        f"dreamvideo image {STILL} -o samples/default.jpg -y",
        *[f"dreamvideo image {STILL} -o samples/{name}.jpg --preset {name} -y" for name in looks()],
        "dreamvideo image samples/inputs/astronaut.jpg -o samples/astronaut.jpg -y",
        *[
            f"dreamvideo render {CLIP} -o samples/bunny-{name}.mp4 --preset {name} --start 1 --end 2.4 --width 400 -y"
            for name in ("creatures", "painterly")
        ],
        *[
            f"dreamvideo image {STILL} -o {RECIPES}/{name}.jpg --preset {name} -y"
            for name in (
                *("inception-weighted", "fine-texture", "abstract-shapes", "production", "tutorial", "tutorial-simple"),
                "vgg16-classic",
            )
        ],
        f"dreamvideo noise -o {RECIPES}/vgg16-feature.jpg --preset vgg16-feature --size 300 -y",
        f"dreamvideo render {STILL} -o {RECIPES}/vgg19-style.gif --preset vgg19-style --width 300 --fps 2 -y "
        "--picture style=samples/stained-glass.jpg --set input.frames=4",
        *[
            f"dreamvideo noise -o {RECIPES}/inception5h-{name}.jpg --preset inception5h-{name} --size 300 "
            "--network googlenet.pb -y"
            for name in ("naive", "multiscale", "lapnorm")
        ],
        f"dreamvideo image {STILL} -o {RECIPES}/inception5h-dream.jpg --preset inception5h-dream "
        "--network googlenet.pb -y",
        f"dreamvideo noise -o {LOOKS}/noise.jpg --objective {CHANNEL} --size 400 -y",
        f"dreamvideo image {STILL} -o {LOOKS}/guide.jpg --objective 'guide(mixed4, face)' "
        "--picture face=samples/inputs/astronaut.jpg --before-after -y",
        f"dreamvideo features {STILL} --layer mixed5 --count 43 -o {LOOKS}/features.jpg -y",
        f"dreamvideo atlas --layer mixed4 --channels 0-54 -o {LOOKS}/atlas.jpg -y",
        f"dreamvideo atlas {STILL} --compare layers -o {LOOKS}/layers.jpg -y",
        f"dreamvideo zoom {STILL} -o {MOVING}/loop.mp4 --loop crossfade --seconds 6 --width 400 --crf 26 -y",
        f"dreamvideo zoom samples/inputs/astronaut.jpg -o {MOVING}/droste.gif --loop droste --seconds 5 --width 216 "
        "--fps 10 -y",
        f"dreamvideo zoom {STILL} -o {MOVING}/journey.mp4 --preset journey --seconds 24 --width 320 --fps 15 "
        "--crf 28 -y",
        f"dreamvideo zoom {STILL} -o {MOVING}/kick.mp4 --preset kick --audio {MUSIC} --width 400 --fps 25 --crf 26 -y",
        f"dreamvideo render {CLIP} -o {MOVING}/bars.mp4 --preset bars --audio {MUSIC} --width 400 --crf 22 -y",
        f"dreamvideo render {CLIP} -o {MOVING}/pulse.mp4 --preset pulse --width 400 --crf 22 -y",
        f"dreamvideo schedule --preset bars --input {CLIP} --audio {MUSIC} --plot {MOVING}/bars.png -y",
    ]


def before_after(name: str) -> None:
    """``samples/rows/NAME.jpg``: the input and its dream side by side, for the README."""
    before, after = read_image(str(HERE.parent / STILL)), read_image(str(HERE / f"{name}.jpg"))
    (HERE / "rows").mkdir(exist_ok=True)
    write_image(str(HERE / "rows" / f"{name}.jpg"), side_by_side(before, after), quality=88)


def run(line: str) -> None:
    """Run one command line as it is shown, with the GoogLeNet where it really is."""
    words = [os.environ["GOOGLENET"] if word == "googlenet.pb" else word for word in shlex.split(line)]
    for name in (name for name in NETWORKS if f"--preset {name}-" in line and not NETWORKS[name].path().is_file()):
        if "googlenet.pb" not in words and "--network" not in words:
            subprocess.run([sys.executable, "-m", "dreamvideo", "networks", "pull", name], check=True)
    print(line, flush=True)
    subprocess.run([sys.executable, "-m", *words], check=True, cwd=HERE.parent)


def main() -> None:
    wanted = sys.argv[1:]
    for line in commands():
        words = shlex.split(line)
        output = words[words.index("--plot" if "--plot" in words else "-o") + 1]
        if wanted and not any(name in output for name in wanted):
            continue
        if "googlenet.pb" in line and "GOOGLENET" not in os.environ:
            print(f"left as it is, since GOOGLENET is not set: {output}")
            continue
        (HERE.parent / output).parent.mkdir(exist_ok=True)
        run(line)
    for name in ["default", *looks()]:
        before_after(name)


if __name__ == "__main__":
    main()
