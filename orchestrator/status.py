"""Tables and JSON of what a sweep would run and where it stands."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.holding import is_held
from orchestrator.naming import COLOURS, SHOWN, shown_metrics
from orchestrator.store import Record, SweepFolder, sweeps
from orchestrator.tracking import runs_of

if TYPE_CHECKING:
    from orchestrator.plan import Plan  # which needs torch: `status` answers without


def trial_row(trial: dict[str, Any], record: Record, run_id: str | None, held: bool) -> dict[str, Any]:
    """One trial for programs. `held`: a command runs the sweep; without one, nothing is running."""
    status = "interrupted" if record.status == "running" and not held else record.status
    return {
        **{name: trial[name] for name in ("key", "name", "group", "configuration", "seed")},
        "status": status,
        "verdict": record.verdict["name"] if record.verdict else None,
        "step": record.step,
        "steps": trial["steps"],
        "run_id": run_id,
        "metrics": record.metrics,
        "attempts": len(record.attempts),
    }


def rows_of_plan(plan: Plan) -> list[dict[str, Any]]:
    runs, held = runs_of(plan.folder), is_held(plan.folder.lock_file)
    return [trial_row(p.describe(), p.record, runs.get(p.key), held) for p in plan.trials]


def rows_of_sweep(folder: SweepFolder) -> list[dict[str, Any]]:
    """Every trial of a sweep. Raises UserError if there is no such sweep."""
    runs, held = runs_of(folder), is_held(folder.lock_file)
    trials = folder.sweep()["trials"]
    return [trial_row(t, folder.trial(t["key"]).record(), runs.get(t["key"]), held) for t in trials]


def print_json(value: Any) -> None:
    print(json.dumps(value, indent=1))


def print_sweep(home: Path, name: str, console: Console, as_json: bool) -> None:
    folder = SweepFolder(home, name)
    rows = rows_of_sweep(folder)
    if as_json:
        print_json({"sweep": name, "running": is_held(folder.lock_file), "trials": rows})
        return
    table = _table("trial", "status", "verdict", "step", *SHOWN.values())
    for row in rows:
        verdict = row["verdict"] or ""
        table.add_row(
            row["name"],
            Text(row["status"], style=COLOURS.get(row["status"], "")),
            Text(verdict, style=COLOURS.get(verdict, "")),
            f"{row['step']}/{row['steps']}",
            *shown_metrics(row["metrics"]),
        )
    console.print(table)
    console.print(_counts(rows), highlight=False)
    if folder.report_file.exists():
        console.print(f"report  {folder.report_file}", highlight=False, soft_wrap=True, markup=False)


def print_sweeps(home: Path, console: Console, as_json: bool) -> None:
    found = [(folder, rows_of_sweep(folder)) for folder in sweeps(home)]
    if as_json:
        print_json([{"sweep": f.name, "running": is_held(f.lock_file), "trials": rows} for f, rows in found])
        return
    if not found:
        console.print(f"no sweep in {home} yet; start one with: orchestrate sweep FILE", highlight=False)
        return
    table = _table("sweep", "trials", "now")
    for folder, rows in found:
        table.add_row(folder.name, _counts(rows), "running" if is_held(folder.lock_file) else "")
    console.print(table)


def _counts(rows: list[dict[str, Any]]) -> str:
    counts = Counter(row["verdict"] or row["status"] for row in rows)
    return f"{len(rows)} trials: " + ", ".join(f"{n} {name}" for name, n in counts.items())


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number < 3 else "right", no_wrap=number > 0)
    return table
