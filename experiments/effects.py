"""What each setting of a finished sweep changed, as tables in Markdown.

python experiments/effects.py SWEEP [--home runs]

Every pair of runs that differ in one setting only (same group, same seed, same other settings) gives a difference; a
row has their mean with its 95% interval by Student's t.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from statistics import fmean
from typing import Any

from orchestrator.naming import format_level, short_names
from orchestrator.statistics import change, share
from orchestrator.store import SweepFolder

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
    print("\n".join([*configurations(runs), "", *effects(runs)]))


def _run(trial: dict[str, Any], record: Any) -> dict[str, Any]:
    found = {name: record.metrics.get(f"{name}/{record.evaluator['id']}") for name in METRICS}
    assert record.verdict
    return {**trial, "verdict": record.verdict["name"], "metrics": found}


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
    """What each level changed against the first one of its setting, paired."""
    shown = _shown(runs)
    lines = [f"| group | setting | pairs | {' | '.join(shown.values())} |", "|---" * (len(shown) + 3) + "|"]
    for group in dict.fromkeys(run["group"] for run in runs):
        members = [run for run in runs if run["group"] == group]
        names = short_names(list(members[0]["factors"]))
        for factor, name in names.items():
            first, *others = dict.fromkeys(str(run["factors"][factor]) for run in members)
            for level in others:
                pairs = [
                    (a, b)
                    for a in members
                    for b in members
                    if (str(a["factors"][factor]), str(b["factors"][factor])) == (first, level) and _alike(a, b, factor)
                ]
                cells = [_change(pairs, metric) for metric in shown]
                before, after = (format_level(pairs[0][i]["factors"][factor]) for i in (0, 1))
                lines.append(f"| {group} | {name}: {before} to {after} | {len(pairs)} | {' | '.join(cells)} |")
    return lines


def _alike(one: dict[str, Any], other: dict[str, Any], factor: str) -> bool:
    rest = [{**run["factors"], factor: None, "seed": run["seed"]} for run in (one, other)]
    return rest[0] == rest[1]


def _change(pairs: list[tuple[dict[str, Any], dict[str, Any]]], metric: str) -> str:
    found = [(a["metrics"][metric], b["metrics"][metric]) for a, b in pairs]
    differences = [after - before for before, after in found if before is not None and after is not None]
    return str(change(differences)) if differences else "–"


def _shown(runs: list[dict[str, Any]]) -> dict[str, str]:
    """The metrics that some run has."""
    return {name: title for name, title in METRICS.items() if any(run["metrics"][name] is not None for run in runs)}


if __name__ == "__main__":
    main()
