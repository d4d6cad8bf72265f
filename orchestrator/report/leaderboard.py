"""The leaderboard: one row for each configuration, the best first, with its verdicts and its last metrics."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gan_core import metric_names
from gan_core.verdict.rules import UNFINISHED
from orchestrator.report.data import RunData
from orchestrator.statistics.configurations import Configuration, summarize_configurations
from orchestrator.statistics.intervals import InterquartileMean, Share, interquartile_mean, wilson_share
from orchestrator.store.trial_status import TrialStatus

LAST = (
    metric_names.DIVERSITY_RATIO,
    metric_names.ACCURACY_DISCRIMINATOR,
    metric_names.ACCURACY_AUC,
    metric_names.LOSS_GENERATOR,
    metric_names.LOSS_DISCRIMINATOR,
)
QUALITY = (
    metric_names.raw(metric_names.FRECHET),
    metric_names.FRECHET_INFINITY,
    metric_names.PRECISION,
    metric_names.RECALL,
    metric_names.MODES,
    metric_names.CLASS_AGREEMENT,
    metric_names.CLASS_RECALL,
    metric_names.AUTHENTICITY,
    metric_names.COPIED,
)

UNENDED = (TrialStatus.PENDING, TrialStatus.RUNNING, TrialStatus.INTERRUPTED)


@dataclass(frozen=True)
class Row:
    """One configuration as one evaluator measured it.

    `outcomes`: (seed, verdict or status) of each run. `final`, `best`, `gap`: interquartile means over the runs that
    ended of the Frechet distance at the end, at the best evaluation, and of the difference. `numbers`: metric ->
    interquartile mean of its last values. Runs that diverged or failed count in `stable` and in no other number.
    None if no run has a value.
    """

    configuration: str
    group: str
    evaluator: str
    outcomes: list[tuple[int, str]]
    stable: Share
    final: InterquartileMean | None
    best: InterquartileMean | None
    gap: InterquartileMean | None
    numbers: dict[str, float | None]

    @property
    def order(self) -> tuple[float, float, float]:
        """Best first: the larger share of stable runs, then the smaller Frechet distance at the end.

        Here unfinished runs count as not stable: one stable run beside many unfinished ones is no good record. It is
        the order of `planning.ranking`, too.
        """
        share = self.stable.hits / max(1, self.ended)
        return (-share, self.final.mean if self.final else math.inf, -self.stable.total)

    @property
    def ended(self) -> int:
        """The number of runs that ended, unfinished ones included."""
        return sum(outcome not in UNENDED for _, outcome in self.outcomes)


def stable_share(runs: list[RunData]) -> Share:
    """The share of stable runs among those that ended. A failed run is not stable; an unfinished one does not count."""
    ended = [run for run in runs if run.has_ended and run.verdict != UNFINISHED]
    return wilson_share(sum(run.verdict == "stable" for run in ended), len(ended))


def rows(runs: list[RunData]) -> list[Row]:
    """A row for each configuration and evaluator, since numbers of two evaluators must not be averaged."""
    by_configuration: dict[str, list[RunData]] = {}
    for run in runs:
        by_configuration.setdefault(run.configuration, []).append(run)
    unsorted = []
    for configuration, members in by_configuration.items():
        evaluators = list(dict.fromkeys(run.evaluator.id for run in members if run.evaluator)) or [""]
        for evaluator in evaluators:  # runs that nothing has measured stand with the first one
            measured = [run for run in members if (run.evaluator.id if run.evaluator else evaluators[0]) == evaluator]
            unsorted.append(_row(configuration, evaluator, measured))
    return sorted(unsorted, key=lambda row: row.order)


def _row(name: str, evaluator: str, runs: list[RunData]) -> Row:
    ended = summarize_configurations([run.to_result() for run in runs if run.has_ended])
    summary = ended[0] if ended else Configuration(name, runs[0].group, wilson_share(0, 0), None, None, None)
    usable = [run for run in runs if run.outcome not in ("diverged", TrialStatus.FAILED)]
    numbers = {metric: _mean([run.latest.get(metric) for run in usable]) for metric in LAST}
    numbers |= {metric: _mean([run.quality(metric) for run in usable]) for metric in QUALITY}
    outcomes = [(run.seed, run.outcome) for run in runs]
    quality = summary.final, summary.best, summary.gap
    return Row(name, summary.group, evaluator, outcomes, summary.stable, *quality, numbers)


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return interquartile_mean(known).mean if known else None
