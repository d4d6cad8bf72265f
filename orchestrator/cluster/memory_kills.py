"""The kernel's kills of processes for memory: Ray does not tell them from other ends of a worker."""

from __future__ import annotations

from collections.abc import Callable

from gan_core.memory import kills_for_memory


class MemoryKills:
    """Those of processes in this one's control group since this object was made: a local Ray's are in the same one.

    `count`: gives how many there were so far.
    """

    def __init__(self, count: Callable[[], int] = kills_for_memory):
        self._count, self._explained = count, count()

    def take(self) -> bool:
        """Whether there was one that explains the end of a process; each explains one."""
        if self._count() <= self._explained:
            return False
        self._explained += 1
        return True
