"""MLflow's address, and whether MLflow answers there: checked before anything is started."""

from __future__ import annotations

import os
import socket
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from orchestrator.errors import UserError


def default_uri(home: Path) -> str:
    """`$MLFLOW_TRACKING_URI`, or SQLite in the home folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home.absolute() / 'mlflow.db'}"


def without_secrets(uri: str) -> str:
    """The address without user, password and query (which may hold them too), for messages and files.

    Raises UserError if it is not an address.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise UserError(f"MLFLOW_TRACKING_URI is no address ({error}); write http://HOST:PORT") from None
    if not parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def check_uri(uri: str) -> None:
    """Raises UserError if nothing answers at an address in the network, or if MLflow does not support its scheme."""
    safe_uri, parts = without_secrets(uri), urlsplit(uri)
    if parts.scheme in ("", "file"):
        raise UserError(
            f"MLFLOW_TRACKING_URI is {safe_uri!r}: MLflow 3 keeps no runs in plain folders; "
            "use http://HOST:PORT, sqlite:///FILE or postgresql://..., or unset it"
        )
    try:
        if parts.scheme in ("http", "https"):
            urlopen(f"{safe_uri.rstrip('/')}/health", timeout=5).close()
        elif parts.hostname:
            _check_driver(uri)
            port = parts.port or {"postgresql": 5432, "mysql": 3306, "mssql": 1433}[parts.scheme.partition("+")[0]]
            socket.create_connection((parts.hostname, port), timeout=5).close()
    except HTTPError:
        return  # it answers, but wants credentials
    except (OSError, ValueError, KeyError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"MLflow's store at {safe_uri} does not answer ({reason}); check that it runs and that "
            "MLFLOW_TRACKING_URI is its address, or unset MLFLOW_TRACKING_URI to record into the home folder"
        ) from None


def _check_driver(uri: str) -> None:
    """Raises UserError if the Python package for such a database is not installed."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        make_url(uri).get_dialect().import_dbapi()
    except ImportError as error:
        raise UserError(
            f"MLflow's store at {without_secrets(uri)} needs the package {error.name}, which is not installed; "
            "`pip install 'gan-orchestrator[cluster]'` brings that for postgresql://"
        ) from None
    except (ArgumentError, NoSuchModuleError):
        kind = urlsplit(uri).scheme
        raise UserError(f"MLFLOW_TRACKING_URI: {kind}:// is no kind of database that MLflow knows") from None
