"""The sweep's answer in words and numbers: pure functions of what was collected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from orchestrator.naming import format_level, short_names
from orchestrator.report.collect import RunData, SweepData
from orchestrator.statistics import Share, share


@dataclass(frozen=True)
class Level:
    """What became of the runs of a group that have one level of a factor."""

    group: str
    factor: str
    level: str
    stable: Share


def stable_share(runs: list[RunData]) -> Share:
    """Stable runs among those that ended; a failed run ended without being stable."""
    ended = [run for run in runs if run.verdict or run.status == "failed"]
    return share(sum(run.verdict == "stable" for run in ended), len(ended))


def levels(data: SweepData) -> list[Level]:
    """The share of stable runs for every level of every factor, group by group."""
    found = []
    for group in data.groups:
        runs = [run for run in data.runs if run.group == group]
        factors = list(dict.fromkeys(path for run in runs for path in run.factors))
        names = short_names(factors)
        for factor in factors:
            values: dict[str, list[RunData]] = {}
            for run in runs:
                if factor in run.factors:
                    values.setdefault(format_level(run.factors[factor]), []).append(run)
            if len(values) > 1:
                for level, members in values.items():
                    found.append(Level(group, names[factor], level, stable_share(members)))
    return found


def answer(data: SweepData) -> list[str]:
    """Sentences that answer the sweep's question as far as its runs can."""
    total = stable_share(data.runs)
    if total.total == 0:
        return ["No run has ended yet."]
    waiting = len(data.runs) - total.total
    by_group = [f"{group} in {stable_share(members)}" for group, members in _by_group(data).items()]
    groups = f" ({', '.join(by_group)})" if len(by_group) > 1 else ""
    sentences = [f"{total} runs were stable{groups}."]
    if waiting:
        sentences.append(f"{waiting} more have not ended.")
    sentences += _what_mattered(levels(data))
    sentences.append(_how_sure(data))
    return sentences


def _by_group(data: SweepData) -> dict[str, list[RunData]]:
    return {group: [run for run in data.runs if run.group == group] for group in data.groups}


def _what_mattered(found: list[Level]) -> list[str]:
    """The factor whose levels differ most in each group, and whether that is more than chance."""
    sentences = []
    for group in dict.fromkeys(level.group for level in found):
        factors: dict[str, list[Level]] = {}
        for level in found:
            if level.group == group and level.stable.total:
                factors.setdefault(level.factor, []).append(level)
        ranked = [sorted(m, key=lambda level: level.stable.rate) for m in factors.values() if len(m) > 1]
        if ranked:
            worst, *_, best = max(ranked, key=lambda members: members[-1].stable.rate - members[0].stable.rate)
            sentences.append(_difference(group, worst, best))
    return sentences


def _difference(group: str, worst: Level, best: Level) -> str:
    """What the two levels of a factor that are furthest apart say."""
    if best.stable.rate == worst.stable.rate:
        return f"In {group} no setting changed the share of stable runs."
    counts = (
        f"stable in {best.stable} runs at {best.factor}={best.level}, in {worst.stable} at {worst.factor}={worst.level}"
    )
    if worst.stable.high < best.stable.low:
        return f"In {group}, {best.factor} decided: {counts}."
    return f"In {group} no setting made a clear difference; the largest is {best.factor}'s: {counts}."


def _how_sure(data: SweepData) -> str:
    seeds = len({run.seed for run in data.runs})
    if seeds == 1:
        return "One seed a configuration: nothing here says how much is luck."
    return f"{seeds} seeds a configuration: a single configuration's share is only roughly known."


QUALITY = ("frechet", "best_frechet", "precision", "recall", "modes", "class_agreement")


def table_row(runs: list[RunData]) -> dict[str, Any]:
    """Runs of one configuration that one evaluator measured: outcomes, share of stable runs, means of the last values.

    Diverged runs are counted but not averaged: their losses are of any size.
    """

    def mean(metric: str) -> float | None:
        values = [run.latest[metric] for run in runs if metric in run.latest and run.outcome != "diverged"]
        return sum(values) / len(values) if values else None

    def quality(name: str) -> float | None:
        found = [run.quality(name) for run in runs if run.outcome != "diverged"]
        values = [value for value in found if value is not None]
        return sum(values) / len(values) if values else None

    return {
        "configuration": runs[0].configuration,
        "group": runs[0].group,
        "outcomes": [(run.seed, run.outcome) for run in runs],
        "stable": stable_share(runs),
        "generator": mean("loss/generator"),
        "discriminator": mean("loss/discriminator"),
        "accuracy": mean("accuracy/discriminator"),
        "auc": mean("accuracy/auc"),
        "diversity": mean("diversity/ratio"),
        **{name: quality(name) for name in QUALITY},
    }
