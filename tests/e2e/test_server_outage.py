"""The real command, while its MLflow server is killed and comes back, with secrets around it and a stranger beside it.

The server hangs while trials train and when the user wants to leave, and is gone when the same command goes on.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from support.commands import SMOKE, Done, invoke, start
from support.endings import ON_ONE_WORKER, wait_for_checkpoints
from support.families import frozen_trainers
from support.ports import free_port
from support.proxy import start_server
from support.strangers import AS_ROOT, REFUSALS, answer_to_a_stranger, listening, seen_by_a_stranger

from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.temp_folder import temp_parent
from orchestrator.tracking import run_content
from orchestrator.tracking.mirror_file import run_ids

pytestmark = pytest.mark.e2e

PLANTED = {
    "AWS_SECRET_ACCESS_KEY": "planted-aws-3f1c",
    "MLFLOW_TRACKING_PASSWORD": "planted-mlflow-77aa",
    "RAY_AUTH_TOKEN": "planted-ray-token-b04e-0000000000000000",
    "WANDB_API_KEY": "planted-wandb-5d2e",
}
IN_ADDRESS = "planted-in-address-91c7"
LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")


@dataclass
class Outage:
    """`interrupted`, `resumed`: what the two commands printed. `synced`: two calls of `sync` after the server was back.

    `open_to`: (process, address, port) at which the second command waited; `stranger`: what one there was told;
    `temporary`, `seen`: its temporary folder, and what another user of the machine saw there.
    """

    folder: Path
    interrupted: str
    resumed: str
    synced: list[Done]
    open_to: list[tuple[str, str, int]]
    stranger: str
    temporary: Path
    seen: list[Path]

    @property
    def sweep(self) -> SweepFolder:
        return SweepFolder(self.folder / "home", "smoke")


def steps_of(folder: SweepFolder) -> int:
    """How far all trials are together, as their checkpoints hold it."""
    return sum(folder.trial(file.parent.name).record().step for file in folder.folder.glob("trials/*/record.json"))


def end(server: subprocess.Popen[bytes], number: int) -> None:
    os.killpg(server.pid, number)
    server.wait(30)


@pytest.fixture(scope="module")
def outage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in PLANTED.items():
            patch.setenv(name, value)
        yield swept_through_an_outage(tmp_path_factory.mktemp("outage"))


def swept_through_an_outage(folder: Path) -> Outage:
    home, port = folder / "home", free_port()
    tracking = ("--tracking-uri", f"http://user:{IN_ADDRESS}@127.0.0.1:{port}")
    server = start_server(folder, port)
    sweep = start("sweep", SMOKE, *ON_ONE_WORKER, *tracking, home=home)
    wait_for_checkpoints(home, sweep, count=1)
    os.killpg(server.pid, signal.SIGSTOP)  # takes connections, and never answers
    smoke = SweepFolder(home, "smoke")
    steps = steps_of(smoke)
    while steps_of(smoke) <= steps:  # training goes on
        assert sweep.poll() is None, sweep.communicate()[0]
        time.sleep(0.1)
    os.kill(sweep.pid, signal.SIGINT)
    interrupted, _ = sweep.communicate(timeout=60)
    assert sweep.returncode == 130, interrupted
    end(server, signal.SIGKILL)

    sweep = start("sweep", SMOKE, *ON_ONE_WORKER, *tracking, home=home)
    steps = steps_of(smoke)
    while steps_of(smoke) <= steps:  # its workers wait at their addresses, too
        assert sweep.poll() is None, sweep.communicate()[0]
        time.sleep(0.1)
    open_to = listening(psutil.Process(sweep.pid))
    ray_port = next(port for name, _, port in open_to if name == "gcs_server")
    with frozen_trainers(sweep):
        stranger = answer_to_a_stranger(ray_port, PLANTED["RAY_AUTH_TOKEN"], folder / "stranger.log")
        (temporary,) = temp_parent().glob(f"orchestrate-{sweep.pid}-*")
        seen = seen_by_a_stranger(temporary) if os.getuid() == 0 else []
    resumed, _ = sweep.communicate(timeout=300)
    assert sweep.returncode == 0, resumed  # every trial has its verdict

    server = start_server(folder, port)
    try:
        synced = [invoke("sync", "smoke", *tracking, home=home) for _ in range(2)]
    finally:
        end(server, signal.SIGTERM)
    return Outage(folder, interrupted, resumed, synced, open_to, stranger, temporary, seen)


def test_the_command_leaves_in_order_while_the_server_hangs(outage: Outage) -> None:
    assert "interrupted with" in outage.interrupted  # what is bound to leave at once after 10 s does not say so


def test_without_the_server_the_same_command_goes_on_and_says_what_is_left_to_do(outage: Outage) -> None:
    assert "was recorded there before, so it goes on" in outage.resumed
    assert "no report: " in outage.resumed and "sync smoke" in outage.resumed


def test_sync_sends_everything_once_when_the_server_is_back(outage: Outage) -> None:
    first, second = outage.synced
    assert first.returncode == 0, first.stdout + first.stderr
    assert "nothing was sent" in second.stdout
    with sqlite3.connect(outage.folder / "server.db") as database:
        for key, run_id in run_ids(outage.sweep).items():
            record, history = outage.sweep.trial(key).record(), outage.sweep.trial(key).history()
            due = [point for row in history for point in run_content.row_points(row)] + run_content.end_points(record)
            points = database.execute("SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = ?", (run_id,))
            assert Counter(points.fetchall()) == Counter(due)
    assert outage.sweep.report_file.exists()
    assert len(run_ids(outage.sweep)) == 4


def test_ray_listens_to_this_machine_alone_and_a_stranger_cannot_join(outage: Outage) -> None:
    assert {name for name, _, _ in outage.open_to} >= {"gcs_server", "raylet"}
    assert not [process for process in outage.open_to if process[1] not in LOOPBACK]
    assert "joined" not in outage.stranger
    assert any(refusal in outage.stranger for refusal in REFUSALS)


@AS_ROOT
def test_another_user_of_the_machine_sees_nothing_of_the_temporary_folder(outage: Outage) -> None:
    assert outage.seen == [outage.temporary]


def test_secrets_are_written_nowhere(outage: Outage) -> None:
    status = invoke("status", "smoke", home=outage.folder / "home")
    outputs = [outage.interrupted, outage.resumed, status.stdout]
    outputs += [text for done in outage.synced for text in (done.stdout, done.stderr)]
    written = [file for file in outage.folder.rglob("*") if file.is_file()]
    assert {"record.json", "report.html", "server.db", "history.jsonl"} <= {file.name for file in written}
    for secret in (*PLANTED.values(), IN_ADDRESS):
        assert not [file for file in written if secret.encode() in file.read_bytes()]
        assert not [text for text in outputs if secret in text]
