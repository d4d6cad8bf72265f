"""Follows a Ray job from outside the cluster: its output up to its end, whatever the connection does."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Any

from tenacity import AsyncRetrying, stop_after_attempt, wait_fixed

from gan_core.error_text import first_line
from orchestrator.console.output import make_console, say
from orchestrator.errors import UserError
from orchestrator.signals import INTERRUPTED, SOME_FAILED, WRONG_REQUEST

UNFINISHED = ("PENDING", "RUNNING")
"""Ray's states of a job that has not ended."""
HOME_MISSING = 127
"""Exit code of the job's shell if the cluster names no home folder."""
MAX_CONNECTIONS = 10
SECONDS_BETWEEN_CONNECTIONS = 3.0


def follow(client: Any, job: str, address: str) -> int:
    """Show what the job writes until it ends; returns its exit code. Ctrl-C ends only the showing.

    Raises UserError if the connection is lost for good.
    """
    try:
        asyncio.run(_show(client, job, sys.stdout.write))
        info = client.get_job_info(job)
        while info.status in UNFINISHED:  # its last output comes before its end
            time.sleep(0.2)
            info = client.get_job_info(job)
    except KeyboardInterrupt:
        stop = f"orchestrate stop SWEEP --address {address}"
        say(make_console(), f"\njob {job} goes on; the same command follows it again, `{stop}` ends it")
        return INTERRUPTED
    except Exception as error:
        raise UserError(f"the connection to job {job} was lost ({first_line(error)}); it goes on") from None
    if info.driver_exit_code is None:
        print(f"job {job}: {info.status.lower()}: {info.message}", file=sys.stderr)
        return SOME_FAILED
    return WRONG_REQUEST if info.driver_exit_code == HOME_MISSING else int(info.driver_exit_code)


async def _show(client: Any, job: str, write: Callable[[str], object]) -> None:
    """Write the job's output once, over reconnections: each new connection sends everything from the start."""
    written = 0

    async def write_rest() -> None:
        nonlocal written
        received = 0
        try:
            async for text in client.tail_job_logs(job):
                received += len(text)
                if received > written:
                    write(text[len(text) - (received - written) :])
                    sys.stdout.flush()
                    written = received
        except BrokenPipeError:  # nobody reads our output any more
            return

    connections = AsyncRetrying(
        stop=stop_after_attempt(MAX_CONNECTIONS), wait=wait_fixed(SECONDS_BETWEEN_CONNECTIONS), reraise=True
    )
    await connections(write_rest)
