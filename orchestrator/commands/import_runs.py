"""`orchestrate import`: runs that another tool has logged become a sweep, with its report and all its statistics."""

from __future__ import annotations

import time
from pathlib import Path

from rich.console import Console

from gan_core.error_text import first_line
from orchestrator.command_hints import orchestrate_command
from orchestrator.console.output import say
from orchestrator.errors import escape_control_characters
from orchestrator.imports import mapping_file, readers
from orchestrator.imports.convert import convert
from orchestrator.imports.description import mapped_lines, summary_lines, verdict_line
from orchestrator.imports.evidence import what_is_not_judged
from orchestrator.imports.mapping import Mapping
from orchestrator.imports.sweep_document import sweep_document, trials_of
from orchestrator.imports.write_sweep import refuse_if_trained, write_sweep
from orchestrator.signals import FINISHED, SOME_FAILED
from orchestrator.store import disk_space
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import hold
from orchestrator.tracking import moved_home, sqlite
from orchestrator.tracking.address import check_uri
from orchestrator.tracking.client import RunStatus
from orchestrator.tracking.mirror import Mirror

INDENT = "  "


def import_runs(file: Path, name: str | None, home: Path, uri: str, dry_run: bool, console: Console) -> int:
    """Read the runs, say what is mapped to what, write them as a sweep, send it to MLflow, and write the report.

    Returns the exit code: 0 if MLflow and the report have everything. Raises UserError before anything is written.
    """
    mapping = mapping_file.load(file, name)
    folder = SweepFolder(home, mapping.sweep)
    refuse_if_trained(folder)
    check_uri(uri)
    log = readers.read(mapping)
    runs, cautions = convert(log, mapping, _source_time_ms(mapping))
    trials = trials_of(runs, mapping.classes)
    shown = mapped_lines(mapping, log, runs)
    missing = what_is_not_judged(runs, mapping.classes)
    lines = [*summary_lines(log, runs), *(INDENT + line for line in shown)]
    lines += [f"not judged: {text}" for text in missing] + [f"caution: {text}" for text in cautions]
    for line in [*lines, verdict_line(trials)]:
        say(console, escape_control_characters(line), word_wrap=True)
    if dry_run:
        say(console, "nothing was written (--dry-run)")
        return FINISHED
    if missing:
        cautions = [*cautions, f"verdicts are judged from what was logged: {'; '.join(missing)}"]
    document = sweep_document(mapping, trials, log.title, shown, cautions)
    sqlite.check_integrity(uri, mapping.sweep)
    moved_home.follow(uri, lambda text: say(console, text, word_wrap=True))
    with disk_space.full_disk_as_user_error(folder.folder), hold(folder):
        refuse_if_trained(folder)
        write_sweep(folder, document, trials, mapping.text)
        return _record(Mirror(folder, uri, document), console)


def _record(mirror: Mirror, console: Console) -> int:
    """Send the sweep to MLflow and write its report."""
    from orchestrator.commands.finalize import finalize  # which needs torch: a dry run answers without

    folder = mirror.folder
    error = None
    try:
        mirror.open()
        mirror.sync()
    except Exception as problem:  # MLflow, SQLAlchemy and requests each have errors of their own
        error = first_line(problem)
    final = None
    if error is None:
        final = finalize(mirror, RunStatus.FINISHED, lambda text: say(console, f"{text} ..."))
        error = final.report_error
    if error or final is None:
        retry = orchestrate_command(f"sync {folder.name}", folder.home)
        say(console, f"the runs are in {folder.folder}, but not everything arrived in MLflow: {error}; {retry}")
        return SOME_FAILED
    for line in [*final.answer.splitlines(), f"report  {final.report}"]:
        say(console, line)
    say(console, f"next    {orchestrate_command('ui', folder.home)}, for the runs in MLflow")
    return FINISHED


def _source_time_ms(mapping: Mapping) -> int:
    """When the source was written last: the time of points that have none. The same source gives the same time."""
    source = Path(mapping.source)
    file = source if mapping.kind != "mlflow" and source.exists() else Path(mapping.file)
    try:
        return int(1000 * file.stat().st_mtime)
    except OSError:
        return int(1000 * time.time())
