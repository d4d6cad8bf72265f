"""The MLflow client, and how the runs of a sweep are found in an experiment.

A sweep is a parent run and each trial a child run of it. Tags tell them apart: `orchestrator.tracking.run_content`.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from enum import StrEnum
from typing import Any, NamedTuple

from orchestrator.tracking import sqlite

KIND_TAG, KEY_TAG, FOLDER_TAG = "orchestrate.kind", "orchestrate.key", "orchestrate.folder"
SENT_TAG = "orchestrate.sent"
"""The state of the record of which the run holds everything. It is set last."""
REQUEST_TIMEOUT = 10
"""Seconds that MLflow has to answer one request."""
PAGE_SIZE = 1000
"""Runs in one answer of MLflow."""
IMAGE_PATH = re.compile(r"images/(?P<key>[^+]+)\+step\+(?P<step>[0-9]{1,15})\+timestamp\+[0-9]+\+[0-9a-f-]+\.png")
"""The artifact path that MLflow gives to an image that is logged for a step."""


class RunStatus(StrEnum):
    """The statuses of a run, as MLflow spells them."""

    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    FAILED = "FAILED"
    KILLED = "KILLED"


class LoggedImage(NamedTuple):
    """An image that was logged for a step. `path`: of the artifact."""

    key: str
    step: int
    path: str


def client_for(uri: str) -> Any:
    """An MlflowClient that prints nothing and gives up soon: a request may take REQUEST_TIMEOUT, and is not repeated.

    Callers try again later, and send what is new by then, too. MLflow's own retries would wait as long as the
    Retry-After of a server says, and would create two runs if the answer to the first request was lost.
    """
    for name, value in {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(REQUEST_TIMEOUT),
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # it would print user and password
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "PGCLIENTENCODING": "UTF8",  # else a PostgreSQL made without a locale (SQL_ASCII) answers in bytes
    }.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for logger in ("mlflow", "alembic"):  # after the import, which sets their levels; all errors are raised as well
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    sqlite.create(uri, MlflowClient)
    return AnswerTimingClient(MlflowClient(tracking_uri=uri), uri)


class AnswerTimingClient:
    """An MlflowClient that knows its address and when MLflow answered last (`last_answer`, by time.monotonic)."""

    def __init__(self, client: Any, uri: str):
        self._client, self.uri, self.last_answer = client, uri, 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            self.last_answer = time.monotonic()
            return answer

        return call


def runs_page(address: str, experiment_id: str) -> str:
    """The page of a server that shows an experiment's runs; without the query MLflow may open one for traces."""
    return f"{address.rstrip('/')}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"


def warm_up(uri: str) -> None:
    """Import MLflow and let it create its database. This takes seconds, in which other preparations can go on."""
    with suppress(Exception):  # `Mirror.open` reports errors
        client_for(uri).search_experiments(max_results=1)


def child_runs(client: Any, experiment_id: str, parent_run_id: str, include_deleted: bool = False) -> Iterator[Any]:
    """The runs of trials under a parent run, page by page. Runs without a trial's key, made by hand, are left out."""
    tags = {"mlflow.parentRunId": parent_run_id, KIND_TAG: "trial"}
    for run in runs_with_tags(client, experiment_id, tags, include_deleted):
        if KEY_TAG in run.data.tags:
            yield run


def runs_with_tags(
    client: Any, experiment_id: str, tags: dict[str, str], include_deleted: bool = False
) -> Iterator[Any]:
    """The runs that have all these tags, the oldest first. One page of them at a time is in memory."""
    from mlflow.entities import ViewType

    view = ViewType.ALL if include_deleted else ViewType.ACTIVE_ONLY
    query = " AND ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    token = None
    while True:
        page = client.search_runs([experiment_id], query, view, PAGE_SIZE, ["attributes.start_time ASC"], token)
        yield from page
        token = page.token
        if not token:
            return


def keep_oldest_run(client: Any, runs: list[Any], sent: Counter[str]) -> Any:
    """The run to go on with, of all runs of one trial or sweep: the oldest. None if there is none.

    There are several if the answer to the request that created the first was lost. The others are deleted. If all of
    them are deleted already, the oldest is restored.
    """
    active = [run for run in runs if run.info.lifecycle_stage == "active"]
    if runs and not active:
        client.restore_run(runs[0].info.run_id)
        sent["restored runs"] += 1
        return runs[0]
    for run in active[1:]:
        client.delete_run(run.info.run_id)
    return active[0] if active else None


def logged_images(client: Any, run_id: str) -> list[LoggedImage]:
    """The images that a run has for its steps, by key and step."""
    matches = [IMAGE_PATH.fullmatch(entry.path) for entry in client.list_artifacts(run_id, "images")]
    return sorted(LoggedImage(match["key"], int(match["step"]), match[0]) for match in matches if match)
