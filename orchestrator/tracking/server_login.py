"""The login of an MLflow server that one user starts: other users of the machine reach its port, too."""

from __future__ import annotations

import configparser
import secrets
from pathlib import Path

from orchestrator.tracking.address import sqlite_uri

USER = "me"
APP = "basic-auth"
"""The name of MLflow's server with users and passwords."""


def prepare(folder: Path) -> tuple[str, dict[str, str]]:
    """(a new password, the environment of a server that asks for it). `folder`: only its owner can reach it.

    The server keeps its users in this folder, and none but USER.
    """
    password = secrets.token_urlsafe(16)
    settings = {
        "default_permission": "NO_PERMISSIONS",
        "database_uri": sqlite_uri(folder / "users.db"),
        "admin_username": USER,
        "admin_password": password,
        "auth_cache_ttl_seconds": "600",  # else each of the many requests of a page hashes the password anew
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    config = configparser.ConfigParser()
    config["mlflow"] = {name: value.replace("%", "%%") for name, value in settings.items()}
    file = folder / "basic_auth.ini"
    with open(file, "w", encoding="utf-8") as opened:
        config.write(opened)
    return password, {
        "MLFLOW_AUTH_CONFIG_PATH": str(file),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(32),  # signs the forms of its pages
    }
