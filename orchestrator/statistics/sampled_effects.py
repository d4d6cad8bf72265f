"""The effect of each setting that a group draws: a curve, or a value for each level of a choice, and whether it holds.

Nearly every run has a level of its own, so there are no pairs. Points differ in all drawn settings; a design spreads
them so that each setting is nearly independent of the others.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from orchestrator.formatting import format_level
from orchestrator.space import Choice, Dimension, Space
from orchestrator.statistics.intervals import Array
from orchestrator.statistics.multiplicity import holm
from orchestrator.statistics.result import ResponseVariable, Result, by_group, log_distance, stability
from orchestrator.statistics.smooth import (
    PLACES,
    Basis,
    Curve,
    Outcomes,
    level_bases,
    log_curve,
    share_curve,
    smooth_bases,
)

OutcomeName = Literal["stable", "frechet"]
OUTCOMES: dict[OutcomeName, ResponseVariable] = {"stable": stability, "frechet": log_distance}
MIN_POINTS = 8
"""Fewest points, with the outcome, of a curve. In simulations of fewer the bands say nothing."""
MIN_SEEDS = 2
"""Fewest seeds of a band: with one, nothing tells its luck from what all runs have in common."""
MAX_POINTS = 3000
"""Most points of a curve: the first ones. More take memory and change nothing that can be seen."""
PERMUTATIONS = 999
BENDS = 4
"""Highest power of the setting in the test. With few points it is lower: one for four points."""


@dataclass(frozen=True)
class SampledEffect:
    """What a drawn setting, `dimension`, does to an outcome in a group, on average over its other settings.

    outcome: the share of stable runs, or the Frechet distance of the runs that drew, whose curve is of the logarithm
    and relative to its average over the range. places: values of the setting, in order, or the levels of a choice, at
    which `curve` is; None with fewer than MIN_POINTS points. points, seeds, runs: numbers of those with the outcome.
    observed: (value of the setting, mean outcome, number of its runs) of each point; of logarithms, relative to the
    mean of the seeds' runs.
    explained: the part of the variance between points that the setting explains by itself. chance: the largest part
    that luck explains in 95% of cases. p: of this part, if the setting did nothing. holds: significant at the level
    asked for, after Holm's adjustment for all effects together.
    """

    group: str
    dimension: Dimension
    outcome: OutcomeName
    places: tuple[Any, ...]
    curve: Curve | None
    points: int
    seeds: int
    runs: int
    observed: tuple[tuple[Any, float, int], ...]
    explained: float = 0.0
    chance: float = 1.0
    p: float = 1.0
    holds: bool = False

    @property
    def has_band(self) -> bool:
        return self.curve is not None and self.seeds >= MIN_SEEDS


def sampled_effects(results: Sequence[Result], spaces: Mapping[str, Space], level: float = 0.05) -> list[SampledEffect]:
    """Of each setting that each group draws, on each outcome that its runs have; groups in order of appearance.

    spaces: group -> what it was drawn from. level: the chance that any effect at all holds by luck.
    """
    effects = [
        effect
        for group, members in by_group(results).items()
        if group in spaces
        for dimension in spaces[group].dimensions
        for name in OUTCOMES
        if (effect := _effect([run for run in members if dimension.path in run.sampled], group, dimension, name))
    ]
    adjusted = holm([effect.p for effect in effects])
    return [replace(effect, holds=p < level) for effect, p in zip(effects, adjusted, strict=True)]


def _effect(runs: Sequence[Result], group: str, dimension: Dimension, name: OutcomeName) -> SampledEffect | None:
    """None if no run has the outcome."""
    known = [run for run in runs if OUTCOMES[name](run) is not None]
    if not known:
        return None
    points = list(dict.fromkeys(run.point for run in known))[:MAX_POINTS]
    kept = set(points)
    known = [run for run in known if run.point in kept]
    seeds = list(dict.fromkeys(run.seed for run in known))
    value_of = {run.point: run.factors[dimension.path] for run in known}
    values = [value_of[point] for point in points]
    outcomes = _outcomes(known, name, points, seeds)
    means = _means(outcomes, name)
    observed = tuple(zip(values, means.tolist(), map(int, outcomes.counts.sum(axis=1)), strict=True))
    places = _places(dimension)
    effect = SampledEffect(group, dimension, name, places, None, len(points), len(seeds), len(known), observed)
    if len(points) < MIN_POINTS:
        return effect
    curve = (share_curve if name == "stable" else log_curve)(_bases(dimension, values), outcomes)
    explained, chance, p = _explained(_columns(dimension, values), _centred(outcomes))
    return replace(effect, curve=curve, explained=explained, chance=chance, p=p)


def _outcomes(runs: Sequence[Result], name: OutcomeName, points: list[tuple[str, ...]], seeds: list[int]) -> Outcomes:
    """Of logarithms, without what the settings that are not drawn (those of a grid) add to all points alike."""
    rows, columns = ({key: number for number, key in enumerate(keys)} for keys in (points, seeds))
    values = {id(run): OUTCOMES[name](run) or 0.0 for run in runs}
    if name == "frechet":
        of_grid: dict[tuple[str, ...], list[Result]] = {}
        for run in runs:
            of_grid.setdefault(_beside(run), []).append(run)
        for members in of_grid.values():
            average = float(np.mean([values[id(run)] for run in members]))
            values |= {id(run): values[id(run)] - average for run in members}
    sums, counts = np.zeros((2, len(points), len(seeds)))
    for run in runs:
        place = rows[run.point], columns[run.seed]
        sums[place] += values[id(run)]
        counts[place] += 1
    return Outcomes(sums, counts)


def _beside(run: Result) -> tuple[str, ...]:
    """The levels of the factors that are not drawn."""
    return tuple(f"{path}={level}" for path, level in sorted(run.levels.items()) if path not in run.sampled)


def _means(outcomes: Outcomes, name: OutcomeName) -> Array:
    """[points]; of logarithms, relative to the mean of the seeds' runs."""
    if name == "frechet":
        return _centred(outcomes)
    return np.asarray(outcomes.sums.sum(axis=1) / outcomes.counts.sum(axis=1))


