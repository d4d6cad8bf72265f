"""How long a sweep will still take, from the measured speed of its own trials."""

from __future__ import annotations

import math
from collections import Counter

from gan_core.config.trial import TrialConfig
from orchestrator.planning.plan import Plan


def relative_cost(config: TrialConfig) -> float:
    """A rough cost of one step, to compare trials before any of them was timed; the unit cancels out."""
    width = config.model.width or 32
    networks = (width / 32) ** 2 * (config.data.image_size / 32) ** 2 * (10 if config.model.family == "acgan" else 1)
    critic = 2.0 + 2.0 * bool(config.loss.gradient_penalty)
    return networks * config.batch_size * (config.loss.n_critic * critic + 1.5)


class Eta:
    """Time left. A group that was not timed yet is estimated from the others by `relative_cost`."""

    def __init__(self, plan: Plan, workers: int):
        self._most = len(plan.unfinished)
        self.set_workers(workers)
        self._unit = {p.key: relative_cost(p.config) for p in plan.unfinished}
        self._group = {p.key: p.trial.group for p in plan.unfinished}
        self._left = {p.key: p.remaining for p in plan.unfinished}
        self._steps_left: Counter[tuple[str, float]] = Counter()
        """Of a group's trials of the same cost: asked for whenever one ends, so not summed over all of them again."""
        for key, left in self._left.items():
            self._steps_left[self._group[key], self._unit[key]] += left
        self._spent: dict[str, tuple[float, float]] = {}
        self.trained = 0.0
        """Seconds of training so far, of all trials."""

    def set_workers(self, workers: int) -> None:
        """So many work from now on."""
        self.workers = max(1, min(workers, self._most))

    def progress(self, key: str, left: int, seconds: float) -> None:
        """Trial `key` has `left` steps to go; its last steps took `seconds` of training."""
        self.trained += seconds
        group = self._group[key]
        units, spent = self._spent.get(group, (0.0, 0.0))
        self._spent[group] = (units + self._set_left(key, left), spent + seconds)

    def close(self, key: str) -> None:
        """Trial `key` takes no more steps."""
        self._set_left(key, 0)

    def _set_left(self, key: str, left: int) -> float:
        """The units done since this was called last."""
        unit, steps = self._unit[key], self._left[key] - left
        self._left[key] = left
        self._steps_left[self._group[key], unit] -= steps
        return steps * unit

    def seconds_left(self) -> float:
        """Infinity until something was measured."""
        total_units = sum(units for units, _ in self._spent.values())
        if not total_units:
            return math.inf
        overall = sum(spent for _, spent in self._spent.values()) / total_units
        seconds = 0.0
        for (group, unit), left in self._steps_left.items():
            units, spent = self._spent.get(group, (0.0, 0.0))
            seconds += left * unit * (spent / units if units else overall)
        return seconds / self.workers
