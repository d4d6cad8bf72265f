"""`orchestrate status`: the state of every trial of a sweep, or of every sweep of a home, as a table or JSON."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from gan_core import metric_names
from orchestrator.cluster import nodes
from orchestrator.command_hints import orchestrate_command, resume_command
from orchestrator.commands import slurm_job
from orchestrator.commands.trial_rows import REWRITE_HINT, TrialRow, count_states, rows_of_sweep
from orchestrator.console.output import print_json, say
from orchestrator.console.style import METRIC_COLUMNS, STATE, format_metrics
from orchestrator.console.table import Column, print_table
from orchestrator.errors import UserError
from orchestrator.formatting import short_key, trial_label
from orchestrator.planning.answer_words import BUDGET
from orchestrator.planning.explored_words import explored_line, to_choose
from orchestrator.store.sweep_folder import SweepFolder, sweep_folders
from orchestrator.store.sweep_lock import is_running
from orchestrator.store.trial_status import TrialStatus


def print_sweep(home: Path, name: str, console: Console, as_json: bool, address: str | None = None) -> None:
    """Print the trials of a sweep. `address`: of a Ray cluster whose nodes are printed too. Raises UserError."""
    folder = SweepFolder(home, name)
    if job_line := None if as_json else slurm_job.status_line(folder):
        say(console, job_line)
        if not folder.sweep_file.exists():
            return
    rows = rows_of_sweep(folder, check_histories=True)
    cluster_nodes = _cluster_nodes(address, rows) if address else []
    if as_json:
        document: dict[str, Any] = {"sweep": name, "running": is_running(folder), "trials": rows}
        if explored := folder.document().get("explored"):
            document["to_choose"] = to_choose(explored)
        print_json(document | ({"nodes": nodes.as_json(cluster_nodes)} if cluster_nodes else {}))
        return
    if cluster_nodes:
        print_table(console, nodes.COLUMNS, nodes.cells(cluster_nodes))
    _print_trials(console, rows)
    explored = folder.document().get("explored")
    if explored:
        say(console, explored_line(explored))
    say(console, count_states(rows, to_choose(explored)), word_wrap=True)
    for line in _held_out_lines(folder, rows):
        say(console, line)
    for row in rows:
        if row["note"]:
            say(console, f"note    {trial_label(row['key'], row['name'])}: {row['note']}")
    say(console, _next_command(folder, rows, has_job=job_line is not None))
    if folder.report_file.exists():
        say(console, f"report  {folder.report_file}")


def _cluster_nodes(address: str, rows: list[TrialRow]) -> list[nodes.Node]:
    """Empty, with the error on stderr, if the cluster does not answer: what the records say is true all the same."""
    try:
        return nodes.of_cluster(address, [row["node"] for row in rows])
    except UserError as error:
        print(error, file=sys.stderr)
        return []


def _print_trials(console: Console, rows: list[TrialRow]) -> None:
    nodes_column = [Column("on")] if any(row["node"] for row in rows) else []
    columns = [Column("key"), STATE, Column("step", right=True), *METRIC_COLUMNS.values(), *nodes_column]
    cells = [
        [
            short_key(row["key"]),
            row["verdict"] or row["status"],
            f"{row['step']}/{row['steps']}",
            *format_metrics(row["metrics"]),
            *([row["node"]] if nodes_column else []),
            row["name"],
        ]
        for row in rows
    ]
    print_table(console, [*columns, Column("trial")], cells)


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


def _next_command(folder: SweepFolder, rows: list[TrialRow], has_job: bool) -> str:
    if is_running(folder) and rows:
        running = next((row for row in rows if row["status"] == TrialStatus.RUNNING), rows[0])
        follow = orchestrate_command(f"logs {folder.name} {short_key(running['key'])} --follow", folder.home)
        return f"next    {follow}, or {orchestrate_command(f'stop {folder.name}', folder.home)}"
    if has_job:
        return f"next    {orchestrate_command(f'stop {folder.name}', folder.home)} ends the job; it goes on by itself"
    document = folder.document()
    if "imported" in document:
        return f"next    {resume_command(document, folder.home)} imports again what its source holds then"
    finished = (row["status"] == TrialStatus.FINISHED and not row["note"].endswith(REWRITE_HINT) for row in rows)
    if rows and not to_choose(document.get("explored")) and all(finished):
        draw = orchestrate_command(f"sample {folder.name} {short_key(rows[0]['key'])}", folder.home)
        return f"next    {draw}, for images of a trial"
    is_spent = "answer" in document and document["answer"]["end"] == BUDGET
    larger = ", with a larger budget," if is_spent else ""
    return f"next    {resume_command(document, folder.home)}{larger} goes on with it"


def print_sweeps(home: Path, console: Console, as_json: bool) -> None:
    """Print every sweep of a home folder with the counts of its trials."""
    rows_by_sweep = [(folder, rows_of_sweep(folder)) for folder in sweep_folders(home)]
    if as_json:
        print_json([{"sweep": f.name, "running": is_running(f), "trials": rows} for f, rows in rows_by_sweep])
        return
    if not rows_by_sweep:
        say(console, f"no sweep in {home} yet; start one with: {orchestrate_command('sweep FILE', home)}")
        return
    now = ["running" if is_running(folder) else "" for folder, _ in rows_by_sweep]
    cells = [
        [folder.name, state, count_states(rows, to_choose(folder.document().get("explored")))]
        for state, (folder, rows) in zip(now, rows_by_sweep, strict=True)
    ]
    print_table(console, [Column("sweep"), Column("now"), Column("trials")], cells)
