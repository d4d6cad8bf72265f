"""Tables and JSON of what a sweep would run and where it stands."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from orchestrator.cluster import nodes
from orchestrator.command_hints import command, resume_command
from orchestrator.console.output import print_json, say
from orchestrator.console.style import COLOURS, SHOWN, shown_metrics
from orchestrator.errors import UserError
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder, sweeps
from orchestrator.store.sweep_lock import is_held
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.tracking.client import runs_of

if TYPE_CHECKING:
    from orchestrator.planning.plan import Plan  # which needs torch: `status` answers without


WRITTEN_AGAIN = "the same `orchestrate sweep` writes it again"


def trial_row(
    trial: TrialDocument, record: Record, run_id: str | None, held: bool, place: TrialFolder | None = None
) -> dict[str, Any]:
    """One trial for programs. `held`: a command runs the sweep; without one, nothing is running.

    `place`: its folder, where the history shall be compared with the record.
    """
    status = record.current_status(held)
    return {
        **{name: trial[name] for name in ("key", "name", "group", "configuration", "seed")},
        "status": status,
        "verdict": record.verdict["name"] if record.verdict else None,
        "step": record.step,
        "steps": trial["steps"],
        "run_id": run_id,
        "metrics": record.metrics,
        "attempts": len(record.attempts),
        "node": record.attempts[-1].node or "" if status == TrialStatus.RUNNING else "",
        "note": _note(record, place if status != TrialStatus.RUNNING else None),
    }


def _note(record: Record, place: TrialFolder | None) -> str:
    if record.status == TrialStatus.DAMAGED:
        return record.error or ""
    if place and not place.history_is_whole(record):
        return f"{place.history_file} is damaged or gone; {WRITTEN_AGAIN}"
    return record.note


def rows_of_plan(plan: Plan, begun: bool = False) -> list[dict[str, Any]]:
    """Every trial of a plan, or only those that have `begun`."""
    runs, held = runs_of(plan.folder), is_held(plan.folder.lock_file)
    wanted = [p for p in plan.trials if not begun or p.record.status != TrialStatus.PENDING]
    return [trial_row(p.describe(), p.record, runs.get(p.key), held, plan.folder.trial(p.key)) for p in wanted]


def rows_of_sweep(folder: SweepFolder, thorough: bool = False) -> list[dict[str, Any]]:
    """Every trial of a sweep. `thorough`: histories are looked at, too. Raises UserError if there is no such sweep."""
    runs, held = runs_of(folder), is_held(folder.lock_file)
    rows = []
    for trial in folder.sweep()["trials"]:
        place = folder.trial(trial["key"])
        rows.append(trial_row(trial, place.record(), runs.get(place.key), held, place if thorough else None))
    return rows


def print_sweep(home: Path, name: str, console: Console, as_json: bool, address: str | None = None) -> None:
    """`address`: of a Ray cluster, whose nodes are shown too."""
    folder = SweepFolder(home, name)
    rows = rows_of_sweep(folder, thorough=True)
    there = _nodes(address, rows) if address else []
    if as_json:
        more = {"nodes": nodes.as_json(there)} if there else {}
        print_json({"sweep": name, "running": is_held(folder.lock_file), "trials": rows, **more})
        return
    if there:
        console.print(nodes.table(there))
    where = ["on"] if any(row["node"] for row in rows) else []
    table = _table("no.", "trial", "status", "verdict", "step", *SHOWN.values(), *where)
    for number, row in enumerate(rows, start=1):
        verdict = row["verdict"] or ""
        table.add_row(
            str(number),
            row["name"],
            Text(row["status"], style=COLOURS.get(row["status"], "")),
            Text(verdict, style=COLOURS.get(verdict, "")),
            f"{row['step']}/{row['steps']}",
            *shown_metrics(row["metrics"]),
            *([row["node"]] if where else []),
        )
    console.print(table)
    say(console, _counts(rows), word_wrap=True)
    for line in (f"note    {row['name']}: {row['note']}" for row in rows if row["note"]):
        say(console, line)
    for line in _next(folder, rows):
        say(console, line)
    if folder.report_file.exists():
        say(console, f"report  {folder.report_file}")


def _nodes(address: str, rows: list[dict[str, Any]]) -> list[nodes.Node]:
    """None where the cluster does not answer: what the records say is true all the same."""
    try:
        return nodes.of_cluster(address, [row["node"] for row in rows])
    except UserError as error:
        print(error, file=sys.stderr)
        return []


def _next(folder: SweepFolder, rows: list[dict[str, Any]]) -> list[str]:
    """The next useful command."""
    if is_held(folder.lock_file):
        follow, stop = (
            command(f"logs {folder.name} 1 --follow", folder.home),
            command(f"stop {folder.name}", folder.home),
        )
        return [f"next    {follow}, or {stop}"]
    if all(row["status"] == TrialStatus.FINISHED and not row["note"].endswith(WRITTEN_AGAIN) for row in rows):
        return [f"next    {command(f'sample {folder.name} 1', folder.home)}, for images of a trial"]
    return [f"next    {resume_command(folder.sweep(), folder.home)} goes on with it"]


def print_sweeps(home: Path, console: Console, as_json: bool) -> None:
    found = [(folder, rows_of_sweep(folder)) for folder in sweeps(home)]
    if as_json:
        print_json([{"sweep": f.name, "running": is_held(f.lock_file), "trials": rows} for f, rows in found])
        return
    if not found:
        say(console, f"no sweep in {home} yet; start one with: {command('sweep FILE', home)}", word_wrap=True)
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
    for column in columns:
        name, words = column in ("sweep", "trial"), ("sweep", "trial", "trials", "now", "status", "verdict", "on")
        table.add_column(column, justify="left" if column in words else "right", no_wrap=not name)
    return table
