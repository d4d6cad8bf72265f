"""`orchestrate report`: one sweep's, several against each other, or again and again while one runs."""

from __future__ import annotations

import time
from pathlib import Path

from orchestrator import report as reports
from orchestrator.errors import UserError
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_held

SECONDS = 20
"""Between two writings of a watched report."""


def report(tracking_uri: str, sweeps: list[str], home: Path, output: Path | None, watch: bool) -> None:
    """Writes the report and prints its answer. Raises UserError."""
    if len(set(sweeps)) < len(sweeps):
        raise UserError(f"{' '.join(sweeps)}: a sweep is named twice; name different ones to compare")
    folder, *_ = [SweepFolder(home, name) for name in sweeps]
    place = output or (folder.report_folder if len(sweeps) == 1 else folder.folder / f"against-{'-'.join(sweeps[1:])}")
    while watch and any(is_held(SweepFolder(home, name).lock_file) for name in sweeps):
        reports.write(tracking_uri, sweeps, place, refresh=SECONDS)
        print(f"{time.strftime('%H:%M:%S')} report  {place / 'report.html'}", flush=True)
        time.sleep(SECONDS)
    said = reports.write(tracking_uri, sweeps, place)
    print("\n".join([*said.lines, f"report  {place / 'report.html'}"]))
