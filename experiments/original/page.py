"""docs/original-report.md from the runs of the four sweeps beside this file.

python experiments/original/page.py [--home runs] [--docs docs]

Reads the sweep folders only: records, histories, sample grids and generators.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import figures
import jinja2
import measured
from runs import SWEEPS, Run, load

DCGAN, STABILISED, ACGAN, WGAN_GP = SWEEPS
COLUMNS = 98


def main() -> None:
    parser = argparse.ArgumentParser(description="Writes docs/original-report.md from the runs of the four systems.")
    parser.add_argument("--home", type=Path, default=Path("runs"), help="home folder of the sweeps (default: runs)")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="folder to write to (default: docs)")
    options = parser.parse_args()
    runs = {sweep: load(options.home, sweep) for sweep in SWEEPS}
    pictures = options.docs / "figures" / "original"
    pictures.mkdir(parents=True, exist_ok=True)
    draw(runs, pictures)
    (options.docs / "original-report.md").write_text(page(runs), encoding="utf-8")
    print(options.docs / "original-report.md")


def page(runs: dict[str, list[Run]]) -> str:
    """page.md.j2, filled in: the words stand there, the numbers come from measured.py."""
    loader = jinja2.FileSystemLoader(Path(__file__).parent)
    environment = jinja2.Environment(loader=loader, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    functions = {name: value for name, value in vars(measured).items() if inspect.isfunction(value)}
    systems = dict(zip(("dcgan", "stabilised", "acgan", "wgan_gp"), runs.values(), strict=True))
    return wrapped(environment.get_template("page.md.j2").render(**functions, **systems, runs=runs))


def wrapped(page: str) -> str:
    """The page with paragraphs and lists in short lines; tables, code, headings and pictures stay as they are."""
    return "\n\n".join(map(_wrapped_block, page.rstrip("\n").split("\n\n"))) + "\n"


def _wrapped_block(block: str) -> str:
    block = block.strip("\n")
    if block.startswith(("```", "|", "#", "!", "    ")):
        return block
    return "\n".join(map(_wrapped_item, re.split(r"\n(?=- )", block)))


def _wrapped_item(item: str) -> str:
    indent = "  " if item.startswith("- ") else ""
    text = " ".join(item.split())
    return textwrap.fill(text, COLUMNS, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def draw(runs: dict[str, list[Run]], folder: Path) -> None:
    """The pictures behind the report's figures, under its numbers."""
    figures.progress(runs[DCGAN], folder / "05-images-during-training.png")
    figures.losses(runs[DCGAN], folder / "06-losses.png")
    figures.accuracy(runs[DCGAN], folder / "07-accuracy.png")
    figures.noisy(measured.both_on(runs[STABILISED]), folder / "08-images-with-noise.png")
    figures.final_samples(measured.both_on(runs[STABILISED]), folder / "09-images-stabilised.png")
    figures.losses(measured.both_on(runs[STABILISED]), folder / "10-losses-stabilised.png")
    figures.accuracy(measured.both_on(runs[STABILISED]), folder / "11-accuracy-stabilised.png")
    figures.losses(runs[ACGAN], folder / "15-losses-acgan.png")
    figures.accuracy(runs[ACGAN], folder / "16-accuracy-acgan.png")
    figures.classes(runs[ACGAN], folder / "17-classes.png")
    figures.beside_real(runs[ACGAN], folder / "18-beside-real.png")
    figures.losses(runs[WGAN_GP], folder / "19-losses-wgan-gp.png")
    figures.accuracy(runs[WGAN_GP], folder / "20-accuracy-wgan-gp.png")


if __name__ == "__main__":
    main()
