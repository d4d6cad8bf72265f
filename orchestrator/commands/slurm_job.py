"""The Slurm job of a sweep, as `status`, `stop` and `clean` see it."""

from __future__ import annotations

from collections import Counter

from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError
from orchestrator.slurm import client
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.sweep_folder import SweepFolder


def job_of(folder: SweepFolder) -> str | None:
    """The id of the sweep's last job, whether it has ended or not; None if there was none."""
    content = read_json_or_none(folder.slurm_file)
    return str(content["job"]) if isinstance(content, dict) and "job" in content else None


def running_job(folder: SweepFolder) -> str | None:
    """The id of the sweep's job that waits or runs; None if there is none. Raises UserError."""
    number = job_of(folder)
    return number if number and client.states(number, folder.name) else None


def refuse_if_submitted(folder: SweepFolder) -> None:
    """Raises UserError if the sweep is a job that waits or runs. Where there is no Slurm this is not known."""
    if client.is_available() and (number := running_job(folder)):
        stop = orchestrate_command(f"stop {folder.name}", folder.home)
        raise UserError(f"sweep {folder.name} is job {number} already; wait for it, or stop it first: {stop}")


def option_of_last_job(folder: SweepFolder) -> str:
    """What the command needs to submit the sweep again as it was, or "" if it never was."""
    content = read_json_or_none(folder.slurm_file)
    if not isinstance(content, dict):
        return ""
    return f" --slurm-array {content['parts']}" if content.get("parts") else " --slurm"


def status_line(folder: SweepFolder) -> str | None:
    """What Slurm says of the sweep's job; None if there was none, or it has ended, or this machine has no Slurm."""
    number = job_of(folder)
    if number is None or not client.is_available():
        return None
    try:
        states = Counter(map(str, client.states(number, folder.name)))
    except UserError as error:
        return f"job {number}: {error}"
    if not states:
        return None
    words = [state if len(states) == count == 1 else f"{count} {state}" for state, count in states.items()]
    return f"job {number} of Slurm is {', '.join(words)}"
