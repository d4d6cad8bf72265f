"""`orchestrate stop`: Ctrl-C for the command that runs a sweep, from another terminal."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections import Counter

from rich.console import Console

from orchestrator.command_hints import orchestrate_command, resume_command
from orchestrator.commands.trial_rows import rows_of_sweep
from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import holder, is_held
from orchestrator.store.trial_status import TrialStatus

SECONDS_BETWEEN_LOOKS = 0.2


def stop(folder: SweepFolder, console: Console) -> None:
    """Asks, waits until the sweep's lock is free, says what was saved. Raises UserError where it cannot ask."""
    if not is_held(folder.lock_file):
        again = resume_command(folder.sweep(), folder.home)  # raises where there is no such sweep
        where = orchestrate_command(f"status {folder.name}", folder.home)
        raise UserError(
            f"sweep {folder.name} is not running; `{where}` says where it stands, `{again}` goes on with it"
        )
    process = ask(folder)
    say(
        console,
        f"asked process {process} to stop; it saves every running trial (Ctrl-C here only ends this waiting) ...",
    )
    while is_held(folder.lock_file):
        time.sleep(SECONDS_BETWEEN_LOOKS)
    if not folder.sweep_file.exists():
        say(console, "it stopped before any trial began")
        return
    for line in saved(folder):
        say(console, line)


def ask(folder: SweepFolder) -> int:
    """Sends SIGINT to the command that holds the sweep; its process id. Raises UserError."""
    who = holder(folder)
    if who is None:
        raise UserError(
            f"{folder.holder_file} does not say which process runs {folder.name}; press Ctrl-C where it runs"
        )
    process, host = int(who["process"]), str(who["host"])
    if host != platform.node():
        raise UserError(
            f"sweep {folder.name} is run by process {process} on {host}, and this is {platform.node()}; "
            f"run `{orchestrate_command(f'stop {folder.name}', folder.home)}` there"
        )
    try:
        os.kill(process, signal.SIGINT)
    except ProcessLookupError:
        raise UserError(
            f"process {process}, which runs {folder.name}, cannot be seen from here (another container?); "
            f"run `{orchestrate_command(f'stop {folder.name}', folder.home)}` where it runs"
        ) from None
    except PermissionError:
        raise UserError(f"process {process}, which runs {folder.name}, belongs to another user; ask them") from None
    return process


def saved(folder: SweepFolder) -> list[str]:
    """What a stopped sweep has, and what goes on with it."""
    rows = rows_of_sweep(folder)
    left = [row for row in rows if row["status"] == TrialStatus.INTERRUPTED]
    unfinished = any(row["status"] != TrialStatus.FINISHED for row in rows)
    again = resume_command(folder.sweep(), folder.home)
    counts = ", ".join(f"{count} {status}" for status, count in Counter(row["status"] for row in rows).items())
    return [
        *(f"saved    {row['name']} at step {row['step']} of {row['steps']}" for row in left),
        f"{len(rows)} trials: {counts}",
        f"next     {again} {'goes on from here' if unfinished else 'writes the report again'}",
    ]
