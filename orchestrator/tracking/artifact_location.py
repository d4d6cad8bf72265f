"""Where MLflow says that the artifacts of a run are: whoever writes to MLflow chooses it, so it is checked before use.

MLflow itself fetches from any address, and sends files to any.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from orchestrator.errors import UserError, short_repr
from orchestrator.tracking.address import SERVERS, is_server

PROXY = "mlflow-artifacts"
"""The scheme of artifacts that an MLflow server stores itself. Without a host it means the tracking server."""
STORES = ("", "file", "s3", "gs", "wasbs", "abfss", "hdfs")
"""Schemes of folders and of object stores, which ask for the user's own credentials."""


def check(run_id: str, artifact_uri: str, tracking_uri: str) -> None:
    """Raises UserError if a run's artifacts are at another web server than MLflow's, or of a kind that is not known."""
    if not _is_allowed(artifact_uri, tracking_uri):
        raise UserError(
            f"MLflow's run {run_id} has its artifacts at {short_repr(artifact_uri)}, which is neither MLflow's own "
            "server nor a folder or bucket, so nothing is read or written there; delete the run, then orchestrate sync "
            "makes it again"
        )


def _is_allowed(artifact_uri: str, tracking_uri: str) -> bool:
    try:
        artifacts, tracking = urlsplit(artifact_uri), urlsplit(tracking_uri)
        if artifacts.scheme in SERVERS or (artifacts.scheme == PROXY and artifacts.netloc):
            same_host = (artifacts.hostname, artifacts.port) == (tracking.hostname, tracking.port)
            return is_server(tracking_uri) and same_host
    except ValueError:
        return False
    if artifacts.scheme == "file" and artifacts.netloc not in ("", "localhost"):
        return False
    return artifacts.scheme in (PROXY, *STORES)
