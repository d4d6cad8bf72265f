"""500 sweeps with known effects, made as histories and judged: the statistics recover them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from functools import cache
from typing import Any

import numpy as np
import pytest
from support.made_results import LEVELS, STEPS, sweep, true_effects, truths

from orchestrator.statistics.effects import Effect, paired_effects
from orchestrator.statistics.interactions import pairwise_interactions
from orchestrator.statistics.intervals import wilson_share
from orchestrator.statistics.result import Result
from orchestrator.statistics.survival import survival_curves

SWEEPS = 500
WELL = pytest.approx(0.95, abs=0.03)
"""Coverage of a 95% interval, counted over SWEEPS sweeps (whose own standard error is 1%)."""


@pytest.fixture(scope="module")
def sweeps() -> list[list[Result]]:
    rng = np.random.default_rng(0)
    return [sweep(rng) for _ in range(SWEEPS)]


@pytest.fixture(scope="module")
def effects(sweeps: list[list[Result]]) -> list[list[Effect]]:
    return [paired_effects(results) for results in sweeps]


def test_effects_are_recovered_and_their_intervals_cover_them(effects: list[list[Effect]]) -> None:
    stable: dict[tuple[str, Any], list[Any]] = defaultdict(list)
    quality: dict[tuple[str, Any], list[Any]] = defaultdict(list)
    for effect in (effect for of_sweep in effects for effect in of_sweep):
        stable[effect.factor, effect.after].append(effect.stable)
        assert effect.quality is not None
        quality[effect.factor, effect.after].append(effect.quality)
    assert set(stable) == {(factor, level) for factor, levels in LEVELS.items() for level in levels[1:]}
    for which, truth in true_effects().items():
        for changes, true in zip((stable[which], quality[which]), truth, strict=True):
            means = [change.mean for change in changes]
            assert np.mean(means) == pytest.approx(true, abs=3 * np.std(means) / SWEEPS**0.5)
            assert np.mean([change.low <= true <= change.high for change in changes]) == WELL


def test_with_few_seeds_the_interval_of_a_share_s_change_still_covers_it(effects: list[list[Effect]]) -> None:
    """As often as it should or more: see `share_change`."""
    covered, truths_of = defaultdict(list), true_effects()
    for effect in (effect for of_sweep in effects for effect in of_sweep):
        truth, _ = truths_of[effect.factor, effect.after]
        covered[effect.seeds].append(effect.stable.low <= truth <= effect.stable.high)
    assert sorted(covered) == list(range(3, 11))
    assert all(np.mean(hits) >= 0.92 for hits in covered.values())


def test_shares_near_one_and_pairs_that_all_agree_are_covered() -> None:
    """Runs that are stable 99 times in 100, on three seeds of four pairs: most sweeps show no difference at all."""
    outcomes = np.random.default_rng(1).random((SWEEPS, 3, 4, 2)) < (0.99, 0.95)
    covered = []
    for stable_runs in outcomes:
        runs = [
            Result("g", f"g {other} {level}", seed, {"noise": level, "other": other}, bool(stable), 1, None, None, None)
            for (seed, other, level), stable in np.ndenumerate(stable_runs)
        ]
        change = next(effect.stable for effect in paired_effects(runs) if effect.factor == "noise")
        covered.append(change.low <= -0.04 <= change.high)
    assert np.mean(covered) >= 0.95


def test_what_is_said_to_hold_is_wrong_in_at_most_one_sweep_of_twenty(effects: list[list[Effect]]) -> None:
    """Noise does nothing to the Frechet distance and smoothing next to nothing to stability; lr=1e-2 does a lot."""
    wrong = [
        any((e.factor == "noise" and e.quality_holds) or (e.factor == "smoothing" and e.stable_holds) for e in of_sweep)
        for of_sweep in effects
    ]
    right = [next(e.stable_holds for e in of_sweep if e.after == 1e-2) for of_sweep in effects]
    assert np.mean(wrong) <= 0.05
    assert np.mean(right) > 0.5


def test_interactions_that_are_not_there_are_not_seen_more_often_than_chance(sweeps: list[list[Result]]) -> None:
    """Nothing interacts in the Frechet distance."""
    seen = [
        interaction.change.low <= 0 <= interaction.change.high
        for results in sweeps
        for interaction in pairwise_interactions(results, "final")
    ]
    assert np.mean(seen) == WELL


def test_the_share_of_a_configuration_is_covered(sweeps: list[list[Result]]) -> None:
    covered, interval = [], cache(wilson_share)
    for name, truth in truths().items():
        runs = [[run.stable for run in results if run.configuration == name] for results in sweeps]
        shares = [interval(sum(stable), len(stable)) for stable in runs]
        covered.append(np.mean([share.low <= truth.surviving(STEPS) <= share.high for share in shares]))
    assert all(coverage == WELL for coverage in covered)


def test_survival_of_a_configuration_is_covered_at_any_step(sweeps: list[list[Result]]) -> None:
    covered = defaultdict(list)
    known = truths()
    for results in sweeps[:100]:
        for name, curve in survival_curves(results, lambda run: run.configuration).items():
            for step in (300, 600, 900):
                index = bisect_right(curve.steps, step) - 1
                true = known[name].surviving(step)
                covered[step].append(curve.low[index] <= true <= curve.high[index])
    assert all(np.mean(hits) == WELL for hits in covered.values())
