"""Runs a command on a cluster from outside of it: as a Ray job, whose driver runs on the cluster's head.

The code and the sweep file are sent in the job's working folder. Data sets, the home folder and MLflow are the
cluster's own. A job lives on when the client that submitted it has ended, and the same command finds it again.
"""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gan_core.error_text import first_line
from orchestrator.cluster import job_client, job_logs
from orchestrator.command_hints import job_environment
from orchestrator.console.output import make_console, say
from orchestrator.environment import SOURCES
from orchestrator.errors import UserError
from orchestrator.object_store.s3 import parse_uri
from orchestrator.shutdown_budgets import RAY_JOB_GRACE_PERIOD
from orchestrator.signals import FINISHED
from orchestrator.tracking.address import is_server, parse

PACKAGES = ("orchestrator", "gan_core")
"""Folders of the code that are sent."""
CLUSTER_HOME = (
    '"${ORCHESTRATE_HOME:?the cluster names no storage folder; give --home FOLDER, one that all its nodes see}"'
)
"""As the job's shell reads it: it ends with `job_logs.HOME_MISSING` if the variable is not set."""
ENVIRONMENT = {"PYTHONUNBUFFERED": "1", "RAY_JOB_STOP_WAIT_TIME_S": str(RAY_JOB_GRACE_PERIOD)}


def run(words: list[str], address: str) -> int:
    """Run `orchestrate WORDS` on the cluster and show its output; returns its exit code. Raises UserError."""
    words, is_detached = forwarded(words)
    words += storage_option(words, os.environ)
    refuse_secrets(words)
    files = [word for word in words if Path(word).is_file()]
    client = job_client.connect(address)
    job = _unfinished_job(client, words) or _submit(client, words, files, job_environment(address, files))
    if is_detached:
        say(make_console(), f"job {job} runs on the cluster; the same command without --detach follows it")
        return FINISHED
    return job_logs.follow(client, job, address)


def forwarded(words: list[str]) -> tuple[list[str], bool]:
    """(the words without --address and --detach, which are for the client; whether --detach is among them)."""
    rest, is_address = [], False
    for word in words:
        if is_address or word == "--detach" or word.startswith("--address="):
            is_address = False
        elif word == "--address":
            is_address = True
        else:
            rest.append(word)
    return rest, "--detach" in words


def storage_option(words: list[str], environment: Mapping[str, str]) -> list[str]:
    """`--storage` for a sweep on the cluster, if only the client's environment names it."""
    is_given = any(word == "--storage" or word.startswith("--storage=") for word in words)
    uri = environment.get("ORCHESTRATE_STORAGE")
    return ["--storage", uri] if uri and words[:1] == ["sweep"] and not is_given else []


def refuse_secrets(words: list[str]) -> None:
    """Raises UserError if an address among the words may hold a password: everybody sees the words of a job.

    They are in the cluster's dashboard, in `ray job list`, and in the list of processes on the head.
    """
    if _values(words, "--notify"):
        raise UserError(
            "--notify holds an address that may be secret, and `ray job list` shows the words of a job to everybody; "
            "leave it out, and set ORCHESTRATE_NOTIFY where the cluster's head is started"
        )
    for uri in _values(words, "--storage"):
        parse_uri(uri)
    for uri in _values(words, "--tracking-uri"):
        url = parse(uri)
        is_file = url.get_backend_name() == "sqlite"
        if url.password or (is_server(uri) and url.username) or (url.query and not is_file):
            raise UserError(
                "--tracking-uri holds a password, or options that may hold one, and `ray job list` shows the words of "
                "a job to everybody; leave it out, and set MLFLOW_TRACKING_URI where the cluster's head is started "
                "(for a server also MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD)"
            )


def _values(words: list[str], option: str) -> list[str]:
    """The values that the words have for this option."""
    apart = [value for name, value in pairwise(words) if name == option]
    return apart + [word.partition("=")[2] for word in words if word.startswith(f"{option}=")]


def entrypoint(words: list[str], files: list[str]) -> str:
    """The job's shell command. Files that are sent along lie in its working folder, under their names."""
    arguments = [Path(word).name if word in files else word for word in words]
    command = f"exec python -m orchestrator {shlex.join(arguments)}"
    has_home = any(word == "--home" or word.startswith("--home=") for word in words)
    return command if has_home else f"{command} --home {CLUSTER_HOME}"


def _unfinished_job(client: Any, words: list[str]) -> str | None:
    """The job of the same command that runs already, if there is one."""
    command = shlex.join(words)
    same = [job for job in client.list_jobs() if job.metadata and job.metadata.get("orchestrate") == command]
    unfinished = [job.submission_id for job in same if job.status in job_logs.UNFINISHED]
    return unfinished[-1] if unfinished else None


def _submit(client: Any, words: list[str], files: list[str], client_environment: dict[str, str]) -> str:
    """Submit the job; returns its id. Raises UserError."""
    with TemporaryDirectory(prefix="orchestrate-job-") as folder:
        for package in PACKAGES:
            shutil.copytree(SOURCES / package, Path(folder) / package, ignore=shutil.ignore_patterns("__pycache__"))
        try:
            for file in files:
                shutil.copy(file, folder)
        except OSError as error:
            raise UserError(f"{error.filename}: cannot be sent ({error.strerror})") from None
        try:
            job = client.submit_job(
                entrypoint=entrypoint(words, files),
                runtime_env={"working_dir": folder, "env_vars": ENVIRONMENT | client_environment},
                metadata={"orchestrate": shlex.join(words)},
            )
        except Exception as error:
            raise UserError(f"the cluster rejected the job: {first_line(error)}") from None
    return str(job)
