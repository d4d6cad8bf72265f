"""The workers of a sweep while nodes join and die: how many there are, and how many worker-seconds that makes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from orchestrator.formatting import count_of

SECONDS_BETWEEN_COUNTS = 10.0
"""Each count asks the cluster."""


@dataclass(frozen=True)
class ClusterSize:
    """`nodes`: the addresses of the living nodes, by Ray's id."""

    workers: int
    nodes: dict[str, str]


class WorkerCount:
    """`ask`: asks the cluster. `max_count`: the most workers so far. `seconds`: worker-seconds since the start."""

    def __init__(self, ask: Callable[[], ClusterSize]):
        self._ask = ask
        self._current, self._counted_at = ask(), time.monotonic()
        self.max_count, self.seconds = self._current.workers, 0.0

    @property
    def count(self) -> int:
        """Workers at the last update."""
        return self._current.workers

    def is_due(self) -> bool:
        """Whether it is time for an `update`."""
        return time.monotonic() >= self._counted_at + SECONDS_BETWEEN_COUNTS

    def update(self) -> str:
        """Count the workers; returns one line on the nodes that came and went, or ''."""
        before = self._current
        self._current = self._ask()
        self.add_elapsed(before.workers)
        self.max_count = max(self.max_count, self.count)
        nodes = self._current.nodes
        changes = [f"node {before.nodes[node]} is gone" for node in before.nodes.keys() - nodes.keys()]
        changes += [f"node {nodes[node]} has joined" for node in nodes.keys() - before.nodes.keys()]
        workers = count_of(self.count, "worker")
        return f"{', '.join(sorted(changes))}; {workers} now" if changes else ""

    def add_elapsed(self, workers: int | None = None) -> None:
        """Add the worker-seconds since the last call; `workers`: by default as many as there are now."""
        now = time.monotonic()
        self.seconds += (self.count if workers is None else workers) * (now - self._counted_at)
        self._counted_at = now
