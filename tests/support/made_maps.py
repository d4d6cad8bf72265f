"""A made sweep that maps stability: runs are stable below a learning rate that grows with lambda."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import qmc

from orchestrator.report.artifact_schemas import LoggedExplored
from orchestrator.report.data import RunData, SweepData
from orchestrator.space import Integers, Interval, Ordered, Space
from support.made_runs import drawn, made_run, made_sweep, measured

LR, LAMBDA, STEPS = "optimizer.lr", "loss.gradient_penalty", "loss.n_critic"
DIMENSIONS: tuple[Ordered, ...] = (
    Interval(LR, 5e-4, 1e-1, is_log=True),
    Interval(LAMBDA, 0.1, 100, is_log=True),
    Integers(STEPS, 1, 3),
)


def made_map(settings: int = 2, trials: int = 32, third: Ordered = DIMENSIONS[2], **more: Any) -> SweepData:
    """third: the third setting. `more`: further fields of `SweepData`."""
    space = Space((*DIMENSIONS[:2], third)[:settings])
    runs = [_run(space, number, unit) for number, unit in enumerate(qmc.Sobol(settings, seed=1).random(trials))]
    document = {path: each.to_document() for path, each in zip(space.paths, space.dimensions, strict=True)}
    explored = LoggedExplored(kind="map", trials=trials, space=document, over=list(space.paths))
    return made_sweep(*runs, **({"explored": explored, "spaces": {"g": space}} | more))


def _run(space: Space, number: int, unit: Any) -> RunData:
    settings = space.settings_at(unit)
    x, y = (space.dimensions[axis].position_of(settings[path]) for axis, path in enumerate((LR, LAMBDA)))  # type: ignore[union-attr]
    is_stable = x < 0.5 + 0.3 * (y - 0.5)
    verdict = "stable" if is_stable else ("diverged", "collapsed", "unfinished")[number % 3]
    run = drawn(made_run(settings, number, verdict, sampled=space.paths))
    return measured(run, float(np.exp(3 + x - y))) if verdict != "diverged" else run
