"""Configurations in a table, best first: what became of their runs, and their numbers at the end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from orchestrator.report.data import RunData
from orchestrator.statistics import Middle, Share, middle, share

LAST = ("diversity/ratio", "accuracy/discriminator", "accuracy/auc", "loss/generator", "loss/discriminator")
QUALITY = ("precision", "recall", "modes", "class_agreement")


@dataclass(frozen=True)
class Row:
    """One configuration as one evaluator measured it.

    `final`, `best`: Frechet distances, typical of the runs; `numbers`: what is typical of all else at the end. Typical
    is the interquartile mean. A run that diverged or failed counts in `stable` and has no numbers. None where nothing
    is known.
    """

    configuration: str
    group: str
    evaluator: str
    outcomes: list[tuple[int, str]]
    stable: Share
    final: Middle | None
    best: Middle | None
    numbers: dict[str, float | None]

    @property
    def order(self) -> tuple[float, float, float]:
        """Best first: the larger share of stable runs, then the smaller Frechet distance at the end."""
        return (-self.stable.rate, self.final.mean if self.final else math.inf, -self.stable.total)


def stable_share(runs: list[RunData]) -> Share:
    """Stable runs among those that ended; a failed run ended without being stable."""
    ended = [run for run in runs if run.ended]
    return share(sum(run.verdict == "stable" for run in ended), len(ended))


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


def _row(configuration: str, evaluator: str, runs: list[RunData]) -> Row:
    sound = [run for run in runs if run.outcome not in ("diverged", "failed")]
    last = {name: _middle([run.latest.get(name) for run in sound]) for name in LAST}
    last |= {name: _middle([run.quality(name) for run in sound]) for name in QUALITY}
    final, best = (_middle([run.quality(name) for run in sound]) for name in ("frechet", "best_frechet"))
    outcomes = [(run.seed, run.outcome) for run in runs]
    numbers = {name: found and found.mean for name, found in last.items()}
    return Row(configuration, runs[0].group, evaluator, outcomes, stable_share(runs), final, best, numbers)


def _middle(values: list[float | None]) -> Middle | None:
    known = [value for value in values if value is not None]
    return middle(known) if known else None
