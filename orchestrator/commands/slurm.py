"""`orchestrate sweep --slurm`: the sweep as a job."""

from __future__ import annotations

import json
import os
import secrets
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from orchestrator.command_hints import orchestrate_command
from orchestrator.commands import parts, sweep_preparation
from orchestrator.commands.slurm_job import refuse_if_submitted
from orchestrator.commands.sweep_options import Part, SweepOptions
from orchestrator.commands.user_config import SETTINGS
from orchestrator.console.output import say
from orchestrator.errors import UserError, cannot_be_written, short_repr
from orchestrator.formatting import count_of
from orchestrator.signals import FINISHED
from orchestrator.slurm import client
from orchestrator.slurm.script import Job, batch_script
from orchestrator.store.json_files import write_json
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.sweep_lock import make_folder, refuse_if_held
from orchestrator.sweepfile import loader
from orchestrator.sweepfile.model import Sweep
from orchestrator.sweepfile.slurm import SlurmSettings, check, merged

FOR_SUBMITTING = ("--slurm", "--dry-run")
WITH_VALUES = ("--slurm-array", "--home", "--notify", "--tracking-uri")
"""Options that the job's command does not get as they were typed."""


@dataclass(frozen=True)
class SlurmRequest:
    """words: of the command, after `orchestrate`, as they were typed. options: as they were understood. parts: of
    `--slurm-array`; 0: one job.
    """

    file: Path
    overrides: Sequence[str]
    words: Sequence[str]
    options: SweepOptions
    parts: int = 0
    dry_run: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the job gets in place of options which may hold secrets."""
        notify = " ".join(self.options.notify)
        return {"MLFLOW_TRACKING_URI": self.options.tracking_uri} | ({"ORCHESTRATE_NOTIFY": notify} if notify else {})


def submit(request: SlurmRequest, console: Console) -> int:
    """Submit the sweep as a job, or with `dry_run` print its script. Raises UserError."""
    sweep = loader.load(request.file, [*request.overrides])
    options = request.options
    settings = _settings(sweep, request)
    if request.parts:
        parts.check(sweep, replace(options, part=Part(1, request.parts)), "--slurm-array")
    folder = SweepFolder(options.home, sweep.name)
    if not str(folder.folder).isprintable():
        raise UserError(f"--home {short_repr(str(options.home))} cannot stand in a batch script; choose another one")
    job = Job(
        sweep.name,
        forwarded(request.words, options.home),
        folder.folder,
        folder.output_file,
        folder.ray_token_file,
        Path(sys.executable),
        request.parts,
    )
    script = batch_script(job, settings)
    if request.dry_run:
        print(script, end="")
        return FINISHED
    sweep_preparation.check_request(options, sweep.name)
    refuse_if_held(folder)
    refuse_if_submitted(folder)
    _prepare(folder)
    try:
        number = client.submit(script, request.environment)
    except UserError:
        folder.ray_token_file.unlink()
        with suppress(OSError):  # it is not empty
            folder.folder.rmdir()
        raise
    write_json(folder.slurm_file, {"job": number, "parts": request.parts})
    _tell(console, folder, number, settings, request.parts)
    return FINISHED


def forwarded(words: Sequence[str], home: Path) -> list[str]:
    """The words of the command that the job runs: without those for Slurm, and with the home as all nodes see it.

    Addresses, which may hold secrets, travel in the environment: everybody can read the words of a process.
    """
    rest, skips = list[str](), False
    for word in words:
        if skips:
            skips = False
        elif word in WITH_VALUES:
            skips = True
        elif word not in FOR_SUBMITTING and word.partition("=")[0] not in WITH_VALUES:
            rest.append(word)
    return [rest[0], "--home", str(home.absolute()), *rest[1:]]


def _settings(sweep: Sweep, request: SlurmRequest) -> SlurmSettings:
    """Raises UserError."""
    settings = merged(_profile(), sweep.slurm)
    if request.parts and settings.nodes > 1:
        raise UserError(
            f"--slurm-array: each of its jobs has one node, and slurm.nodes is {settings.nodes}; leave --slurm-array "
            "out for one job on several nodes, or add --set slurm.nodes=1"
        )
    return settings


def _profile() -> dict[str, Any]:
    """The user's profile, from $ORCHESTRATE_SLURM or the user's own file. Raises UserError."""
    variable = SETTINGS["slurm"].variable
    text = os.environ.get(variable)
    if not text:
        return {}
    try:
        content = json.loads(text)
    except ValueError as error:
        example = '\'{"partition": "gpu"}\''
        raise UserError(f"${variable} is not valid JSON ({error}); write it as {example}") from None
    right, wrong = check(content)
    for key, message in wrong.items():
        raise UserError(f"${variable}: {': '.join(filter(None, (key, message)))}")
    return right


def _prepare(folder: SweepFolder) -> None:
    """Make the folder and a token, which the job's nodes need. Raises UserError."""
    make_folder(folder)
    try:
        folder.ray_token_file.unlink(missing_ok=True)
        folder.ray_token_file.touch(mode=0o600)
        folder.ray_token_file.write_text(secrets.token_hex(32))
    except OSError as error:
        raise cannot_be_written(folder.folder, error) from None


def _tell(console: Console, folder: SweepFolder, number: str, settings: SlurmSettings, jobs: int) -> None:
    where = f"{count_of(jobs, 'job')} on a node each" if jobs else count_of(settings.nodes, "node")
    partition = f" of partition {settings.partition}" if settings.partition else ""
    say(console, f"job {number} trains {folder.name} on {where}{partition}; it is queued again when its time is over")
    output = folder.output_file.with_name("output-1.log") if jobs else folder.output_file
    say(console, f"  its output   {output}")
    for command in ("status", "stop"):
        say(console, f"  {command:<13}{orchestrate_command(f'{command} {folder.name}', folder.home)}")
