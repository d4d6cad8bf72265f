"""Which trials a report shows one by one, where there are too many: configurations first, with their first seeds.

Numbers, tables and statistics are of all trials. A browser draws a thousand curves in a panel, but not ten thousand.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from orchestrator.report.data import RunData
from orchestrator.report.leaderboard import Row

MAX_SHOWN = 1000
"""Trials that have curves and details in a page: at most so many points that a browser is quick to draw."""
MAX_WITH_SAMPLES = 300
"""Trials that have sample grids in a page: as many as a map has, whose points open theirs. 10 to 40 kB each."""


def shown_trials(runs: Sequence[RunData], rows: Sequence[Row], most: int) -> list[int]:
    """The numbers of at most `most` of the runs, in their order.

    First the first run of each configuration, then the second of each, and so on. Where not all of a round fit, those
    of the best configurations: the first of `rows`.
    """
    if len(runs) <= most:
        return list(range(len(runs)))
    ranks: dict[str, int] = {}
    for row in rows:
        ranks.setdefault(row.configuration, len(ranks))
    seen = Counter[str]()
    order: list[tuple[int, int, int]] = []
    for number, run in enumerate(runs):
        order.append((seen[run.configuration], ranks.get(run.configuration, len(ranks)), number))
        seen[run.configuration] += 1
    return sorted(number for _, _, number in sorted(order)[:most])
