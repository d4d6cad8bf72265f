"""The connection of a client outside the cluster to Ray's job server."""

from __future__ import annotations

import logging
import os
import warnings
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt

from gan_core.error_text import first_line, last_line
from orchestrator.cluster.address import check_address
from orchestrator.cluster.ray_environment import prepare_to_join
from orchestrator.errors import UserError

MAX_CONNECTION_ATTEMPTS = 3
SERVER_START_FAILED = "Starting Ray client server failed"
"""Ray's process for a ray:// client sometimes dies as it starts, if another client connects at that moment
(github.com/ray-project/ray/issues/63202). The next one lives. `docker/start/head.sh` keeps it from happening."""
OUTSIDE_SCHEMES = ("ray://", "http://", "https://")


def is_outside(address: str | None) -> bool:
    """Whether an address is one for clients outside the cluster: Ray's client server, or its job server."""
    return bool(address) and str(address).startswith(OUTSIDE_SCHEMES)


def connect(address: str) -> Any:
    """Ray's `JobSubmissionClient`. Raises UserError if nobody answers, or the token is wrong."""
    check_address(address)
    os.environ.pop("RAY_ADDRESS", None)  # Ray would take it before ours
    prepare_to_join()
    attempts = Retrying(
        retry=retry_if_exception(_is_server_start_failure),
        stop=stop_after_attempt(MAX_CONNECTION_ATTEMPTS),
        reraise=True,
    )
    try:
        return attempts(_connect_once, address)
    except ImportError as error:
        raise UserError(f"{first_line(error)}; `pip install 'gan-orchestrator[cluster]'` brings it") from None
    except Exception as error:
        raise UserError(f"no job can be submitted to {address}: {_explain(error)}") from None


def _connect_once(address: str) -> Any:
    from ray.job_submission import JobSubmissionClient

    logging.disable(logging.INFO)  # Ray logs its uploads, and sets its own levels
    warnings.simplefilter("ignore")
    client = JobSubmissionClient(address)
    client.list_jobs()
    return client


def _is_server_start_failure(error: BaseException) -> bool:
    return isinstance(error, Exception) and SERVER_START_FAILED in str(error)


def _explain(error: Exception) -> str:
    text = str(error)
    if any(word in text for word in ("401", "403", "Unauth", "AuthToken", "authenti")):
        wrong = "it requires the cluster's token; none or a wrong one was sent"
        return f"{wrong}; set RAY_AUTH_TOKEN_PATH to the file with it"
    message = first_line(error)
    if message.endswith(":"):  # what follows is a traceback
        message += f" {last_line(text)}"
    return (
        f"{message}; check that the head runs with a dashboard (`ray start --head --dashboard-host=...`) "
        "and that RAY_AUTH_TOKEN_PATH is the file with its token"
    )
