"""How many seeds it would take to show an effect."""

from __future__ import annotations

import numpy as np

from orchestrator.statistics.intervals import Change

POWER = 0.8
TYPICAL_CHANGE = 0.3
"""Changes of the share of stable runs are expected to have this size, before looking."""
MAX_SEEDS = 500


def seeds_to_show(change: Change, level: float) -> int | None:
    """The smallest number of seeds with which a change of a share is significant at `level` in POWER of sweeps.

    level: of one test, so that of all tests together divided by their number, as Holm's method asks of the smallest
    p-value. The change is shrunken, because the largest of several measured ones flatters itself: it is the mean of the
    posterior of a normal prior around 0 with the deviation TYPICAL_CHANGE (van Zwet and Cator 2021). Its standard
    deviation is taken as measured, and the power of the t test from a shifted t distribution. None if the change is 0,
    if its error is not known, or if MAX_SEEDS would not be enough.

    In simulations (`benchmarks/coverage.py`: a true change of 38 points among 1 to 12 effects, 2 to 6 pairs on each of
    3 or 5 seeds) it held at the number advised in 78 to 98% of sweeps that keep their seeds, as the report's command
    does, and in 66 to 99% of fresh ones, on average in 91% and 82%.
    """
    from scipy.special import stdtr, stdtrit

    if not change.mean or not change.error:
        return None
    shrunken = abs(change.mean) * TYPICAL_CHANGE**2 / (TYPICAL_CHANGE**2 + change.error**2)
    seeds = np.arange(2, MAX_SEEDS + 1)
    freedom = seeds + change.freedom - change.pairs
    errors = change.error * np.sqrt(change.pairs / seeds)
    powers = stdtr(freedom, shrunken / errors - stdtrit(freedom, 1 - level / 2))
    sufficient = seeds[powers >= POWER]
    return int(sufficient[0]) if len(sufficient) else None
