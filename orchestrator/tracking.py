"""How MLflow is reached, and how a sweep's runs are found in it.

A sweep is a parent run and a child run a trial, told apart by tags; `orchestrator.mirror` writes them.
"""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from typing import Any

from orchestrator import database
from orchestrator.store import SweepFolder, read_json

KIND, KEY, FOLDER = "orchestrate.kind", "orchestrate.key", "orchestrate.folder"
IMAGE_NAME = re.compile(r"images/(?P<key>[^+]+)\+step\+(?P<step>\d+)\+timestamp\+\d+\+[0-9a-f-]+\.png")


def client_for(uri: str) -> Any:
    """A quiet MlflowClient with short timeouts."""
    for name, value in {
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_ENABLE_ASYNC_LOGGING": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }.items():
        os.environ.setdefault(name, value)
    from mlflow import MlflowClient

    for logger in (
        "mlflow",
        "alembic",
    ):  # importing mlflow sets levels; its errors are raised too
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    return MlflowClient(tracking_uri=uri)


def warm_up(uri: str) -> None:
    """Imports MLflow and lets it make its database, which takes seconds, while something else is waited for."""
    with suppress(Exception), database.being_made(uri):  # whatever is wrong is said by Mirror.open
        client_for(uri).search_experiments(max_results=1)


def children_of(client: Any, experiment: str, parent: str) -> list[Any]:
    """The trial runs of a parent run."""
    wanted, found, token = f"tags.`mlflow.parentRunId` = '{parent}' AND tags.`{KIND}` = 'trial'", [], None
    while True:
        page = client.search_runs([experiment], wanted, max_results=1000, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def images_of(client: Any, run_id: str) -> list[tuple[str, int, str]]:
    """(key, step, artifact path) of the pictures logged over steps, in order."""
    found = []
    for entry in client.list_artifacts(run_id, "images"):
        if match := IMAGE_NAME.fullmatch(entry.path):
            found.append((match["key"], int(match["step"]), entry.path))
    return sorted(found)


def runs_of(folder: SweepFolder) -> dict[str, str]:
    """key -> MLflow run, as last seen."""
    return (read_json(folder.mirror_file) or {}).get("runs", {})
