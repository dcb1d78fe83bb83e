"""The table that a bench prints, line by line as its figures come, and the file to which it appends them.

`python bench/table.py` shows how each figure went from run to run.
"""

import json
import os
import platform
import re
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).with_name("results.jsonl")
PACKAGES = ("dreamvideo", "tensorflow", "keras", "numpy", "opencv-python", "imageio-ffmpeg")


@dataclass(frozen=True)
class Figure:
    """One measured number, how it is told, the bar that was set for it, and whether it was met."""

    name: str
    value: float
    text: str
    bar: str = ""
    met: bool | None = None


@dataclass
class Table:
    """Figures, printed as they are added."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, name: str, value: float, text: str, bar: str = "", *, met: bool | None = None) -> None:
        """``met`` is None where there is nothing to meet."""
        self.figures.append(Figure(name, float(value), text, bar, None if met is None else bool(met)))
        verdict = {None: "", True: "met", False: "SHORT"}[self.figures[-1].met]
        print(f"{name:<66} {text:>28}   {bar:<18} {verdict}".rstrip(), flush=True)

    def at_most(self, name: str, value: float, most: float, text: str) -> None:
        self.add(name, value, text, f"at most {most:g}", met=value <= most)

    def at_least(self, name: str, value: float, least: float, text: str) -> None:
        self.add(name, value, text, f"at least {least:g}", met=value >= least)

    def append(self) -> None:
        """One line more in ``RESULTS``: when, on which machine and versions, at which commit, and every figure."""
        figures = [asdict(figure) for figure in self.figures]
        line = {"when": datetime.now(UTC).isoformat(timespec="seconds"), **circumstances(), "figures": figures}
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


def report(figure: str, value: str, bar: str) -> None:
    """Print a figure that goes into no file."""
    print(f"{figure:<66} {value:>28}   bar: {bar}", flush=True)


def circumstances() -> dict[str, Any]:
    """Machine, versions and commit."""
    return {
        "machine": f"{_processor()}, {os.cpu_count()} cores",
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "commit": _git("rev-parse", "--short", "HEAD")
        + ("+" if _git("status", "--porcelain", "--", ":/", f":(exclude,top)bench/{RESULTS.name}") else ""),
    }


def _processor() -> str:
    """The processor's name and what it computes in, on Linux; else what Python knows."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    name = re.search(r"model name\s*:\s*(.*)", text)
    fast = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if re.search(rf"\b{flag}\b", text)]
    return f"{name[1] if name else platform.machine()} ({', '.join(fast[:2])})"


def _git(*arguments: str) -> str:
    folder = Path(__file__).parent
    result = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    return result.stdout.strip()


def history() -> None:
    """Print each figure's values, oldest first; draw them to a file if one is named."""
    runs = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]
    series: dict[str, list[tuple[str, float]]] = {}
    for run in runs:
        for figure in run["figures"]:
            series.setdefault(figure["name"], []).append((run["when"], figure["value"]))
    for name, points in series.items():
        print(f"{name:<66} {'  '.join(f'{value:.4g}' for _, value in points)}")
    if len(sys.argv) > 1:
        _draw(series, sys.argv[1])


def _draw(series: dict[str, list[tuple[str, float]]], output: str) -> None:
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing((10, 1.3 * len(series)), layout="constrained")
    for axes, (name, points) in zip(drawing.subplots(len(series), squeeze=False)[:, 0], series.items(), strict=True):
        axes.plot([datetime.fromisoformat(when) for when, _ in points], [value for _, value in points], "o-")
        axes.set_title(name, fontsize=8, loc="left")
        axes.set_ylim(bottom=0)
    drawing.savefig(output)


if __name__ == "__main__":
    history()
