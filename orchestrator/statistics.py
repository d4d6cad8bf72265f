"""How sure a number can be: pure functions of counts and of paired differences."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
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


class Change(NamedTuple):
    """The mean of paired differences, with its 95% interval by Student's t (1908); infinite where one pair is all."""

    mean: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.mean:+.3g} ({self.low:+.3g} to {self.high:+.3g})"


def change(differences: Sequence[float]) -> Change:
    """How much something changed, from the differences of pairs that are alike in all else. ValueError if none."""
    from scipy.stats import t

    if not differences:
        raise ValueError("no pairs, so nothing is known of a change")
    mean, count = fmean(differences), len(differences)
    reach = t.ppf(0.975, count - 1) * stdev(differences) / count**0.5 if count > 1 else float("inf")
    return Change(mean, mean - reach, mean + reach, count)
