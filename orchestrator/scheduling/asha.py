"""`schedule: asha`: Tune's ASHA (Li et al. 2020) over the evaluations of a search's trials.

Tune's scheduler decides, and the trial ends itself: the decision is written into the trial's folder, where the worker
reads it before it trains on. So it survives a kill at any moment, and the trial ends with a verdict, its samples and
its generator like any other. At each rung a trial has its Frechet distance, unless its verdict so far says that it has
collapsed or diverged: then it has the worst.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import isfinite, nan
from typing import Any

from ray.tune.schedulers import AsyncHyperBandScheduler, TrialScheduler

from gan_core import metric_names
from gan_core.config.trial import TrialConfig
from gan_core.evaluation.evaluator import Evaluator
from gan_core.history import Row
from gan_core.verdict.judge import judge
from gan_core.verdict.names import VerdictName
from gan_core.verdict.reference_values import ReferenceValues, reference_values
from orchestrator.planning.plan import Plan
from orchestrator.planning.point_queue import PointQueue
from orchestrator.planning.trial_queue import TrialQueue
from orchestrator.store.json_files import DamagedFile
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.trial.trial_report import TrialReport

HALVING = 2
"""Of the trials that reach a rung, about one in so many trains on. Tune's default of 4 stops more, but a GAN's first
evaluations say little of its last one (docs/decisions/047-search.md)."""
FIRST_RUNG = 0.25
"""The part of a trial's steps before which none is stopped."""
WORST = 1e9
"""Stands for a distance that is not there, or means nothing."""
LOST = (VerdictName.COLLAPSED, VerdictName.DIVERGED)


@dataclass(frozen=True)
class _TrialOfTune:
    """All that Tune's scheduler wants to know of a trial. A trial that is resumed stays the same one."""

    trial_id: str


class AshaSchedule:
    """The rungs of a search. folder_of: key of a trial -> its folder. repeats: whether a trial is another run of
    settings that were tried before: these tell the best few apart, and train to their last step.
    """

    def __init__(
        self,
        config: TrialConfig,
        evaluator: str,
        folder_of: Callable[[str], TrialFolder],
        repeats: Callable[[str], bool] = lambda key: False,
    ):
        self._steps, self._distance = config.steps, metric_names.frechet(evaluator)
        self._folder_of, self._repeats = folder_of, repeats
        every = config.evaluation.every
        first = every * max(1, -(-int(config.steps * FIRST_RUNG) // every))  # the first evaluation from there on
        self._first = min(first, config.steps)
        self._tune = AsyncHyperBandScheduler(
            time_attr="step",
            metric="distance",
            mode="min",
            max_t=config.steps,
            grace_period=self._first,
            reduction_factor=HALVING,
        )
        self._known = set[str]()

    def takes(self, key: str) -> bool:
        """Whether the trial may be stopped."""
        return not self._repeats(key)

    def replay(
        self, key: str, rows: Sequence[Row], judged: Callable[[list[Row]], str | None], goes_on: bool = False
    ) -> None:
        """Take a trial that was trained before this command to its rungs. Raises OSError.

        rows: of its history. judged: the verdict that rows give. goes_on: it has not ended; if it is behind at its last
        evaluation, and a kill has kept that from being written down, it is written now.
        """
        step, why = 0, ""
        for row in rows:
            if row["step"] >= self._first and self._distance in row:
                step = int(row["step"])
                verdict = judged([each for each in rows if each["step"] <= step])
                why = self._behind(key, step, row[self._distance], verdict)
        if why and goes_on and self._folder_of(key).stop() is None:
            self._folder_of(key).write_stop(step, why)

    def on_report(self, report: TrialReport) -> None:
        """Take a report to its rung, and write down that the trial shall end if it is behind there. Raises OSError."""
        if not report.evaluated_step:
            return
        distance = report.latest.get(self._distance, nan)
        why = self._behind(report.key, report.evaluated_step, distance, report.verdict or report.verdict_so_far)
        if why and not report.is_done:
            self._folder_of(report.key).write_stop(report.evaluated_step, why)

    def _behind(self, key: str, step: int, distance: float, verdict: str | None) -> str:
        """Why the trial is behind at this step; "" if it trains on."""
        is_lost = verdict in LOST
        if not self._decide(key, step, WORST if is_lost or not isfinite(distance) else distance):
            return ""
        quality = f"its Frechet distance was {distance:.4g}" if isfinite(distance) else "it had no Frechet distance"
        return f"{f'it had {verdict}' if is_lost else quality}, not among the better half of the trials at this rung"

    def _decide(self, key: str, step: int, distance: float) -> bool:
        """Whether Tune stops the trial at this step; a step that it has passed before changes nothing."""
        trial: Any = _TrialOfTune(key)
        if key not in self._known:
            self._known.add(key)
            self._tune.on_trial_add(None, trial)
        result = {"step": step, "distance": distance}
        return step < self._steps and self._tune.on_trial_result(None, trial, result) == TrialScheduler.STOP


def schedule_of(plan: Plan, queue: TrialQueue | None, evaluators: Mapping[str, Evaluator]) -> AshaSchedule | None:
    """The schedule of a sweep that has one, with what its trials were trained before; None of another sweep."""
    if not plan.sweep.stops_trials or not isinstance(queue, PointQueue):
        return None
    typical = [*plan.trials, *plan.expected][0]
    schedule = AshaSchedule(typical.config, evaluators[typical.evaluation].id, plan.folder.trial, repeats=queue.repeats)
    for planned in queue.plan_so_far().trials:
        if not planned.trial.confirms and schedule.takes(planned.key):
            folder = plan.folder.trial(planned.key)
            record = folder.record()
            channels, card = plan.images[planned.fingerprint].channels, evaluators[planned.evaluation].card()
            judged = _judge_with(reference_values(planned.config, channels, card))
            with suppress(DamagedFile):  # its checkpoint has the rows: it comes to its rungs again
                schedule.replay(planned.key, folder.history(), judged, goes_on=not record.has_ended)
    return schedule


def _judge_with(reference: ReferenceValues) -> Callable[[list[Row]], str]:
    """The name of the verdict so far, as the worker has reported it: a trial that was stopped has another one since."""
    return lambda rows: judge(rows, reference).name
