"""What a search has found, from the data of its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log
from typing import Literal

from orchestrator.report.data import RunData, SweepData
from orchestrator.space import Space
from orchestrator.statistics.candidates import Candidate, named_first
from orchestrator.statistics.intervals import Change, Share, mean_change, wilson_share
from orchestrator.statistics.result import Result, log_distance

Standing = Literal["shown", "open", "refuted"]


@dataclass(frozen=True)
class SearchedRun:
    """A trial in the order in which it was chosen. number: from 1. repeats: its settings were tried before."""

    number: int
    run: RunData
    result: Result
    repeats: bool

    @property
    def distance(self) -> float | None:
        return self.result.final if self.result.final else None


@dataclass(frozen=True)
class Fresh:
    """What the fresh seeds say of a configuration. share: of stable runs. distance: the geometric mean of the Frechet
    distance of those that are stable, with its 95% interval; None if there is none.
    """

    share: Share
    distance: Change | None

    def standing(self, required: float) -> Standing:
        """Of the required share of stable runs, by the 95% interval."""
        if self.share.low >= required:
            return "shown"
        return "refuted" if self.share.high < required else "open"


@dataclass(frozen=True)
class SearchContent:
    """A search. required: the share of stable runs. runs: those that have ended. named: the settings, best first.
    fresh: by configuration, on seeds that took no part in the search.
    """

    space: Space
    required: float
    trials: int
    runs: list[SearchedRun]
    named: list[Candidate]
    fresh: dict[str, Fresh]

    @property
    def best(self) -> str | None:
        """The configuration that the search names."""
        return self.named[0].configuration if self.named else None

    @property
    def luckiest(self) -> SearchedRun | None:
        """The stable run with the smallest distance: what a search that trains each point once would name."""
        stable = [run for run in self.runs if run.result.stable and run.distance is not None]
        return min(stable, key=lambda run: run.distance or 0.0, default=None)

    @property
    def stopped(self) -> int:
        return sum(run.result.stopped for run in self.runs)


def distance_of(runs: Sequence[Result]) -> Change | None:
    """The geometric mean of the distances of stable runs; its interval is infinite for one run."""
    logs = [value for run in runs if run.stable and (value := log_distance(run)) is not None]
    return exponential(mean_change(logs)) if logs else None


def exponential(change: Change) -> Change:
    """A mean of logarithms as a geometric mean."""
    return change._replace(mean=exp(change.mean), low=exp(change.low), high=_exp(change.high))


def _exp(value: float) -> float:
    return exp(value) if value < log(1e300) else float("inf")


def estimate_of(candidate: Candidate) -> float:
    """The estimated distance of a stable run, from all runs of the search.

    It has no interval: the model takes its lengths and its noise for known, and the best of many was chosen by it. So
    two standard errors around it held the truth in 3 of 12 searches of 8 runs, and in 9 of 12 of 30.
    """
    return exp(candidate.mean)


def search_content(data: SweepData) -> SearchContent | None:
    """None if the sweep is no search. Distances of several evaluators are not compared: then there are none."""
    explored = data.explored
    if explored is None or explored.kind != "search":
        return None
    is_comparable = len(data.evaluators) < 2
    runs, seen = [], set[str]()
    for number, run in enumerate(data.selection, 1):
        if run.has_ended:
            runs.append(SearchedRun(number, run, run.to_result(is_comparable), run.configuration in seen))
        seen.add(run.configuration)
    points = [(each.run.factors, each.result) for each in runs]
    named = named_first(explored.dimensions, points, explored.stable)
    return SearchContent(
        explored.dimensions, explored.stable, explored.trials, runs, named, _fresh(data.confirmation, is_comparable)
    )


def _fresh(runs: Sequence[RunData], is_comparable: bool) -> dict[str, Fresh]:
    of_each: dict[str, list[Result]] = {}
    for run in runs:
        if run.has_ended:
            of_each.setdefault(run.configuration, []).append(run.to_result(is_comparable))
    return {
        name: Fresh(wilson_share(sum(bool(each.stable) for each in results), len(results)), distance_of(results))
        for name, results in of_each.items()
    }
