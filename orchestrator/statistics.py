"""How sure a share can be: pure functions of counts."""

from __future__ import annotations

from typing import NamedTuple


class Share(NamedTuple):
    """`hits` of `total`, with the Wilson interval at 95% (Wilson 1927) as shares in [0, 1]."""

    hits: int
    total: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        return self.hits / self.total if self.total else 0.0

    def __str__(self) -> str:
        return f"{self.hits} of {self.total}"


def share(hits: int, total: int) -> Share:
    """Nothing is known of a share of nothing: its interval is all of [0, 1]."""
    from scipy.stats import binomtest

    if total == 0:
        return Share(0, 0, 0.0, 1.0)
    interval = binomtest(hits, total).proportion_ci(confidence_level=0.95, method="wilson")
    return Share(hits, total, float(interval.low), float(interval.high))
