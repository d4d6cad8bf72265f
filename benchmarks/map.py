"""How well does a map know the boundary between stable and not? Prints tables in Markdown.

    python benchmarks/map.py [--repetitions 20] [--trials 40] [--lag 4] [--settings 2 3] [--shapes edge ...]

On made boundaries (tests/support/made_boundaries.py): the part of the space on the wrong side of the map's 50% line.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from math import prod
from pathlib import Path

import numpy as np
from scipy.stats import qmc

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from support.made_boundaries import HARD, SHAPES, SOFT, Array, Boundary

from orchestrator.statistics.level_set import most_telling
from orchestrator.statistics.stability_model import fit

START = {2: 8, 3: 12}


def sobol(settings, count, seed):
    return qmc.Sobol(settings, seed=seed).random(64)[:count]


def grid(settings, count, seed):
    shape = {(2, 40): (8, 5), (3, 40): (5, 4, 2)}[settings, count]
    axes = [(np.arange(n) + 0.5) / n for n in shape]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, settings)


def adaptive(boundary, count, lag, choose):
    points = list(sobol(boundary.settings, START[boundary.settings], boundary.seed))
    outcomes = {}
    while len(points) < count:
        n = len(points)
        ended = max(n - lag + 1, 0)
        for i in range(ended):
            if i not in outcomes:
                outcomes[i] = boundary.run(points[i], i)
        x = np.array(points)
        y = np.array([outcomes[i] for i in range(ended)])
        points.append(choose(x[:ended], y, x[ended:], n))
    return np.array(points)


def sur(x, y, pending, n):
    return most_telling(fit(x, y), pending, n)


def straddle(x, y, pending, n):
    from orchestrator.statistics.stability_model import fit
    m = fit(np.vstack([x, pending]), np.concatenate([y, (fit(x, y).belief(pending).probability() > 0.5) * 1.0]) if len(pending) else y)
    c = qmc.Sobol(x.shape[1], seed=n).random(1024)
    b = m.belief(c)
    mean = b.weights @ b.mean
    sd = np.sqrt(b.weights @ (b.variance + b.mean**2) - mean**2)
    return c[np.argmax(1.96 * sd - np.abs(mean))]


def judge(boundary, x):
    """(error, error by nearest neighbour, mean truth on the 90% line, mean truth inside)"""
    y = np.array([boundary.run(p, i) for i, p in enumerate(x)])
    places = qmc.Sobol(boundary.settings, seed=123).random(2048)
    truth = boundary.probability(places)
    p = fit(x, y).belief(places).probability()
    nearest = y[np.argmin(((places[:, None] - x[None]) ** 2).sum(-1), axis=1)]
    line = (p > 0.87) & (p < 0.93)
    inside = p >= 0.9
    return (
        np.mean((p > 0.5) != (truth > 0.5)),
        np.mean((nearest > 0.5) != (truth > 0.5)),
        truth[line].sum(), line.sum(), truth[inside].sum(), inside.sum(),
    )


def main() -> None:
    a = argparse.ArgumentParser()
    a.add_argument("--repetitions", type=int, default=20)
    a.add_argument("--trials", type=int, default=40)
    a.add_argument("--lag", type=int, default=4)
    a.add_argument("--settings", type=int, nargs="+", default=[2, 3])
    a.add_argument("--shapes", nargs="+", default=list(SHAPES))
    a.add_argument("--choosers", nargs="+", default=["sur"])
    o = a.parse_args()
    for d in o.settings:
        for shape in o.shapes:
            for soft in (HARD, SOFT):
                row = {}
                t = time.process_time()
                for name in ["grid", "sobol", *o.choosers]:
                    res = []
                    for seed in range(o.repetitions):
                        b = Boundary(shape, d, soft, seed)
                        x = grid(d, o.trials, seed) if name == "grid" else sobol(d, o.trials, seed) if name == "sobol" else adaptive(b, o.trials, o.lag, globals()[name])
                        res.append(judge(b, x))
                    r = np.array(res)
                    row[name] = f"{np.median(r[:,0]):.3f} (nn {np.median(r[:,1]):.3f}) line {r[:,2].sum()/max(1,r[:,3].sum()):.2f} in {r[:,4].sum()/max(1,r[:,5].sum()):.2f}"
                print(d, shape, soft, "|", " | ".join(f"{k} {v}" for k, v in row.items()), f"{time.process_time()-t:.0f}s", flush=True)


if __name__ == "__main__":
    main()
