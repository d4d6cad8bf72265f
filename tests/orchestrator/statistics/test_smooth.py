"""Curves of drawn settings: their bands hold the truth as often as they say, and follow from all of the data."""

from __future__ import annotations

import numpy as np
import pytest
from support.made_points import CHOICE, LR, Drawn, claims, held

from orchestrator.statistics.smooth import PLACES, Outcomes, level_bases, log_curve, share_curve, smooth_bases

SWEEPS = 10
"""Simulated sweeps of one design. `benchmarks/smooth_effects.py` draws more, of more designs."""


@pytest.mark.parametrize(("points", "seeds"), [(16, 2), (40, 3)])
def test_bands_hold_the_truth_as_often_as_they_say(points: int, seeds: int) -> None:
    """92 to 98% on average, give or take the error of so few sweeps; those of a choice are rather too wide."""
    rng = np.random.default_rng(points)
    shares = [
        held(Drawn(curve, points, seeds, luck), SWEEPS, rng)
        for curve, luck in (("flat", 2.0), ("monotone", 0.7), ("step", 2.0), ("hump", 0.7))
    ]
    error = 0.03
    for key in ((LR, "stable"), (LR, "frechet")):
        assert 0.92 - error <= np.mean([share[key] for share in shares]) <= 0.98 + error, key
    for key in ((CHOICE, "stable"), (CHOICE, "frechet")):
        assert np.mean([share[key] for share in shares]) >= 0.92 - error, key


def test_a_setting_that_does_nothing_is_seldom_said_to_do_something() -> None:
    assert claims(Drawn("flat", 32, 2), 40, np.random.default_rng(0)) <= 0.05


def test_a_setting_that_decides_is_said_to() -> None:
    assert claims(Drawn("step", 32, 2), 10, np.random.default_rng(0)) >= 0.8


def design(rng: np.random.Generator, points: int = 40, seeds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    positions = rng.random(points)
    return positions, (rng.random((points, seeds)) < (1 - positions)[:, None]).astype(float)


def test_a_curve_of_shares_follows_the_shares_and_stays_between_0_and_1() -> None:
    positions, stable = design(np.random.default_rng(0), 200)
    curve = share_curve(smooth_bases(positions), Outcomes(stable, np.ones_like(stable)))
    np.testing.assert_allclose(curve.middle, 1 - PLACES, atol=0.15)
    assert np.all((curve.low >= 0) & (curve.low <= curve.middle) & (curve.middle <= curve.high) & (curve.high <= 1))


def test_more_points_and_more_seeds_make_bands_narrower() -> None:
    def width(points: int, seeds: int) -> float:
        positions, stable = design(np.random.default_rng(1), points, seeds)
        curve = share_curve(smooth_bases(positions), Outcomes(stable, np.ones_like(stable)))
        return float(np.mean(curve.high - curve.low))

    assert width(16, 2) > width(64, 2) > width(64, 8)


def test_the_luck_of_a_seed_makes_bands_of_shares_wider_and_leaves_ratios_alone() -> None:
    rng = np.random.default_rng(2)
    positions, distances = rng.random(40), rng.standard_normal((40, 4))
    luck = np.array([-5.0, -1.0, 1.0, 5.0])
    ones = np.ones_like(distances)
    bases = smooth_bases(positions)
    plain, lucky = (log_curve(bases, Outcomes(distances + shift, ones)) for shift in (0.0, luck))
    assert np.mean(lucky.high - lucky.low) == pytest.approx(np.mean(plain.high - plain.low), rel=0.15)
    stable = (distances > 0).astype(float)
    decided = np.broadcast_to(luck > 0, stable.shape).astype(float)
    of_chance, of_seeds = (share_curve(bases, Outcomes(each, ones)) for each in (stable, decided))
    assert np.mean(of_seeds.high - of_seeds.low) > 2 * np.mean(of_chance.high - of_chance.low)


def test_a_curve_of_logarithms_is_relative_to_its_average() -> None:
    rng = np.random.default_rng(3)
    positions = rng.random(60)
    outcomes = 7.0 + 2.0 * positions[:, None] + 0.1 * rng.standard_normal((60, 2))
    curve = log_curve(smooth_bases(positions), Outcomes(outcomes, np.ones_like(outcomes)))
    np.testing.assert_allclose(curve.middle, 2.0 * PLACES - 1.0, atol=0.1)


def test_runs_that_are_missing_are_left_out() -> None:
    """As if their values were others: nothing depends on them."""
    rng = np.random.default_rng(4)
    positions, values = rng.random(20), rng.standard_normal((20, 3))
    counts = (rng.random((20, 3)) < 0.7).astype(float)
    curves = [log_curve(smooth_bases(positions), Outcomes(values * counts, counts)) for _ in range(2)]
    np.testing.assert_array_equal(curves[0].middle, curves[1].middle)
    full = log_curve(smooth_bases(positions), Outcomes(values, np.ones_like(values)))
    assert np.mean(full.high - full.low) < np.mean(curves[0].high - curves[0].low)


def test_each_level_of_a_choice_has_its_own_value() -> None:
    rng = np.random.default_rng(5)
    levels = np.arange(60) % 3
    outcomes = np.array([0.0, 1.0, -1.0])[levels][:, None] + 0.2 * rng.standard_normal((60, 2))
    curve = log_curve(level_bases(levels, 3), Outcomes(outcomes, np.ones_like(outcomes)))
    np.testing.assert_allclose(curve.middle, [0.0, 1.0, -1.0], atol=0.15)
