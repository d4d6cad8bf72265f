"""Estimated time remaining of a running sweep, from the measured speed of its own trials."""

from __future__ import annotations

import math
from collections import Counter, deque

from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.trial_cost import mean_step_seconds


class Eta:
    """Estimated time remaining. A group that was not timed yet is estimated from the others by `mean_step_seconds`."""

    def __init__(self, plan: Plan, workers: int):
        self._trial_count = len(plan.to_train)
        self.set_workers(workers)
        self._cost: dict[str, float] = {}
        self._group: dict[str, str] = {}
        self._left: dict[str, int] = {}
        self._steps_left: Counter[tuple[str, float]] = Counter()
        """(group, cost of a step) -> steps, kept as a sum because it is needed whenever a trial ends."""
        for planned in plan.to_train:
            self._add(planned)
        self._expected = deque(planned.key for planned in plan.expected)
        self._spent: dict[str, tuple[float, float]] = {}
        """group -> (cost of the steps done, seconds that they took)."""
        self.trained = 0.0
        """Seconds of training so far, summed over all trials."""

    def set_workers(self, workers: int) -> None:
        """Set the worker count that the remaining time is divided by; at most one for each trial, at least 1."""
        self.workers = max(1, min(workers, self._trial_count))

    def _add(self, planned: PlannedTrial) -> None:
        key, left = planned.key, planned.remaining
        self._cost[key], self._group[key], self._left[key] = (
            mean_step_seconds(planned.config),
            planned.trial.group,
            left,
        )
        self._steps_left[self._group[key], self._cost[key]] += left

    def replace_expected(self, planned: PlannedTrial) -> None:
        """The trial was chosen: it takes the place of one that was expected."""
        self.close(self._expected.popleft())
        self._add(planned)

    def progress(self, key: str, left: int, seconds: float) -> None:
        """Trial `key` has `left` steps to go; the steps since the last call took `seconds` of training."""
        self.trained += seconds
        group = self._group[key]
        cost, spent = self._spent.get(group, (0.0, 0.0))
        self._spent[group] = (cost + self._set_left(key, left), spent + seconds)

    def close(self, key: str) -> None:
        """Trial `key` takes no more steps."""
        self._set_left(key, 0)

    def _set_left(self, key: str, left: int) -> float:
        """The cost of the steps done since the last call."""
        cost, steps = self._cost[key], self._left[key] - left
        self._left[key] = left
        self._steps_left[self._group[key], cost] -= steps
        return steps * cost

    def share_done(self) -> float:
        """The share of this command's training that is done, from 0 to 1; 0 before any trial was timed."""
        left = self.seconds_left() * self.workers
        return 0.0 if math.isinf(left) or not self.trained else self.trained / (self.trained + left)

    def seconds_left(self) -> float:
        """Seconds until the last trial ends; infinity before any trial was timed."""
        total_cost = sum(cost for cost, _ in self._spent.values())
        if not total_cost:
            return math.inf
        overall = sum(spent for _, spent in self._spent.values()) / total_cost
        seconds = 0.0
        for (group, step_cost), left in self._steps_left.items():
            cost, spent = self._spent.get(group, (0.0, 0.0))
            seconds += left * step_cost * (spent / cost if cost else overall)
        return seconds / self.workers
