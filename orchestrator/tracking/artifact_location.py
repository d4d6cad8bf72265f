"""Where MLflow says that the artifacts of a run are: whoever writes to MLflow chooses it, so it is checked before use.

MLflow itself fetches from any address, and sends files to any.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

from orchestrator.errors import UserError, short_repr
from orchestrator.tracking.address import SERVERS, is_server

PROXY = "mlflow-artifacts"
"""The scheme of artifacts that an MLflow server stores itself. Without a host it means the tracking server."""
STORES = ("", "file", "s3", "gs", "wasbs", "abfss", "hdfs")
"""Schemes of folders and of object stores, which ask for the user's own credentials."""
ARTIFACTS_FOLDER = "mlartifacts"
"""In a home: where MLflow keeps the artifacts, unless it is a server."""


def check(owner: str, artifact_uri: str, tracking_uri: str) -> None:
    """Raises UserError if artifacts are at another web server than MLflow's, or at a place of a kind that is not known.

    Also if they are in a home that does not exist, for MLflow would make it. `owner`: "run ID" or "experiment NAME".
    """
    if not _is_allowed(artifact_uri, tracking_uri):
        raise UserError(
            f"MLflow's {owner} has its artifacts at {short_repr(artifact_uri)}, which is neither MLflow's own "
            "server nor a folder or bucket, so nothing is read or written there; delete the run, then orchestrate sync "
            "makes it again"
        )
    if (home := _home(artifact_uri)) and not os.path.exists(home):
        raise UserError(
            f"MLflow's {owner} has its artifacts at {short_repr(artifact_uri)}, and there is no folder "
            f"{home} here, so nothing is read or written there; move or mount it there again"
        )


def local_folder(artifact_uri: str) -> Path | None:
    """The folder of artifacts that are on this machine; as MLflow has it, which decodes paths without a scheme, too."""
    try:
        parts = urlsplit(artifact_uri)
    except ValueError:
        return None
    if parts.scheme not in ("", "file") or parts.netloc not in ("", "localhost"):
        return None
    folder = Path(unquote(parts.path if parts.scheme else artifact_uri))
    return folder if folder.is_absolute() else None


def _home(artifact_uri: str) -> Path | None:
    """The home that the artifacts are in, if they are in one."""
    folder = local_folder(artifact_uri)
    outermost_first = reversed((folder, *folder.parents) if folder else ())
    return next((path.parent for path in outermost_first if path.name == ARTIFACTS_FOLDER), None)


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
