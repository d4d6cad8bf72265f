"""Kaplan-Meier curves against a published example and statsmodels."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import t
from statsmodels.duration.survfunc import SurvfuncRight
from statsmodels.stats.proportion import proportion_confint
from support.made_results import result

from orchestrator.statistics.result import Result
from orchestrator.statistics.survival import SurvivalCurve, survival_curves

REMISSIONS = [6, 6, 6, 7, 10, 13, 16, 22, 23]
FOLLOWED = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks of remission of the 21 patients given 6-mercaptopurine (Freireich et al. 1963), and of those still in it."""


def runs(events: list[int], followed: list[int], **factors: int) -> list[Result]:
    lost = [result(stable=False, event=event, steps=1000, seed=i, **factors) for i, event in enumerate(events)]
    return lost + [result(steps=steps, seed=100 + i, **factors) for i, steps in enumerate(followed)]


def curve(events: list[int], followed: list[int]) -> SurvivalCurve:
    return survival_curves(runs(events, followed), lambda run: run.group)["g"]


def test_the_estimate_is_the_published_one() -> None:
    estimate = curve(REMISSIONS, FOLLOWED)
    at = dict(zip(estimate.steps, estimate.surviving, strict=True))
    published = {6: 0.857, 7: 0.807, 10: 0.753, 13: 0.690, 16: 0.627, 22: 0.538, 23: 0.448}
    assert {step: round(at[step], 3) for step in published} == published
    assert (estimate.runs, estimate.events, estimate.steps[-1], estimate.surviving[0]) == (21, 9, 35, 1.0)


def test_the_estimate_is_statsmodels_and_the_band_wilson_s_of_as_many_runs_as_its_variance_tells_of() -> None:
    """But for the jackknife, which gives a slightly larger variance than Greenwood's, and Student's t."""
    estimate = curve(REMISSIONS, FOLLOWED)
    theirs = SurvfuncRight(np.array(REMISSIONS + FOLLOWED), np.array([1] * 9 + [0] * 12))
    at = {
        step: values
        for step, *values in zip(estimate.steps, estimate.surviving, estimate.low, estimate.high, strict=True)
    }
    for step, surviving, error in zip(theirs.surv_times, theirs.surv_prob, theirs.surv_prob_se, strict=True):
        runs = surviving * (1 - surviving) / error**2
        assert at[step][0] == pytest.approx(surviving)
        assert at[step][1:] == pytest.approx(proportion_confint(surviving * runs, runs, method="wilson"), abs=0.03)


def wilson(hits: int, total: int, seeds: int) -> list[float]:
    """With Student's t, in which the expected correlation counts as two seeds."""
    quantile = t.ppf(0.975, seeds + 1)
    pull = quantile**2 / total
    centre = (hits / total + pull / 2) / (1 + pull)
    half = np.sqrt(hits / total * (1 - hits / total) * pull + pull**2 / 4) / (1 + pull)
    return [pytest.approx(max(0.0, centre - half), abs=1e-9), pytest.approx(min(1.0, centre + half))]


@pytest.mark.filterwarnings("error")
def test_no_event_at_all_leaves_wilson_s_interval_of_those_still_followed() -> None:
    estimate = curve([], [50, 100, 100])
    assert (estimate.steps, estimate.surviving, estimate.events) == ([0, 50, 100], [1.0, 1.0, 1.0], 0)
    assert estimate.low == [wilson(3, 3, 3)[0], wilson(3, 3, 3)[0], wilson(2, 2, 3)[0]]
    assert estimate.high == [1.0, 1.0, 1.0]


@pytest.mark.filterwarnings("error")
def test_all_events_at_once_leave_wilson_s_interval_of_none() -> None:
    estimate = curve([70, 70, 70], [])
    assert (estimate.steps, estimate.surviving, estimate.low) == ([0, 70], [1.0, 0.0], [wilson(3, 3, 3)[0], 0.0])
    assert estimate.high == [1.0, wilson(0, 3, 3)[1]]


def test_runs_that_share_their_seed_s_luck_tell_less_than_runs_of_their_own() -> None:
    def widths(seeds: int) -> float:
        """20 runs, of which 8 have an event: all runs of a seed, or none."""
        results = [
            result(stable=number % 5 > 1, event=10 if number % 5 < 2 else None, seed=number % seeds)
            for number in range(20)
        ]
        estimate = survival_curves(results, lambda run: run.group)["g"]
        return estimate.high[-1] - estimate.low[-1]

    assert widths(5) > 1.5 * widths(20)


def test_one_seed_has_no_band() -> None:
    estimate = survival_curves([result(event=10, noise=0), result(noise=1)], lambda run: run.group)["g"]
    assert (estimate.surviving, estimate.low, estimate.high) == ([1.0, 0.5, 0.5], [], [])


def test_the_last_of_many_does_not_widen_what_is_known() -> None:
    estimate = curve([10, 20, 30, 40], [])
    assert estimate.surviving == [1.0, 0.75, 0.5, 0.25, 0.0]
    assert estimate.high[-1] <= estimate.high[-2]


def test_an_event_at_step_zero_begins_the_estimate_below_one() -> None:
    estimate = curve([0, 10], [20, 20])
    assert (estimate.steps, estimate.surviving) == ([0, 10, 20], [0.75, 0.5, 0.5])


def test_each_label_has_its_own_estimate_in_order_of_appearance() -> None:
    both = runs([10], [20], noise=1) + runs([], [20], noise=0)
    curves = survival_curves(both, lambda run: str(run.factors["noise"]))
    assert {label: (curve.runs, curve.events) for label, curve in curves.items()} == {"1": (2, 1), "0": (1, 0)}
    assert list(curves) == ["1", "0"]
    assert survival_curves([], lambda run: run.group) == {}
