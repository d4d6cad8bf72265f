"""The next settings of a search, by one of Optuna's samplers (Akiba et al. 2019).

The study is built anew for each choice, from the trials that have ended and those that still run, so the choice is a
function of these alone. Optuna works on positions in the unit cube; the space makes settings of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from orchestrator.formatting import format_level
from orchestrator.planning.chosen_points import ChosenPoint, EndedPoint
from orchestrator.space import Choice, Dimension, Integers, Space
from orchestrator.statistics.result import log_distance

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.samplers import BaseSampler

STABILITY = "stable"
"""The name of the constraint: what is required less 1 of a stable run, less 0 of another; it holds up to 0."""


def next_settings(
    space: Space, required: float, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint], sampler: BaseSampler
) -> dict[str, Any]:
    """Settings that are expected to be better than the best of the ended trials.

    required: the share of stable runs. A trial that is not stable informs the sampler as one that violates the
    constraint; its distance is never better than the worst of a stable trial, also where it has none. One that a
    schedule has stopped is known by the distance at which it was stopped. pending: trials that still run: none of their
    settings is suggested again. sampler: a new one, with a seed of its own for each choice.
    """
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    distributions = {dimension.path: _distribution(dimension) for dimension in space.dimensions}
    study = optuna.create_study(sampler=sampler)
    for each, value in zip(ended, _values(ended), strict=True):
        parameters = _parameters(space, each.point.settings)
        if each.result.stopped:
            state, constraints = TrialState.PRUNED, {STABILITY: 0.0}
        else:
            state, constraints = TrialState.COMPLETE, {STABILITY: required - float(bool(each.result.stable))}
        study.add_trial(
            create_trial(
                state=state,
                params=parameters,
                distributions=distributions,
                value=value,
                constraints=constraints,
                intermediate_values={each.result.steps: value} if each.result.stopped else {},
            )
        )
    for point in pending:
        parameters = _parameters(space, point.settings)
        study.add_trial(create_trial(state=TrialState.RUNNING, params=parameters, distributions=distributions))
    suggested = study.ask(distributions).params
    return {dimension.path: _value(dimension, suggested[dimension.path]) for dimension in space.dimensions}


def tpe(seed: int) -> BaseSampler:
    """The tree-structured Parzen estimator (Bergstra et al. 2011) of all settings together, with constraints."""
    from optuna.samplers import TPESampler

    return TPESampler(seed=seed, n_startup_trials=0)


def _values(ended: Sequence[EndedPoint]) -> list[float]:
    """What the sampler minimises: the logarithm of the Frechet distance, always a finite number."""
    stable = [value for each in ended if each.result.stable and (value := log_distance(each.result)) is not None]
    worst = max(stable, default=0.0)
    values = []
    for each in ended:
        known = log_distance(each.result)
        if not each.result.stable and not each.result.stopped:
            known = worst if known is None else max(known, worst)
        values.append(worst if known is None else known)
    return values


def _distribution(dimension: Dimension) -> BaseDistribution:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if isinstance(dimension, Choice):
        return CategoricalDistribution(tuple(range(len(dimension.levels))))
    if isinstance(dimension, Integers):
        return IntDistribution(dimension.low, dimension.levels[-1], step=dimension.step)
    return FloatDistribution(0.0, 1.0)


def _parameters(space: Space, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as Optuna has them."""
    return {dimension.path: _parameter(dimension, settings[dimension.path]) for dimension in space.dimensions}


def _parameter(dimension: Dimension, value: Any) -> Any:
    if isinstance(dimension, Choice):
        return [format_level(level) for level in dimension.levels].index(format_level(value))
    if isinstance(dimension, Integers):
        return int(value)
    return min(max(dimension.position_of(value), 0.0), 1.0)


def _value(dimension: Dimension, parameter: Any) -> Any:
    if isinstance(dimension, Choice):
        return dimension.levels[parameter]
    return int(parameter) if isinstance(dimension, Integers) else dimension.value_at(parameter)
