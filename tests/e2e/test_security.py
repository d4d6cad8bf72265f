"""A sweep with secrets around it: none of them is written anywhere, and its Ray listens to nobody outside."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from support.commands import SMOKE, environment, invoke, program, start
from support.endings import LONGER, wait_for_checkpoints
from support.ports import free_port
from support.proxy import start_server
from support.waiting import wait_until

from orchestrator.cluster.ray_environment import LOCAL_ENVIRONMENT

pytestmark = pytest.mark.e2e

PLANTED = {
    "AWS_SECRET_ACCESS_KEY": "planted-aws-3f1c",
    "MLFLOW_TRACKING_PASSWORD": "planted-mlflow-77aa",
    "RAY_AUTH_TOKEN": "planted-ray-token-b04e-0000000000000000",
    "WANDB_API_KEY": "planted-wandb-5d2e",
}
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
IN_ADDRESS = "planted-in-address-91c7"
REFUSALS = ("InvalidAuthToken", "Unauthenticated")


def listening(command: psutil.Process) -> list[tuple[str, str, int]]:
    """(process, address, port) of everything that it and its children wait at."""
    listeners = []
    for process in (command, *command.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            for connection in process.net_connections("inet"):
                if connection.status == psutil.CONN_LISTEN:
                    listeners.append((process.name(), connection.laddr.ip, connection.laddr.port))
    return listeners


def stranger(port: int, token: str, log: Path) -> str:
    """What somebody on this machine who tries to join the command's Ray gets to read, up to the first refusal.

    Ray's client would try again for a minute.
    """
    with open(log, "w") as file:
        joining = subprocess.Popen(
            program("joins_ray", f"127.0.0.1:{port}"),
            env=environment() | LOCAL_ENVIRONMENT | {"RAY_AUTH_TOKEN": token},
            stdout=file,
            stderr=file,
        )
    try:
        wait_until(
            lambda: joining.poll() is not None or any(refusal in log.read_text() for refusal in REFUSALS),
            "an answer of Ray's",
        )
    finally:
        joining.kill()
        joining.wait()
    return log.read_text()


def test_secrets_are_written_nowhere_and_a_stranger_cannot_join_ray(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in PLANTED.items():
        monkeypatch.setenv(name, value)
    home, port = tmp_path / "home", free_port()
    server = start_server(tmp_path, port)
    tracking = ("--tracking-uri", f"http://user:{IN_ADDRESS}@127.0.0.1:{port}")
    try:
        sweep = start("sweep", SMOKE, *LONGER, *tracking, home=home)
        wait_for_checkpoints(home, sweep, count=1)
        open_to = listening(psutil.Process(sweep.pid))
        refused = stranger(
            next(port for name, _, port in open_to if name == "gcs_server"),
            PLANTED["RAY_AUTH_TOKEN"],
            tmp_path / "stranger.log",
        )
        output, _ = sweep.communicate(timeout=300)
        assert sweep.returncode == 0, output
        report = invoke("report", "smoke", *tracking, home=home)
        outputs = [output, report.stdout, report.stderr, invoke("status", "smoke", home=home).stdout]
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(30)
    assert report.returncode == 0, report.stderr
    assert {name for name, _, _ in open_to} >= {"gcs_server", "raylet"}
    assert not [process for process in open_to if process[1] not in LOOPBACK]
    assert "joined" not in refused
    assert any(refusal in refused for refusal in REFUSALS)

    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert {"record.json", "report.html", "server.db", "history.jsonl"} <= {file.name for file in written}
    for secret in (*PLANTED.values(), IN_ADDRESS):
        assert not [file for file in written if secret.encode() in file.read_bytes()]
        assert not [text for text in outputs if secret in text]
