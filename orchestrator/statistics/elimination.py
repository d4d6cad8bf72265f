"""Which configurations cannot be the best any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from statistics import fmean
from typing import NamedTuple

from orchestrator.statistics.intervals import Change, mean_change, share_change
from orchestrator.statistics.result import Result, log_distance, stability
from orchestrator.statistics.sequential import (
    BEST_CLAIMS,
    WORTH_WHILE,
    Design,
    SequentialTest,
    chance_to_settle,
)

Runs = Mapping[str, Sequence[Result]]
"""Configuration -> its runs, one of each seed, all with the same seeds in the same order."""


class Contest(NamedTuple):
    """left: the configurations that may still be the best, the leading one first. is_open: more seeds have a fair
    chance to leave only one of them.
    """

    left: tuple[str, ...]
    is_open: bool


def contest(runs: Runs, design: Design) -> Contest:
    """The configurations of `runs` that can still be the best after the look at these runs.

    The leading one has the highest share of stable runs, then the lowest Frechet distance. Another one is out if the
    leading one is shown to be stable more often, or to draw better while it is stable at least as often. Whoever is
    really the best is compared with each of the others at most once at a look, so BEST_CLAIMS is divided by
    `design.tests`: their number times the two outcomes.
    """
    if len(runs) < 2:
        return Contest(tuple(runs), False)
    leader = min(runs, key=lambda name: _order(runs[name]))
    left, is_open = [leader], True
    for name, own in runs.items():
        if name == leader:
            continue
        changes = [change for change in _advantages(runs[leader], own) if change]
        levels = [design.level(2 * BEST_CLAIMS, design.tests, change.pairs) for change in changes]  # half of it a side
        if any(change.mean > 0 and change.p <= level for change, level in zip(changes, levels, strict=True)):
            continue
        left.append(name)
        chances = (
            chance_to_settle(SequentialTest(0.0), change, design, design.tests, len(own))
            for change in changes
            if change.mean > 0
        )
        is_open &= max(chances, default=0.0) >= WORTH_WHILE
    return Contest(tuple(left), is_open and len(left) > 1)


def _order(runs: Sequence[Result]) -> tuple[float, float]:
    """The best first: as in the leaderboard, but for the mean of logarithms, which a comparison takes, too."""
    stable = [run.stable for run in runs if run.stable is not None]
    distances = [log(run.final) for run in runs if run.drew and run.final]
    return -fmean(stable) if stable else 0.0, fmean(distances) if distances else float("inf")


def _advantages(leader: Sequence[Result], other: Sequence[Result]) -> tuple[Change, Change | None] | tuple[()]:
    """By how much the leader is stable more often; and draws better, if it is stable at least as often."""
    pairs = list(zip(leader, other, strict=True))
    stable = [a - b for a, b in ((stability(x), stability(y)) for x, y in pairs) if a is not None and b is not None]
    if not stable:
        return ()
    distances = [
        b - a for a, b in ((log_distance(x), log_distance(y)) for x, y in pairs) if a is not None and b is not None
    ]
    more_often = share_change([[difference] for difference in stable])
    return more_often, mean_change(distances) if distances and more_often.mean >= 0 else None
