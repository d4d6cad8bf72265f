"""How fast training goes, measured over the steps of a window."""

from __future__ import annotations

import time


class StepTimer:
    """Counts steps from `restart` on. Only time in which there are steps may pass between two restarts."""

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self._started, self._steps = time.perf_counter(), 0

    def count_step(self) -> None:
        self._steps += 1

    def steps_per_second(self) -> float:
        return self._steps / (time.perf_counter() - self._started)
