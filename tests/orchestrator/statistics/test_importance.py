"""Importance where the shares of the variance are known."""

from __future__ import annotations

from itertools import product
from math import exp

import numpy as np
import pytest
from support.made_results import result

from orchestrator.statistics.importance import MIN_RUNS, factor_importance
from orchestrator.statistics.result import Result, log_distance, stability


def runs(seeds: int = 3) -> list[Result]:
    """4/5 of the variance of the logarithm of `final` comes from lr, and 1/5 from noise. All are stable."""
    return [
        result(final=exp(3 + 2 * (lr == 1e-3) + noise), seed=seed, lr=lr, noise=noise, r1=r1)
        for seed, lr, noise, r1 in product(range(seeds), (1e-4, 1e-3), (0, 1), ([0, 1], "none"))
    ]


def shares(results: list[Result], outcome: str = "frechet") -> dict[str, float]:
    importance = factor_importance(results, {"stable": stability, "frechet": log_distance}[outcome])
    assert importance is not None
    return {path: factor.share for path, factor in importance.factors.items()}


def test_shares_of_the_variance_are_what_they_were_made() -> None:
    assert shares(runs()) == pytest.approx({"lr": 0.8, "noise": 0.2, "r1": 0.0})
    assert list(shares(runs())) == ["lr", "noise", "r1"]
    ends = [
        result(stable=lr == 1 or noise == 1, seed=seed, lr=lr, noise=noise)
        for seed, lr, noise in product((0, 1, 2), (1, 2), (0, 1))
    ]
    assert shares(ends, "stable") == pytest.approx({"lr": 1 / 3, "noise": 1 / 3})  # and 1/3 is their interaction


def test_of_a_grid_with_gaps_a_factor_explains_what_it_adds_to_the_others() -> None:
    """lr=1e-3 was mostly run with noise, so the means of its runs are noise's as well."""
    kept = [run for run in runs() if run.factors["lr"] == 1e-4 or run.factors["noise"] == 1 or run.seed == 0]
    only_noise = [result(final=exp(run.factors["noise"]), seed=run.seed, **run.factors) for run in kept]
    assert shares(only_noise)["lr"] == pytest.approx(0.0)


def test_luck_of_the_seed_is_named_beside_the_factors() -> None:
    """Each seed has its own distance, and one run is a little off, without which nothing would vary within a seed."""
    lucky = [
        result(final=exp(seed + 1e-3 * (seed == lr == n == 1)), seed=seed, lr=lr, noise=n)
        for seed, lr, n in product((0, 1, 2), (1, 2), (1, 2))
    ]
    importance = factor_importance(lucky, log_distance)
    assert importance is not None and importance.seed == pytest.approx(1.0, abs=0.01)
    alone = factor_importance(runs(seeds=1), log_distance)
    assert alone is not None and alone.seed is None


def test_factors_that_explain_all_are_marked_and_others_are_not() -> None:
    importance = factor_importance(runs(), log_distance)
    assert importance is not None
    assert {path: factor.is_marked for path, factor in importance.factors.items()} == {
        "lr": True,
        "noise": True,
        "r1": False,
    }


def test_what_luck_explains_is_more_with_fewer_runs() -> None:
    rng = np.random.default_rng(0)
    random = [result(final=exp(rng.normal()), **{"seed": run.seed, **run.factors}) for run in runs(seeds=20)]
    few, many = (factor_importance(results, log_distance) for results in (random[:16], random))
    assert few is not None and many is not None
    assert few.factors["lr"].chance > 0.2 > many.factors["lr"].chance > 0.02


def test_it_is_the_same_every_time() -> None:
    assert factor_importance(runs(), log_distance) == factor_importance(runs(), log_distance)


def test_nothing_is_said_where_nothing_can_be_known() -> None:
    one_factor = [result(final=float(lr), seed=seed, lr=lr, noise=1) for seed in range(5) for lr in (1, 2)]
    assert factor_importance(one_factor, log_distance) is None
    alike = [result(final=2.0 + seed, seed=seed, lr=lr, noise=n) for seed, lr, n in product((0, 1, 2), (1, 2), (1, 2))]
    assert factor_importance(alike, stability) is None
    assert factor_importance(alike, log_distance) is None  # it varies between seeds only
    assert factor_importance(runs()[: MIN_RUNS - 1], log_distance) is None
    assert factor_importance([], log_distance) is None
    diagonal = [result(final=1.0 + a, seed=0, a=a, b=(a + c) % 8, c=c) for a in range(8) for c in (0,)]
    assert factor_importance(diagonal, log_distance) is None  # as many levels as runs


def test_runs_that_did_not_draw_do_not_count_in_quality() -> None:
    blown = [result(stable=False, final=900.0, seed=9, lr=5.0, noise=noise, r1=0) for noise in (0, 1)]
    assert factor_importance(runs() + blown, log_distance) == factor_importance(runs(), log_distance)
