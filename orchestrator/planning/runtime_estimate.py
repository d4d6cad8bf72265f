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
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.planning.trial_cost import training_seconds
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder

SAME_CONFIGURATION = "the same configuration"
PILOT = "a pilot of its group"


@dataclass(frozen=True)
class TimedTrial:
    """A trial that was timed on this machine.

    `slowness`: how many times as long as on the reference machine of `trial_cost` it took. `pilot_of`: the group whose
    pilot it was; None if it was trained.
    """

    config: TrialConfig
    slowness: float
    pilot_of: str | None = None


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
        """Whether the time of some trial comes from other configurations or groups."""
        return not set(self.sources) <= {SAME_CONFIGURATION, PILOT}


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
            timed.append(_timed(config, record))
    return timed


def is_comparable(record: Record, cpu_model: str, device: str) -> bool:
    """Whether the trial was timed, and on this CPU model and device."""
    same_cpu = record.environment.get("processor") == cpu_model
    return record.step > 0 < record.seconds and same_cpu and str(record.applied.get("device", "")).startswith(device)


def _timed(config: TrialConfig, record: Record) -> TimedTrial:
    return TimedTrial(config, record.seconds / training_seconds(config, 0, record.step))


class Slowness(NamedTuple):
    """How many times as long as on the reference machine a trial takes, and the kind of trials that say so."""

    factor: float
    source: str


class Timings:
    """Estimates a trial's slowness from timed trials.

    A pilot of its group counts alone. Without one, trials of the same configuration (with any seed and number of steps)
    do; without these, trials of the same networks; else all. The estimate is the median, because some slow hours of a
    busy machine would distort a mean.
    """

    def __init__(self, measured: list[TimedTrial]):
        self._pilots = {timed.pilot_of: timed.slowness for timed in measured if timed.pilot_of is not None}
        self._factors: dict[str, list[float]] = defaultdict(list)
        for timed in measured:
            for name in _names(timed.config):
                self._factors[name].append(timed.slowness)
        self._medians: dict[str, float] = {}

    def estimate(self, config: TrialConfig, group: str) -> Slowness | None:
        """None if no trial was timed."""
        if group in self._pilots:
            return Slowness(self._pilots[group], PILOT)
        sources = (SAME_CONFIGURATION, f"other {config.model.family} trials", "trials of other models")
        for name, source in zip(_names(config), sources, strict=True):
            if name in self._factors:
                if name not in self._medians:
                    self._medians[name] = median(self._factors[name])
                return Slowness(self._medians[name], source)
        return None


def _names(config: TrialConfig) -> tuple[str, str, str]:
    """The names under which the times of similar trials are kept, the most similar first."""
    return _timed_as(config), f"{config.model.family} {config.model.networks}", ""


def _timed_as(config: TrialConfig) -> str:
    """The settings that can change the speed, as text."""
    paths = {"root", "path", "background", "skip_broken", "on_disk"}
    return config.model_dump_json(exclude={"seed": True, "steps": True, "checkpoint_every": True, "data": paths})


def estimate_runtime(plan: Plan, measured: list[TimedTrial], workers: int) -> RuntimeEstimate | None:
    """How long the unfinished trials will take; None if no trial was timed."""
    durations, sources, timings = [], Counter[str](), Timings(measured)
    for planned in plan.to_train:
        slowness = timings.estimate(planned.config, planned.trial.group)
        if slowness is None:
            return None
        durations.append(slowness.factor * _seconds_left(planned))
        sources[slowness.source] += 1
    return RuntimeEstimate(makespan(durations, workers), sum(durations), workers, dict(sources))


def _seconds_left(planned: PlannedTrial) -> float:
    """Seconds of the remaining steps on the reference machine."""
    steps = planned.config.steps
    return training_seconds(planned.config, steps - planned.remaining, steps)


def unfinished_longest_first(plan: Plan) -> list[PlannedTrial]:
    """The unfinished trials, the longest first: if a long trial starts last, all other workers wait for it.

    The durations come from the speeds of the sweep's own trials, or from their settings if none was timed.
    """
    timed = [p for p in plan.trials if p.record.step > 0 < p.record.seconds]
    timings = Timings([_timed(p.config, p.record) for p in timed])

    def seconds(planned: PlannedTrial) -> float:
        slowness = timings.estimate(planned.config, planned.trial.group)
        return _seconds_left(planned) * (slowness.factor if slowness else 1.0)

    return sorted(plan.unfinished, key=seconds, reverse=True)


def makespan(durations: list[float], workers: int) -> float:
    """Seconds until the last of `durations` ends, if each worker takes the next one as soon as it is free."""
    free = [0.0] * workers
    for duration in durations:
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)
