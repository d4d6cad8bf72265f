"""Writes table.csv, which `map.py` and `search.py` replay, from the trials of table.yaml.

    orchestrate sweep benchmarks/recorded/table.yaml --home HOME
    python benchmarks/recorded/make_table.py --home HOME [--to benchmarks/recorded/table.csv]

A row is a trial that has ended, in the order of the draw: its settings; its verdict; stable: 1, 0, or empty if it is
unfinished; frechet: the distance at its end, empty if it has none; drew: whether its images can be compared by their
distance; evaluations: step:distance of each, joined by `;`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from gan_core import metric_names
from gan_core.verdict.names import DRAWING, VerdictName
from orchestrator.planning.outcome import end_of
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the table of recorded trials.")
    parser.add_argument("--home", type=Path, required=True, help="the folder where table.yaml was trained")
    parser.add_argument("--to", type=Path, default=HERE / "table.csv", help="the file to write")
    options = parser.parse_args()
    rows = list(_rows(SweepFolder(options.home, "recorded")))
    with options.to.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} trials in {options.to}")


def _rows(sweep: SweepFolder) -> Iterator[dict[str, Any]]:
    for document in sweep.document()["trials"]:
        folder = sweep.trial(document["key"])
        record = folder.record()
        if not record.has_ended:
            continue
        end = end_of(record)
        evaluations = list(_evaluations(folder, metric_names.of_evaluator(metric_names.FRECHET, end.evaluator)))
        yield {
            **document["factors"],
            "verdict": end.verdict,
            "stable": "" if end.verdict == VerdictName.UNFINISHED else int(end.is_stable),
            "frechet": _short(end.quality(metric_names.FRECHET)),
            "drew": int(end.verdict in DRAWING),
            "evaluations": ";".join(f"{step}:{distance}" for step, distance in evaluations),
        }


def _evaluations(folder: TrialFolder, metric: str) -> Iterator[tuple[int, float]]:
    """(step, Frechet distance) of each evaluation of the trained generator."""
    for row in folder.history():
        if row["step"] > 0 and row.get(metric) is not None:
            yield int(row["step"]), _short(row[metric])


def _short(distance: float | None) -> Any:
    """With four significant digits."""
    return None if distance is None else float(f"{distance:.4g}")


if __name__ == "__main__":
    main()
