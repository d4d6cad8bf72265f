"""`orchestrate report`: the report of a sweep, a comparison of several, or a report that follows a running sweep."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.report.write_report import write_report
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_held
from orchestrator.tracking import moved_home

REFRESH_SECONDS = 20
"""How often `--watch` writes the report again."""


def default_folder(home: Path, sweeps: list[str]) -> Path:
    """Where the report of a sweep is, or that of several. Raises UserError if a name is no name of a sweep."""
    folder, *_ = [SweepFolder(home, name) for name in sweeps]
    return folder.report_folder if len(sweeps) == 1 else folder.folder / f"against-{'-'.join(sweeps[1:])}"


def report(
    tracking_uri: str, sweeps: list[str], home: Path, output: Path | None, watch: bool, console: Console
) -> None:
    """Write the report and print its answer. `output`: its folder; None: in the sweep's folder. Raises UserError."""
    if len(set(sweeps)) < len(sweeps):
        raise UserError(f"{' '.join(sweeps)}: a sweep is named twice; name different ones to compare")
    moved_home.follow(tracking_uri, lambda line: say(console, line))
    output_folder = output or default_folder(home, sweeps)
    while watch and any(is_held(SweepFolder(home, name).lock_file) for name in sweeps):
        write_report(tracking_uri, sweeps, output_folder, refresh=REFRESH_SECONDS)
        say(console, f"{time.strftime('%H:%M:%S')} report  {output_folder / 'report.html'}")
        time.sleep(REFRESH_SECONDS)
    summary = write_report(tracking_uri, sweeps, output_folder)
    for line in [*summary.lines, f"report  {output_folder / 'report.html'}"]:
        say(console, line)
