"""Ranks the configurations of a sweep that have a stable run, and selects the run that represents each.

The best configuration has the highest share of stable runs, then the lowest interquartile mean of the Frechet distance
at the end, as in the report's leaderboard. Runs that failed or diverged count in the share's denominator. Of the stable
runs, the one with the median Frechet distance represents its configuration, not the best one, because the best of
several seeds is luck. With an even number of stable runs it is the worse of the two in the middle.

Frechet distances of two evaluators cannot be compared, so only the configurations of one evaluator are ranked: the one
that measured the most stable runs.

A sweep that trains until its question is answered leaves only some configurations that can be the best. Its generator
is of one of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace

from gan_core import metric_names
from orchestrator.planning.outcome import end_of
from orchestrator.statistics.intervals import Share, interquartile_mean, wilson_share
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import SweepDocument, TrialDocument
from orchestrator.store.sweep_folder import SweepFolder


@dataclass(frozen=True)
class EndedTrial:
    """A trial that ended.

    `frechet`: Frechet distance at its last evaluation. None if it has none, or if it diverged and so has no generator.
    """

    key: str
    configuration: str
    stable: bool
    evaluator: str
    frechet: float | None


@dataclass(frozen=True)
class RankedConfiguration:
    """A configuration and the stable run that represents it.

    `key`, `frechet`: of this run. `stable`, `typical_frechet`: share of stable runs and interquartile mean of the
    Frechet distance of the configuration. `left`: how many configurations the sweep's answer leaves; 0: it has none.
    `is_named`: whether it is what a search names, which it has confirmed.
    """

    key: str
    configuration: str
    evaluator: str
    frechet: float
    stable: Share
    typical_frechet: float
    left: int = 0
    is_named: bool = False

    @property
    def reason(self) -> str:
        """Why this run is the best of the sweep, if the configuration is ranked first."""
        run = f"the stable run with the median final Frechet distance ({self.frechet:.4g}) of {self.configuration}"
        if self.is_named:
            return (
                f"{run}, which the search names ({self.stable} stable, final Frechet distance "
                f"{self.typical_frechet:.4g}, interquartile mean)"
            )
        if self.left == 1:
            return (
                f"{run}, which the answer of the sweep shows to be the best configuration ({self.stable} stable, final "
                f"Frechet distance {self.typical_frechet:.4g}, interquartile mean)"
            )
        among = f", among the {self.left} that can be the best" if self.left else ""
        return (
            f"{run}, the configuration with the highest share of stable runs ({self.stable}), then the lowest final "
            f"Frechet distance ({self.typical_frechet:.4g}, interquartile mean){among}"
        )


def ended_trial(trial: TrialDocument, record: Record) -> EndedTrial | None:
    """How a trial ended, from its record; None if it has not ended."""
    if not record.has_ended:
        return None
    end = end_of(record)
    frechet = end.quality(metric_names.FRECHET)
    return EndedTrial(trial["key"], trial["configuration"], end.is_stable, end.evaluator, frechet)


def ended_trials(folder: SweepFolder, trials: list[TrialDocument]) -> list[EndedTrial]:
    """The trials of a sweep that ended, without those of `--confirm`, which are not part of the comparison."""
    ended = [ended_trial(trial, folder.trial(trial["key"]).record()) for trial in trials if not trial["confirms"]]
    return [trial for trial in ended if trial]


def rank_configurations(trials: list[EndedTrial]) -> list[RankedConfiguration]:
    """The configurations with a stable run whose generator was measured, best first.

    Why there is none, `no_ranking_reason` says.
    """
    measured = Counter(trial.evaluator for trial in trials if trial.stable and trial.frechet is not None)
    if not measured:
        return []
    evaluator = measured.most_common(1)[0][0]
    configurations: dict[str, list[EndedTrial]] = {}
    for trial in trials:
        if trial.evaluator in (evaluator, ""):
            configurations.setdefault(trial.configuration, []).append(trial)
    candidates = (_represented(runs, evaluator) for runs in configurations.values())
    ranked = [candidate for candidate in candidates if candidate]
    return sorted(ranked, key=lambda candidate: (-candidate.stable.rate, candidate.typical_frechet))


def rank_best(trials: list[EndedTrial], document: SweepDocument) -> list[RankedConfiguration]:
    """`rank_configurations` of those that can be the best by the sweep's answer; of all if it has none.

    A search ranks what it has named and confirmed: with one run each, the best of the others are the luckiest. Imported
    runs are not ranked: they have no generator here.
    """
    if "imported" in document:
        return []
    if named := _named(document):
        return [replace(ranked, is_named=True) for ranked in rank_configurations(_of(trials, named))]
    left = _can_be_best(document)
    if left is None:
        return rank_configurations(trials)
    return [replace(ranked, left=len(left)) for ranked in rank_configurations(_of(trials, left))]


def no_best_reason(trials: list[EndedTrial], document: SweepDocument) -> str:
    """Why `rank_best` returns no configuration."""
    if "imported" in document:
        return "its runs were imported, and their generators stayed where they were trained"
    left = _can_be_best(document)
    if left is None or not rank_configurations(trials):
        return no_ranking_reason(trials)
    return f"of {', '.join(left)}, which can be the best, {no_ranking_reason(_of(trials, left))}"


def _named(document: SweepDocument) -> set[str]:
    """The configurations that a search has confirmed; none of another sweep."""
    explored = document.get("explored")
    if explored is None or explored["kind"] != "search":
        return set()
    return {trial["configuration"] for trial in document["trials"] if trial["confirms"]}


def _can_be_best(document: SweepDocument) -> list[str] | None:
    """None: any, because the sweep has no answer of that kind."""
    return document["answer"]["best"] if "answer" in document else None


def _of(trials: list[EndedTrial], configurations: Collection[str]) -> list[EndedTrial]:
    return [trial for trial in trials if trial.configuration in configurations]


def no_ranking_reason(trials: list[EndedTrial]) -> str:
    """Why `rank_configurations` returns no configuration."""
    if any(trial.stable for trial in trials):
        return "no stable run kept a generator that was measured"
    return "no run is stable"


def _represented(runs: list[EndedTrial], evaluator: str) -> RankedConfiguration | None:
    """The configuration of these runs; None if no stable one was measured."""
    measured = [run.frechet for run in runs if run.frechet is not None]
    candidates = sorted((run.frechet, run.key) for run in runs if run.stable and run.frechet is not None)
    if not candidates:
        return None
    frechet, key = candidates[len(candidates) // 2]
    stable = wilson_share(sum(run.stable for run in runs), len(runs))
    return RankedConfiguration(
        key, runs[0].configuration, evaluator, frechet, stable, interquartile_mean(measured).mean
    )
