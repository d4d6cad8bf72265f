"""Intervals against published examples, statsmodels and scipy."""

from __future__ import annotations

from statistics import stdev

import numpy as np
import pytest
from scipy.stats import norm, t, trim_mean, ttest_1samp
from statsmodels.stats.proportion import proportion_confint

from orchestrator.statistics.intervals import MIN_RUNS, interquartile_mean, mean_change, share_change, wilson_share

SLEEP = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
"""Hours that ten patients slept longer with one of two drugs (Student 1908)."""


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_wilson_interval_is_the_published_one(hits: int, total: int, low: float, high: float) -> None:
    """Newcombe (1998), "Two-sided confidence intervals for the single proportion", table I."""
    assert wilson_share(hits, total)[2:] == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize("total", [1, 3, 10])
def test_the_wilson_interval_is_statsmodels_and_of_nothing_it_is_everything(total: int) -> None:
    for hits in range(total + 1):
        interval = wilson_share(hits, total)
        assert interval[2:] == pytest.approx(proportion_confint(hits, total, method="wilson"), abs=1e-12)
        assert (interval.rate, str(interval)) == (hits / total, f"{hits} of {total}")
    assert wilson_share(0, 0) == (0, 0, 0.0, 1.0)


def test_the_interval_of_a_change_is_student_s() -> None:
    interval = mean_change(SLEEP)
    assert (interval.mean, interval.low, interval.high) == pytest.approx((1.58, 0.7001, 2.4599), abs=5e-5)
    assert interval.p == pytest.approx(ttest_1samp(SLEEP, 0).pvalue)
    assert interval.p == pytest.approx(0.00283, abs=5e-6)
    assert interval.pairs == 10


def test_one_difference_says_nothing_and_none_is_an_error() -> None:
    assert mean_change([5.0]) == (5.0, float("-inf"), float("inf"), 1, 1.0, None)
    assert share_change([[1.0, 1.0]]) == (1.0, -1.0, 1.0, 1, 1.0, None)
    for function in (mean_change, share_change):
        with pytest.raises(ValueError, match="no pairs"):
            function([])


def test_seeds_needed_are_the_fewest_whose_interval_excludes_zero() -> None:
    def reach(count: int) -> float:
        return float(t.ppf(0.975, count - 1)) * stdev(SLEEP) / count**0.5

    needed = mean_change(SLEEP).seeds_needed
    assert needed is not None
    assert reach(needed) < 1.58 <= reach(needed - 1)


def test_seeds_needed_agree_with_the_interval_that_there_is() -> None:
    rng = np.random.default_rng(0)
    for count in range(2, 12):
        for mean in (0.3, 1.0, 3.0):
            interval = mean_change(list(rng.normal(mean, 1, count)))
            shares = share_change(list(rng.integers(-1, 2, (count, 4)) * 1.0))
            for estimate in (interval, shares):
                excludes = not estimate.low <= 0 <= estimate.high
                assert (estimate.p < 0.05) == excludes
                assert (estimate.seeds_needed is not None and estimate.seeds_needed <= count) == excludes


def test_no_number_of_seeds_shows_an_effect_of_nothing() -> None:
    assert mean_change([1.0, -1.0]).seeds_needed is None
    assert mean_change([1.0, -0.999999]).seeds_needed is None
    assert mean_change([1.0, -1.0, 1e-200]).seeds_needed is None
    assert mean_change([2.0, 2.0]) == (2.0, 2.0, 2.0, 2, 0.0, 2)
    assert mean_change([0.0, 0.0])[4:] == (1.0, None)


