"""The interval of shares by Wilson (1927), without scipy, whose import takes seconds."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

DEVIATIONS_95 = 1.959963984540054

Values = TypeVar("Values", float, npt.NDArray[np.float64])


def wilson_interval(share: Values, total: Any, deviations: float = DEVIATIONS_95) -> tuple[Values, Values]:
    """Both ends, in [0, 1], for a `share` of `total` (1 or more), or for several shares, [shares]; by default at 95%.

    deviations: half of the width, in standard deviations of a normal distribution.
    """
    pull = deviations**2 / total
    centre = (share + pull / 2) / (1 + pull)
    half_width = np.sqrt(share * (1 - share) * pull + pull**2 / 4) / (1 + pull)  # so the ends of 0 and 1 are exact
    return np.maximum(centre - half_width, 0.0), np.minimum(centre + half_width, 1.0)
