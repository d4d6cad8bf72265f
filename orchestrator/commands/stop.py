"""`orchestrate stop`: Ctrl-C for the command that runs a sweep, from another terminal or a login node of Slurm."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable

from rich.console import Console

from orchestrator.command_hints import orchestrate_command, resume_command
from orchestrator.commands import slurm_job
from orchestrator.commands.trial_rows import count_states, rows_of_sweep
from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.formatting import trial_label
from orchestrator.planning.explored_words import to_choose
from orchestrator.slurm import client
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import LockHolder, holders_of_parts, is_held, is_running, read_holder
from orchestrator.store.trial_status import TrialStatus

POLL_SECONDS = 0.2
SLURM_POLL_SECONDS = 2.0


def stop(folder: SweepFolder, console: Console) -> None:
    """Interrupt the command that runs a sweep, wait until it has ended, print what it saved. Raises UserError."""
    if job := slurm_job.running_job(folder):
        _wait(console, f"job {job}", lambda: _interrupt_job(job, folder.name), SLURM_POLL_SECONDS)
    else:
        _interrupt_command(folder, console)
    if not folder.sweep_file.exists():
        say(console, "it stopped before any trial began")
        return
    for line in _summary_lines(folder):
        say(console, line)


def _interrupt_job(job: str, name: str) -> bool:
    """Whether it still runs; then it is told again, since a job that has only just begun does not hear yet."""
    is_running = bool(client.states(job, name))
    if is_running:
        client.interrupt(job, name)
    return is_running


def _interrupt_command(folder: SweepFolder, console: Console) -> None:
    """Interrupt the commands on this machine that run the sweep or parts of it. Raises UserError if others do, too."""
    if not is_running(folder):
        document = folder.document()  # raises if there is no such sweep
        status = orchestrate_command(f"status {folder.name}", folder.home)
        goes_on = "imports it again" if "imported" in document else "goes on with it"
        raise UserError(
            f"sweep {folder.name} is not running; `{status}` says where it stands, "
            f"`{resume_command(document, folder.home)}` {goes_on}"
        )
    holders = _holders(folder)
    if not holders:
        raise UserError(f"it is not known which process runs {folder.name}; press Ctrl-C where it runs")
    here = [holder for holder in holders if holder.host == platform.node()]
    for holder in here:
        _interrupt(holder, folder)
    if here:
        processes = "process " + ", ".join(str(holder.process) for holder in here)
        _wait(console, processes, lambda: not set(here).isdisjoint(_holders(folder)), POLL_SECONDS)
    if elsewhere := [holder for holder in holders if holder not in here]:
        names = ", ".join(f"process {holder.process} on {holder.host}" for holder in elsewhere)
        raise UserError(
            f"sweep {folder.name} is{' also' if here else ''} run by {names}, and this is {platform.node()}; "
            f"run `{orchestrate_command(f'stop {folder.name}', folder.home)}` there"
        )


def _holders(folder: SweepFolder) -> list[LockHolder]:
    """The commands that run the sweep or parts of it now, each once."""
    main = read_holder(folder) if is_held(folder.lock_file) else None
    return list(dict.fromkeys([*([main] if main else []), *holders_of_parts(folder)]))


def _wait(console: Console, what: str, is_running: Callable[[], bool], seconds: float) -> None:
    """Wait until what was asked to stop has ended. `seconds`: between two looks."""
    say(console, f"asked {what} to stop; it saves every running trial (Ctrl-C here only ends this waiting) ...")
    while is_running():
        time.sleep(seconds)


def _interrupt(holder: LockHolder, folder: SweepFolder) -> None:
    """Send SIGINT to a command on this machine. Raises UserError."""
    process = holder.process
    try:
        os.kill(process, signal.SIGINT)
    except ProcessLookupError:
        raise UserError(
            f"process {process}, which runs {folder.name}, cannot be seen from here (another container?); "
            f"run `{orchestrate_command(f'stop {folder.name}', folder.home)}` where it runs"
        ) from None
    except PermissionError:
        raise UserError(f"process {process}, which runs {folder.name}, belongs to another user; ask them") from None


def _summary_lines(folder: SweepFolder) -> list[str]:
    """What a stopped sweep has saved, and the command that goes on with it."""
    rows, left = rows_of_sweep(folder), to_choose(folder.document().get("explored"))
    interrupted = [row for row in rows if row["status"] == TrialStatus.INTERRUPTED]
    unfinished = left or any(row["status"] != TrialStatus.FINISHED for row in rows)
    resume = resume_command(folder.document(), folder.home) + slurm_job.option_of_last_job(folder)
    return [
        *(
            f"saved    {trial_label(row['key'], row['name'])} at step {row['step']} of {row['steps']}"
            for row in interrupted
        ),
        count_states(rows, left),
        f"next     {resume} {'goes on from here' if unfinished else 'writes the report again'}",
    ]
