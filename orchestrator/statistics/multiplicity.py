"""Adjustment for multiple comparisons: one sweep is searched for many effects."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted after Holm (1979), in the order given.

    If those below 0.05 are called significant, at most 5% of sweeps have one or more false claims, however the tests
    depend on one another.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted
