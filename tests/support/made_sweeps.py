"""Whole sweeps with made-up results, as different as the shipped and the strangest ones."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from gan_core import metric_names
from orchestrator.report.data import CURVES, QUALITY_CURVES, RunData, SweepData
from orchestrator.space import Choice, Integers, Interval, Space
from orchestrator.sweepfile.sample import Sample
from support.made_runs import LR, NOISE, card, drawn, made_run, made_sweep

SMOOTHING, LAMBDA = "stabilizers.label_smoothing", "loss.gradient_penalty"
EVALUATOR = "classifier-11111111"
LONG = "a-setting-whose-name-says-everything-that-anybody-could-ever-want-to-know-about-it"


def trained(run: RunData, rng: np.random.Generator, losses: float = 1.0) -> RunData:
    """The run with curves to its last step, samples and quality. `losses`: what they are multiplied by."""
    steps = np.linspace(run.steps / 20, run.steps, 20).astype(int)
    drawn(run)
    for metric in CURVES:
        sign = losses if metric.startswith("loss") else 1.0
        run.history[metric] = (steps, sign * (0.5 + 0.3 * rng.standard_normal(20)))
    run.latest = run.latest | {metric: float(run.history[metric][1][-1]) for metric in CURVES}
    run.pictures = [(step, picture) for step, (_, picture) in zip((0, run.steps), run.pictures, strict=True)]
    run.evaluator = card(EVALUATOR)
    frechet = float(np.exp(rng.normal(2, 1)))
    values = {metric_names.FRECHET: frechet, metric_names.best(metric_names.FRECHET): 0.8 * frechet}
    values |= {metric_names.PRECISION: 0.7, metric_names.RECALL: float(rng.uniform()), metric_names.MODES: 9.0}
    run.latest |= {metric_names.of_evaluator(name, EVALUATOR): value for name, value in values.items()}
    for name in QUALITY_CURVES:
        run.history[metric_names.of_evaluator(name, EVALUATOR)] = (steps, frechet * np.linspace(3, 1, 20))
    return run


def _grid(group: str, grid: dict[str, list[Any]], seeds: int, steps: int, losses: float, seed: int) -> list[RunData]:
    """The last level of the first setting ends badly at a third of the steps."""
    rng = np.random.default_rng(seed)
    first = next(iter(grid))
    runs = []
    for levels, number in product(product(*grid.values()), range(seeds)):
        factors = dict(zip(grid, levels, strict=True))
        is_bad = factors[first] == grid[first][-1] and rng.uniform() < 0.8
        verdict = str(rng.choice(["collapsed", "diverged", "oscillating"])) if is_bad else "stable"
        run = made_run(factors, number, verdict, group, steps=steps, since=steps // 3 if is_bad else None)
        runs.append(trained(run, rng, losses))
    return runs


def stability() -> SweepData:
    """Like experiments/stability.yaml: three groups of two settings; a critic's losses are negative and end earlier."""
    runs = _grid("dcgan", {LR: [2e-4, 5e-2], NOISE: [0.0, 0.3]}, 2, 400, 1.0, 0)
    runs += _grid("dcgan-original", {SMOOTHING: [0.0, 0.1], NOISE: [0.0, 0.3]}, 2, 400, 1.0, 1)
    runs += _grid("wgan-gp", {LR: [1e-3, 5e-2], LAMBDA: [1, 10]}, 2, 150, -500.0, 2)
    return made_sweep(*runs, name="stability", question="Which stabilisers keep GANs training?")


def five_levels() -> SweepData:
    """Five levels of each of two settings."""
    lr = [1e-4, 2e-4, 1e-3, 2e-3, 1e-2]
    return made_sweep(*_grid("dcgan", {LR: lr, NOISE: [0.0, 0.05, 0.1, 0.2, 0.3]}, 2, 300, 1.0, 3), name="levels")


def long_names() -> SweepData:
    """Names and levels that no chart has room for in one line."""
    levels = [f"{LONG}-{number}" for number in range(3)]
    grid: dict[str, list[Any]] = {
        f"loss.{LONG}": levels,
        NOISE: [0.0, 123456.789, "a level of some words, seven in all"],
    }
    return made_sweep(*_grid(f"group-{LONG}", grid, 2, 1_000_000, 1e-6, 4), name="long", question=f"Does {LONG} help?")


def groups_only() -> SweepData:
    """Groups that differ in one setting, and sweep none themselves."""
    runs = []
    for number, group in enumerate(("plain", "noise", "spectral", "wgan-gp")):
        members = _grid(group, {"x": [number]}, 3, 200, 1.0, number)
        for run in members:
            run.factors, run.settings = {}, {NOISE: str(number)}
            run.configuration = group
        runs += members
    return made_sweep(*runs, name="groups")


def drawn_points() -> SweepData:
    """64 drawn points with 3 seeds: large learning rates end badly, and a middle one draws best."""
    lr = Interval(LR, 1e-5, 1e-1, is_log=True)
    momentum = Interval("optimizer.betas[0]", 0.0, 0.9, is_log=False)
    space = Space((lr, momentum, Integers("model.width", 8, 64, 8), Choice(NOISE, (0.0, 0.1, 0.3))))
    rng, runs = np.random.default_rng(5), []
    for factors in Sample(space, 64).points:
        position = lr.position_of(factors[LR])
        for seed in range(3):
            is_bad = rng.uniform() < 1 / (1 + np.exp(-12 * (position - 0.7)))
            verdict = str(rng.choice(["collapsed", "diverged", "oscillating"])) if is_bad else "stable"
            since = 130 if is_bad else None
            run = trained(made_run(factors, seed, verdict, "dcgan", steps=400, since=since, sampled=space.paths), rng)
            frechet = float(np.exp(2 + 4 * (position - 0.5) ** 2 + 0.2 * rng.standard_normal()))
            run.latest |= {metric_names.of_evaluator(metric_names.FRECHET, EVALUATOR): frechet}
            runs.append(run)
    return made_sweep(*runs, name="drawn", question="Where does a DCGAN train stably?", spaces={"dcgan": space})


SWEEPS = {sweep.__name__: sweep for sweep in (stability, five_levels, long_names, groups_only, drawn_points)}
