"""What each setting of a finished sweep changed, as tables in Markdown.

python experiments/effects.py SWEEP [--home runs]

Pairs of runs that differ in one setting only (same group, same seed, same other settings) give differences. They are
averaged within each seed, since pairs that share a seed share its luck; a row has the mean over seeds with its 95%
interval by Student's t. Runs that diverged have no quality at the end and stand in the verdicts only.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

from orchestrator.naming import format_level, short_names
from orchestrator.statistics import change, share
from orchestrator.store import Record, SweepFolder

METRICS = {
    "frechet": "Frechet distance",
    "modes": "classes covered",
    "coverage": "coverage",
    "class_agreement": "asked class drawn",
}


def main() -> None:
    parser = argparse.ArgumentParser(description="What each setting of a finished sweep changed.")
    parser.add_argument("sweep", help="name of the sweep")
    parser.add_argument("--home", type=Path, default=Path("runs"), help="home folder of the sweep (default: runs)")
    options = parser.parse_args()
    folder = SweepFolder(options.home, options.sweep)
    trials = [(trial, folder.trial(trial["key"]).record()) for trial in folder.sweep()["trials"]]
    runs = [_run(trial, record) for trial, record in trials if record.status == "finished"]
    if len(runs) < len(trials):
        sys.exit(f"{len(trials) - len(runs)} of {len(trials)} trials are not finished; run the sweep to its end first")
    evaluators = {record.evaluator["id"] for _, record in trials}
    if len(evaluators) > 1:
        sys.exit(f"measured with {len(evaluators)} evaluators, whose numbers cannot be compared: {sorted(evaluators)}")
    print("\n".join([*configurations(runs), "", *effects(runs)]))


def _run(trial: dict[str, Any], record: Record) -> dict[str, Any]:
    assert record.verdict
    verdict = record.verdict["name"]
    found = {name: record.metrics.get(f"{name}/{record.evaluator['id']}") for name in METRICS}
    return {**trial, "verdict": verdict, "metrics": dict.fromkeys(METRICS) if verdict == "diverged" else found}


def configurations(runs: list[dict[str, Any]]) -> list[str]:
    """Verdicts and means with their ranges over the seeds."""
    shown = _shown(runs)
    lines = [f"| configuration | stable | {' | '.join(shown.values())} |", "|---" * (len(shown) + 2) + "|"]
    for name in dict.fromkeys(run["configuration"] for run in runs):
        members = [run for run in runs if run["configuration"] == name]
        stable = share(sum(run["verdict"] == "stable" for run in members), len(members))
        cells = []
        for metric in shown:
            values = [run["metrics"][metric] for run in members if run["metrics"][metric] is not None]
            cells.append(f"{fmean(values):.3g} ({min(values):.3g} to {max(values):.3g})" if values else "–")
        lines.append(f"| {name} | {stable} | {' | '.join(cells)} |")
    return lines


def effects(runs: list[dict[str, Any]]) -> list[str]:
    """What each level changed against the first one of its setting."""
    shown = _shown(runs)
    lines = [f"| group | setting | pairs | {' | '.join(shown.values())} |", "|---" * (len(shown) + 3) + "|"]
    for group in dict.fromkeys(run["group"] for run in runs):
        members = [run for run in runs if run["group"] == group]
        names = short_names(list(dict.fromkeys(factor for run in members for factor in run["factors"])))
        for factor, name in names.items():
            first, *others = dict.fromkeys(format_level(run["factors"].get(factor)) for run in members)
            for level in others:
                pairs = _pairs(members, factor, first, level)
                if pairs:
                    cells = [_change(pairs, metric) for metric in shown]
                    lines.append(f"| {group} | {name}: {first} to {level} | {len(pairs)} | {' | '.join(cells)} |")
    return lines


def _pairs(runs: list[dict[str, Any]], factor: str, before: str, after: str) -> list[tuple[Any, Any]]:
    """(run at `before`, run at `after`) that are alike in all else."""

    def rest(run: dict[str, Any]) -> dict[str, Any]:
        return {**run["factors"], factor: None, "seed": run["seed"]}

    one, other = ([r for r in runs if format_level(r["factors"].get(factor)) == level] for level in (before, after))
    return [(a, b) for a in one for b in other if rest(a) == rest(b)]


def _change(pairs: list[tuple[Any, Any]], metric: str) -> str:
    """The mean change over seeds, with the number of pairs where some could not be measured."""
    by_seed: dict[int, list[float]] = {}
    for before, after in pairs:
        values = before["metrics"][metric], after["metrics"][metric]
        if None not in values:
            by_seed.setdefault(before["seed"], []).append(values[1] - values[0])
    if not by_seed:
        return "–"
    measured = sum(map(len, by_seed.values()))
    some = f", {measured} pairs" if measured < len(pairs) else ""
    return f"{change([fmean(differences) for differences in by_seed.values()])}{some}"


def _shown(runs: list[dict[str, Any]]) -> dict[str, str]:
    """The metrics that some run has."""
    return {name: title for name, title in METRICS.items() if any(run["metrics"][name] is not None for run in runs)}


if __name__ == "__main__":
    main()