def test_the_interval_of_a_share_s_change_is_a_moderated_t() -> None:
    """By hand: means 0.5, 0, 1, of variance 0.25. Of independent differences it would be 0.3 / 2."""
    interval = share_change([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    error = ((0.15 + 2 * 0.25) / 3 / 3) ** 0.5
    assert interval.mean == 0.5
    assert interval.high == pytest.approx(min(1.0, 0.5 + t.ppf(0.975, 3) * error))
    assert interval.low == pytest.approx(max(-1.0, 0.5 - t.ppf(0.975, 3) * error))
    assert interval.p == pytest.approx(2 * t.sf(0.5 / error, 3))


def test_where_nothing_changed_it_is_bonett_and_price_s_with_student_s_t() -> None:
    """Their variance of 40 pairs with no change: (0 + 0 + 2) / (40 + 2), over the number of pairs."""
    for by_seed in ([[0.0]] * 40, [[0.0] * 8] * 5):
        interval = share_change(by_seed)
        assert interval.high == pytest.approx(t.ppf(0.975, len(by_seed)) * (2 / 42 / 40) ** 0.5)
        assert (interval.mean, interval.low, interval.p) == (0.0, -interval.high, 1.0)


@pytest.mark.parametrize("difference", [0.0, 1.0])
def test_seeds_that_agree_do_not_make_an_interval_without_width(difference: float) -> None:
    narrower = [share_change([[difference] * 4] * seeds) for seeds in (2, 3, 5, 10, 100)]
    widths = [interval.high - interval.low for interval in narrower]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] > 0.5 and 0 < widths[-1] < 0.02
    assert all(-1 <= interval.low <= difference <= interval.high <= 1 for interval in narrower)


def test_for_many_seeds_a_share_s_change_has_the_interval_of_its_seed_means() -> None:
    by_seed = np.random.default_rng(1).integers(-1, 2, (3000, 3)) * 1.0
    moderated, plain = share_change(list(by_seed)), mean_change(list(by_seed.mean(axis=1)))
    assert moderated[:3] == pytest.approx(plain[:3], abs=1e-4)


def test_the_interquartile_mean_weighs_the_boundary_by_what_is_inside() -> None:
    assert interquartile_mean([7.0])[0] == 7.0
    assert interquartile_mean([1.0, 2.0])[0] == 1.5
    assert interquartile_mean([0.0, 1.0, 8.0])[0] == pytest.approx((0.25 * 0 + 1 + 0.25 * 8) / 1.5)
    assert interquartile_mean([-100.0, 1.0, 3.0, 100.0])[0] == 2.0
    assert interquartile_mean([5.0, 1.0, 2.0, 9.0, 3.0])[0] == pytest.approx((0.75 * 2 + 3 + 0.75 * 5) / 2.5)
    for count in (4, 8, 20):
        values = list(np.random.default_rng(count).lognormal(size=count))
        assert interquartile_mean(values).mean == pytest.approx(trim_mean(values, 0.25))


def test_it_has_an_interval_from_enough_values_on_and_always_the_same() -> None:
    values = list(np.random.default_rng(2).normal(10, 1, MIN_RUNS))
    interval = interquartile_mean(values)
    assert interval.low is not None and interval.high is not None
    assert min(values) < interval.low < interval.mean < interval.high < max(values)
    assert interquartile_mean(values) == interval
    assert interquartile_mean(values[1:])[1:] == (None, None, MIN_RUNS - 1)
    assert interquartile_mean([3.0] * MIN_RUNS) == (3.0, None, None, MIN_RUNS)
    with pytest.raises(ValueError, match="no values"):
        interquartile_mean([])


@pytest.mark.filterwarnings("error")
def test_values_that_are_nearly_all_alike_have_an_interval_or_none() -> None:
    interval = interquartile_mean([1.0] * (MIN_RUNS - 1) + [2.0])
    assert interval.mean == 1.0
    assert (interval.low is None) == (interval.high is None)


def test_the_interval_of_the_interquartile_mean_covers_it() -> None:
    """Fewer than 95% at so few values, as its docstring says."""
    rng, quantiles = np.random.default_rng(3), norm.ppf((np.arange(100_000) + 0.5) / 100_000)
    truth = trim_mean(np.exp(quantiles), 0.25)
    interval = [interquartile_mean(list(rng.lognormal(size=10))) for _ in range(300)]
    assert 0.90 <= np.mean([low <= truth <= high for _, low, high, _ in interval]) <= 0.97
