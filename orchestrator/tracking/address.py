"""Where MLflow and Ray are, and whether they answer: asked before anything is started."""

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

    Raises UserError where it is no address.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise UserError(f"MLFLOW_TRACKING_URI is no address ({error}); write http://HOST:PORT") from None
    if not parts.netloc:
        return uri
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def check_uri(uri: str) -> None:
    """Raises UserError if nothing answers at an address on the network, or if the kind of address is not supported."""
    shown, parts = without_secrets(uri), urlsplit(uri)
    if parts.scheme in ("", "file"):
        raise UserError(
            f"MLFLOW_TRACKING_URI is {shown!r}: MLflow 3 keeps no runs in plain folders; "
            "use http://HOST:PORT, sqlite:///FILE or postgresql://..., or unset it"
        )
    try:
        if parts.scheme in ("http", "https"):
            urlopen(f"{shown.rstrip('/')}/health", timeout=5).close()
        elif parts.hostname:
            _check_driver(uri)
            port = parts.port or {"postgresql": 5432, "mysql": 3306, "mssql": 1433}[parts.scheme.partition("+")[0]]
            socket.create_connection((parts.hostname, port), timeout=5).close()
    except HTTPError:
        return  # it answers, though not to everybody
    except (OSError, ValueError, KeyError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"MLflow's store at {shown} does not answer ({reason}); check that it runs and that "
            "MLFLOW_TRACKING_URI is its address, or unset MLFLOW_TRACKING_URI to record into the home folder"
        ) from None


def _check_driver(uri: str) -> None:
    """Raises UserError where Python cannot speak to such a database."""
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


def check_free(port: int) -> None:
    """Raises UserError if something listens on 127.0.0.1 at this port already."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise UserError(f"port {port} on 127.0.0.1 is taken; choose another with --port")


def check_address(address: str) -> None:
    """Raises UserError if nothing listens at a cluster's address."""
    host, _, port = address.rpartition("://")[2].rstrip("/").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdigit():
        raise UserError(
            f"--address {address}: write auto or HOST:6379 on a machine of the cluster, "
            "ray://HOST:10001 or http://HOST:8265 elsewhere"
        )
    try:
        socket.create_connection((host, int(port)), timeout=5).close()
    except OSError as error:
        raise UserError(
            f"no Ray cluster answers at {address} ({error}); check that `ray status` works on that host and that "
            "the port can be reached, or leave --address (and $RAY_ADDRESS) out for a local Ray"
        ) from None
