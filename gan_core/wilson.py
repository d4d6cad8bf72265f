"""The interval of a share by Wilson (1927), without scipy, whose import takes seconds."""

from __future__ import annotations

from math import sqrt

DEVIATIONS_95 = 1.959963984540054


def wilson_interval(share: float, total: int, deviations: float = DEVIATIONS_95) -> tuple[float, float]:
    """Both ends, in [0, 1], for a `share` of `total` (1 or more); by default at 95%.

    deviations: half of the width, in standard deviations of a normal distribution.
    """
    z = deviations**2 / total
    centre, half_width = share + z / 2, sqrt(z * share * (1 - share) + z * z / 4)
    return max(0.0, (centre - half_width) / (1 + z)), min(1.0, (centre + half_width) / (1 + z))
