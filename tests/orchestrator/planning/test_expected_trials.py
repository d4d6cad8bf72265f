"""How many seeds a fixed design takes: with these, the report's own test has the power that was asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.made_trials import GRID, LR, planned

from orchestrator.planning import adaptive
from orchestrator.planning.expected_trials import FIXED_TESTS, MAX_SEEDS, seeds_of_fixed_design
from orchestrator.statistics.intervals import share_change
from orchestrator.sweepfile.model import UntilAnswered

ONE: list[dict[str, Any]] = [{LR: 1}, {LR: 2}]
SWEEPS = 1000


def comparisons_of(grid: list[dict[str, Any]]) -> tuple[adaptive.TestedComparison, ...]:
    return adaptive.comparisons_to_test(planned(grid), UntilAnswered(2, 2))


def power_of(effect: float, seeds: int, comparisons: tuple[adaptive.TestedComparison, ...]) -> float:
    """Measured with `share_change`, the test of the report, in made sweeps with luck of each run alone."""
    rng, level = np.random.default_rng(1), 0.05 / (FIXED_TESTS * len(comparisons))
    shape = SWEEPS, seeds, len(comparisons[0].pairs)
    differences = (rng.random(shape) < 0.5 + effect / 2) * 1.0 - (rng.random(shape) < 0.5 - effect / 2)
    return float(np.mean([share_change(of_sweep.tolist()).p <= level for of_sweep in differences]))


@pytest.mark.parametrize("grid", [ONE, GRID], ids=["one factor", "two factors"])
@pytest.mark.parametrize("effect", [0.3, 0.5, 0.8, 0.9, 0.95, 1.0])
def test_the_seeds_of_a_fixed_design_have_the_power_that_was_asked(effect: float, grid: list[dict[str, Any]]) -> None:
    comparisons = comparisons_of(grid)
    seeds = seeds_of_fixed_design(effect, 0.8, comparisons)
    assert seeds is not None
    assert power_of(effect, seeds, comparisons) >= 0.8 - 2 * 0.4 / SWEEPS**0.5
    if grid is ONE and seeds > 2:
        assert power_of(effect, seeds - max(1, seeds // 10), comparisons) < 0.82, "fewer would not do"


def test_fixed_designs_take_more_seeds_for_more_power_and_smaller_effects() -> None:
    comparisons = comparisons_of(ONE)
    numbers = [seeds_of_fixed_design(effect, 0.8, comparisons) or 0 for effect in (1.0, 0.6, 0.3, 0.23, 0.1)]
    assert numbers == sorted(numbers)
    powers = [seeds_of_fixed_design(0.5, power, comparisons) or 0 for power in (0.5, 0.8, 0.95, 0.99)]
    assert powers == sorted(powers) and len(set(powers)) == 4
    assert numbers[-1] < MAX_SEEDS and seeds_of_fixed_design(0.03, 0.8, comparisons) is None
