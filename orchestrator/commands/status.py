"""`orchestrate status`: the state of every trial of a sweep, or of every sweep of a home, as a table or JSON."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gan_core import metric_names
from orchestrator.cluster import nodes
from orchestrator.command_hints import orchestrate_command, resume_command
from orchestrator.commands.trial_rows import WRITTEN_AGAIN, TrialRow, rows_of_sweep
from orchestrator.console.output import print_json, say
from orchestrator.console.style import COLOURS, METRIC_TITLES, format_metrics
from orchestrator.errors import UserError
from orchestrator.store.sweep_folder import SweepFolder, sweep_folders
from orchestrator.store.sweep_lock import is_held
from orchestrator.store.trial_status import TrialStatus


def print_sweep(home: Path, name: str, console: Console, as_json: bool, address: str | None = None) -> None:
    """Print the trials of a sweep. `address`: of a Ray cluster whose nodes are printed too. Raises UserError."""
    folder = SweepFolder(home, name)
    rows = rows_of_sweep(folder, check_histories=True)
    cluster_nodes = _cluster_nodes(address, rows) if address else []
    if as_json:
        document: dict[str, Any] = {"sweep": name, "running": is_held(folder.lock_file), "trials": rows}
        print_json(document | ({"nodes": nodes.as_json(cluster_nodes)} if cluster_nodes else {}))
        return
    if cluster_nodes:
        console.print(nodes.table(cluster_nodes))
    console.print(_trial_table(rows))
    say(console, _counts(rows), word_wrap=True)
    for line in _held_out_lines(folder, rows):
        say(console, line)
    for row in rows:
        if row["note"]:
            say(console, f"note    {row['name']}: {row['note']}")
    say(console, _next_command(folder, rows))
    if folder.report_file.exists():
        say(console, f"report  {folder.report_file}")


def _cluster_nodes(address: str, rows: list[TrialRow]) -> list[nodes.Node]:
    """Empty, with the error on stderr, if the cluster does not answer: what the records say is true all the same."""
    try:
        return nodes.of_cluster(address, [row["node"] for row in rows])
    except UserError as error:
        print(error, file=sys.stderr)
        return []


def _trial_table(rows: list[TrialRow]) -> Table:
    show_nodes = any(row["node"] for row in rows)
    table = _table(
        "no.", "trial", "status", "verdict", "step", *METRIC_TITLES.values(), *(["on"] if show_nodes else [])
    )
    for number, row in enumerate(rows, start=1):
        verdict = row["verdict"] or ""
        table.add_row(
            str(number),
            row["name"],
            Text(row["status"], style=COLOURS.get(row["status"], "")),
            Text(verdict, style=COLOURS.get(verdict, "")),
            f"{row['step']}/{row['steps']}",
            *format_metrics(row["metrics"]),
            *([row["node"]] if show_nodes else []),
        )
    return table


def _held_out_lines(folder: SweepFolder, rows: list[TrialRow]) -> list[str]:
    """For each evaluator the Frechet distance of held-out real images, with which those of the table compare."""
    examples: dict[str, str] = {}
    for row in rows:
        for name in filter(metric_names.is_frechet, row["metrics"]):
            examples.setdefault(name, row["key"])
    lines = []
    for key in examples.values():
        card = folder.trial(key).record().evaluator
        if real := card.get("kept_out"):
            lines.append(f"Frechet of {real['count']:,} real images, held out: {real['frechet']:#.3g} ({card['id']})")
    return lines


def _next_command(folder: SweepFolder, rows: list[TrialRow]) -> str:
    if is_held(folder.lock_file):
        follow = orchestrate_command(f"logs {folder.name} 1 --follow", folder.home)
        return f"next    {follow}, or {orchestrate_command(f'stop {folder.name}', folder.home)}"
    if all(row["status"] == TrialStatus.FINISHED and not row["note"].endswith(WRITTEN_AGAIN) for row in rows):
        return f"next    {orchestrate_command(f'sample {folder.name} 1', folder.home)}, for images of a trial"
    return f"next    {resume_command(folder.document(), folder.home)} goes on with it"


def print_sweeps(home: Path, console: Console, as_json: bool) -> None:
    """Print every sweep of a home folder with the counts of its trials."""
    rows_by_sweep = [(folder, rows_of_sweep(folder)) for folder in sweep_folders(home)]
    if as_json:
        print_json([{"sweep": f.name, "running": is_held(f.lock_file), "trials": rows} for f, rows in rows_by_sweep])
        return
    if not rows_by_sweep:
        say(
            console,
            f"no sweep in {home} yet; start one with: {orchestrate_command('sweep FILE', home)}",
            word_wrap=True,
        )
        return
    table = _table("sweep", "trials", "now")
    for folder, rows in rows_by_sweep:
        table.add_row(folder.name, _counts(rows), "running" if is_held(folder.lock_file) else "")
    console.print(table)


def _counts(rows: list[TrialRow]) -> str:
    counts = Counter(row["verdict"] or row["status"] for row in rows)
    return f"{len(rows)} trials: " + ", ".join(f"{n} {name}" for name, n in counts.items())


def _table(*titles: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for title in titles:
        is_text = title in ("sweep", "trial", "trials", "now", "status", "verdict", "on")
        may_wrap = title in ("sweep", "trial")
        table.add_column(title, justify="left" if is_text else "right", no_wrap=not may_wrap)
    return table