def _centred(outcomes: Outcomes) -> Array:
    """[points] the mean of a point's runs, each less the mean of the runs of its seed."""
    of_seeds = outcomes.sums.sum(axis=0) / np.maximum(outcomes.counts.sum(axis=0), 1)
    return np.asarray((outcomes.sums - outcomes.counts * of_seeds).sum(axis=1) / outcomes.counts.sum(axis=1))


def _places(dimension: Dimension) -> tuple[Any, ...]:
    """The values at the places of the curve."""
    if isinstance(dimension, Choice):
        return dimension.levels
    return tuple(float(f"{dimension.exact(position):.6g}") for position in PLACES.tolist())


def _numbers(dimension: Choice, values: Sequence[Any]) -> list[int]:
    texts = list(map(format_level, dimension.levels))
    return [texts.index(format_level(value)) for value in values]


def _bases(dimension: Dimension, values: Sequence[Any]) -> list[Basis]:
    if isinstance(dimension, Choice):
        return level_bases(np.array(_numbers(dimension, values)), len(dimension.levels))
    return smooth_bases(np.array([dimension.position_of(value) for value in values]))


def _columns(dimension: Dimension, values: Sequence[Any]) -> Array:
    """[points, columns] what the test explains the outcome by: powers of the position, or the levels."""
    if isinstance(dimension, Choice):
        return np.eye(len(dimension.levels))[_numbers(dimension, values)]
    positions = np.array([dimension.position_of(value) for value in values])
    powers = max(1, min(BENDS, len(values) // 4))
    return np.polynomial.legendre.legvander(2 * positions - 1, powers)[:, 1:]


def _explained(columns: Array, means: Array) -> tuple[float, float, float]:
    """(part of the variance between points that the columns explain, the part that luck explains at most in 95%, p).

    Luck is seen where the outcomes are exchanged between points at random, each with all its seeds: this keeps the luck
    that points of a seed share, and what they owe to other settings, of which the design is nearly independent.
    """
    centred = columns - columns.mean(axis=0)
    vectors, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    basis = vectors[:, sizes > 1e-9 * max(1.0, float(sizes.max(initial=0.0)))]
    left = means - means.mean()
    total = float(left @ left)
    if total < 1e-18 or not basis.shape[1]:
        return 0.0, 1.0, 1.0
    rng = np.random.default_rng(0)
    permuted = rng.permuted(np.tile(left, (PERMUTATIONS, 1)), axis=1)
    parts = np.sum((permuted @ basis) ** 2, axis=1) / total
    part = float(np.sum((left @ basis) ** 2)) / total
    p = (1 + int(np.sum(parts >= part - 1e-12))) / (1 + PERMUTATIONS)
    return part, float(np.quantile(parts, 0.95)), p
