"""`orchestrate logs`: a trial's attempts, verdict, error and the last rows of its history, as lines."""

from __future__ import annotations

import time
from collections.abc import Iterator

from rich.console import Console

from gan_core import metric_names
from orchestrator.command_hints import orchestrate_command, resume_command
from orchestrator.commands.trial_lookup import find_trial
from orchestrator.console.output import say
from orchestrator.console.style import METRIC_COLUMNS, format_metrics
from orchestrator.formatting import short_key, trial_label
from orchestrator.store.json_files import DamagedFile
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_running
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

HistoryRow = dict[str, float]
POLL_SECONDS = 1.0
BEST_MARK = "*"
"""Stands behind the row of the best evaluation."""


def print_logs(folder: SweepFolder, wanted: str, row_count: int, follow: bool, console: Console) -> None:
    """Print what is known of a trial and the last rows of its history. Raises UserError.

    `follow`: go on until the trial, or the command that runs its sweep, has ended.
    """
    trial = find_trial(folder, wanted)
    trial_folder = folder.trial(trial["key"])
    record, sweep_runs = trial_folder.record(), is_running(folder)
    history, damage = _read_history(trial_folder, record.step)
    lines = [*_header(trial, record, trial_folder, sweep_runs), *_attempts(record)]
    best_step = record.best.get("step")
    table = _row_table(history, row_count, best_step)
    marked = f" (the row with {BEST_MARK})" if table else ""
    for line in [*lines, *table, *damage, *_results(record, marked)]:
        say(console, line)
    if follow and sweep_runs:
        for line in _new_lines(folder, trial_folder, history, len(record.attempts)):
            say(console, line)
        record, sweep_runs = trial_folder.record(), is_running(folder)
        for line in [*_attempts(record)[-1:], *_results(record)]:
            say(console, line)
    say(console, _next_command(folder, short_key(trial["key"]), record, sweep_runs))


def _read_history(trial_folder: TrialFolder, step: int) -> tuple[list[HistoryRow], list[str]]:
    """(rows up to a step, no line); of a damaged file (no row, a line that says so)."""
    try:
        return trial_folder.history(up_to=step), []
    except DamagedFile as error:
        return [], [str(error)]


def _header(trial: TrialDocument, record: Record, trial_folder: TrialFolder, sweep_runs: bool) -> list[str]:
    """Name and status, and what the trial was trained and measured with."""
    status = record.current_status(sweep_runs)
    environment, applied = record.environment, record.applied
    lines = [trial_label(trial["key"], trial["name"]), f"status   {status}, step {record.step} of {trial['steps']}"]
    if environment:
        packages = environment["packages"]
        code = environment.get("git_commit") or f"version {packages['gan-orchestrator']}"
        lines.append(f"code     {code}, torch {packages['torch']}, Python {environment['python']}")
    if applied:
        processor = environment.get("gpu") or environment["processor"]
        lines.append(f"ran on   {applied['device']} in {applied['precision']}, {processor}")
    if record.evaluator:
        lines.append(f"measured {record.evaluator['id']}")
    return [*lines, f"files    {trial_folder.folder}"]


def _attempts(record: Record) -> list[str]:
    """A line an attempt: when, where, which steps, how it ended."""
    lines = []
    for number, attempt in enumerate(record.attempts, start=1):
        period = clock_time(attempt.began) + (f" to {clock_time(attempt.ended)}" if attempt.ended is not None else "")
        steps = f"from step {attempt.from_step}" + (f" to {attempt.to_step}" if attempt.to_step is not None else "")
        message = f": {attempt.message}" if attempt.message is not None else ""
        node = f" ({attempt.node})" if attempt.node else ""
        device = f", {attempt.device}" if attempt.device is not None else ""
        machine = f"process {attempt.process} on {attempt.host}{node}{device}" if attempt.host else "elsewhere"
        note = f"; {attempt.note}" if attempt.note else ""
        lines.append(f"attempt {number}: {period}, {machine}, {steps}: {attempt.outcome}{message}{note}")
    return lines


