"""Estimates how long a plan will take, from the speed of earlier trials in the home folder on the same CPU model."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import NamedTuple

from pydantic import ValidationError

from gan_core.config.trial import TrialConfig
from orchestrator import environment
from orchestrator.planning.eta import relative_cost
from orchestrator.planning.plan import Plan, PlannedTrial
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder

SAME_CONFIGURATION = "the same configuration"


@dataclass(frozen=True)
class TimedTrial:
    """A trial that was timed. `seconds_per_step` includes evaluations and checkpoints."""

    config: TrialConfig
    seconds_per_step: float


@dataclass(frozen=True)
class RuntimeEstimate:
    """The estimated duration of the unfinished trials of a plan.

    seconds: until the last trial ends. training: seconds of training, summed over the trials. sources: what the
    estimate comes from -> number of trials estimated from it.
    """

    seconds: float
    training: float
    workers: int
    sources: dict[str, int]

    @property
    def rough(self) -> bool:
        """Whether the time of some trial was scaled from trials of other configurations."""
        return set(self.sources) != {SAME_CONFIGURATION}


def timed_trials(home: Path, device: str) -> list[TimedTrial]:
    """Every trial of the home folder that trained on this CPU model and `device` ("cpu", "cuda")."""
    timed, cpu_model = [], environment.cpu_model()
    for file in sorted(home.glob("sweeps/*/trials/*/record.json")):
        trial_folder = TrialFolder(file.parent)
        record = trial_folder.record()
        if is_comparable(record, cpu_model, device):
            try:
                config = TrialConfig.model_validate_json(trial_folder.config_file.read_text())
            except (OSError, ValidationError):  # written by another version
                continue
            timed.append(TimedTrial(config, record.seconds / record.step))
    return timed


def is_comparable(record: Record, cpu_model: str, device: str) -> bool:
    """Whether the trial was timed, and on this CPU model and device."""
    same_cpu = record.environment.get("processor") == cpu_model
    return record.step > 0 < record.seconds and same_cpu and str(record.applied.get("device", "")).startswith(device)


class StepTime(NamedTuple):
    """Estimated seconds per step, and the kind of trials that they come from."""

    seconds: float
    source: str


class StepTimes:
    """Estimates seconds per step from timed trials.

    If trials of the same configuration (with any seed and number of steps) were timed, only these count. Otherwise
    trials of the same networks are scaled by `relative_cost`, and if there are none, all trials are. The estimate is
    the median, because some slow hours of a busy machine would distort a mean.
    """

    def __init__(self, measured: list[TimedTrial]):
        self._cost_factors: dict[str, list[float]] = defaultdict(list)
        for timed in measured:
            for name in _names(timed.config):
                self._cost_factors[name].append(timed.seconds_per_step / relative_cost(timed.config))
        self._medians: dict[str, float] = {}

    def estimate(self, config: TrialConfig) -> StepTime | None:
        """None if no trial was timed."""
        sources = (SAME_CONFIGURATION, f"other {config.model.family} trials", "trials of other models")
        for name, source in zip(_names(config), sources, strict=True):
            if name in self._cost_factors:
                if name not in self._medians:
                    self._medians[name] = median(self._cost_factors[name])
                return StepTime(self._medians[name] * relative_cost(config), source)
        return None


def _names(config: TrialConfig) -> tuple[str, str, str]:
    """The names under which the times of similar trials are kept, the most similar first."""
    return _timed_as(config), f"{config.model.family} {config.model.networks}", ""


def _timed_as(config: TrialConfig) -> str:
    """The settings that can change the speed, as text."""
    paths = {"root", "path"}
    return config.model_dump_json(exclude={"seed": True, "steps": True, "checkpoint_every": True, "data": paths})


def estimate_runtime(plan: Plan, measured: list[TimedTrial], workers: int) -> RuntimeEstimate | None:
    """How long the unfinished trials will take; None if no trial was timed."""
    durations, sources, step_times = [], Counter[str](), StepTimes(measured)
    for planned in plan.unfinished:
        step_time = step_times.estimate(planned.config)
        if step_time is None:
            return None
        durations.append(step_time.seconds * planned.remaining)
        sources[step_time.source] += 1
    return RuntimeEstimate(makespan(durations, workers), sum(durations), workers, dict(sources))


def unfinished_longest_first(plan: Plan) -> list[PlannedTrial]:
    """The unfinished trials, the longest first: if a long trial starts last, all other workers wait for it.

    The durations come from the speeds of the sweep's own trials, or from `relative_cost` if none was timed.
    """
    timed = [p for p in plan.trials if p.record.step > 0 < p.record.seconds]
    step_times = StepTimes([TimedTrial(p.config, p.record.seconds / p.record.step) for p in timed])

    def seconds(planned: PlannedTrial) -> float:
        step_time = step_times.estimate(planned.config)
        return planned.remaining * (step_time.seconds if step_time else relative_cost(planned.config))

    return sorted(plan.unfinished, key=seconds, reverse=True)


def makespan(durations: list[float], workers: int) -> float:
    """Seconds until the last of `durations` ends, if each worker takes the next one as soon as it is free."""
    free = [0.0] * workers
    for duration in durations:
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)
