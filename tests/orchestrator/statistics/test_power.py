"""The number of seeds that is advised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nct, t
from support.covered import held_at_advised_seeds

from orchestrator.statistics.intervals import mean_change, share_change
from orchestrator.statistics.power import POWER, TYPICAL_CHANGE, seeds_to_show

CHANGE = share_change([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 1.0], [1.0, -1.0, 1.0, 0.0]])


def power(seeds: int, level: float) -> float:
    """The power of the t test, by scipy's noncentral t, if the change is what is left of CHANGE."""
    assert CHANGE.error
    shrunken = CHANGE.mean * TYPICAL_CHANGE**2 / (TYPICAL_CHANGE**2 + CHANGE.error**2)
    error = CHANGE.error * (CHANGE.pairs / seeds) ** 0.5
    return float(nct.sf(t.ppf(1 - level / 2, seeds), seeds, shrunken / error))


@pytest.mark.parametrize("level", [0.05, 0.05 / 12])
def test_it_is_the_fewest_that_show_what_is_left_of_the_change_in_four_of_five_sweeps(level: float) -> None:
    needed = seeds_to_show(CHANGE, level)
    assert needed is not None
    assert power(needed - 1, level) < POWER + 0.02  # a shifted t is a little less than the noncentral one
    assert power(needed, level) >= POWER - 0.02


def test_more_effects_take_more_seeds() -> None:
    alone, among_many = seeds_to_show(CHANGE, 0.05), seeds_to_show(CHANGE, 0.05 / 30)
    assert alone is not None and among_many is not None
    assert alone < among_many


def test_no_number_of_seeds_shows_a_change_of_nothing() -> None:
    assert seeds_to_show(share_change([[1.0], [-1.0]]), 0.05) is None
    assert seeds_to_show(share_change([[1.0]]), 0.05) is None  # nothing is known of its error
    assert seeds_to_show(mean_change([1e-6, -0.9e-6, 0.0]), 0.05) is None


def test_at_the_number_advised_a_true_change_is_shown_in_about_four_of_five_sweeps() -> None:
    """More often in sweeps that keep their seeds, as the command of the report does."""
    kept, fresh = held_at_advised_seeds(effects=4, seeds=4, pairs=4, sweeps=250, rng=np.random.default_rng(0))
    assert 0.75 <= fresh <= kept <= 0.97
