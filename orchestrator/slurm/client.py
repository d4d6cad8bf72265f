"""Speaks to Slurm by its own commands."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from typing import NamedTuple

from orchestrator.errors import UserError

SECONDS = 60.0
"""Slurm's commands wait for a controller that is away."""


class JobState(NamedTuple):
    """Of a job that waits or runs: Slurm's name for it, and why it waits."""

    name: str
    reason: str

    @property
    def is_pending(self) -> bool:
        return self.name == "PENDING"

    def __str__(self) -> str:
        return f"{self.name.lower()} ({self.reason})" if self.is_pending else self.name.lower()


def is_available() -> bool:
    """Whether this machine has Slurm's commands."""
    return shutil.which("sbatch") is not None


def submit(script: str, environment: Mapping[str, str]) -> str:
    """Submit the batch script with these variables beside the environment's own; returns the id of the job.

    Raises UserError.
    """
    if not is_available():
        raise UserError(
            "there is no sbatch on this machine: --slurm submits a job, so type it on a login node of a Slurm cluster; "
            "without --slurm the sweep trains here"
        )
    done = _run(["sbatch", "--parsable"], script, {**os.environ, **environment})
    if done.returncode:
        raise UserError(f"Slurm did not take the job: {_reason(done)}; nothing was submitted")
    return done.stdout.strip()  # JOB or JOB;CLUSTER


def states(job: str, name: str) -> list[JobState]:
    """Of each part of this user's job that waits or runs; [] once it has ended. `name`: of the job, since numbers are
    given again. Raises UserError if Slurm does not answer.
    """
    number, where = _place(job)
    done = _run(["squeue", *where, "--noheader", "--me", "--array", "--name", name, "--format", "%F|%T|%r"])
    if done.returncode:
        raise UserError(f"Slurm does not answer: {_reason(done)}")
    lines = [line.split("|", 2) for line in done.stdout.splitlines()]
    return [JobState(*rest) for job_number, *rest in lines if job_number == number and len(rest) == 2]


def interrupt(job: str, name: str) -> None:
    """End what waits, and tell what runs to save its trials and to end. Raises UserError."""
    number, where = _place(job)
    for words in (["--state=PENDING"], ["--batch", "--signal=INT"]):
        done = _run(["scancel", *where, *words, number])
        if done.returncode and any(state.name in ("PENDING", "RUNNING") for state in states(job, name)):
            raise UserError(f"Slurm did not stop job {number}: {_reason(done)}")


def _place(job: str) -> tuple[str, list[str]]:
    """(the number of the job, the option that names its cluster, if it has one)."""
    number, _, cluster = job.partition(";")
    return number, ["--clusters", cluster] if cluster else []


def _run(
    words: list[str], text: str | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            words, input=text, env=environment, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"Slurm does not answer ({words[0]} waited for {SECONDS:.0f} s)") from None


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what the command said, which names the cause, without its name."""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1].removeprefix("sbatch: ").removeprefix("error: ").removeprefix("Batch job submission failed: ")
