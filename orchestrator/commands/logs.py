"""`orchestrate logs`: what is known of a trial, as lines: attempts, verdict, error, the last rows of its history."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console

from gan_core import metric_names
from orchestrator.command_hints import orchestrate_command, resume_command
from orchestrator.commands.trial_lookup import choose_trial
from orchestrator.console.output import say
from orchestrator.console.style import SHOWN, shown_metrics
from orchestrator.store.json_files import Damaged
from orchestrator.store.record import Record
from orchestrator.store.sweep_document import TrialDocument
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import is_held
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

Row = dict[str, float]
SECONDS_BETWEEN_LOOKS = 1.0


def show(folder: SweepFolder, wanted: str, rows: int, follow: bool, console: Console) -> None:
    """Prints it all; with `follow` goes on until the trial or the command that runs it has ended. Raises UserError."""
    number, trial = choose_trial(folder.sweep()["trials"], wanted, orchestrate_command(f"status {folder.name}", folder.home))
    place = folder.trial(trial["key"])
    record, held = place.record(), is_held(folder.lock_file)
    history, trouble = rows_so_far(place, record.step)
    shown = [*row_lines(history, rows), *trouble]
    for line in [*head(trial, record, place, held), *attempts(record), *shown, *outcome(record)]:
        say(console, line)
    if follow and held:
        for line in _followed(folder, place, history, len(record.attempts)):
            say(console, line)
        record, held = place.record(), is_held(folder.lock_file)
        for line in [*attempts(record)[-1:], *outcome(record)]:
            say(console, line)
    for line in advice(folder, number, record, held):
        say(console, line)


def rows_so_far(place: TrialFolder, step: int) -> tuple[list[Row], list[str]]:
    """The rows up to a step; none, and a line that says why, where the file is damaged."""
    try:
        return place.history(up_to=step), []
    except Damaged as error:
        return [], [str(error)]


def head(trial: TrialDocument, record: Record, place: TrialFolder, held: bool) -> list[str]:
    status = record.current_status(held)
    made_with = record.environment
    lines = [f"{trial['name']}  ({trial['key']})", f"status   {status}, step {record.step} of {trial['steps']}"]
    if made_with:
        code = made_with.get("git_commit") or f"version {made_with['packages']['gan-orchestrator']}"
        lines.append(f"code     {code}, torch {made_with['packages']['torch']}, Python {made_with['python']}")
    if record.applied:
        lines.append(f"ran on   {record.applied['device']} in {record.applied['precision']}, {_machine(made_with)}")
    if record.evaluator:
        lines.append(f"measured {record.evaluator['id']}")
    return [*lines, f"files    {place.folder}"]


def _machine(made_with: dict[str, Any]) -> str:
    return made_with.get("gpu") or made_with["processor"]


def attempts(record: Record) -> list[str]:
    """A line an attempt: when, where, which steps, how it ended."""
    lines = []
    for number, attempt in enumerate(record.attempts, start=1):
        when = clock_time(attempt.began) + (f" to {clock_time(attempt.ended)}" if attempt.ended is not None else "")
        steps = f"from step {attempt.from_step}" + (f" to {attempt.to_step}" if attempt.to_step is not None else "")
        message = f": {attempt.message}" if attempt.message is not None else ""
        node = f" ({attempt.node})" if attempt.node else ""
        device = f", {attempt.device}" if attempt.device is not None else ""
        machine = f"process {attempt.process} on {attempt.host}{node}{device}"
        note = f"; {attempt.note}" if attempt.note else ""
        lines.append(f"attempt {number}: {when}, {machine}, {steps}: {attempt.outcome}{message}{note}")
    return lines


def row_lines(history: list[Row], count: int) -> list[str]:
    """The last `count` rows in columns; what was measured and evaluated at one step is one row."""
    chosen = by_step(history)[-count:] if count else []
    return [titles(), *map(row_line, chosen)] if chosen else []


def titles() -> str:
    return f"{'time':19}  {'step':>7}" + "".join(f"{title:>12}" for title in SHOWN.values())


def by_step(history: list[Row]) -> list[Row]:
    """The rows of each step as one."""
    rows: dict[float, Row] = {}
    for row in history:
        rows[row["step"]] = rows.get(row["step"], {}) | row
    return list(rows.values())


def row_line(row: Row) -> str:
    return f"{clock_time(row['time'])}  {row['step']:>7.0f}" + "".join(f"{text:>12}" for text in shown_metrics(row))


def outcome(record: Record) -> list[str]:
    """The best evaluation, the verdict and the error, where there are any."""
    lines = []
    for name, value in record.best.items():
        if metric_names.is_frechet(name):
            lines.append(f"best     Frechet distance {value:.4g} at step {record.best['step']:.0f}")
    if record.verdict:
        since = "" if record.verdict["since"] is None else f" (since step {record.verdict['since']})"
        lines.append(f"verdict  {record.verdict['name']}: {record.verdict['reason']}{since}")
    return [*lines, *(["error", *record.error.rstrip().splitlines()] if record.error else [])]


def advice(folder: SweepFolder, number: int, record: Record, held: bool) -> list[str]:
    """The next useful command."""
    again = resume_command(folder.sweep(), folder.home)
    if record.status == TrialStatus.FINISHED:
        return [f"next     {orchestrate_command(f'sample {folder.name} {number}', folder.home)}, for images from its generator"]
    if held:
        follow, stop = f"logs {folder.name} {number} --follow", f"stop {folder.name}"
        return [f"next     {orchestrate_command(follow, folder.home)}, or {orchestrate_command(stop, folder.home)}"]
    if record.status == TrialStatus.FAILED:
        return [f"next     {again} tries it again; {orchestrate_command('doctor', folder.home)} checks this machine"]
    return [f"next     {again} {'goes on from here' if record.step else 'trains it'}"]


def clock_time(milliseconds: float) -> str:
    """Local time, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(milliseconds / 1000))


def _followed(folder: SweepFolder, place: TrialFolder, history: list[Row], known: int) -> Iterator[str]:
    """New rows, as checkpoints make them durable, and new attempts, until nothing more can come.

    `history`, `known`: the rows and the number of attempts that were told before.
    """
    last = history[-1]["step"] if history else 0.0
    if not history:
        yield titles()
    while True:
        held = is_held(folder.lock_file)  # before the look, so that what was written last is still seen
        record = place.record()
        yield from attempts(record)[known:]
        known = len(record.attempts)
        for row in by_step(rows_so_far(place, record.step)[0]):
            if row["step"] > last:
                yield row_line(row)
        last = max(last, record.step)
        if not held or record.has_ended:
            return
        time.sleep(SECONDS_BETWEEN_LOOKS)
