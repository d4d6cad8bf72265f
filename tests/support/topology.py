"""A whole cluster on this machine, from the containers' own start scripts: PostgreSQL, MLflow, Ray head and workers."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import Request, urlopen

import psutil

from support.commands import ROOT, environment
from support.hosts import Host, joined, kill_all
from support.ports import free_port
from support.postgres import Postgres
from support.waiting import wait_until

SCRIPTS = ROOT / "docker" / "start"
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
ADMIN = "admin"
STORE_BYTES = str(100 * 1024**2)
TRAINER = "ray::ResourceTrainable"  # how Ray calls a process that trains; the system cuts the name off
QUICK_HEALTH_CHECKS = {"period_ms": "1000", "timeout_ms": "2000", "failure_threshold": "3"}
"""A node that does not answer is dead after about 10 s; with Ray's own settings it took 63 s."""


class Topology:
    """Its folder holds what all hosts share: secrets, the home folder, logs. `hosts`: by name."""

    def __init__(self, hosts: dict[str, Host], folder: Path):
        self.hosts, self.folder, self.home = hosts, folder, folder / "home"
        self.token, self.admin_password = self._secret("token", 32), self._secret("admin", 16)
        database = folder / "postgres"
        database.mkdir()
        self.postgres = Postgres(hosts["tracking"], database, self._secret("database", 16), folder / "postgres.log")
        self.head_address = hosts["head"].address
        self.head, self.dashboard = f"{self.head_address}:6379", f"http://{self.head_address}:8265"
        self.mlflow = f"http://{hosts['tracking'].address}:5000"
        self.mlflow_process: psutil.Popen | None = None

    def _secret(self, name: str, size: int) -> Path:
        file = self.folder / f"{name}.secret"
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(size))
        return file

    def client_environment(self) -> dict[str, str]:
        """What somebody has who may use the cluster: its token."""
        return environment() | {"RAY_AUTH_TOKEN_PATH": str(self.token), "PYTHONUNBUFFERED": "1"}

    def mlflow_environment(self) -> dict[str, str]:
        """What somebody has who may use its MLflow."""
        password = self.admin_password.read_text()
        return {
            "MLFLOW_TRACKING_URI": self.mlflow,
            "MLFLOW_TRACKING_USERNAME": ADMIN,
            "MLFLOW_TRACKING_PASSWORD": password,
        }

    def _start(self, script: str, host: str, **settings: str) -> psutil.Popen:
        """Runs one of the start scripts on a host, with nothing in its environment but its settings."""
        folder = self.folder / f"{host}-{script}"
        folder.mkdir(exist_ok=True)
        bare = {"PATH": PATH, "HOME": str(folder)}
        return self.hosts[host].start(SCRIPTS / script, log=folder.with_suffix(".log"), env=bare | settings, cwd=folder)

    def start_tracking(self) -> None:
        """PostgreSQL, then the MLflow server on it."""
        self.postgres.start()
        self.mlflow_process = self._start(
            "mlflow.sh",
            "tracking",
            MLFLOW_DATABASE=self.postgres.uri(),
            MLFLOW_DATABASE_PASSWORD_FILE=str(self.folder / "database.secret"),
            MLFLOW_ARTIFACTS=str(self.folder / "artifacts"),
            MLFLOW_ADMIN_USER=ADMIN,
            MLFLOW_ADMIN_PASSWORD_FILE=str(self.admin_password),
            MLFLOW_SERVER_ALLOWED_HOSTS=self.mlflow.removeprefix("http://"),
            HOST=self.hosts["tracking"].address,
            PORT="5000",
            WORKERS="1",
        )
        wait_until(self._mlflow_answers, "an MLflow server")

    def _mlflow_answers(self) -> bool:
        """The first question takes it long on a busy machine; a sweep waits 10 s for an answer."""
        assert self.mlflow_process and self.mlflow_process.poll() is None, self.logs()
        secret = b64encode(f"{ADMIN}:{self.admin_password.read_text()}".encode()).decode()
        question = f"{self.mlflow}/api/2.0/mlflow/experiments/search?max_results=1"
        try:
            urlopen(Request(question, headers={"Authorization": f"Basic {secret}"}), timeout=60).close()
        except OSError:
            return False
        return True

    def kill_tracking(self) -> None:
        self.hosts["tracking"].kill()

    def start_head(self) -> None:
        """The commands that are submitted run there, so it knows the storage folder and MLflow."""
        health_checks = {f"RAY_health_check_{name}": value for name, value in QUICK_HEALTH_CHECKS.items()}
        mlflow = {
            "MLFLOW_TRACKING_URI": self.mlflow,
            "MLFLOW_TRACKING_USERNAME": ADMIN,
            "MLFLOW_TRACKING_PASSWORD_FILE": str(self.admin_password),
        }
        self._start(
            "head.sh",
            "head",
            **self._node("head"),
            CPUS="0",
            ORCHESTRATE_HOME=str(self.home),
            **mlflow,
            **health_checks,
        )
        wait_until(lambda: self.nodes() is not None, "a Ray head")

    def start_worker(self, name: str) -> None:
        self._start("worker.sh", name, **self._node(name), HEAD_ADDRESS=self.head, CPUS="1")

    def wait_for(self, *names: str) -> None:
        addresses = {self.hosts[name].address for name in names}
        wait_until(lambda: addresses <= set(self.nodes() or ()), f"nodes {', '.join(names)}")

    def nodes(self) -> list[str] | None:
        """The addresses of the living nodes, as the head's dashboard tells them; None before it answers."""
        allowed = {"Authorization": f"Bearer {self.token.read_text()}"}
        request = Request(f"{self.dashboard}/nodes?view=summary", headers=allowed)
        try:
            with urlopen(request, timeout=5) as answer:
                nodes = json.load(answer)["data"]["summary"]
        except OSError:
            return None
        return [node["ip"] for node in nodes if node.get("raylet", {}).get("state") == "ALIVE"]

    def _node(self, name: str) -> dict[str, str]:
        alone = self.hosts[name].namespace is not None
        return {
            "NODE_IP": self.hosts[name].address,
            "RAY_TOKEN_FILE": str(self.token),
            "TEMP_DIR": str(self.folder / name),
            "OBJECT_STORE_BYTES": STORE_BYTES,
            **({} if alone else {"AGENT_PORT": str(free_port())}),  # agents listen on 127.0.0.1 too
        }

    def logs(self) -> str:
        """The ends of what the servers said."""
        files = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{file.name}:\n{file.read_text(errors='replace')[-2000:]}" for file in files)


@contextmanager
def topology(workers: list[str]) -> Iterator[Topology]:
    """Hosts for a head, for tracking and for these workers; nothing runs on them yet."""
    with joined(["head", "tracking", *workers]) as hosts:
        folder = Path(tempfile.mkdtemp(prefix="orch-"))  # short: Ray's sockets lie in it
        folder.chmod(0o711)  # PostgreSQL's user passes through
        try:
            yield Topology(hosts, folder)
        finally:
            kill_all(hosts.values())
            shutil.rmtree(folder, ignore_errors=True)