def _row_table(history: list[HistoryRow], count: int, best_step: float | None = None) -> list[str]:
    """The titles and the last `count` rows, in columns. The row of the best evaluation has a mark, and is not missing.

    `best_step`: of this evaluation, if there was one.
    """
    rows = _merge_by_step(history)
    shown = rows[-count:] if count else []
    if shown and best_step is not None and shown[0]["step"] > best_step:
        shown = [*(row for row in rows if row["step"] == best_step), *shown]
    return [_titles(), *(_row_line(row) + BEST_MARK * (row["step"] == best_step) for row in shown)] if shown else []


def _titles() -> str:
    return f"{'time':19}  {'step':>7}{_cells([column.title for column in METRIC_COLUMNS.values()])}"


def _merge_by_step(history: list[HistoryRow]) -> list[HistoryRow]:
    """One row a step: training and evaluation write one each."""
    rows: dict[float, HistoryRow] = {}
    for row in history:
        rows[row["step"]] = rows.get(row["step"], {}) | row
    return list(rows.values())


def _row_line(row: HistoryRow) -> str:
    return f"{clock_time(row['time'])}  {row['step']:>7.0f}{_cells(format_metrics(row))}"


def _cells(texts: list[str]) -> str:
    """The cells of the metrics, right-aligned. A whole row fits 80 columns: rows that follow must fit below it."""
    widths = [max(10, len(column.title) + 1) for column in METRIC_COLUMNS.values()]
    return "".join(f"{text:>{width}}" for text, width in zip(texts, widths, strict=True))


def _results(record: Record, marked: str = "") -> list[str]:
    """The best evaluation, the verdict and the error, as far as the trial has them. `marked`: where that row is."""
    lines = []
    for name, value in record.best.items():
        if metric_names.is_frechet(name):
            lines.append(f"best     Frechet distance {value:.4g} at step {record.best['step']:.0f}{marked}")
    if record.verdict:
        since = "" if record.verdict["since"] is None else f" (since step {record.verdict['since']})"
        lines.append(f"verdict  {record.verdict['name']}: {record.verdict['reason']}{since}")
    return [*lines, *(["error", *record.error.rstrip().splitlines()] if record.error else [])]


def _next_command(folder: SweepFolder, key: str, record: Record, sweep_runs: bool) -> str:
    document = folder.document()
    if "imported" in document:
        return f"next     {orchestrate_command(f'report {folder.name}', folder.home)}, for the report of all runs"
    if record.status == TrialStatus.FINISHED:
        draw = orchestrate_command(f"sample {folder.name} {key}", folder.home)
        return f"next     {draw}, for images from its generator"
    if sweep_runs:
        follow = orchestrate_command(f"logs {folder.name} {key} --follow", folder.home)
        return f"next     {follow}, or {orchestrate_command(f'stop {folder.name}', folder.home)}"
    resume = resume_command(document, folder.home)
    if record.status == TrialStatus.FAILED:
        doctor = orchestrate_command("doctor", folder.home)
        return f"next     {resume} tries it again; {doctor} checks this machine"
    return f"next     {resume} {'goes on from here' if record.step else 'trains it'}"


def clock_time(milliseconds: float) -> str:
    """Local time, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(milliseconds / 1000))


def _new_lines(
    folder: SweepFolder, trial_folder: TrialFolder, history: list[HistoryRow], attempt_count: int
) -> Iterator[str]:
    """Waits for new attempts and for rows that a checkpoint has made durable, until no more can come.

    `history`, `attempt_count`: what is printed already.
    """
    last_step = history[-1]["step"] if history else 0.0
    if not history:
        yield _titles()
    while True:
        sweep_runs = is_running(folder)  # before reading, so that what was written last is still printed
        record = trial_folder.record()
        yield from _attempts(record)[attempt_count:]
        attempt_count = len(record.attempts)
        for row in _merge_by_step(_read_history(trial_folder, record.step)[0]):
            if row["step"] > last_step:
                yield _row_line(row)
        last_step = max(last_step, record.step)
        if not sweep_runs or record.has_ended:
            return
        time.sleep(POLL_SECONDS)
