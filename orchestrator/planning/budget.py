"""How much of a sweep's budget is spent: a function of the records of its trials, and of the time since the start."""

from __future__ import annotations

import time
from collections.abc import Iterable

from orchestrator.store.record import Record
from orchestrator.sweepfile.model import UntilAnswered


class Budget:
    """hours, worker_hours: None: no limit. `records`: of the trials that were trained by earlier commands."""

    def __init__(self, until: UntilAnswered, records: Iterable[Record] = ()):
        records = list(records)
        self.hours, self.worker_hours = until.hours, until.worker_hours
        self._clock_before = clock_seconds(records)
        self._worker_seconds = sum(record.seconds for record in records)
        self._began: float | None = None

    def start(self) -> None:
        """Training begins."""
        self._began = time.monotonic()

    def add_training(self, seconds: float) -> None:
        """A worker has trained."""
        self._worker_seconds += seconds

    @property
    def seconds(self) -> float:
        """Of the clock, while trials were trained."""
        return self._clock_before + (time.monotonic() - self._began if self._began is not None else 0.0)

    @property
    def is_spent(self) -> bool:
        is_late = self.hours is not None and self.seconds >= 3600 * self.hours
        return is_late or (self.worker_hours is not None and self._worker_seconds >= 3600 * self.worker_hours)

    @property
    def share_spent(self) -> float | None:
        """The larger of the shares of its limits that are spent; None without a limit."""
        shares = [self.seconds / 3600 / self.hours] if self.hours is not None else []
        shares += [self._worker_seconds / 3600 / self.worker_hours] if self.worker_hours is not None else []
        return max(shares, default=None)

    def buys(self, trials: int) -> int | None:
        """How many more trials it buys, if they take what the `trials` took that have ended; None if that is not known.

        Those that run now have cost something already, so it is rather more.
        """
        limits = [(self.seconds, self.hours), (self._worker_seconds, self.worker_hours)]
        known = [(spent, 3600 * limit) for spent, limit in limits if limit is not None and spent and trials]
        return min((int(trials * max(0.0, limit - spent) / spent) for spent, limit in known), default=None)


def clock_seconds(records: Iterable[Record]) -> float:
    """The time in which at least one of the trials was trained.

    An attempt whose end nobody has written down, because it was killed, counts with the training that it has saved.
    """
    times = []
    for record in records:
        for attempt in record.attempts:
            ended = attempt.ended if attempt.ended is not None else attempt.began + int(1000 * record.seconds)
            times.append((attempt.began, ended))
    total, until = 0, 0
    for began, ended in sorted(times):
        total += max(0, ended - max(began, until))
        until = max(until, ended)
    return total / 1000
