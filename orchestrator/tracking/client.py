"""How MLflow is reached, and how a sweep's runs are found in it.

A sweep is a parent run and a child run a trial, told apart by tags; `orchestrator.tracking.mirror` writes them.
"""

from __future__ import annotations

import logging
import os
import re
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from orchestrator.store.json_files import read_json
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.tracking import sqlite
from orchestrator.tracking.address import without_secrets

KIND, KEY, FOLDER = "orchestrate.kind", "orchestrate.key", "orchestrate.folder"
SENT = "orchestrate.sent"
"""The state of the record of which a run holds everything; set last."""
PAGE = 1000
"""Runs in one answer."""
IMAGE_NAME = re.compile(r"images/(?P<key>[^+]+)\+step\+(?P<step>\d+)\+timestamp\+\d+\+[0-9a-f-]+\.png")


def client_for(uri: str) -> Any:
    """A quiet MlflowClient that gives up soon: an answer may take 10 s, and a call is not repeated by itself.

    Its callers try again, later and with all that has come meanwhile. MLflow's own retries would wait as long as a
    server's Retry-After asks, and would make two runs where the answer to the first request was lost.
    """
    for name, value in {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "10",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",  # with user and password
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for logger in ("mlflow", "alembic"):  # importing mlflow sets the levels of its own; its errors are raised too
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    return Heard(MlflowClient(tracking_uri=uri))


class Heard:
    """An MlflowClient that remembers when it was answered last (`when`, time.monotonic)."""

    def __init__(self, client: Any):
        self._client, self.when = client, 0.0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call = getattr(self._client, name)

        def ask(*arguments: Any, **named: Any) -> Any:
            answer = call(*arguments, **named)
            self.when = time.monotonic()
            return answer

        return ask


def warm_up(uri: str) -> None:
    """Imports MLflow and lets it make its database, which takes seconds, while something else is waited for."""
    with suppress(Exception), sqlite.being_made(uri):  # whatever is wrong is said by Mirror.open
        client_for(uri).search_experiments(max_results=1)


def children_of(client: Any, experiment: str, parent: str, trash: bool = False) -> list[Any]:
    """The trial runs of a parent run. `trash`: with those that were deleted. A run made by hand may lack the key."""
    found = runs_with(client, experiment, {"mlflow.parentRunId": parent, KIND: "trial"}, trash)
    return [run for run in found if KEY in run.data.tags]


def runs_with(client: Any, experiment: str, tags: dict[str, str], trash: bool = False) -> list[Any]:
    """The runs with these tags, the oldest first."""
    from mlflow.entities import ViewType

    view = ViewType.ALL if trash else ViewType.ACTIVE_ONLY
    wanted = " AND ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
    found: list[Any] = []
    token = None
    while True:
        page = client.search_runs([experiment], wanted, view, PAGE, ["attributes.start_time ASC"], token)
        found += page
        token = page.token
        if not token:
            return found


def one_of(client: Any, runs: list[Any], sent: Counter[str]) -> Any:
    """Of the runs of one trial (or sweep) the oldest, taken out of MLflow's trash if all are there; None without any.

    There are several where the answer to the making of the first was lost; those go to the trash.
    """
    active = [run for run in runs if run.info.lifecycle_stage == "active"]
    if runs and not active:
        client.restore_run(runs[0].info.run_id)
        sent["restored runs"] += 1
        return runs[0]
    for run in active[1:]:
        client.delete_run(run.info.run_id)
    return active[0] if active else None


def images_of(client: Any, run_id: str) -> list[tuple[str, int, str]]:
    """(key, step, artifact path) of the pictures logged over steps, in order."""
    found = []
    for entry in client.list_artifacts(run_id, "images"):
        if match := IMAGE_NAME.fullmatch(entry.path):
            found.append((match["key"], int(match["step"]), entry.path))
    return sorted(found)


def is_known(folder: SweepFolder, uri: str) -> bool:
    """Whether this sweep has been mirrored at this address before."""
    found = read_json(folder.mirror_file) or {}
    return bool(found.get("parent")) and found.get("tracking_uri") == without_secrets(uri)


def runs_of(folder: SweepFolder) -> dict[str, str]:
    """key -> MLflow run, as last seen."""
    return (read_json(folder.mirror_file) or {}).get("runs", {})
