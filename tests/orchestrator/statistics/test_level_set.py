"""The next run of a map goes where it tells most of the boundary, and the boundary is found with fewer runs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import multivariate_normal, qmc
from support.made_boundaries import HARD, Array, Boundary

from orchestrator.statistics.level_set import _both_positive, expected_error, most_telling
from orchestrator.statistics.stability_model import StabilityModel, fit


def edge(points: Array) -> Array:
    return (points[:, 0] < 0.5).astype(float)


def model_of_edge(count: int = 16) -> StabilityModel:
    points = qmc.Sobol(2, seed=0).random(count)
    return fit(points, edge(points))


@pytest.mark.parametrize("correlation", [-0.9, 0.0, 0.5, 0.95])
def test_orthants_are_as_scipy_has_them(correlation: float) -> None:
    for first, second in ((0.0, 0.0), (1.0, -0.5), (-2.0, 0.3)):
        expected = multivariate_normal([0, 0], [[1, correlation], [correlation, 1]]).cdf([first, second])
        found = _both_positive(np.array(first), np.array(second), np.array(correlation))
        assert float(found) == pytest.approx(expected, abs=2e-3)


def test_a_run_at_the_boundary_tells_more_than_one_far_from_it() -> None:
    places = qmc.Sobol(2, seed=1).random(256)
    at_line, far = expected_error(model_of_edge(), np.array([[0.5, 0.5], [0.05, 0.5]]), places, np.empty((0, 2)))
    assert at_line < far


def test_a_run_is_never_expected_to_do_harm() -> None:
    model, places = model_of_edge(), qmc.Sobol(2, seed=1).random(256)
    mean, variance = model.belief(places).moments()
    from scipy.special import ndtr

    now = float(np.mean(ndtr(-np.abs(mean) / np.sqrt(variance))))
    after = expected_error(model, places[:32], places, np.empty((0, 2)))
    assert np.all(after <= now + 1e-3)


def test_what_waits_at_a_place_makes_another_run_there_less_telling() -> None:
    places, there = qmc.Sobol(2, seed=1).random(256), np.array([[0.5, 0.5]])
    model = model_of_edge()
    candidates = np.array([[0.5, 0.5], [0.5, 0.95]])
    before = expected_error(model, candidates, places, np.empty((0, 2)))
    after = expected_error(model, candidates, places, there)
    assert after[0] - after[1] > before[0] - before[1]


def test_chosen_runs_find_the_boundary_with_half_the_error_of_sobol() -> None:
    """The goal of benchmarks/map.py, on one boundary that is easy enough for a test: 30 runs of a slanted edge."""
    errors: dict[str, list[float]] = {"map": [], "sobol": []}
    places = qmc.Sobol(2, seed=123).random(1024)
    for seed in range(3):
        boundary = Boundary("edge", 2, HARD, seed)
        sobol = qmc.Sobol(2, seed=seed).random(32)[:30]
        chosen = sobol[:12]
        while len(chosen) < 30:
            ended, model = len(chosen), fit(chosen, runs(boundary, chosen))
            for _ in range(3):
                base = qmc.Sobol(2, seed=len(chosen)).random(1024)
                chosen = np.vstack([chosen, most_telling(model, chosen[ended:], base)])
        truth = boundary.probability(places) > 0.5
        for name, points in (("map", chosen), ("sobol", sobol)):
            expected = fit(points, runs(boundary, points)).belief(places).probability()
            errors[name].append(float(np.mean((expected > 0.5) != truth)))
    assert np.median(errors["map"]) <= np.median(errors["sobol"]) / 2


def runs(boundary: Boundary, points: Array) -> Array:
    return np.array([boundary.run(point, number) for number, point in enumerate(points)])
