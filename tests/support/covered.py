"""How often the intervals of simulated sweeps cover the truth, and how often sweeps without effects claim one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy.stats import trim_mean

from orchestrator.report.analysis import RESPONSES
from orchestrator.statistics.clusters import pooled_share
from orchestrator.statistics.configurations import summarize_configurations
from orchestrator.statistics.effects import Effect, paired_effects
from orchestrator.statistics.importance import factor_importance
from orchestrator.statistics.interactions import pairwise_interactions
from orchestrator.statistics.intervals import share_change
from orchestrator.statistics.pairing import level_of
from orchestrator.statistics.power import seeds_to_show
from orchestrator.statistics.result import Result
from orchestrator.statistics.survival import survival_curves
from support.made_results import INDICES, LEVELS, Scenario, Sweeps, simulate

FACTOR_NAMES = list(LEVELS)
SURVIVAL_STEPS = (300, 600, 1000)
Which = tuple[Any, ...]


@dataclass(frozen=True)
class Truth:
    """What a sweep of very many seeds shows."""

    pooled: float
    configurations: dict[str, float]
    finals: dict[str, float]
    surviving: dict[Which, float]
    effects: dict[Which, tuple[float, float, float]]
    interactions: dict[Which, float]


@cache
def truth(scenario: Scenario, seeds: int = 50_000) -> Truth:
    """The truth, drawn: its own standard errors are below 0.4 points."""
    drawn = simulate(scenario, 1, seeds, np.random.default_rng(99))
    stable = drawn.stable[0]
    names = [f"g {tuple(map(int, indices))}" for indices in INDICES]
    effects, surviving, interactions = {}, {}, {}
    for position, factor in enumerate(FACTOR_NAMES):
        for number, level in enumerate(LEVELS[factor]):
            at = INDICES[:, position] == number
            for step in SURVIVAL_STEPS:
                surviving[factor, level, step] = float(np.mean(drawn.time[0][:, at] > step))
            if number:
                effects[factor, level] = _true_effect(drawn, INDICES[:, position] == 0, at)
    rates = dict(zip(map(tuple, INDICES.tolist()), stable.mean(axis=0), strict=True))
    for i, j in ((0, 1), (0, 2), (1, 2)):
        for a in range(1, len(LEVELS[FACTOR_NAMES[i]])):
            for b in range(1, len(LEVELS[FACTOR_NAMES[j]])):
                interactions[FACTOR_NAMES[i], a, FACTOR_NAMES[j], b] = _true_interaction(rates, (i, a), (j, b))
    known = np.isinf(drawn.left[0])
    finals = {name: float(trim_mean(drawn.distance[0][known[:, k], k], 0.25)) for k, name in enumerate(names)}
    configurations = dict(zip(names, map(float, stable.mean(axis=0)), strict=True))
    return Truth(float(stable.mean()), configurations, finals, surviving, effects, interactions)


def _true_effect(drawn: Sweeps, before: Any, after: Any) -> tuple[float, float, float]:
    """The change of the share of stable runs, the probability of better images, and the ratio of distances."""
    stable = [drawn.stable[0][:, at] for at in (before, after)]
    distances = [
        np.where(drew, drawn.distance[0][:, at], np.inf) for drew, at in zip(stable, (before, after), strict=True)
    ]
    wins = np.mean((distances[1] < distances[0]) + 0.5 * (distances[1] == distances[0]))
    both = stable[0] & stable[1]
    differences = np.where(both, np.log(drawn.distance[0][:, after]) - np.log(drawn.distance[0][:, before]), 0)
    seeds = both.any(axis=1)
    by_seed = differences.sum(axis=1)[seeds] / both.sum(axis=1)[seeds]
    return float(stable[1].mean() - stable[0].mean()), float(wins), float(np.exp(by_seed.mean()))


def _true_interaction(rates: dict[Which, float], first: tuple[int, int], second: tuple[int, int]) -> float:
    def rate(a: int, b: int) -> float:
        return float(np.mean([r for at, r in rates.items() if at[first[0]] == a and at[second[0]] == b]))

    return rate(0, 0) - rate(first[1], 0) - rate(0, second[1]) + rate(first[1], second[1])


def covered(scenario: Scenario, sweeps: int, seeds: int, rng: np.random.Generator) -> dict[str, float]:
    """Kind of interval -> share of those in `sweeps` simulated sweeps that cover the truth, without unbounded ones."""
    known, hits, total = truth(scenario), Counter[str](), Counter[str]()
    for results in simulate(scenario, sweeps, seeds, rng).results():
        for kind, low, true, high in _intervals(results, known):
            hits[kind] += low <= true <= high
            total[kind] += 1
    return {kind: hits[kind] / count for kind, count in total.items()}


def _intervals(results: list[Result], known: Truth) -> Iterator[tuple[str, float, float, float]]:
    """(kind, low, truth, high) of every interval that the page prints."""
    share = pooled_share(results)
    yield "share of all runs", share.low, known.pooled, share.high
    for configuration in summarize_configurations(results):
        share, final = configuration.stable, configuration.final
        yield "share of a configuration", share.low, known.configurations[configuration.name], share.high
        if final and final.low is not None and final.high is not None:
            yield "Frechet distance of a configuration", final.low, known.finals[configuration.name], final.high
    for effect in paired_effects(results):
        changes = (effect.stable, effect.wins, effect.ratio)
        kinds = ("change of stable runs", "probability of better images", "ratio of Frechet distances")
        for kind, change, true in zip(kinds, changes, known.effects[effect.factor, effect.after], strict=True):
            if change and np.isfinite(change.high):
                yield kind, change.low, true, change.high
    for interaction in pairwise_interactions(results):
        (a, b), change = interaction.factors, interaction.change
        indices = (LEVELS[a].index(interaction.first[1]), LEVELS[b].index(interaction.second[1]))
        yield "interaction", change.low, known.interactions[a, indices[0], b, indices[1]], change.high
    for factor in FACTOR_NAMES:
        for level, curve in survival_curves(results, lambda run, factor=factor: level_of(run, factor)).items():  # type: ignore[misc]
            number = list(dict.fromkeys(level_of(run, factor) for run in results)).index(level)
            for step in SURVIVAL_STEPS:
                at = bisect_right(curve.steps, step) - 1
                yield "survival", curve.low[at], known.surviving[factor, LEVELS[factor][number], step], curve.high[at]


def false_claims(sweeps: Iterable[list[Result]]) -> dict[str, float]:
    """Share of sweeps without effects in which an effect holds, and in which a setting is marked as important."""
    effects, marks = [], []
    for results in sweeps:
        effects.append(any(effect.stable_holds or effect.images_hold for effect in paired_effects(results)))
        tables = [factor_importance(results, outcome, 0.05 / len(RESPONSES)) for outcome in RESPONSES.values()]
        marks.append(any(share.is_marked for table in tables if table for share in table.factors.values()))
    return {"an effect that holds": float(np.mean(effects)), "a setting that is marked": float(np.mean(marks))}


def saving_setting(rng: np.random.Generator) -> Effect:
    """The effect of a setting that only saves runs from ruin: eight seeds of four pairs.

    A run is as good as it is lucky, and without the setting the unlucky half diverges.
    """
    luck = rng.normal(0, 1, (8, 1, 1)) + rng.normal(0, 1, (8, 4, 2))
    results = []
    for (seed, other, level), value in np.ndenumerate(luck):
        drew = bool(value > (0.0, -2.5)[level])
        final = float(20 * np.exp(-0.25 * value)) if drew else None
        factors = {"noise": level, "other": other}
        results.append(Result("g", f"{other} {level}", seed, factors, drew, 1, None if drew else 1, final, final, drew))
    return next(effect for effect in paired_effects(results) if effect.factor == "noise")


def held_at_advised_seeds(effects: int, seeds: int, pairs: int, sweeps: int, rng: np.random.Generator) -> list[float]:
    """For sweeps whose largest effect is the true one, but does not hold, and which are told how many seeds show it:
    the shares in which it then holds, if they keep their seeds and if all are fresh.

    The true effect is 38 points; `effects - 1` others do nothing. Each seed has so many `pairs`.
    """
    level = 0.05 / (3 * effects)  # of Holm's method, for stable runs, images and ratios
    held = []
    for _ in range(sweeps):
        true, fresh = _changes(1.42, 50, pairs, rng), _changes(1.42, 50, pairs, rng)
        first = share_change(true[:seeds])
        others = [share_change(_changes(0.0, seeds, pairs, rng)) for _ in range(effects - 1)]
        advised = seeds_to_show(first, level)
        is_largest = all(abs(other.mean) <= abs(first.mean) for other in others)
        if is_largest and first.p >= level and advised and seeds < advised <= 50:
            held.append([share_change(of_seeds[:advised]).p < level for of_seeds in (true, fresh)])
    return list(map(float, np.mean(held, axis=0)))


def _changes(shift: float, seeds: int, pairs: int, rng: np.random.Generator) -> list[list[float]]:
    """For each seed, the changes of whether a run is stable, if a level adds `shift` to a run's own deviation of 1."""
    luck, of_level = rng.normal(-0.55, 1, (seeds, 1)), rng.normal(shift, 0.3, (seeds, 1))
    before = luck + rng.normal(0, 1, (seeds, pairs)) > 0
    after = luck + of_level + rng.normal(0, 1, (seeds, pairs)) > 0
    changes: list[list[float]] = (after.astype(float) - before).tolist()
    return changes
