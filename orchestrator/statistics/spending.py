"""How much of the error that a test may make is spent at which look: group-sequential design with a known last look.

Whoever looks after each seed, and stops when a p-value is below 5%, is wrong far more often than in 5% of cases. Here
each look has a level of its own, so small that all looks together reject a true hypothesis at most as often as asked.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

POWER = 2.0
"""Of the spending function level * (seeds / most) ** POWER (Kim and DeMets 1987); see decision 40."""
STEP = 0.05
"""Between two points of the grid, in standard deviations of one seed."""
REACH = 8.0
"""Where the density ends, in standard deviations."""


@lru_cache(maxsize=4096)
def nominal_levels(level: float, first: int, most: int) -> tuple[float, ...]:
    """The two-sided level of the test at each look: after `first` seeds, `first` + 1, ..., `most`.

    A test that rejects where its p-value is at most the level of its look rejects a true hypothesis at any look with
    probability `level`; at fewer looks, or if something else ends them, with less. The levels follow from the joint
    distribution of the looks' normal statistics, integrated from look to look (Armitage, McPherson and Rowe 1969; Lan
    and DeMets 1983). With these levels for the p-values of t tests the error is nearly the same (Pocock 1977); see
    `benchmarks/adaptive.py`.
    """
    from scipy.special import ndtr

    if first == most:
        return (level,)
    half = round(REACH * most**0.5 / STEP)
    sums = STEP * np.arange(-half, half + 1)
    steps = STEP * np.arange(-round(REACH / STEP), round(REACH / STEP) + 1)
    kernel = STEP * np.exp(-(steps**2) / 2) / np.sqrt(2 * np.pi)
    density = np.exp(-(sums**2) / (2 * first)) / np.sqrt(2 * np.pi * first)
    levels, spent = [], 0.0
    for seeds in range(first, most + 1):
        if seeds > first:
            density = np.convolve(density, kernel, "same")
        cumulative = level * (seeds / most) ** POWER
        above = STEP * np.cumsum(density[::-1])[::-1] - STEP * density / 2  # the probability of more than each sum
        bound = _crossing(sums, above, (cumulative - spent) / 2)
        levels.append(float(2 * ndtr(-bound / seeds**0.5)))
        density = np.where(np.abs(sums) < bound, density, 0.0)
        spent = cumulative
    return tuple(levels)


def _crossing(sums: np.ndarray, above: np.ndarray, tail: float) -> float:
    """The sum that is exceeded with probability `tail`; `above` falls along `sums`."""
    after = int(np.searchsorted(-above, -tail))
    nearest = slice(after, after - 2, -1)
    return float(np.interp(np.log(tail), np.log(np.maximum(above[nearest], 1e-300)), sums[nearest]))
