"""How long a plan will take, from how fast trials of this home folder ran on this kind of processor."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pydantic import ValidationError

from gan_core.config import TrialConfig
from orchestrator import environment
from orchestrator.clock import relative_cost
from orchestrator.plan import Plan
from orchestrator.store import Record, TrialFolder

SAME = "the same configuration"


@dataclass(frozen=True)
class Measured:
    """A trial that was timed: evaluations and checkpoints are in its seconds a step."""

    config: TrialConfig
    seconds_per_step: float


@dataclass(frozen=True)
class Forecast:
    """`seconds`: until the last trial ends. `training`: the sum over the trials. `sources`: how many trials by what."""

    seconds: float
    training: float
    workers: int
    sources: dict[str, int]

    @property
    def rough(self) -> bool:
        """Whether some trial's time was scaled from that of others."""
        return set(self.sources) != {SAME}


def measured_in(home: Path, device: str) -> list[Measured]:
    """Every trial of the home folder that took steps on this kind of processor and `device` ("cpu", "cuda")."""
    found, here = [], environment.processor()
    for file in sorted(home.glob("sweeps/*/trials/*/record.json")):
        place = TrialFolder(file.parent)
        record = place.record()
        if ran_like(record, here, device):
            try:
                config = TrialConfig.model_validate_json(place.config_file.read_text())
            except (OSError, ValidationError):  # another version of this program wrote it
                continue
            found.append(Measured(config, record.seconds / record.step))
    return found


def ran_like(record: Record, processor: str, device: str) -> bool:
    """Whether its speed says something about a trial on this processor and device."""
    same = record.environment.get("processor") == processor
    return record.step > 0 < record.seconds and same and str(record.applied.get("device", "")).startswith(device)


def pace(config: TrialConfig, measured: list[Measured]) -> tuple[float, str] | None:
    """Seconds a step and where they are from; None if nothing was measured.

    The same configuration (whatever its seed and number of steps) counts alone. Else trials of the same kind of network
    are scaled by `relative_cost`, else all are. The median, because a busy hour spoils a mean.
    """
    kind = (config.model.family, config.model.networks)
    ways: list[tuple[str, Callable[[TrialConfig], bool]]] = [
        (SAME, lambda other: _timed_as(other) == _timed_as(config)),
        (f"other {config.model.family} trials", lambda other: (other.model.family, other.model.networks) == kind),
        ("trials of other models", lambda other: True),
    ]
    cost = relative_cost(config)
    for source, fits in ways:
        if chosen := [m for m in measured if fits(m.config)]:
            return median(m.seconds_per_step * cost / relative_cost(m.config) for m in chosen), source
    return None


def _timed_as(config: TrialConfig) -> str:
    """What a configuration's speed depends on at most."""
    where = {"root", "path"}
    return config.model_dump_json(exclude={"seed": True, "steps": True, "checkpoint_every": True, "data": where})


def forecast(plan: Plan, measured: list[Measured], workers: int) -> Forecast | None:
    """The time that what is left of the plan will take; None if nothing was measured."""
    durations, sources = [], Counter[str]()
    for planned in plan.todo:
        found = pace(planned.config, measured)
        if found is None:
            return None
        durations.append(found[0] * planned.remaining)
        sources[found[1]] += 1
    return Forecast(makespan(durations, workers), sum(durations), workers, dict(sources))


def makespan(durations: list[float], workers: int) -> float:
    """Seconds until all is done if each worker takes the next one as soon as it is free."""
    free = [0.0] * workers
    for duration in durations:
        heapq.heappush(free, heapq.heappop(free) + duration)
    return max(free)
