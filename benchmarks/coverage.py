"""How often is the report right? Prints three tables in Markdown.

    python benchmarks/coverage.py [--sweeps 400] [--seeds 2 3 4 5 7 10 20]

1. How often its 95% intervals cover the truth: interval, scenario, number of seeds. Sweeps of 12 configurations are
   simulated from known effects (tests/support/made_results.py), and analysed like those of a report.
2. False claims: the share of sweeps without effects in which something holds or is marked; and of sweeps with a setting
   that only saves runs from ruin, in which it is said to make images worse.
3. Advice: how often a true change holds at the number of seeds that is advised.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.covered import covered, false_claims, held_at_advised_seeds, saving_setting
from support.made_results import SCENARIOS, simulate


def main() -> None:
    parser = argparse.ArgumentParser(description="How often the report is right.")
    parser.add_argument("--sweeps", type=int, default=400, help="simulated sweeps of each number (default: 400)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 4, 5, 7, 10, 20], help="numbers of seeds")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    print_coverage(options.sweeps, options.seeds, rng)
    print_false_claims(options.sweeps, options.seeds, rng)
    print_advice(options.sweeps, rng)


def print_coverage(sweeps: int, numbers: Sequence[int], rng: np.random.Generator) -> None:
    rows: dict[tuple[str, str], list[str]] = {}
    for scenario in SCENARIOS:
        for seeds in numbers:
            for kind, share in covered(scenario, sweeps, seeds, rng).items():
                rows.setdefault((kind, scenario.name), []).append(f"{share:.1%}")
    print_rows(["interval", "scenario", *(f"{seeds} seeds" for seeds in numbers)], rows)


def print_false_claims(sweeps: int, numbers: Sequence[int], rng: np.random.Generator) -> None:
    rows: dict[tuple[str, str], list[str]] = {}
    for scenario in SCENARIOS:
        nothing = replace(scenario, has_effects=False)
        for seeds in numbers:
            for kind, share in false_claims(simulate(nothing, sweeps, seeds, rng).results()).items():
                rows.setdefault((kind, scenario.name), []).append(f"{share:.1%}")
    print_rows(["false claim", "scenario", *(f"{seeds} seeds" for seeds in numbers)], rows)
    effects = [saving_setting(rng) for _ in range(sweeps)]
    harm = np.mean([effect.ratio is not None and effect.ratio.low > 1 for effect in effects])
    share_called_worse = np.mean(
        [effect.images_hold and effect.wins is not None and effect.wins.mean < 0.5 for effect in effects]
    )
    print(
        "A setting that only saves runs from ruin, 8 seeds: over the runs that both drew the Frechet distance is larger"
    )
    print(
        f"in {harm:.1%} of sweeps (its interval excludes 1); images are said to be worse in {share_called_worse:.1%}.\n"
    )


def print_advice(sweeps: int, rng: np.random.Generator) -> None:
    rows: dict[tuple[str, str], list[str]] = {}
    for effects in (1, 4, 12):
        for seeds in (3, 5):
            for pairs in (2, 6):
                shares = held_at_advised_seeds(effects, seeds, pairs, sweeps, rng)
                rows[str(effects), f"{seeds} of {pairs} pairs"] = [f"{share:.0%}" for share in shares]
    print_rows(["effects", "seeds", "holds, seeds kept", "holds, fresh seeds"], rows)


def print_rows(titles: Sequence[str], rows: dict[tuple[str, str], list[str]]) -> None:
    """A table; rows with too few values are of intervals that are not printed with few seeds."""
    print(f"| {' | '.join(titles)} |")
    print("|---|---" + "|---:" * (len(titles) - 2) + "|")
    for names, values in rows.items():
        missing = [""] * (len(titles) - 2 - len(values))
        print(f"| {' | '.join([*names, *missing, *values])} |")
    print(flush=True)


if __name__ == "__main__":
    main()
