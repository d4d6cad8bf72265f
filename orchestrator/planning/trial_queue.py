"""Trials of which what has ended decides which are needed: what is given to workers, and what has come back."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace

from orchestrator.planning.outcome import member_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.statistics.group_comparison import Member
from orchestrator.store.trial_status import TrialStatus

SECONDS_BETWEEN_READS = 1.0
"""Of records that come from an object store."""


class TrialQueue(ABC):
    """Says which trial a free worker takes. Trials that had failed before are tried again.

    `on_change`: called when the plan so far has changed. `on_chosen`: called with a trial that the plan lacks.
    """

    limit = ""
    """`at most `, if perhaps not all trials of the plan are needed."""

    def __init__(self, plan: Plan, trials: Iterable[PlannedTrial]):
        self._plan = plan
        self.on_change: Callable[[], None] = lambda: None
        self.on_chosen: Callable[[PlannedTrial], None] = lambda planned: None
        self._planned: dict[str, PlannedTrial] = {}
        """By key."""
        self._ended: dict[str, Member] = {}
        self._given: set[str] = set()
        """Trials that were given away in this run of Tune, whether or not they have come back."""
        self.running: set[str] = set()
        self._late: set[str] = set()
        """Trials that have ended on a worker, and whose records are still to come."""
        self._next_read = 0.0
        for planned in trials:
            self._add(planned)

    def _add(self, planned: PlannedTrial) -> None:
        self._planned[planned.key] = planned
        if planned.record.status != TrialStatus.FAILED:
            self._take_result(planned)

    def _take_result(self, planned: PlannedTrial) -> None:
        if member := member_of(planned, planned.record):
            self._ended[planned.key] = member

    @abstractmethod
    def begin(self, workers: int) -> None:
        """So many workers begin to train."""

    @property
    @abstractmethod
    def is_over(self) -> bool:
        """Whether no trial is needed any more, also none of those that run."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to give away, and nothing will be until the records of what has ended are read."""
        return self.is_over or (not self.running and self.peek(0) is None)

    def peek(self, workers: int) -> PlannedTrial | None:
        """The trial that a free worker takes now, if there is one; `workers`: how many there are in all."""
        if self._late and time.monotonic() >= self._next_read:
            self._read_late()
        if self.is_over:
            return None
        for key in self._in_order(workers):
            if key not in self._given and key not in self._ended:
                return self._planned[key]
        return None

    @abstractmethod
    def _in_order(self, workers: int) -> Iterator[str]:
        """The keys of what is needed, what is needed first comes first."""

    def give(self, planned: PlannedTrial) -> None:
        self._given.add(planned.key)
        self.running.add(planned.key)

    def take_back(self, key: str, has_result: bool = True) -> None:
        """A worker is done with the trial. `has_result`: False if it shall run again in the next run of Tune."""
        self.running.discard(key)
        if has_result and key not in self._ended:
            self._late.add(key)
            self._read_late()

    def add_training(self, seconds: float) -> None:  # noqa: B027
        """A worker has trained. Who has a budget counts it."""

    def _read_late(self) -> None:
        for key in list(self._late):
            self._read(key)
        self._late -= self._ended.keys()
        self._next_read = time.monotonic() + SECONDS_BETWEEN_READS
        self._look()

    def begin_round(self, again: Collection[str] = ()) -> bool:
        """Begin a run of Tune, after one that has left no trial running; whether the last one gave anything away.

        `again`: keys of trials that run again, though their records say that they have failed.
        """
        gave = bool(self._given)
        self.running.clear()
        for key in self._given - self._ended.keys() - {*again}:
            self._read(key)
        self._given.clear()
        self._late.clear()
        self._look()
        return gave

    def _read(self, key: str) -> None:
        planned = replace(self._planned[key], record=self._plan.folder.trial(key).record())
        self._planned[key] = planned
        self._take_result(planned)

    @abstractmethod
    def _look(self) -> None:
        """Something may have ended."""

    @abstractmethod
    def plan_so_far(self) -> Plan:
        """The plan with the trials that are known to be needed, and with how far it is."""

    @abstractmethod
    def news(self, so_far: Plan) -> str:
        """A line for the user, about what has changed since the last one; "" if there is nothing to say."""

    def _confirming(self) -> list[PlannedTrial]:
        return [planned for planned in self._plan.trials if planned.trial.confirms]
