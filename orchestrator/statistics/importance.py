"""How much of what became of the runs each factor of a group explains, beside the luck of the seed."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.statistics.pairing import level_of, varied_factors
from orchestrator.statistics.result import Result, RunOutcome

MIN_RUNS = 8
"""Runs: two levels of two factors with two seeds."""


@dataclass(frozen=True)
class Importance:
    """Shares of the variance of what a random forest learns of the outcome, in [0, 1].

    factors: path -> share that it explains by itself, the largest first. seed: that of the seed, which can only be
    luck, so a factor with no more than that may be luck as well; None for one seed. What is missing from a sum of 1 is
    explained by several together, or not at all.
    """

    factors: dict[str, float]
    seed: float | None


def factor_importance(results: Sequence[Result], outcome: RunOutcome) -> Importance | None:
    """Functional ANOVA (Hutter et al. 2014) over the runs of one group that have the outcome, by optuna's evaluator.

    None if it cannot be said: fewer than two factors vary, the outcome does not, or fewer than MIN_RUNS runs have it.
    Why not PED-ANOVA, optuna's default: it asks what the best tenth of the runs have in common. Of an outcome that is
    yes or no these are any number of runs, of a grid two or three (optuna advises five at least). The values are not
    scaled to a sum of 1, by which factors that do nothing would share all importance.
    """
    runs = [run for run in results if run.value(outcome) is not None]
    factors = varied_factors(runs)
    if len(factors) < 2 or len(runs) < MIN_RUNS or len({run.value(outcome) for run in runs}) == 1:
        return None
    columns = [[level_of(run, path) for run in runs] for path in factors]
    found = _functional_anova([*columns, [str(run.seed) for run in runs]], [run.value(outcome) or 0.0 for run in runs])
    shares = dict(sorted(zip(factors, found, strict=False), key=lambda item: -item[1]))
    return Importance(shares, found[-1] if len({run.seed for run in runs}) > 1 else None)


def _functional_anova(columns: Sequence[Sequence[str]], outcomes: Sequence[float]) -> list[float]:
    """The share of each column. Deterministic: the forest's draws are fixed."""
    import optuna
    from optuna.distributions import BaseDistribution, IntDistribution
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    names = [str(index) for index in range(len(columns))]
    # Levels are numbered: each then is an equal part of its axis, whatever the tree. optuna's categories are an axis a
    # level, whose impossible corners (two levels at once, none) would weigh as much as the possible ones
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
    spoken = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study()
    finally:
        optuna.logging.set_verbosity(spoken)
    study.add_trials(trials)
    # Half of optuna's trees, and none as deep as to learn each run by heart: 1,000 runs take 0.7 s, not 4.6
    evaluator = FanovaImportanceEvaluator(n_trees=32, max_depth=8, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # of `normalize`
        found = get_param_importances(study, evaluator=evaluator, normalize=False)
    return [float(found[name]) for name in names]
