"""The Slurm job of a sweep, as `status`, `stop` and `clean` see it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from orchestrator.command_hints import orchestrate_command
from orchestrator.errors import UserError
from orchestrator.slurm import client
from orchestrator.store.json_files import read_json_or_none
from orchestrator.store.sweep_folder import SweepFolder


class LastJob(NamedTuple):
    """The job that was submitted last, whether it has ended or not. parts: of an array; 0: one job."""

    number: str
    parts: int


def last_job(folder: SweepFolder) -> LastJob | None:
    """None if the sweep was never submitted."""
    content = read_json_or_none(folder.slurm_file)
    return LastJob(str(content["job"]), int(content["parts"])) if content else None


def running_job(folder: SweepFolder) -> str | None:
    """The id of the sweep's job that waits or runs; None if there is none, or if this machine cannot ask about it.

    Raises UserError if Slurm does not answer.
    """
    job = last_job(folder) if client.is_available() else None
    return job.number if job and client.states(job.number, folder.name) else None


def refuse_if_submitted(folder: SweepFolder) -> None:
    """Raises UserError if the sweep is a job that waits or runs."""
    if number := running_job(folder):
        stop = orchestrate_command(f"stop {folder.name}", folder.home)
        raise UserError(f"sweep {folder.name} is job {number} already; wait for it, or stop it first: {stop}")


def option_of_last_job(folder: SweepFolder) -> str:
    """What the command needs to submit the sweep again as it was, or "" if it never was."""
    job = last_job(folder)
    if job is None:
        return ""
    return f" --slurm-array {job.parts}" if job.parts else " --slurm"


def status_line(folder: SweepFolder) -> str | None:
    """What Slurm says of the sweep's job; None if there was none, or it has ended, or this machine has no Slurm."""
    job = last_job(folder)
    if job is None or not client.is_available():
        return None
    try:
        states = Counter(map(str, client.states(job.number, folder.name)))
    except UserError as error:
        return f"job {job.number}: {error}"
    if not states:
        return None
    words = [state if len(states) == count == 1 else f"{count} {state}" for state, count in states.items()]
    return f"job {job.number} of Slurm is {', '.join(words)}"
