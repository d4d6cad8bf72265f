"""`orchestrate ui`: MLflow's web pages of a store, on this machine only."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from orchestrator.errors import UserError
from orchestrator.store import temp_folder
from orchestrator.store.sweep_folder import make_home
from orchestrator.tracking import server_login
from orchestrator.tracking.address import is_server, without_secrets


def serve(home: Path, uri: str, port: int) -> None:
    """Replace this process by MLflow's server on 127.0.0.1. If `uri` is a server already, only print its address.

    Other users of the machine reach the port, so the server asks for a password, a new one each time. Nothing can be
    written through it outside of the home: it passes no artifacts on, and experiments that are made in its pages keep
    theirs in the home. Raises UserError if the port is taken.
    """
    if is_server(uri):
        print(f"MLflow already serves these runs at {without_secrets(uri)}")
        return
    check_free(port)
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault(
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION", "false"
    )  # eight processes that only evaluations of text need
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri  # not as an argument, which every user of the machine can read
    make_home(home)
    password, environment = server_login.prepare(temp_folder.private_folder())
    os.environ |= environment
    print(f"MLflow on http://127.0.0.1:{port} (Ctrl-C ends it)", flush=True)
    print(f"user {server_login.USER}, password {password} (a new one each time)", flush=True)
    command = [sys.executable, "-m", "mlflow", "server", "--app-name", server_login.APP, "--no-serve-artifacts"]
    command += ["--default-artifact-root", (home.absolute() / "mlartifacts").as_uri()]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.execv(sys.executable, command)


def check_free(port: int) -> None:
    """Raises UserError if something listens on 127.0.0.1 at this port already."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise UserError(f"port {port} on 127.0.0.1 is taken; choose another with --port")
