"""`orchestrate ui`: MLflow's web pages of a store, on this machine only."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import sys
import time
from http.client import HTTPException
from pathlib import Path
from urllib.request import ProxyHandler, Request, build_opener

from rich.console import Console

from orchestrator.command_hints import orchestrate_command
from orchestrator.console.output import say
from orchestrator.errors import UserError
from orchestrator.store import temp_folder
from orchestrator.tracking import moved_home, server_login
from orchestrator.tracking.address import is_server, parse, without_secrets
from orchestrator.tracking.artifact_location import ARTIFACTS_FOLDER
from orchestrator.tracking.client import runs_page
from orchestrator.tracking.sqlite import database_file

POLL_SECONDS = 0.2
NO_PROXY_OPENER = build_opener(ProxyHandler({}))
"""Asks a server on this machine: a proxy of the environment neither answers for it nor hears the password."""
SERVER_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # eight processes that only evaluations of text need
    "PGCLIENTENCODING": "UTF8",  # see `client_for`
}
MAX_EXPERIMENTS = 1000
"""Maximum number of experiments requested, newest first."""


def serve(home: Path, uri: str, port: int, console: Console) -> None:
    """Replace this process by MLflow's server on 127.0.0.1. If `uri` is a server already, only print its address.

    Other users of the machine reach the port, so the server asks for a password, a new one each time. Nothing can be
    written through it outside of the home: it passes no artifacts on, and experiments that are made in its pages keep
    theirs in the home. Raises UserError if the port is taken, or if there is no store at `uri`: MLflow would make an
    empty one.
    """
    parse(uri)
    if is_server(uri):
        say(console, f"MLflow already serves these runs at {without_secrets(uri)}")
        return
    check_store(uri, home)
    check_free(port)
    moved_home.follow(uri, print)
    for name, value in SERVER_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    os.environ["MLFLOW_BACKEND_STORE_URI"] = uri  # not as an argument, which every user of the machine can read
    password, environment = server_login.prepare(temp_folder.private_folder())
    os.environ |= environment
    say(console, f"starting MLflow on {without_secrets(uri)} ...")
    say(console, f"user {server_login.USER}, password {password} (a new one each time)")
    _announce_when_up(f"http://127.0.0.1:{port}", home, password, console)
    command = [sys.executable, "-P", "-m", "mlflow", "server", "--app-name", server_login.APP, "--no-serve-artifacts"]
    command += ["--default-artifact-root", (home.absolute() / ARTIFACTS_FOLDER).as_uri()]
    command += ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    os.execv(sys.executable, command)


def check_store(uri: str, home: Path) -> None:
    """Raises UserError if `uri` is a SQLite file that does not exist."""
    file = database_file(uri)
    if file and not file.exists():
        sweep = orchestrate_command("sweep FILE", home)
        raise UserError(
            f"there is no MLflow store {file}, so nothing was recorded there; "
            f"give the --home of your sweeps, or begin with {sweep}"
        )


def check_free(port: int) -> None:
    """Raises UserError if something listens on 127.0.0.1 at this port already."""
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise UserError(f"port {port} on 127.0.0.1 is taken; choose another with --port")


def _announce_when_up(address: str, home: Path, password: str, console: Console) -> None:
    """Print the pages of a server once it answers, from a child of this process, which is to become the server."""
    server = os.getpid()
    if os.fork():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    try:
        while os.getppid() == server:
            if answers(address):
                say(console, "\n".join(pages(address, home, password)))
                break
            time.sleep(POLL_SECONDS)
    finally:
        os._exit(0)


def answers(address: str) -> bool:
    """Whether MLflow's server is up."""
    try:
        with NO_PROXY_OPENER.open(f"{address}/health", timeout=5):
            return True
    except (OSError, HTTPException):
        return False


def pages(address: str, home: Path, password: str) -> list[str]:
    """The address of a server that is up, and the page of each sweep in its store, as lines."""
    body = json.dumps({"max_results": MAX_EXPERIMENTS}).encode()
    login = base64.b64encode(f"{server_login.USER}:{password}".encode()).decode()
    headers = {"Content-Type": "application/json", "Authorization": f"Basic {login}"}
    question = Request(f"{address}/api/2.0/mlflow/experiments/search", body, headers)
    lines = [f"MLflow is up: {address} (Ctrl-C ends it)"]
    try:
        with NO_PROXY_OPENER.open(question, timeout=30) as answer:
            experiments = json.load(answer).get("experiments", [])
    except (OSError, ValueError, HTTPException):  # the address must do
        return lines
    sweeps = {e["name"]: runs_page(address, e["experiment_id"]) for e in experiments if e["experiment_id"] != "0"}
    if not sweeps:
        return [*lines, f"it holds no sweep yet; {orchestrate_command('sweep FILE', home)} makes one"]
    return [*lines, *(f"{name}  {page}" for name, page in sorted(sweeps.items()))]
