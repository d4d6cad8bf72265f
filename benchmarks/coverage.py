"""How often do the report's 95% intervals cover the truth? Prints a table: interval, scenario, number of seeds.

    python benchmarks/coverage.py [--sweeps 400] [--seeds 2 3 5 10 20]

Sweeps of 12 configurations are simulated from known effects (tests/support/made_results.py) and analysed like those of
a report. Then the table of false claims: shares of sweeps without effects in which something holds or is marked.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.covered import covered, false_claims
from support.made_results import SCENARIOS, simulate


def main() -> None:
    parser = argparse.ArgumentParser(description="How often the report's 95% intervals cover the truth.")
    parser.add_argument("--sweeps", type=int, default=400, help="simulated sweeps of each cell (default: 400)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[2, 3, 5, 10, 20], help="numbers of seeds")
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    cells: dict[tuple[str, str], list[str]] = {}
    for scenario in SCENARIOS:
        for seeds in options.seeds:
            for kind, share in covered(scenario, options.sweeps, seeds, rng).items():
                cells.setdefault((kind, scenario.name), []).append(f"{share:.1%}")
    claims: dict[tuple[str, str], list[str]] = {}
    for scenario in SCENARIOS:
        nothing = replace(scenario, has_effects=False)
        for seeds in options.seeds:
            shares = false_claims(simulate(nothing, options.sweeps, seeds, rng).results())
            for kind, share in shares.items():
                claims.setdefault((kind, scenario.name), []).append(f"{share:.1%}")
    for title, rows in (("interval", cells), ("false claim", claims)):
        print(f"| {title} | scenario | {' | '.join(f'{seeds} seeds' for seeds in options.seeds)} |")
        print("|---|---" + "|---:" * len(options.seeds) + "|")
        for (kind, scenario_name), values in sorted(rows.items()):
            missing = [""] * (len(options.seeds) - len(values))  # intervals that are not printed with few seeds
            print(f"| {kind} | {scenario_name} | {' | '.join([*missing, *values])} |")
        print()


if __name__ == "__main__":
    main()
