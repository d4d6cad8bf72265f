"""MLflow's address, and whether MLflow answers there: checked before anything is started."""

from __future__ import annotations

import os
import socket
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import urlsplit, urlunsplit
from urllib.request import urlopen

from orchestrator.errors import UserError

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

DEFAULT_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
SERVERS = ("http", "https")


def default_uri(home: Path) -> str:
    """`$MLFLOW_TRACKING_URI`, or SQLite in the home folder."""
    return os.environ.get("MLFLOW_TRACKING_URI") or sqlite_uri(home.absolute() / "mlflow.db")


def sqlite_uri(file: Path) -> str:
    """The address of a SQLite file. `%` and `?` in its path are escaped.

    For such a path the address names its driver, too: for `sqlite:///` MLflow makes the folder of the path as it is
    written, with the escapes (`_make_parent_dirs_if_sqlite`, mlflow 3.17.2).
    """
    escaped = str(file).replace("%", "%25").replace("?", "%3F")
    return f"sqlite:///{file}" if escaped == str(file) else f"sqlite+pysqlite:///{escaped}"


def is_server(uri: str) -> bool:
    """Whether it is the address of an MLflow server."""
    return urlsplit(uri).scheme in SERVERS


def parse(uri: str) -> URL:
    """The parts of an address, as SQLAlchemy reads them.

    Raises UserError, which does not quote the address, if it cannot be read, or can be read in two ways: then part of
    a password may be taken for the host or for the path.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        urlsplit(uri)  # as others read it
        url = make_url(uri)
        is_clear = _is_server_clear(uri, url) if url.drivername in SERVERS else _is_database_clear(uri, url)
    except (ArgumentError, ValueError):  # ValueError: of a port that is no number
        is_clear = False
    if not is_clear:
        raise UserError(
            "MLFLOW_TRACKING_URI is no address that can be read (it is not shown: it may hold a password); write "
            "http://HOST:PORT, sqlite:///FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE, and in user and "
            "password %40 for @, %2F for /, %3F for ?, %23 for #, %5B for ["
        )
    return url


def _is_server_clear(uri: str, url: URL) -> bool:
    """Whether an HTTP client sees the same host as SQLAlchemy."""
    parts = urlsplit(uri)
    same_host = (parts.hostname, parts.port) == ((url.host or "").lower(), url.port)
    return bool(url.host) and same_host and parts.netloc.count("@") <= 1


def _is_database_clear(uri: str, url: URL) -> bool:
    if url.get_backend_name() == "sqlite":
        return url.host is None and url.username is None
    before_host = uri.partition("://")[2].rpartition("@")[0]
    return "?" not in before_host and "@" not in f"{url.host or ''}{url.database or ''}"


def without_secrets(uri: str) -> str:
    """The address without user, password and query (which may hold them too), for messages and files.

    Raises UserError if it cannot be read, see `parse`.
    """
    url = parse(uri)
    if url.drivername in SERVERS:
        parts = urlsplit(uri)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))
    if url.get_backend_name() == "sqlite":
        return uri.partition("?")[0]
    database = url.database and url.database.partition("#")[0]
    return type(url).create(url.drivername, host=url.host, port=url.port, database=database).render_as_string()


def check_uri(uri: str) -> None:
    """Raises UserError if nothing answers at an address in the network, or if MLflow does not support its scheme."""
    url, safe_uri = parse(uri), without_secrets(uri)
    backend = url.get_backend_name()
    if backend == "file":
        raise UserError(
            f"MLFLOW_TRACKING_URI is {safe_uri!r}: MLflow 3 keeps no runs in plain folders; "
            "use http://HOST:PORT, sqlite:///FILE or postgresql://..., or unset it"
        )
    try:
        if backend in SERVERS:
            urlopen(f"{safe_uri.rstrip('/')}/health", timeout=5).close()
        elif backend != "sqlite":
            _check_driver(url, safe_uri)
            if url.host:
                port = url.port or DEFAULT_PORTS[backend]
                socket.create_connection((url.host, port), timeout=5).close()
    except HTTPError:
        return  # it answers, but wants credentials
    except (OSError, ValueError, KeyError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"MLflow's store at {safe_uri} does not answer ({reason}); check that it runs and that "
            "MLFLOW_TRACKING_URI is its address, or unset MLFLOW_TRACKING_URI to record into the home folder"
        ) from None


def _check_driver(url: URL, safe_uri: str) -> None:
    """Raises UserError if the Python package for such a database is not installed."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError

    try:
        url.get_dialect().import_dbapi()
    except ImportError as error:
        raise UserError(
            f"MLflow's store at {safe_uri} needs the package {error.name}, which is not installed; "
            "`pip install 'gan-orchestrator[cluster]'` brings that for postgresql://"
        ) from None
    except (ArgumentError, NoSuchModuleError):
        kind = url.drivername
        raise UserError(f"MLFLOW_TRACKING_URI: {kind}:// is no kind of database that MLflow knows") from None
