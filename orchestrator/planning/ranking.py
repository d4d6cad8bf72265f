"""The configurations from best to worst, and which run stands for each: pure functions of how the trials ended.

The best configuration has the highest share of stable runs, then the lowest Frechet distance at the end, as the
report's leaderboard has it (the interquartile mean); runs that failed or diverged stay in the share's denominator. Its
run with the median Frechet distance stands for it, not its best one: the best of several seeds is luck. Of two in the
middle it is the worse.

Frechet distances of two evaluators cannot be compared, so only the configurations of one evaluator compete: the one
that measured the most runs.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from gan_core import metric_names
from orchestrator.statistics.intervals import Share, interquartile_mean, wilson_share
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder


@dataclass(frozen=True)
class EndedTrial:
    """A trial that ended. `frechet`: at its last evaluation; None without one, or if it diverged, which keeps no
    generator."""

    key: str
    configuration: str
    stable: bool
    evaluator: str
    frechet: float | None


@dataclass(frozen=True)
class RankedConfiguration:
    """The run that was chosen, and of what: `stable` and `typical_frechet` are its configuration's."""

    key: str
    configuration: str
    evaluator: str
    frechet: float
    stable: Share
    typical_frechet: float

    @property
    def reason(self) -> str:
        return (
            f"the run with the median final Frechet distance ({self.frechet:.4g}) of {self.configuration}, the "
            f"configuration with the highest share of stable runs ({self.stable}), then the lowest final Frechet "
            f"distance ({self.typical_frechet:.4g}, interquartile mean)"
        )


def ended_trial(trial: TrialDocument, record: Record) -> EndedTrial | None:
    """How a trial ended, from its record; None if it has not."""
    if not record.has_ended:
        return None
    evaluator = record.evaluator.get("id", "")
    verdict = record.verdict["name"] if record.verdict else ""
    frechet = record.metrics.get(metric_names.frechet(evaluator)) if verdict not in ("", "diverged") else None
    return EndedTrial(trial["key"], trial["configuration"], verdict == "stable", evaluator, frechet)


def ended_trials(folder: SweepFolder, trials: list[TrialDocument]) -> list[EndedTrial]:
    """How the trials of a sweep ended, from their records; those that confirm some of them do not compete."""
    found = [ended_trial(trial, folder.trial(trial["key"]).record()) for trial in trials if not trial["confirms"]]
    return [trial for trial in found if trial]


def rank_configurations(trials: list[EndedTrial]) -> list[RankedConfiguration]:
    """The configurations that have a generator that was measured, best first."""
    measured = Counter(trial.evaluator for trial in trials if trial.frechet is not None)
    if not measured:
        return []
    evaluator = measured.most_common(1)[0][0]
    configurations: dict[str, list[EndedTrial]] = {}
    for trial in trials:
        if trial.evaluator in (evaluator, ""):
            configurations.setdefault(trial.configuration, []).append(trial)
    found = [best for runs in configurations.values() if (best := _stands_for(runs, evaluator))]
    return sorted(found, key=lambda best: (-best.stable.rate, best.typical_frechet))


def _stands_for(runs: list[EndedTrial], evaluator: str) -> RankedConfiguration | None:
    measured = sorted((run.frechet, run.key) for run in runs if run.frechet is not None)
    if not measured:
        return None
    frechet, key = measured[len(measured) // 2]
    stable = wilson_share(sum(run.stable for run in runs), len(runs))
    return RankedConfiguration(
        key,
        runs[0].configuration,
        evaluator,
        frechet,
        stable,
        interquartile_mean([value for value, _ in measured]).mean,
    )
