"""How a trial ended, from its record or from MLflow -> the result that the statistics take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from gan_core import metric_names
from gan_core.verdict.names import DRAWING, VerdictName
from orchestrator.statistics.result import Result


class ComparedTrial(Protocol):
    """What a trial of a plan and a trial in MLflow both have."""

    @property
    def group(self) -> str: ...
    @property
    def configuration(self) -> str: ...
    @property
    def seed(self) -> int: ...
    @property
    def factors(self) -> Mapping[str, Any]: ...
    @property
    def sampled(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class TrialEnd:
    """The end of a trial that has a verdict or has failed.

    verdict: "" if the trial failed. since: the step of the verdict's event, if it has one. last_step: the last one that
    it trained. metrics: the last value of each metric. evaluator: the id of what its quality was measured with; "" if
    nothing measured it, or if others were measured with something else, so that its quality is not compared.
    ended_early: longer training might have shown that it had no event. stopped: by a schedule, before its last step.
    """

    verdict: str
    since: int | None
    last_step: int
    metrics: Mapping[str, float]
    evaluator: str
    ended_early: bool = False
    stopped: bool = False

    @property
    def is_stable(self) -> bool:
        return self.verdict == VerdictName.STABLE

    @property
    def event(self) -> int | None:
        """The step of the event of its training. A failure, such as for lack of memory, is none."""
        if self.ended_early or self.verdict in ("", VerdictName.STABLE, VerdictName.UNFINISHED):
            return None
        return self.last_step if self.since is None else self.since

    def quality(self, metric: str) -> float | None:
        """None if nothing measured it, or if it diverged or failed, since its last numbers mean nothing."""
        if self.verdict in ("", VerdictName.DIVERGED) or not self.evaluator:
            return None
        return self.metrics.get(metric_names.of_evaluator(metric, self.evaluator))

    def result(self, trial: ComparedTrial) -> Result:
        """As the statistics take it. A trial that failed is not stable."""
        return Result(
            trial.group,
            trial.configuration,
            trial.seed,
            trial.factors,
            stable=None if self.verdict == VerdictName.UNFINISHED else self.is_stable,
            steps=self.last_step,
            event=self.event,
            final=self.quality(metric_names.FRECHET),
            best=self.quality(metric_names.best(metric_names.FRECHET)),
            drew=self.verdict in DRAWING,
            sampled=trial.sampled,
            stopped=self.stopped,
        )
