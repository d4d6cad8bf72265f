"""How well does a map of stability know the boundary after 40 trials? Prints tables in Markdown.

    python benchmarks/map.py [--repetitions 20] [--trials 40] [--batch 4] [--settings 2 3] [--shapes edge ridge]
    python benchmarks/map.py --table FILE [--repetitions 20]

1. On made boundaries (tests/support/made_boundaries.py): the part of the space that is on the wrong side of the 50%
   line of the map, of a grid and of a Sobol sequence with as many trials, all of them analysed by the same model; in
   parentheses, if each place is taken for what its nearest trial was. Medians over the repetitions, each with a
   boundary that is moved a little and its own luck. The map's trials are chosen in batches, as of so many workers.
2. Calibration: the true share of stable runs along the 90% line of the map (where it expects 87 to 93%), and in all
   that it says is inside (90% or more).
3. On a table of recorded trials (--table): the map chooses among its rows. Wrong is where the map from 40 rows and the
   one from all of them are on different sides of their 50% lines, counted over all rows.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy.stats import qmc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.made_boundaries import HARD, SHAPES, SOFT, Array, Boundary

from orchestrator.planning.map_chooser import PLACES, START_PER_SETTING
from orchestrator.statistics.level_set import most_telling
from orchestrator.statistics.stability_model import fit

Run = Callable[[Array, int], float]
"""(point, number of the trial) -> 1 if it is stable."""
TRUTH_PLACES = 2048
GRIDS = {2: (8, 5), 3: (5, 4, 2)}
"""Of 40 trials, in the middles of equal cells."""
NEAR_LINE = (0.87, 0.93)
TABLE_SETTINGS = {
    "optimizer.lr": True,
    "loss.gradient_penalty": True,
    "optimizer.betas[0]": False,
    "loss.n_critic": False,
}
"""Columns of the table -> whether it is drawn evenly in its logarithm."""


def main() -> None:
    parser = argparse.ArgumentParser(description="How well a map knows the boundary of stability.")
    parser.add_argument("--repetitions", type=int, default=20, help="of each boundary (default: 20)")
    parser.add_argument("--trials", type=int, default=40, help="of a map (default: 40)")
    parser.add_argument("--batch", type=int, default=4, help="trials that run at the same time (default: 4)")
    parser.add_argument("--settings", type=int, nargs="+", default=[2, 3], help="numbers of settings")
    parser.add_argument("--shapes", nargs="+", default=list(SHAPES), choices=list(SHAPES), help="boundaries")
    parser.add_argument("--softness", type=float, nargs="+", default=[HARD, SOFT], help="of the boundaries")
    parser.add_argument("--table", type=Path, help="a table of recorded trials, instead of made boundaries")
    options = parser.parse_args()
    if options.table:
        print_table(options)
    else:
        print_made(options)


def print_made(options: argparse.Namespace) -> None:
    print(
        "| settings | edge | boundary | grid | Sobol | map | map / grid | map / Sobol "
        "| stable on the 90% line | inside |"
    )
    print("|---:|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    totals = np.zeros(4)
    for settings in options.settings:
        for softness in options.softness:
            for shape in options.shapes:
                rows = {"grid": [], "sobol": [], "map": []}
                for seed in range(options.repetitions):
                    boundary = Boundary(shape, settings, softness, seed)
                    for name, points in designs(boundary, options.trials, options.batch, seed):
                        rows[name].append(judged(boundary, points))
                medians = {name: np.median(np.array(row)[:, :2], axis=0) for name, row in rows.items()}
                counts = np.array(rows["map"])[:, 2:].sum(axis=0)
                totals += counts
                errors = [f"{error:.3f} ({nearest:.3f})" for error, nearest in medians.values()]
                ratios = [f"{medians['map'][0] / max(medians[name][0], 1e-9):.2f}" for name in ("grid", "sobol")]
                print(
                    f"| {settings} | {softness} | {shape} | {' | '.join(errors + ratios)} | {shares(counts)} |",
                    flush=True,
                )
    print(f"| all | | | | | | | | {shares(totals)} |")


def shares(counts: Array) -> str:
    on_line, places_on_line, inside, places_inside = counts
    return f"{on_line / max(1, places_on_line):.0%} | {inside / max(1, places_inside):.1%}"


def designs(boundary: Boundary, trials: int, batch: int, seed: int) -> Iterator[tuple[str, Array]]:
    settings = boundary.settings
    if settings in GRIDS and trials == 40:
        axes = [(np.arange(count) + 0.5) / count for count in GRIDS[settings]]
        yield "grid", np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, settings)
    yield "sobol", sobol(settings, trials, seed)
    yield "map", mapped(boundary, trials, batch, seed)


def sobol(settings: int, count: int, seed: int) -> Array:
    return qmc.Sobol(settings, seed=seed).random(1 << (count - 1).bit_length())[:count]


def mapped(boundary: Boundary, trials: int, batch: int, seed: int) -> Array:
    """The points of a map, chosen in batches."""
    points = sobol(boundary.settings, START_PER_SETTING * boundary.settings, seed)
    while len(points) < trials:
        ended = len(points)
        model = fit(points, outcomes(boundary.run, points))
        for _ in range(min(batch, trials - ended)):
            base = qmc.Sobol(boundary.settings, seed=1000 * seed + len(points)).random(PLACES)
            points = np.vstack([points, most_telling(model, points[ended:], base)])
    return points


def outcomes(run: Run, points: Array) -> Array:
    return np.array([run(point, number) for number, point in enumerate(points)])


def judged(boundary: Boundary, points: Array) -> tuple[float, ...]:
    """(wrong part, wrong part by the nearest trial, stable share summed over places on the 90% line, number of these,
    the same of the places inside)."""
    stable = outcomes(boundary.run, points)
    places = qmc.Sobol(boundary.settings, seed=123).random(TRUTH_PLACES)
    truth = boundary.probability(places)
    expected = fit(points, stable).belief(places).probability()
    nearest = stable[np.argmin(((places[:, None] - points) ** 2).sum(axis=2), axis=1)]
    wrong = [float(np.mean((guess > 0.5) != (truth > 0.5))) for guess in (expected, nearest)]
    on_line, inside = (expected > NEAR_LINE[0]) & (expected < NEAR_LINE[1]), expected >= 0.9
    return (*wrong, *(float(value) for mask in (on_line, inside) for value in (truth[mask].sum(), mask.sum())))


def print_table(options: argparse.Namespace) -> None:
    with options.table.open() as file:
        rows = list(csv.DictReader(file))
    columns = []
    for path, is_log in TABLE_SETTINGS.items():
        values = np.array([float(row[path]) for row in rows])
        values = np.log(values) if is_log else values
        columns.append((values - values.min()) / (values.max() - values.min()))
    pool, stable = np.column_stack(columns), np.array([float(row["stable"] or 0) for row in rows])
    reference = fit(pool, stable).belief(pool).probability()
    print(
        f"{len(rows)} rows, {stable.mean():.0%} stable; the map of all is on the side of the outcome in "
        f"{np.mean((reference > 0.5) == (stable > 0.5)):.0%}",
        flush=True,
    )
    results = {"random rows": [], "map": []}
    for seed in range(options.repetitions):
        for name in results:
            chosen = chosen_rows(pool, stable, options, seed, name == "map")
            expected = fit(pool[chosen], stable[chosen]).belief(pool).probability()
            inside = (expected >= 0.9) & ~np.isin(np.arange(len(pool)), chosen)
            wrong = np.mean((expected > 0.5) != (reference > 0.5))
            results[name].append((wrong, stable[inside].sum(), inside.sum()))
    print("| trials | wrong, median | stable inside the 90% line, other rows |\n|---|---:|---:|")
    for name, values in results.items():
        found = np.array(values)
        print(f"| {name} | {np.median(found[:, 0]):.3f} | {found[:, 1].sum() / max(1, found[:, 2].sum()):.0%} |")


def chosen_rows(pool: Array, stable: Array, options: argparse.Namespace, seed: int, is_map: bool) -> list[int]:
    """Numbers of the rows: the table is a Sobol sequence, of which random parts are spread nearly as well."""
    order = np.random.default_rng(seed).permutation(len(pool)).tolist()
    if not is_map:
        return order[: options.trials]
    chosen = order[: START_PER_SETTING * pool.shape[1]]
    while len(chosen) < options.trials:
        model, ended = fit(pool[chosen], stable[chosen]), len(chosen)
        for _ in range(min(options.batch, options.trials - ended)):
            left = np.setdiff1d(np.arange(len(pool)), chosen)
            point = most_telling(model, pool[chosen[ended:]], pool[left])
            chosen.append(int(left[np.argmin(((pool[left] - point) ** 2).sum(axis=1))]))
    return chosen


if __name__ == "__main__":
    main()
