"""How much of the variance of an outcome each factor of a group explains, compared with the seed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.statistics.pairing import level_of, varied_factors
from orchestrator.statistics.result import Result, RunOutcome

MIN_RUNS = 8
"""Fewest runs to compute importances from: two levels of two factors with two seeds."""


@dataclass(frozen=True)
class Importance:
    """Shares of the variance of an outcome, as a random forest predicts it; in [0, 1].

    factors: path -> share that the factor explains by itself, the largest first. seed: share that the seed explains,
    which can only be chance, so a factor with no larger share may be chance as well; None if there is one seed. The
    rest up to a sum of 1 is explained by several factors together, or not at all.
    """

    factors: dict[str, float]
    seed: float | None


def factor_importance(results: Sequence[Result], outcome: RunOutcome) -> Importance | None:
    """Functional ANOVA (Hutter et al. 2014) over the runs of one group that have the outcome, by optuna's evaluator.

    None if fewer than two factors vary, if the outcome does not vary, or if fewer than MIN_RUNS runs have it.
    PED-ANOVA, optuna's default, does not fit: it asks what the best tenth of the runs have in common. With a yes-or-no
    outcome any number of runs are the best, and in a grid two or three are (optuna advises at least five). The shares
    are not scaled to a sum of 1, because then factors without effect would divide all importance among themselves.
    """
    runs = [run for run in results if run.value(outcome) is not None]
    factors = varied_factors(runs)
    if len(factors) < 2 or len(runs) < MIN_RUNS or len({run.value(outcome) for run in runs}) == 1:
        return None
    columns = [[level_of(run, path) for run in runs] for path in factors]
    seeds, outcomes = [str(run.seed) for run in runs], [run.value(outcome) or 0.0 for run in runs]
    *shares, seed_share = _functional_anova([*columns, seeds], outcomes)
    ordered = dict(sorted(zip(factors, shares, strict=True), key=lambda item: -item[1]))
    return Importance(ordered, seed_share if len({run.seed for run in runs}) > 1 else None)


def _functional_anova(columns: Sequence[Sequence[str]], outcomes: Sequence[float]) -> list[float]:
    """The share of the variance of `outcomes` that each column explains. The forest's seed is fixed."""
    import optuna
    from optuna.distributions import BaseDistribution, IntDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    names = [str(index) for index in range(len(columns))]
    # Levels are numbered, so each is an equal part of its axis in every tree. optuna would encode categories one-hot,
    # and the corners that cannot occur (two levels at once, or none) would weigh as much as those that can.
    numbers = [{level: number for number, level in enumerate(dict.fromkeys(column))} for column in columns]
    axes: dict[str, BaseDistribution] = {
        name: IntDistribution(0, len(numbered) - 1) for name, numbered in zip(names, numbers, strict=True)
    }
    trials = [
        optuna.trial.create_trial(
            params={name: numbered[level] for name, numbered, level in zip(names, numbers, row, strict=True)},
            distributions=axes,
            value=outcome,
        )
        for row, outcome in zip(zip(*columns, strict=True), outcomes, strict=True)
    ]
    previous_verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study()
    finally:
        optuna.logging.set_verbosity(previous_verbosity)
    study.add_trials(trials)
    # Half of optuna's trees, and too shallow to memorize each run: 1,000 runs take 0.7 s instead of 4.6
    evaluator = FanovaImportanceEvaluator(n_trees=32, max_depth=8, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # that `normalize` is experimental
        importances = get_param_importances(study, evaluator=evaluator, normalize=False)
    return [float(importances[name]) for name in names]
