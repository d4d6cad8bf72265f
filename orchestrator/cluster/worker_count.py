"""The workers of a sweep while nodes join and die: how many there are, and what time they had, all together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

SECONDS_BETWEEN_COUNTS = 10.0
"""Each count asks the cluster."""


@dataclass(frozen=True)
class Count:
    """`nodes`: the addresses of the living nodes, by Ray's id."""

    workers: int
    nodes: dict[str, str]


class WorkerCount:
    """`ask`: counts. `most`: the most workers that there were; `seconds`: of all of them, since the first count."""

    def __init__(self, ask: Callable[[], Count]):
        self._ask = ask
        self._now, self._at = ask(), time.monotonic()
        self.most, self.seconds = self._now.workers, 0.0

    @property
    def workers(self) -> int:
        """At the last count."""
        return self._now.workers

    def is_due(self) -> bool:
        return time.monotonic() >= self._at + SECONDS_BETWEEN_COUNTS

    def count(self) -> str:
        """Counts again; which nodes came and went, or nothing."""
        before, self._now = self._now, self._ask()
        self.add_elapsed(before.workers)
        self.most = max(self.most, self.workers)
        said = [f"node {before.nodes[gone]} is gone" for gone in before.nodes.keys() - self._now.nodes.keys()]
        said += [f"node {self._now.nodes[new]} has joined" for new in self._now.nodes.keys() - before.nodes.keys()]
        now = f"{self.workers} worker{'s' * (self.workers != 1)} now"
        return f"{', '.join(sorted(said))}; {now}" if said else ""

    def add_elapsed(self, workers: int | None = None) -> None:
        """For the time since it was paid last, by default for as many as there are."""
        now = time.monotonic()
        self.seconds += (self.workers if workers is None else workers) * (now - self._at)
        self._at = now
