"""Configurations in a table, best first: what became of their runs, and their numbers at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gan_core import metric_names
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
QUALITY = (metric_names.PRECISION, metric_names.RECALL, metric_names.MODES, metric_names.CLASS_AGREEMENT)


@dataclass(frozen=True)
class Row:
    """One configuration as one evaluator measured it.

    `final`, `best` and their `gap`: Frechet distances, typical of the runs that ended; `numbers`: what is typical of
    all else. Typical is the interquartile mean. A run that diverged or failed counts in `stable` and has no numbers.
    None where nothing is known.
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
        """Best first: the larger share of stable runs, then the smaller Frechet distance at the end."""
        return (-self.stable.rate, self.final.mean if self.final else math.inf, -self.stable.total)


def stable_share(runs: list[RunData]) -> Share:
    """Stable runs among those that ended; a failed run ended without being stable."""
    ended = [run for run in runs if run.ended]
    return wilson_share(sum(run.verdict == "stable" for run in ended), len(ended))


def rows(runs: list[RunData]) -> list[Row]:
    """A row for each configuration and evaluator: numbers of two evaluators are never averaged."""
    members: dict[str, list[RunData]] = {}
    for run in runs:
        members.setdefault(run.configuration, []).append(run)
    found = []
    for configuration, alike in members.items():
        known = list(dict.fromkeys(run.evaluator["id"] for run in alike if run.evaluator)) or [""]
        for evaluator in known:
            own = [run for run in alike if run.evaluator.get("id", known[0]) == evaluator]
            found.append(_row(configuration, evaluator, own))
    return sorted(found, key=lambda row: row.order)


def _row(name: str, evaluator: str, runs: list[RunData]) -> Row:
    ended = summarize_configurations([run.result() for run in runs if run.ended])
    found = ended[0] if ended else Configuration(name, runs[0].group, wilson_share(0, 0), None, None, None)
    sound = [run for run in runs if run.outcome not in ("diverged", TrialStatus.FAILED)]
    numbers = {metric: _typical([run.latest.get(metric) for run in sound]) for metric in LAST}
    numbers |= {metric: _typical([run.quality(metric) for run in sound]) for metric in QUALITY}
    outcomes = [(run.seed, run.outcome) for run in runs]
    quality = found.final, found.best, found.gap
    return Row(name, found.group, evaluator, outcomes, found.stable, *quality, numbers)


def _typical(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return interquartile_mean(known).mean if known else None
