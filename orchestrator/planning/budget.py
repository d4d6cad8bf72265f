"""How much of a sweep's budget is spent: a function of the records of its trials, and of the time since the start."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace

from orchestrator.planning.plan import Plan
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrainedBefore
from orchestrator.sweepfile.model import UntilAnswered


class Budget:
    """hours, worker_hours: None: no limit. `records`: what earlier commands have trained, see `own_records`."""

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


def begun_earlier(plan: Plan) -> dict[str, TrainedBefore]:
    """Key of each trial that earlier commands have begun for the answer -> what was trained of it before.

    Of documents that do not say it: all trials that they name.
    """
    answer = plan.earlier_answer()
    if answer is None:
        return {}
    if "begun" in answer:
        return answer["begun"]
    return {trial["key"]: (0.0, 0) for trial in plan.earlier_trials() if not trial["confirms"]}


def own_records(plan: Plan, begun: Mapping[str, TrainedBefore]) -> list[Record]:
    """The records of the trials that were begun for the answer, with nothing that was trained of them before.

    So finished trials of an earlier fixed sweep, and copies from other sweeps, cost nothing.
    """
    own = []
    for record in (planned.record for planned in plan.trials if planned.key in begun):
        seconds, attempts = begun[record.key]
        own.append(replace(record, seconds=max(0.0, record.seconds - seconds), attempts=record.attempts[attempts:]))
    return own


def clock_seconds(records: Iterable[Record]) -> float:
    """The time in which at least one of the trials was trained."""
    total, until = 0, 0
    for began, ended in sorted(times for record in records for times in _times(record)):
        total += max(0, ended - max(began, until))
        until = max(until, ended)
    return total / 1000


def _times(record: Record) -> list[tuple[int, int]]:
    """When each attempt at a trial began and ended, in milliseconds.

    An attempt whose end nobody has written down, because it was killed, counts with the training that it has saved:
    what the others leave of the training time of all, and not beyond the beginning of the next one.
    """
    known = sum(max(0, attempt.ended - attempt.began) for attempt in record.attempts if attempt.ended is not None)
    left = max(0, int(1000 * record.seconds) - known)
    times = []
    for number, attempt in enumerate(record.attempts):
        ended = attempt.ended
        if ended is None:
            following = record.attempts[number + 1 : number + 2]
            saved = min([left, *(max(0, after.began - attempt.began) for after in following)])
            left, ended = left - saved, attempt.began + saved
        times.append((attempt.began, ended))
    return times
