"""Statistics of each configuration, over its runs, which differ only in the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.statistics.intervals import InterquartileMean, Share, interquartile_mean, wilson_share
from orchestrator.statistics.result import Result


@dataclass(frozen=True)
class Configuration:
    """Statistics of one configuration.

    stable: the share of stable runs among all that are not unfinished. final, best, gap: interquartile means of the
    quality at the end, of the best quality, and of their difference (final - best of each run); None if no run has a
    quality.
    """

    name: str
    group: str
    stable: Share
    final: InterquartileMean | None
    best: InterquartileMean | None
    gap: InterquartileMean | None


def summarize_configurations(results: Sequence[Result]) -> list[Configuration]:
    """The statistics of every configuration in `results`, in order of appearance."""
    runs_of: dict[str, list[Result]] = {}
    for result in results:
        runs_of.setdefault(result.configuration, []).append(result)
    return [_configuration(name, runs) for name, runs in runs_of.items()]


def _configuration(name: str, runs: Sequence[Result]) -> Configuration:
    finals = [run.final for run in runs if run.final is not None]
    bests = [run.best for run in runs if run.best is not None]
    gaps = [run.final - run.best for run in runs if run.final is not None and run.best is not None]
    decided = [run.stable for run in runs if run.stable is not None]
    return Configuration(
        name,
        runs[0].group,
        wilson_share(sum(decided), len(decided)),
        *(interquartile_mean(values) if values else None for values in (finals, bests, gaps)),
    )
