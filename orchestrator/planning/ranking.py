"""Ranks the configurations of a sweep that have a stable run, and selects the run that represents each.

The best configuration has the highest share of stable runs, then the lowest interquartile mean of the Frechet distance
at the end, as in the report's leaderboard. Runs that failed or diverged count in the share's denominator. Of the stable
runs, the one with the median Frechet distance represents its configuration, not the best one, because the best of
several seeds is luck. With an even number of stable runs it is the worse of the two in the middle.

Frechet distances of two evaluators cannot be compared, so only the configurations of one evaluator are ranked: the one
that measured the most stable runs.

A sweep that trains until its question is answered leaves only some configurations that can be the best. Its generator
is of one of these.

The generator of a search is of the settings that it names by a model of all its runs, as its report does, whatever the
share and the distance of their own few runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gan_core import metric_names
from orchestrator.planning.outcome import end_of
from orchestrator.space import Space, dimension_of_document
from orchestrator.statistics.candidates import named_first
from orchestrator.statistics.intervals import Share, interquartile_mean, wilson_share
from orchestrator.statistics.result import Result
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import ExploredDocument, SweepDocument, TrialDocument
from orchestrator.store.sweep_folder import SweepFolder


@dataclass(frozen=True)
class EndedTrial:
    """A trial that ended.

    `frechet`: Frechet distance at its last evaluation. None if it has none, or if it diverged and so has no generator.
    `result`: as a search takes it, to name its best settings.
    """

    key: str
    configuration: str
    stable: bool
    evaluator: str
    frechet: float | None
    result: Result | None = field(default=None, compare=False)


@dataclass(frozen=True)
class _Compared:
    """What `TrialEnd.result` takes of a trial in sweep.json."""

    group: str
    configuration: str
    seed: int
    factors: Mapping[str, Any]
    sampled: tuple[str, ...] = ()


@dataclass(frozen=True)
class RankedConfiguration:
    """A configuration and the stable run that represents it.

    `key`, `frechet`: of this run. `stable`, `typical_frechet`: share of stable runs and interquartile mean of the
    Frechet distance of the configuration. `left`: how many configurations the sweep's answer leaves; 0: it has none.
    `is_named`: whether it is what a search names.
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
    compared = _Compared(trial["group"], trial["configuration"], trial["seed"], trial["factors"])
    return EndedTrial(trial["key"], trial["configuration"], end.is_stable, end.evaluator, frechet, end.result(compared))


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

    A search has the settings first that it names: by their own runs, one each, the first would be the luckiest.
    Imported runs are not ranked: they have no generator here.
    """
    if "imported" in document:
        return []
    explored = document.get("explored")
    if explored is not None and explored["kind"] == "search":
        return _as_named(trials, explored)
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


def _as_named(trials: list[EndedTrial], search: ExploredDocument) -> list[RankedConfiguration]:
    """The configurations of a search, in the order of its report; the first is the one that it names."""
    space = Space(tuple(dimension_of_document(path, written) for path, written in search["space"].items()))
    points = [(trial.result.factors, trial.result) for trial in trials if trial.result]
    named = [each.configuration for each in named_first(space, points, search["stable"])]
    ranked = {each.configuration: each for each in rank_configurations(trials)}
    return [replace(ranked[name], is_named=name == named[0]) for name in named if name in ranked]


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
