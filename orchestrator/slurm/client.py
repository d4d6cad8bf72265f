"""Speaks to Slurm by its own commands."""

from __future__ import annotations

import shutil
import subprocess
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


def submit(script: str) -> str:
    """Submit the batch script; returns the id of the job. Raises UserError."""
    if not is_available():
        raise UserError(
            "there is no sbatch on this machine: --slurm submits a job, so type it on a login node of a Slurm cluster; "
            "without --slurm the sweep trains here"
        )
    done = _run(["sbatch", "--parsable"], script)
    if done.returncode:
        raise UserError(f"Slurm did not take the job: {_reason(done)}; nothing was submitted")
    return done.stdout.strip().partition(";")[0]  # JOB or JOB;CLUSTER


def states(job: str) -> list[JobState]:
    """Of each part of the job that waits or runs; [] once it has ended. Raises UserError if Slurm does not answer."""
    if not is_available():
        raise UserError(f"there is no squeue on this machine, so job {job} cannot be asked about here")
    done = _run(["squeue", "--noheader", "--jobs", job, "--format", "%T|%r"])
    if done.returncode:
        if "Invalid job id" in done.stderr:  # it forgets jobs some minutes after their end
            return []
        raise UserError(f"Slurm does not answer: {_reason(done)}")
    return [JobState(*line.split("|", 1)) for line in done.stdout.splitlines() if "|" in line]


def interrupt(job: str) -> None:
    """End what waits, and tell what runs to save its trials and to end. Raises UserError."""
    for words in (["--state=PENDING"], ["--batch", "--signal=INT"]):
        done = _run(["scancel", *words, job])
        if done.returncode and "Invalid job id" not in done.stderr:
            raise UserError(f"Slurm did not stop job {job}: {_reason(done)}")


def _run(words: list[str], text: str | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, input=text, capture_output=True, text=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise UserError(f"Slurm does not answer ({words[0]} waited for {SECONDS:.0f} s)") from None


def _reason(done: subprocess.CompletedProcess[str]) -> str:
    """The last line of what the command said, which names the cause, without its name."""
    lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
    return lines[-1].removeprefix("sbatch: ").removeprefix("error: ").removeprefix("Batch job submission failed: ")
