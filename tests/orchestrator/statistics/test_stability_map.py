"""A map says what its runs say, and how surely."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy.stats import qmc

from orchestrator.space import Integers, Interval, Space
from orchestrator.statistics.distance_surface import fit_distances
from orchestrator.statistics.result import Result
from orchestrator.statistics.stability_map import (
    StabilityMap,
    near_certain,
    positions,
    snapped,
    stability_map,
    to_units,
)
from orchestrator.statistics.stability_model import fit

LR, LAMBDA, STEPS = "optimizer.lr", "loss.gradient_penalty", "loss.n_critic"
SPACE = Space((Interval(LR, 1e-4, 1e-1, is_log=True), Interval(LAMBDA, 0.1, 100, is_log=True)))
WITH_STEPS = Space((Interval(LR, 1e-4, 1e-1, is_log=True), Integers(STEPS, 1, 3)))


@cache
def made_map(count: int = 64, space: Space = SPACE) -> StabilityMap:
    """Stable below lr = 1e-2.5, with a distance that grows by a factor of e over the range of lr, from 10."""
    results = []
    for number, unit in enumerate(qmc.Sobol(len(space.dimensions), seed=3).random(count)):
        settings = space.settings_at(unit)
        position = space.dimensions[0].position_of(settings[LR])  # type: ignore[union-attr]
        is_stable = position < 0.5
        final = 10 * float(np.exp(position)) if is_stable else None
        results.append(Result("g", "c", number, settings, is_stable, 100, None, final, final, is_stable))
    found = stability_map(space, results)
    assert found
    return found


def test_a_map_knows_where_runs_were_stable() -> None:
    found = made_map()
    inside, outside = found.at({LR: 3e-4, LAMBDA: 3.0}), found.at({LR: 3e-2, LAMBDA: 3.0})
    assert inside.stable > 0.95 and inside.low > 0.9
    assert outside.stable < 0.05 and outside.high < 0.1
    on_line = found.at({LR: 10**-2.5, LAMBDA: 3.0})
    assert on_line.low < 0.3 and on_line.high > 0.7
    assert all(answer.low <= answer.stable <= answer.high for answer in (inside, outside, on_line))


def test_shares_of_the_space_are_those_of_the_truth() -> None:
    shares = made_map().shares
    assert shares.surely <= shares.stable == pytest.approx(0.5, abs=0.08)
    assert shares.lost == pytest.approx(0.45, abs=0.1)
    assert shares.stable + shares.open + shares.lost > 0.9


def test_fewer_runs_leave_more_open() -> None:
    assert made_map(16).shares.open > 1.5 * made_map(64).shares.open


def test_the_distance_is_that_of_the_runs_that_drew() -> None:
    distance = made_map().at({LR: 1e-3, LAMBDA: 1.0}).distance
    assert distance and distance[0] == pytest.approx(10 * np.exp(1 / 3), rel=0.05)
    assert distance[1] < distance[0] < distance[2]


def test_the_interval_of_distances_holds_nine_of_ten_runs() -> None:
    rng, held = np.random.default_rng(0), []
    for _ in range(12):
        points = rng.random((30, 2))
        logs = 3 + np.sin(3 * points[:, 0]) + 0.3 * rng.standard_normal(30)
        surface = fit_distances(points[:20], np.exp(logs[:20]))
        assert surface
        _, low, high = surface.expected(points[20:])
        held.append(np.mean((np.log(low) < logs[20:]) & (logs[20:] < np.log(high))))
    assert 0.8 < np.mean(held) < 0.98


def test_too_few_runs_that_drew_have_no_surface() -> None:
    assert fit_distances(np.random.default_rng(0).random((4, 2)), np.ones(4)) is None
    assert made_map(8).at({LR: 1e-3, LAMBDA: 1.0}).distance is None


def test_safest_and_best_lie_where_runs_are_stable() -> None:
    found = made_map()
    assert found.best and found.safest[LR] < 2e-3 and found.best[LR] < 3e-4


def test_unfinished_runs_count_as_not_stable() -> None:
    settings = [SPACE.settings_at(unit) for unit in qmc.Sobol(2, seed=0).random(16)]
    results = [Result("g", "c", n, s, None, 10, None, None, None, False) for n, s in enumerate(settings)]
    found = stability_map(SPACE, results)
    assert found and found.at(settings[0]).stable < 0.2


def test_all_alike_is_no_certainty_everywhere() -> None:
    points = qmc.Sobol(2, seed=0).random(16)
    expected = fit(points, np.ones(16)).belief(qmc.Sobol(2, seed=1).random(64))
    assert np.all(expected.probability() > 0.6) and np.mean(expected.quantile(0.05) < 0.9) > 0.3


def test_integers_have_their_own_places() -> None:
    units = np.array([[0.2, 0.1], [0.2, 0.5], [0.2, 0.99]])
    assert snapped(WITH_STEPS, units)[:, 1].tolist() == [0.0, 0.5, 1.0]
    for position in snapped(WITH_STEPS, units):
        again = WITH_STEPS.settings_at(to_units(WITH_STEPS, position))
        assert positions(WITH_STEPS, [again])[0] == pytest.approx(position, abs=1e-3)


def test_the_nearest_trials_are_named_first() -> None:
    found = made_map()
    target = found.results[5]
    (first, distance), (_, further) = found.nearest(target.factors, 2)
    assert first is target and distance == 0 < further


@pytest.mark.parametrize(("share", "text"), [(0.9999, ">99%"), (0.001, "<1%"), (0.9, "90%"), (0.99, "99%")])
def test_no_share_is_called_certain(share: float, text: str) -> None:
    assert near_certain(share) == text
