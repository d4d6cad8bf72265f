"""The data of a report: a sweep and its runs, as plain values."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from gan_core import metric_names
from gan_core.verdict.judge import RULES_VERSION
from gan_core.verdict.names import VerdictName
from orchestrator.formatting import count_of
from orchestrator.planning.added_seeds import added_sentence
from orchestrator.planning.earlier_looks import looked_seeds, looked_sentence
from orchestrator.report.artifact_schemas import LoggedAnswer, LoggedEvaluator, LoggedExplored, LoggedImport
from orchestrator.space import Space
from orchestrator.statistics.result import Result
from orchestrator.statistics.trial_end import TrialEnd
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking.run_content import LoggedEnvironment

CURVES = {
    metric_names.LOSS_GENERATOR: "Generator loss",
    metric_names.LOSS_DISCRIMINATOR: "Discriminator loss",
    metric_names.ACCURACY_DISCRIMINATOR: "Discriminator accuracy (balanced)",
    metric_names.ACCURACY_AUC: "Area under the ROC curve",
    metric_names.DIVERSITY_RATIO: "Diversity of samples / of data",
}
QUALITY_CURVES = {metric_names.FRECHET: "Frechet distance", metric_names.COVERAGE: "Coverage"}
"""Metric -> title of its curves. The curves of a quality metric are drawn for each evaluator apart."""

Curve = tuple[np.ndarray, np.ndarray]
"""Steps [n] int64 and values [n] float64, in order of steps."""


@dataclass
class RunData:
    """One trial. `factors`: path of each swept setting -> its value. `settings`: all settings, as MLflow has them.

    `confirms`: it runs one of the best configurations again, on a fresh seed. `url`: its page, if MLflow is a server.
    `since`: the step from which on the verdict holds. `rules`: the version of the rules that it was judged by.
    `lost_at`: the step from which on no more could be hoped for, if the sweep ends such trials early; `ended_early`:
    whether it was ended there. `stopped`: a schedule has stopped it before its last step. `latest`: metric -> its last
    value. `history`: metric -> its curve. `pictures`: (step, PNG) of sample grids, in order of steps. `environment`:
    environment.json, as it is; {} if the trial never started. `hardware`: kind of device and precision, such as `cuda
    in bfloat16`. `sampled`: the factors that were drawn.
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
    status: TrialStatus = TrialStatus.PENDING
    verdict: str = ""
    reason: str = ""
    since: int | None = None
    rules: int = RULES_VERSION
    lost_at: int | None = None
    ended_early: bool = False
    stopped: bool = False
    latest: dict[str, float] = field(default_factory=dict)
    history: dict[str, Curve] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    evaluator: LoggedEvaluator | None = None
    pictures: list[tuple[int, bytes]] = field(default_factory=list)
    began_ms: int = 0
    environment: LoggedEnvironment = field(default_factory=LoggedEnvironment)
    hardware: str = ""
    sampled: tuple[str, ...] = ()

    def quality(self, name: str) -> float | None:
        """A metric of the trial's own evaluator at the last evaluation, or at the best one for `best_frechet`.

        None if nothing measured the run, or if it diverged or failed, since its last numbers mean nothing.
        """
        if self.evaluator is None or self.outcome in (VerdictName.DIVERGED, TrialStatus.FAILED):
            return None
        return self.latest.get(metric_names.of_evaluator(name, self.evaluator.id))

    def to_result(self, is_comparable: bool = True) -> Result:
        """The run, which has ended, as the statistics take it; without its quality unless `is_comparable`."""
        evaluator = self.evaluator.id if self.evaluator and is_comparable else ""
        end = TrialEnd(self.verdict, self.since, self.last_step, self.latest, evaluator, self.ended_early, self.stopped)
        return end.result(self)

    @property
    def last_step(self) -> int:
        """The last step of its history."""
        steps_without_history = 0 if self.status == TrialStatus.FAILED else self.steps
        return max((int(steps[-1]) for steps, _ in self.history.values()), default=steps_without_history)

    @property
    def has_ended(self) -> bool:
        """Whether it has a verdict or has failed. Only such runs count."""
        return bool(self.verdict) or self.status == TrialStatus.FAILED

    @property
    def outcome(self) -> str:
        """The verdict, or the status if there is none yet."""
        return self.verdict or self.status


