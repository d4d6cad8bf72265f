"""How often is the report right on settings that were drawn from a space? Prints two tables in Markdown.

    python benchmarks/smooth_effects.py [--sweeps 60] [--points 16 32 64] [--seeds 2 3 5]

1. How often its 95% bands hold the truth, on average over the range of the setting: curve, luck of the seeds, number of
   points and seeds. Sweeps of three settings are simulated from known curves (tests/support/made_points.py), and
   analysed like those of a report: the share of stable runs, and the Frechet distance relative to its average.
2. How often a setting is said to do something: falsely where its curve is flat, rightly where it is not.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Sequence
from itertools import product
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.made_points import CURVES, LR, Drawn, claims, held

LUCK = (0.3, 0.7, 2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description="How often the report is right on drawn settings.")
    parser.add_argument("--sweeps", type=int, default=60, help="simulated sweeps of each number (default: 60)")
    parser.add_argument("--points", type=int, nargs="+", default=[16, 32, 64], help="numbers of points")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 5], help="numbers of seeds")
    options = parser.parse_args()
    print_coverage(options.sweeps, options.points, options.seeds)
    print_claims(options.sweeps, options.points)


def print_coverage(sweeps: int, points: Sequence[int], seeds: Sequence[int]) -> None:
    designs = list(product(points, seeds))
    print(f"| outcome | curve | luck | {' | '.join(f'{p} points, {s} seeds' for p, s in designs)} |")
    print("|---|---|---:" + "|---:" * len(designs) + "|")
    rng = np.random.default_rng(0)
    averages: dict[str, list[list[float]]] = defaultdict(list)
    for curve, luck in product(CURVES, LUCK):
        shares = [held(Drawn(curve, *design, luck=luck), sweeps, rng) for design in designs]
        for path, outcome in shares[0]:
            values = [share[path, outcome] for share in shares]
            averages[f"{outcome} of {'a range' if path == LR else 'a choice'}"].append(values)
            if path == LR:
                print(
                    f"| {outcome} | {curve} | {luck} | {' | '.join(f'{value:.1%}' for value in values)} |", flush=True
                )
    for name, rows in averages.items():
        print(f"| {name} | all | all | {' | '.join(f'{value:.1%}' for value in np.mean(rows, axis=0))} |")
    print(flush=True)


def print_claims(sweeps: int, points: Sequence[int]) -> None:
    print(f"| a setting does something | {' | '.join(f'{p} points, 2 seeds' for p in points)} |")
    print("|---" + "|---:" * len(points) + "|")
    rng = np.random.default_rng(1)
    for curve in CURVES:
        values = [claims(Drawn(curve, number, 2), sweeps, rng) for number in points]
        print(
            f"| {curve}{' (false)' if curve == 'flat' else ''} | {' | '.join(f'{v:.0%}' for v in values)} |", flush=True
        )


if __name__ == "__main__":
    main()
