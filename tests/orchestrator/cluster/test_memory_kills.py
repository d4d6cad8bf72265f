"""A kill for memory explains the end of one process."""

from __future__ import annotations

from orchestrator.cluster.memory_kills import MemoryKills


def test_each_kill_since_the_start_explains_one_end() -> None:
    count = [3]
    kills = MemoryKills(lambda: count[0])
    assert not kills.take()
    count[0] = 5
    assert [kills.take() for _ in range(3)] == [True, True, False]
