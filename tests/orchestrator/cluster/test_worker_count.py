"""How many workers there are, while nodes join and die."""

from __future__ import annotations

import pytest

from orchestrator.cluster import worker_count
from orchestrator.cluster.worker_count import SECONDS_BETWEEN_COUNTS, ClusterSize, WorkerCount


def test_nodes_that_come_and_go_are_told_and_their_workers_time_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now, cluster = [100.0], [ClusterSize(3, {"a": "10.0.0.2", "b": "10.0.0.3"})]
    monkeypatch.setattr(worker_count.time, "monotonic", lambda: now[0])
    workers = WorkerCount(lambda: cluster[0])
    assert workers.count == 3 and not workers.is_due()
    now[0] += SECONDS_BETWEEN_COUNTS
    assert workers.is_due()
    assert workers.update() == "" and not workers.is_due()
    cluster[0] = ClusterSize(1, {"b": "10.0.0.3"})
    now[0] += 20
    assert workers.update() == "node 10.0.0.2 is gone; 1 worker now"
    cluster[0] = ClusterSize(4, {"b": "10.0.0.3", "c": "10.0.0.4"})
    now[0] += 20
    assert workers.update() == "node 10.0.0.4 has joined; 4 workers now"
    now[0] += 10
    workers.add_elapsed()
    assert workers.seconds == 3 * (SECONDS_BETWEEN_COUNTS + 20) + 1 * 20 + 4 * 10
    assert (workers.count, workers.max_count) == (4, 4)
