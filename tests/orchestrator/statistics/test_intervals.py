"""Intervals against published examples, statsmodels and scipy."""

from __future__ import annotations

from statistics import stdev

import numpy as np
import pytest
from scipy.stats import t, trim_mean, ttest_1samp
from statsmodels.stats.proportion import proportion_confint

from orchestrator.statistics.intervals import (
    MIN_VALUES,
    PRIOR_CORRELATION,
    interquartile_mean,
    mean_change,
    share_change,
    wilson_share,
)

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
    assert mean_change([5.0])[:6] == (5.0, float("-inf"), float("inf"), 1, 1.0, None)
    assert share_change([[1.0, 1.0]])[:6] == (1.0, -1.0, 1.0, 1, 1.0, None)
    for function in (mean_change, share_change):
        with pytest.raises(ValueError, match="no pairs"):
            function([])


def test_the_p_value_is_below_5_percent_exactly_where_the_interval_excludes_0() -> None:
    rng = np.random.default_rng(0)
    for count in range(2, 12):
        for mean in (0.3, 1.0, 3.0):
            interval = mean_change(list(rng.normal(mean, 1, count)))
            shares = share_change(list(rng.integers(-1, 2, (count, 4)) * 1.0))
            for estimate in (interval, shares):
                assert (estimate.p < 0.05) == (not estimate.low <= 0 <= estimate.high)


def test_differences_that_are_all_alike_have_an_interval_without_width() -> None:
    assert mean_change([2.0, 2.0])[:5] == (2.0, 2.0, 2.0, 2, 0.0)
    assert mean_change([0.0, 0.0]).p == 1.0


def test_the_interval_of_a_share_s_change_is_a_moderated_t() -> None:
    """By hand: means 0.5, 0, 1, of variance 0.25. Of independent differences it would be 0.3 / 2, and 1.1 times that
    with a correlation of 0.1 between two of a seed, which counts as two more degrees of freedom."""
    interval = share_change([[1.0, 0.0], [0.0, 0.0], [1.0, 1.0]])
    error = ((2 * 1.1 * 0.15 + 2 * 0.25) / 4 / 3) ** 0.5
    assert interval.mean == 0.5
    assert interval.high == pytest.approx(min(1.0, 0.5 + t.ppf(0.975, 4) * error))
    assert interval.low == pytest.approx(max(-1.0, 0.5 - t.ppf(0.975, 4) * error))
    assert interval.p == pytest.approx(2 * t.sf(0.5 / error, 4))


def test_where_nothing_changed_it_is_bonett_and_price_s_with_student_s_t() -> None:
    """Their variance of 40 pairs with no change: (0 + 0 + 2) / (40 + 2), over the number of pairs. Nothing is seen of
    what the 8 pairs of a seed have in common, so the correlation is as expected."""
    for by_seed, design_effect in (([[0.0]] * 40, 1.0), ([[0.0] * 8] * 5, 1 + 7 * PRIOR_CORRELATION)):
        interval = share_change(by_seed)
        assert interval.high == pytest.approx(t.ppf(0.975, len(by_seed) + 1) * (design_effect * 2 / 42 / 40) ** 0.5)
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


def test_the_interval_of_the_interquartile_mean_is_yuen_s_of_the_logarithms() -> None:
    """Two of 8 values are cut off at each end. By hand: logarithms 0 to 7, winsorized 2, 2, 2, 3, 4, 5, 5, 5."""
    interval = interquartile_mean(list(np.exp(np.arange(8.0))))
    half_width = t.ppf(0.975, 3) * stdev([2, 2, 2, 3, 4, 5, 5, 5]) * (7 / (4 * 3)) ** 0.5
    mean = np.exp(np.arange(2, 6)).mean()
    assert interval == pytest.approx((mean, mean / np.exp(half_width), mean * np.exp(half_width), 8))


def test_values_that_are_not_all_positive_keep_their_scale() -> None:
    interval = interquartile_mean([float(value) for value in range(-4, 4)])
    half_width = t.ppf(0.975, 3) * stdev([-2, -2, -2, -1, 0, 1, 1, 1]) * (7 / (4 * 3)) ** 0.5
    assert interval == pytest.approx((-0.5, -0.5 - half_width, -0.5 + half_width, 8))


def test_few_values_and_values_that_are_alike_have_no_interval() -> None:
    assert interquartile_mean([1.0, 2.0, 4.0, 9.0])[1:] == (None, None, MIN_VALUES - 1)
    assert interquartile_mean([3.0] * MIN_VALUES) == (3.0, None, None, MIN_VALUES)
    assert interquartile_mean([1.0] * (MIN_VALUES - 1) + [2.0])[1:] == (None, None, MIN_VALUES)
    with pytest.raises(ValueError, match="no values"):
        interquartile_mean([])


@pytest.mark.parametrize("count", [5, 8, 20])
@pytest.mark.parametrize("tails", [np.inf, 2.5])
def test_the_interval_of_the_interquartile_mean_covers_it(count: int, tails: float) -> None:
    quantiles = t.ppf((np.arange(100_000) + 0.5) / 100_000, tails)
    truth = trim_mean(np.exp(0.25 * quantiles), 0.25)
    values = np.exp(0.25 * np.random.default_rng(3).standard_t(min(tails, 1e9), (1000, count)))
    intervals = [interquartile_mean(list(row)) for row in values]
    assert 0.92 <= np.mean([low is not None and low <= truth <= high for _, low, high, _ in intervals]) <= 0.98
