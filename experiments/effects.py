"""What each setting of a finished sweep changed, as tables in Markdown.

python experiments/effects.py SWEEP [--home runs]

Runs are paired that differ in one setting only: same group, same seed, same other settings. A row has the means of
their differences over seeds with 95% intervals (orchestrator/statistics/effects.py). Runs that diverged have no quality
at the end: they lose where images are compared, and are left out of the other numbers.

Groups that sweep the same settings are compared, too: each with the first one, run by run of the same seed and levels,
whatever their verdicts; but a level at which a run of the two diverged is left out of all their seeds.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from math import log
from pathlib import Path
from statistics import fmean
from typing import Any

from gan_core import metric_names
from gan_core.verdict.names import DRAWING, VerdictName
from orchestrator.formatting import format_level, short_names
from orchestrator.report.template_filters import ratio
from orchestrator.statistics.effects import Effect, as_ratio, paired_effects
from orchestrator.statistics.group_comparison import GROUP
from orchestrator.statistics.intervals import Change, mean_change, wilson_share
from orchestrator.statistics.pairing import blocks, contrasts_by_seed, varied_factors
from orchestrator.statistics.result import ResponseVariable, Result
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_status import TrialStatus

METRICS = {
    metric_names.FRECHET: "Frechet distance",
    metric_names.MODES: "classes covered",
    metric_names.COVERAGE: "coverage",
    metric_names.CLASS_AGREEMENT: "asked class drawn",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What each setting of a finished sweep changed.")
    parser.add_argument("sweep", help="name of the sweep")
    parser.add_argument("--home", type=Path, default=Path("runs"), help="home folder of the sweep (default: runs)")
    options = parser.parse_args()
    folder = SweepFolder(options.home, options.sweep)
    trials = [(trial, folder.trial(trial["key"]).record()) for trial in folder.document()["trials"]]
    runs = [_run(trial, record) for trial, record in trials if record.status == TrialStatus.FINISHED]
    if len(runs) < len(trials):
        sys.exit(f"{len(trials) - len(runs)} of {len(trials)} trials are not finished; run the sweep to its end first")
    evaluators = {record.evaluator["id"] for _, record in trials}
    if len(evaluators) > 1:
        sys.exit(f"measured with {len(evaluators)} evaluators, whose numbers cannot be compared: {sorted(evaluators)}")
    print("\n".join([*configurations(runs), "", *effects(runs), "", *groups(runs)]))


def _run(trial: dict[str, Any], record: Record) -> dict[str, Any]:
    assert record.verdict
    verdict = record.verdict["name"]
    measured = {name: record.metrics.get(f"{name}/{record.evaluator['id']}") for name in METRICS}
    metrics = dict.fromkeys(METRICS) if verdict == VerdictName.DIVERGED else measured
    return {**trial, "verdict": verdict, "since": record.verdict["since"], "steps": record.step, "metrics": metrics}


def configurations(runs: list[dict[str, Any]]) -> list[str]:
    """A table of each configuration: its stable runs, and the mean and range of each metric over the seeds."""
    metrics = _measured_metrics(runs)
    lines = [f"| configuration | stable | {' | '.join(metrics.values())} |", "|---" * (len(metrics) + 2) + "|"]
    for name in dict.fromkeys(run["configuration"] for run in runs):
        members = [run for run in runs if run["configuration"] == name]
        decided = [run["verdict"] for run in members if run["verdict"] != VerdictName.UNFINISHED]
        stable = wilson_share(decided.count(VerdictName.STABLE), len(decided))
        cells = []
        for metric in metrics:
            values = [run["metrics"][metric] for run in members if run["metrics"][metric] is not None]
            cells.append(f"{fmean(values):.3g} ({min(values):.3g} to {max(values):.3g})" if values else "–")
        lines.append(f"| {name} | {stable} | {' | '.join(cells)} |")
    return lines


def effects(runs: list[dict[str, Any]]) -> list[str]:
    """A table of effects: what each level changed, compared with the first level of its setting."""
    others = {name: title for name, title in _measured_metrics(runs).items() if name != metric_names.FRECHET}
    titles = ["group", "setting", "pairs", "stable", "better images", "Frechet distance where both drew"]
    lines = [f"| {' | '.join([*titles, *others.values()])} |", "|---" * (len(titles) + len(others)) + "|"]
    names = short_names(list(dict.fromkeys(factor for run in runs for factor in run["factors"])))
    for effect in paired_effects([_result(run, metric_names.FRECHET) for run in runs]):
        factors = " and ".join(names[factor] for factor in (effect.factor, *effect.along))
        setting = f"{factors}: {format_level(effect.before)} to {format_level(effect.after)}"
        cells = [effect.group, setting, str(effect.pairs), str(effect.stable), _wins(effect.wins), _ratio(effect)]
        cells += [_change([_result(run, metric) for run in runs], effect) for metric in others]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def groups(runs: list[dict[str, Any]]) -> list[str]:
    """A table of each group against the first one: the means over seeds of what changes between runs of equal levels.

    Frechet distances are ratios: geometric means over the levels that both groups have.
    """
    metrics = _measured_metrics(runs)
    names = list(dict.fromkeys(run["group"] for run in runs))
    lines = [f"| against {''.join(names[:1])} | {' | '.join(metrics.values())} |", "|---" * (len(metrics) + 1) + "|"]
    for group in names[1:]:
        cells = [_change_between(runs, names[0], group, metric) for metric in metrics]
        lines.append(f"| {group} | {' | '.join(cells)} |")
    return lines if names[1:] else []


def _change_between(runs: list[dict[str, Any]], first: str, second: str, metric: str) -> str:
    """The mean change from one group to another over seeds, or ratio of distances; and the number of pairs."""
    is_ratio = metric == metric_names.FRECHET
    results = [_result(run, metric) for run in runs if run["group"] in (first, second)]
    lacking = {tuple(result.levels.items()) for result in results if result.final is None}
    members = [
        replace(result, group="", factors={**result.factors, GROUP: result.group})
        for result in results
        if tuple(result.levels.items()) not in lacking
    ]
    by_seed = _contrasts(members, GROUP, first, second, _log_of_final if is_ratio else _final)
    if not by_seed:
        return "–"
    change = mean_change([fmean(changes) for changes in by_seed])
    return f"{ratio(as_ratio(change)) if is_ratio else change}, {sum(map(len, by_seed))} pairs"


def _result(run: dict[str, Any], metric: str) -> Result:
    """The run as input of the statistics, with this metric as its quality."""
    return Result(
        run["group"],
        run["configuration"],
        run["seed"],
        run["factors"],
        stable=None if run["verdict"] == VerdictName.UNFINISHED else run["verdict"] == VerdictName.STABLE,
        steps=run["steps"],
        event=run["since"],
        final=run["metrics"][metric],
        best=None,
        drew=run["verdict"] in DRAWING,
    )


def _wins(wins: Change | None) -> str:
    return f"{wins.mean:.0%} ({wins.low:.0%} to {wins.high:.0%})" if wins else "–"


def _ratio(effect: Effect) -> str:
    """The ratio of distances, and the number of pairs that both drew if it is not all."""
    if effect.ratio is None:
        return "–"
    return ratio(effect.ratio) + (f", {effect.ratio_pairs} pairs" if effect.ratio_pairs < effect.pairs else "")


def _change(results: list[Result], effect: Effect) -> str:
    """The mean change of the results' quality over seeds."""
    members = [result for result in results if result.group == effect.group]
    by_seed = _contrasts(members, effect.factor, effect.before, effect.after, _final)
    return str(mean_change([fmean(differences) for differences in by_seed])) if by_seed else "–"


def _contrasts(
    members: list[Result], factor: str, before: Any, after: Any, outcome: ResponseVariable
) -> list[list[float]]:
    """For each seed, the changes of the outcome from one level of the factor to the other."""
    matched = blocks(members, [factor], varied_factors(members))
    return contrasts_by_seed(matched, {(format_level(before),): -1, (format_level(after),): 1}, outcome)


def _final(result: Result) -> float | None:
    return result.final


def _log_of_final(result: Result) -> float | None:
    return None if result.final is None else log(result.final)


def _measured_metrics(runs: list[dict[str, Any]]) -> dict[str, str]:
    """Name -> title of the metrics that at least one run has."""
    return {name: title for name, title in METRICS.items() if any(run["metrics"][name] is not None for run in runs)}


if __name__ == "__main__":
    main()
