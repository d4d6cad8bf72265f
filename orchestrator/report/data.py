"""A sweep as the report sees it: plain data, whoever collected it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_core import metric_names
from orchestrator.statistics.result import Result
from orchestrator.store.trial_status import TrialStatus

CURVES = {
    metric_names.LOSS_GENERATOR: "Generator loss",
    metric_names.LOSS_DISCRIMINATOR: "Discriminator loss",
    metric_names.ACCURACY_DISCRIMINATOR: "Discriminator accuracy (balanced)",
    metric_names.ACCURACY_AUC: "Area under the ROC curve",
    metric_names.DIVERSITY_RATIO: "Diversity of samples / of data",
}
QUALITY_CURVES = {metric_names.FRECHET: "Frechet distance", metric_names.COVERAGE: "Coverage"}
"""The metrics whose curves are drawn; those of an evaluator are drawn for each evaluator apart."""

Curve = tuple[np.ndarray, np.ndarray]
"""Steps [n] int64 and values [n] float64, in order of steps."""


@dataclass
class RunData:
    """One trial. `history`: metric -> its curve. `pictures`: (step, PNG) of sample grids, in order of steps.

    `confirms`: it runs one of the best configurations again, on a fresh seed.
    """

    key: str
    name: str
    group: str
    configuration: str
    seed: int
    factors: dict[str, Any]
    steps: int
    confirms: bool = False
    run_id: str = ""
    url: str = ""
    status: str = TrialStatus.PENDING
    verdict: str = ""
    reason: str = ""
    since: int | None = None
    latest: dict[str, float] = field(default_factory=dict)
    history: dict[str, Curve] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    evaluator: dict[str, Any] = field(default_factory=dict)
    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    began_ms: int = 0
    ended_ms: int = 0
    environment: dict[str, Any] = field(default_factory=dict)
    made_on: str = ""

    def quality(self, name: str) -> float | None:
        """A metric of the trial's own evaluator at its last evaluation: `frechet`, or `best_frechet` over all.

        None for a run that diverged or failed: its last numbers are of any size.
        """
        if self.outcome in ("diverged", TrialStatus.FAILED):
            return None
        return self.latest.get(metric_names.of_evaluator(name, str(self.evaluator.get("id"))))

    def result(self, comparable: bool = True) -> Result:
        """What the statistics take of a run that ended; without its quality where that cannot be compared."""
        stable = self.verdict == "stable"
        followed = max((int(steps[-1]) for steps, _ in self.history.values()), default=self.steps)
        final, best = (
            self.quality(name) if comparable else None
            for name in (metric_names.FRECHET, metric_names.best(metric_names.FRECHET))
        )
        event = None if stable else self.since if self.since is not None else followed
        return Result(self.group, self.configuration, self.seed, self.factors, stable, followed, event, final, best)

    @property
    def ended(self) -> bool:
        """Whether it counts: with a verdict, or failed."""
        return bool(self.verdict) or self.status == TrialStatus.FAILED

    @property
    def outcome(self) -> str:
        """The verdict, or where the work stands if there is none yet."""
        return self.verdict or self.status


@dataclass
class SweepData:
    """`commands`: the words that run it again. `real`: (caption, PNG) of real images."""

    name: str
    question: str
    tracking_uri: str
    run_id: str
    cautions: list[str]
    commands: list[list[str]]
    runs: list[RunData]
    real: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, Any]:
        """What the first trial ran with; empty if none has started."""
        return next((run.environment for run in self.runs if run.environment), {})

    @property
    def machine(self) -> str:
        """What the first trial trained on."""
        return str(self.environment.get("gpu") or self.environment.get("processor", ""))

    @property
    def selection(self) -> list[RunData]:
        """The runs that the sweep file asks for: what is compared."""
        return [run for run in self.runs if not run.confirms]

    @property
    def confirmation(self) -> list[RunData]:
        """The best of them again, on fresh seeds: what tells how good they are."""
        return [run for run in self.runs if run.confirms]

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(run.group for run in self.runs))

    @property
    def evaluators(self) -> dict[str, dict[str, Any]]:
        """id -> card of every evaluator that measured a run, in the order of the runs."""
        return {run.evaluator["id"]: run.evaluator for run in self.runs if run.evaluator}

    def configurations(self) -> dict[str, list[RunData]]:
        """configuration -> its runs that are compared, one a seed."""
        found: dict[str, list[RunData]] = {}
        for run in self.selection:
            found.setdefault(run.configuration, []).append(run)
        return found


def curve_titles(data: SweepData) -> dict[str, str]:
    """metric -> what its curves are called; quality by evaluator, whose id the title has where there are several."""
    titles = dict(CURVES)
    for name in QUALITY_CURVES:
        for evaluator in data.evaluators:
            several = f" ({evaluator})" if len(data.evaluators) > 1 else ""
            titles[metric_names.of_evaluator(name, evaluator)] = QUALITY_CURVES[name] + several
    return titles


def mixtures(runs: list[RunData]) -> list[str]:
    """A caution where runs of one comparison were made on several kinds of device or in several precisions."""
    counts = Counter(run.made_on for run in runs if run.made_on)
    if len(counts) < 2:
        return []
    shares = ", ".join(f"{count} on {kind}" for kind, count in counts.most_common())
    return [f"the runs were not made alike ({shares}): differences may be the machine's, not the setting's"]
