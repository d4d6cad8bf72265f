"""Many questions asked of one sweep: which answers are more than the luck of having asked often."""

from __future__ import annotations

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted after Holm (1979), in the order given.

    Calling those below 0.05 real makes one false claim or more in at most 5% of sweeps, however the questions depend on
    one another.
    """
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, (len(p_values) - rank) * p_values[index])
        adjusted[index] = min(1.0, largest)
    return adjusted
