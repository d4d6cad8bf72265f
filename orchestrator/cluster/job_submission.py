"""A command for a cluster from outside of it: a Ray job, whose driver runs on the cluster's head.

The code and the sweep file travel in the job's working folder; data sets, the storage folder and MLflow are the
cluster's own. A job lives on when the client that started it is gone, and the same command finds it again.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shlex
import shutil
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gan_core.error_text import first_line, last_line
from orchestrator.command_hints import job_environment
from orchestrator.environment import SOURCES
from orchestrator.errors import UserError
from orchestrator.shutdown_budgets import RAY_JOB_GRACE_PERIOD
from orchestrator.signals import INTERRUPTED

OUTSIDE = ("ray://", "http://", "https://")
PACKAGES = ("orchestrator", "gan_core")
HOME = '"${ORCHESTRATE_HOME:?the cluster names no storage folder; give --home FOLDER, one that all its nodes see}"'
NO_HOME = 127
"""A shell's exit code where that variable is not set."""
SETTINGS = {"PYTHONUNBUFFERED": "1", "RAY_JOB_STOP_WAIT_TIME_S": str(RAY_JOB_GRACE_PERIOD)}
"""Environment of a job."""
CONNECTS = 3
DIED_AT_FORK = "Starting Ray client server failed"
"""Ray's process for a ray:// client dies now and then as it begins, where another client comes at that moment
(github.com/ray-project/ray/issues/63202); the next one lives. `docker/start/head.sh` keeps it from happening."""
LIVE = ("PENDING", "RUNNING")
RECONNECTS = 10
SECONDS_BETWEEN_RECONNECTS = 3.0


def is_outside(address: str | None) -> bool:
    """Whether an address is one for clients outside the cluster: Ray's client server, or its job server."""
    return bool(address) and str(address).startswith(OUTSIDE)


def run(words: list[str], address: str) -> int:
    """Runs `orchestrate WORDS` on the cluster and shows what it says; its exit code. Raises UserError."""
    words, detach = forwarded(words)
    words += storage_of(words, os.environ)
    files = [word for word in words if Path(word).is_file()]
    client = _client(address)
    job = _running(client, words) or _submit(client, words, files, job_environment(address, files))
    if detach:
        print(f"job {job} runs on the cluster; the same command without --detach follows it")
        return 0
    return _follow(client, job, address)


def forwarded(words: list[str]) -> tuple[list[str], bool]:
    """(the words without those that are for this side: --address and --detach; whether to detach)."""
    kept, skip = [], False
    for word in words:
        if skip or word == "--detach" or word.startswith("--address="):
            skip = False
        elif word == "--address":
            skip = True
        else:
            kept.append(word)
    return kept, "--detach" in words


def storage_of(words: list[str], environment: Mapping[str, str]) -> list[str]:
    """`--storage` for a sweep there, where only this machine's environment names it."""
    given = any(word == "--storage" or word.startswith("--storage=") for word in words)
    here = environment.get("ORCHESTRATE_STORAGE")
    return ["--storage", here] if here and words[:1] == ["sweep"] and not given else []


def entrypoint(words: list[str], files: list[str]) -> str:
    """The job's shell command. Files that are sent along lie in its working folder, under their names."""
    there = [Path(word).name if word in files else word for word in words]
    command = f"exec python -m orchestrator {shlex.join(there)}"
    given = any(word == "--home" or word.startswith("--home=") for word in words)
    return command if given else f"{command} --home {HOME}"


def _client(address: str, tries: int = CONNECTS) -> Any:
    """Ray's job client. Raises UserError where nobody answers, or not to us."""
    from orchestrator.cluster.address import check_address
    from orchestrator.cluster.ray_runtime import prepare_to_join

    check_address(address)
    os.environ.pop("RAY_ADDRESS", None)  # Ray would take it before ours
    prepare_to_join()
    try:
        from ray.job_submission import JobSubmissionClient

        logging.disable(logging.INFO)  # Ray tells of its uploads, and sets its own levels
        warnings.simplefilter("ignore")
        client = JobSubmissionClient(address)
        client.list_jobs()
        return client
    except ImportError as error:
        raise UserError(f"{first_line(error)}; `pip install 'gan-orchestrator[cluster]'` brings it") from None
    except Exception as error:
        if tries > 1 and DIED_AT_FORK in str(error):
            return _client(address, tries - 1)
        raise UserError(f"no job can be submitted to {address}: {_why(error)}") from None


def _why(error: Exception) -> str:
    text = str(error)
    if any(word in text for word in ("401", "403", "Unauth", "AuthToken", "authenti")):
        return "it asks for the cluster's token, and got none or another; set RAY_AUTH_TOKEN_PATH to the file with it"
    said = first_line(error)
    if said.endswith(":"):  # what follows is a traceback
        said += f" {last_line(text)}"
    return (
        f"{said}; check that the head runs with a dashboard (`ray start --head --dashboard-host=...`) "
        "and that RAY_AUTH_TOKEN_PATH is the file with its token"
    )


def _running(client: Any, words: list[str]) -> str | None:
    """The job of the same command that runs already."""
    same = [job for job in client.list_jobs() if job.metadata and job.metadata.get("orchestrate") == shlex.join(words)]
    alive = [job.submission_id for job in same if job.status in LIVE]
    return alive[-1] if alive else None


def _submit(client: Any, words: list[str], files: list[str], told: dict[str, str]) -> str:
    with TemporaryDirectory(prefix="orchestrate-job-") as folder:
        for package in PACKAGES:
            shutil.copytree(SOURCES / package, Path(folder) / package, ignore=shutil.ignore_patterns("__pycache__"))
        for file in files:
            shutil.copy(file, folder)
        try:
            job = client.submit_job(
                entrypoint=entrypoint(words, files),
                runtime_env={"working_dir": folder, "env_vars": SETTINGS | told},
                metadata={"orchestrate": shlex.join(words)},
            )
        except Exception as error:
            raise UserError(f"the cluster takes no job: {first_line(error)}") from None
    return str(job)


def _follow(client: Any, job: str, address: str) -> int:
    """Shows what the job writes until it ends; its exit code. Ctrl-C only ends the showing."""
    try:
        asyncio.run(_show(client, job, sys.stdout.write))
        info = client.get_job_info(job)
        while info.status in LIVE:  # its last words come before its end
            time.sleep(0.2)
            info = client.get_job_info(job)
    except KeyboardInterrupt:
        stop = f"orchestrate stop SWEEP --address {address}"
        print(f"\njob {job} goes on; the same command follows it again, `{stop}` ends it")
        return INTERRUPTED
    except Exception as error:
        raise UserError(f"the connection to job {job} was lost ({first_line(error)}); it goes on") from None
    if info.driver_exit_code is None:
        print(f"job {job}: {info.status.lower()}: {info.message}", file=sys.stderr)
        return 1
    return 2 if info.driver_exit_code == NO_HOME else int(info.driver_exit_code)


async def _show(client: Any, job: str, write: Callable[[str], object]) -> None:
    """Connections break; a new one tells everything from the start, of which only the rest is news."""
    seen = 0
    for left in reversed(range(RECONNECTS)):
        told = 0
        try:
            async for text in client.tail_job_logs(job):
                told += len(text)
                if told > seen:
                    write(text[len(text) - (told - seen) :])
                    sys.stdout.flush()
                    seen = told
            return
        except BrokenPipeError:  # nobody reads us any more
            return
        except Exception:
            if not left:
                raise
            await asyncio.sleep(SECONDS_BETWEEN_RECONNECTS)
