"""The batch script of a sweep: what Slurm is asked for, and what runs on the nodes."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from orchestrator.sweepfile.slurm import SlurmSettings

SECONDS_BEFORE_THE_LIMIT = 120
"""How long before its time limit Slurm tells the job. Saving takes ten seconds, and Slurm may be a minute late."""


@dataclass(frozen=True)
class Job:
    """A sweep as a job. words: of its command, after `orchestrate`. folder: of the sweep. token: file with Ray's.

    python: of this environment. parts: of an array, each an independent job on one node; 0: one
    job.
    """

    name: str
    words: Sequence[str]
    folder: Path
    output: Path
    token: Path
    python: Path
    parts: int = 0


def batch_script(job: Job, settings: SlurmSettings) -> str:
    """The text that `sbatch` gets."""
    subcommand, *words = job.words
    first = shlex.join([str(job.python), "-P", "-u", "-m", "orchestrator", subcommand])
    part = f"' --part '$SLURM_ARRAY_TASK_ID/{job.parts}" if job.parts else ""
    rest = shlex.quote(f" {shlex.join(words)}")
    number = "-$SLURM_ARRAY_TASK_ID" if job.parts else ""
    log = f"{shlex.quote(str(job.output.with_suffix('')))}{number}{job.output.suffix}"
    lines = [
        "#!/bin/bash",
        *(f"#SBATCH {option}" for option in _options(job, settings)),
        "",
        f"token={shlex.quote(str(job.token))}",
        f"log={log}",
        *(_prepared(settings.setup) if settings.setup else []),
        f"export PATH={shlex.quote(str(job.python.parent))}:$PATH",
        f"command={shlex.quote(first)}{part}{rest}",
        "",
        "",
    ]
    return "\n".join(lines) + files("orchestrator.slurm").joinpath("job.sh").read_text(encoding="utf-8")


def _prepared(setup: Sequence[str]) -> list[str]:
    """The user's lines. One that fails ends the job with a word: without its module a sweep might train on a CPU."""
    failed = 'echo "setup failed: $BASH_COMMAND" | tee -a "$log"; exit 1'
    return [f"trap {shlex.quote(failed)} ERR", *setup, "trap - ERR", "set +eu; set +o pipefail"]


def _options(job: Job, settings: SlurmSettings) -> list[str]:
    several = settings.nodes > 1
    asked = {
        "job-name": job.name,
        "partition": settings.partition,
        "account": settings.account,
        "time": settings.time,
        "nodes": settings.nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": settings.cpus,
        "gpus-per-node": settings.gpus or None,
        "mem": settings.memory,
        "array": f"1-{job.parts}" if job.parts else None,
        "signal": f"B:TERM@{SECONDS_BEFORE_THE_LIMIT}",
        "open-mode": "append",
        "output": f"{str(job.folder).replace('%', '%%')}/slurm-{'%A-%a' if job.parts else '%j'}.log",
    }
    options = [f"--{name}={shlex.quote(str(value))}" for name, value in asked.items() if value is not None]
    # a node that dies does not end the job; two Rays of symmetric-run on one node would end each other
    options += ["--requeue", *(["--no-kill", "--exclusive"] if several else [])]
    return [*options, *settings.options]
