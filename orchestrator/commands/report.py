"""`orchestrate report`: the report of a sweep, or a comparison of several."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.report.write_report import write_report
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.tracking import moved_home


def default_folder(home: Path, sweeps: list[str]) -> Path:
    """Where the report of a sweep is, or that of several. Raises UserError if a name is no name of a sweep."""
    folder, *_ = [SweepFolder(home, name) for name in sweeps]
    return folder.report_folder if len(sweeps) == 1 else folder.folder / f"against-{'-'.join(sweeps[1:])}"


def report(tracking_uri: str, sweeps: list[str], home: Path, output: Path | None, console: Console) -> None:
    """Write the report and print its answer. `output`: its folder; None: in the sweep's folder. Raises UserError."""
    if len(set(sweeps)) < len(sweeps):
        raise UserError(f"{' '.join(sweeps)}: a sweep is named twice; name different ones to compare")
    moved_home.follow(tracking_uri, lambda line: say(console, line))
    output_folder = output or default_folder(home, sweeps)
    summary = write_report(tracking_uri, sweeps, output_folder)
    for line in [*summary.lines, f"report  {output_folder / 'report.html'}"]:
        say(console, line)
