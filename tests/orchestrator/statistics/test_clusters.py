"""Shares of runs and of pairs that share seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t
from statsmodels.stats.proportion import proportion_confint
from support.made_results import result

from orchestrator.statistics.clusters import pooled_share, win_probability
from orchestrator.statistics.result import Result


def runs(*by_seed: list[bool]) -> list[Result]:
    return [result(stable=stable, seed=seed) for seed, ends in enumerate(by_seed) for stable in ends]


def test_with_many_seeds_of_one_run_it_is_wilson_s_interval() -> None:
    share = pooled_share(runs(*[[number < 900] for number in range(3000)]))
    assert share[:2] == (900, 3000)
    assert share[2:] == pytest.approx(proportion_confint(900, 3000, method="wilson"), abs=1e-4)


def test_for_many_seeds_it_is_the_interval_of_the_seeds_means() -> None:
    """Seeds of 4 runs with much in common: their means are what is independent."""
    rng = np.random.default_rng(0)
    ends = rng.normal(0, 2, (3000, 1)) + rng.normal(0, 1, (3000, 4)) > 0
    share = pooled_share(runs(*ends.tolist()))
    error = ends.mean(axis=1).std(ddof=1) / 3000**0.5
    assert share[2:] == pytest.approx((ends.mean() - 1.96 * error, ends.mean() + 1.96 * error), abs=1e-3)


def test_a_design_effect_by_hand() -> None:
    """Seeds of 2 runs with shares 1, 0.5 and 0: of variance 0.25, twice the 0.125 of independent runs. The expected
    1.125 counts as two seeds more."""
    share = pooled_share(runs([True, True], [True, False], [False, False]))
    informative = 6 / ((2 * 1.125 + 2 * 2) / 4)
    pull = t.ppf(0.975, 4) ** 2 / informative
    half_width = np.sqrt(0.25 * pull + pull**2 / 4) / (1 + pull)
    assert share == pytest.approx((3, 6, 0.5 - half_width, 0.5 + half_width))


def test_seeds_that_agree_do_not_make_an_interval_without_width() -> None:
    share = pooled_share(runs(*[[True] * 4] * 3))
    assert (share.hits, share.total, share.high) == (12, 12, pytest.approx(1.0))
    assert share.low < 0.75


def test_unfinished_runs_do_not_count_and_one_seed_says_nothing() -> None:
    assert pooled_share([*runs([True, False]), result(stable=None, seed=1)]) == (1, 2, 0.0, 1.0)
    assert pooled_share([result(stable=None)]) == (0, 0, 0.0, 1.0)


def test_wins_exclude_a_half_exactly_if_their_test_does() -> None:
    rng = np.random.default_rng(1)
    for seeds in range(2, 12):
        for rate in (0.5, 0.8, 0.95):
            wins = win_probability((rng.random((seeds, 4)) < rate).astype(float).tolist())
            assert (wins.p < 0.05) == (not wins.low <= 0.5 <= wins.high)


def test_ties_count_half_and_one_seed_says_nothing() -> None:
    assert win_probability([[1.0, 0.5], [0.0, 0.5]]).mean == 0.5
    assert win_probability([[1.0, 1.0]])[:5] == (1.0, 0.0, 1.0, 1, 1.0)
