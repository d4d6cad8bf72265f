"""How long a plan will take, from how fast trials of this home folder ran on this kind of processor."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from dataclasses import dataclass
from pathlib import Path
from statistics import median

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
    """A trial that was timed: evaluations and checkpoints are in its seconds a step."""

    config: TrialConfig
    seconds_per_step: float


@dataclass(frozen=True)
class RuntimeEstimate:
    """`seconds`: until the last trial ends. `training`: the sum over the trials. `sources`: how many trials by what."""

    seconds: float
    training: float
    workers: int
    sources: dict[str, int]

    @property
    def rough(self) -> bool:
        """Whether some trial's time was scaled from that of others."""
        return set(self.sources) != {SAME_CONFIGURATION}


def timed_trials(home: Path, device: str) -> list[TimedTrial]:
    """Every trial of the home folder that took steps on this kind of processor and `device` ("cpu", "cuda")."""
    found, here = [], environment.cpu_model()
    for file in sorted(home.glob("sweeps/*/trials/*/record.json")):
        place = TrialFolder(file.parent)
        record = place.record()
        if is_comparable(record, here, device):
            try:
                config = TrialConfig.model_validate_json(place.config_file.read_text())
            except (OSError, ValidationError):  # another version of this program wrote it
                continue
            found.append(TimedTrial(config, record.seconds / record.step))
    return found


def is_comparable(record: Record, processor: str, device: str) -> bool:
    """Whether its speed says something about a trial on this processor and device."""
    same = record.environment.get("processor") == processor
    return record.step > 0 < record.seconds and same and str(record.applied.get("device", "")).startswith(device)


class StepTimes:
    """Seconds a step, from what was measured.

    The same configuration (whatever its seed and number of steps) counts alone. Else trials of the same kind of network
    are scaled by `relative_cost`, else all are. The median, because a busy hour spoils a mean.
    """

    def __init__(self, measured: list[TimedTrial]):
        self._units: dict[str, list[float]] = defaultdict(list)
        for one in measured:
            for name in _names(one.config):
                self._units[name].append(one.seconds_per_step / relative_cost(one.config))
        self._medians: dict[str, float] = {}

    def of(self, config: TrialConfig) -> tuple[float, str] | None:
        """Seconds a step and where they are from; None if nothing was measured."""
        sources = (SAME_CONFIGURATION, f"other {config.model.family} trials", "trials of other models")
        for name, source in zip(_names(config), sources, strict=True):
            if name in self._units:
                if name not in self._medians:
                    self._medians[name] = median(self._units[name])
                return self._medians[name] * relative_cost(config), source
        return None


def _names(config: TrialConfig) -> tuple[str, str, str]:
    """What a configuration is looked up by, the likest first."""
    return _timed_as(config), f"{config.model.family} {config.model.networks}", ""


def _timed_as(config: TrialConfig) -> str:
    """What a configuration's speed depends on at most."""
    where = {"root", "path"}
    return config.model_dump_json(exclude={"seed": True, "steps": True, "checkpoint_every": True, "data": where})


def estimate_runtime(plan: Plan, measured: list[TimedTrial], workers: int) -> RuntimeEstimate | None:
    """The time that what is left of the plan will take; None if nothing was measured."""
    durations, sources, paces = [], Counter[str](), StepTimes(measured)
    for planned in plan.unfinished:
        found = paces.of(planned.config)
        if found is None:
            return None
        durations.append(found[0] * planned.remaining)
        sources[found[1]] += 1
    return RuntimeEstimate(makespan(durations, workers), sum(durations), workers, dict(sources))


def unfinished_longest_first(plan: Plan) -> list[PlannedTrial]:
    """What is left of the plan, by the time it will take: a long trial that begins last keeps one worker busy alone.

    From the speeds of the sweep's own trials where some were measured, else by `relative_cost`.
    """
    own = [p for p in plan.trials if p.record.step > 0 < p.record.seconds]
    paces = StepTimes([TimedTrial(p.config, p.record.seconds / p.record.step) for p in own])

    def seconds(planned: PlannedTrial) -> float:
        found = paces.of(planned.config)
        return planned.remaining * (found[0] if found else relative_cost(planned.config))

    return sorted(plan.unfinished, key=seconds, reverse=True)


def makespan(durations: list[float], workers: int) -> float:
    """Seconds until all is done if each worker takes the next one as soon as it is free."""
    free = [0.0] * workers
    for duration in durations:
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)