@dataclass
class SweepData:
    """`run_id`: of the parent run. `commands`: the words of each command that runs the sweep. `real`: (caption, PNG) of
    real images. `compared`: name of each sweep of a comparison -> all of its runs, also those that `runs` has once for
    several sweeps; {} if the report is of a single sweep. `answer`: of a sweep that trains until it has one.
    `stop_early`: whether it ends trials of which no more can be hoped for. `reported_seeds`: those of its first report,
    if one was written before the last command. `looked`: the seeds at the latest look of each design with which earlier
    commands have looked. `imports`: name of each sweep whose runs another tool has trained -> where they come from.
    `spaces`: group -> what its points were drawn from, of groups that draw. `explored`: of a sweep that chooses its
    trials one after another, a map or a search.
    """

    name: str
    question: str
    tracking_uri: str
    run_id: str
    cautions: list[str]
    commands: list[list[str]]
    runs: list[RunData]
    real: list[tuple[str, bytes]] = field(default_factory=list)
    compared: dict[str, list[RunData]] = field(default_factory=dict)
    answer: LoggedAnswer | None = None
    stop_early: bool = False
    reported_seeds: list[int] = field(default_factory=list)
    looked: list[int] = field(default_factory=list)
    imports: dict[str, LoggedImport] = field(default_factory=dict)
    spaces: dict[str, Space] = field(default_factory=dict)
    explored: LoggedExplored | None = None

    @property
    def to_choose(self) -> int:
        """How many trials a map or a search has still to choose."""
        return max(0, self.explored.trials - len(self.selection)) if self.explored else 0

    @property
    def environment(self) -> LoggedEnvironment:
        """The environment of the first trial that has started; {} if none has."""
        return next((run.environment for run in self.runs if run.environment), LoggedEnvironment())

    @property
    def machine(self) -> str:
        """The GPU, or else the processor, that the first trial trained on."""
        return str(self.environment.get("gpu") or self.environment.get("processor", ""))

    @property
    def selection(self) -> list[RunData]:
        """The runs that the sweep file asks for. These are compared."""
        return [run for run in self.runs if not run.confirms]

    @property
    def added_seeds(self) -> str:
        """That the intervals are exploratory, since seeds were looked at, or added by hand after a report; or "".

        They are not in a sweep that trains until its question is answered.
        """
        if self.answer:
            return ""
        seeds = {run.seed for run in self.selection}
        return looked_sentence(looked_seeds(self.looked, seeds)) or added_sentence(self.reported_seeds, seeds)

    @property
    def confirmation(self) -> list[RunData]:
        """The runs that repeat the best configurations on fresh seeds. They tell how good these really are."""
        return [run for run in self.runs if run.confirms]

    @property
    def groups(self) -> list[str]:
        return list(dict.fromkeys(run.group for run in self.runs))

    @property
    def evaluators(self) -> dict[str, LoggedEvaluator]:
        """Id -> card of every evaluator that measured a run, in the order of the runs."""
        return {run.evaluator.id: run.evaluator for run in self.runs if run.evaluator}

    def configurations(self) -> dict[str, list[RunData]]:
        """Configuration -> its runs that are compared, one for each seed."""
        runs: dict[str, list[RunData]] = {}
        for run in self.selection:
            runs.setdefault(run.configuration, []).append(run)
        return runs


def curve_titles(data: SweepData) -> dict[str, str]:
    """Metric -> title of its curves. If there are several evaluators, the titles of quality metrics name theirs."""
    titles = dict(CURVES)
    for name in QUALITY_CURVES:
        for evaluator in data.evaluators:
            suffix = f" ({evaluator})" if len(data.evaluators) > 1 else ""
            titles[metric_names.of_evaluator(name, evaluator)] = QUALITY_CURVES[name] + suffix
    return titles


def mixed_hardware_cautions(runs: list[RunData]) -> list[str]:
    """A caution if the runs of a comparison used several kinds of device or several precisions; [] if not."""
    counts = Counter(run.hardware for run in runs if run.hardware)
    if len(counts) < 2:
        return []
    shares = ", ".join(f"{count} on {kind}" for kind, count in counts.most_common())
    return [f"the runs used different devices or precisions ({shares}): these may explain the differences, too"]


def run_cautions(runs: list[RunData]) -> list[str]:
    """What to keep in mind when these runs are compared."""
    return [*mixed_hardware_cautions(runs), *older_rules_cautions(runs)]


def older_rules_cautions(runs: list[RunData]) -> list[str]:
    """A caution if some verdicts are of an earlier version, whose rules differ; [] if not."""
    older = sum(bool(run.verdict) and run.rules < RULES_VERSION for run in runs)
    if not older:
        return []
    verb = "is" if older == 1 else "are"
    return [
        f"{count_of(older, 'verdict')} {verb} judged by older rules: the same `orchestrate sweep` (or `import`) judges "
        "again what has the histories for it, another --home trains the others anew"
    ]
