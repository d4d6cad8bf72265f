"""The real command, while its MLflow server is killed and comes back."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from support.commands import SMOKE, invoke, orchestrate, start
from support.endings import LONGER, wait_for_checkpoints
from support.ports import free_port
from support.proxy import start_server

from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.tracking import run_content
from orchestrator.tracking.mirror_file import run_ids

pytestmark = pytest.mark.e2e


def steps_of(folder: SweepFolder) -> int:
    """How far all trials are together, as their checkpoints hold it."""
    return sum(folder.trial(file.parent.name).record().step for file in folder.folder.glob("trials/*/record.json"))


def end(server: subprocess.Popen[bytes], number: int) -> None:
    os.killpg(server.pid, number)
    server.wait(30)


def test_a_server_that_is_away_costs_nothing_that_sync_does_not_send(tmp_path: Path) -> None:
    """It hangs while trials train and when the user wants to leave, and is gone when the same command goes on."""
    home, port = tmp_path / "home", free_port()
    server = start_server(tmp_path, port)
    options = (*LONGER, "--tracking-uri", f"http://127.0.0.1:{port}")
    sweep = start("sweep", SMOKE, *options, home=home)
    wait_for_checkpoints(home, sweep)
    folder = SweepFolder(home, "smoke")
    os.killpg(server.pid, signal.SIGSTOP)  # takes connections, and never answers
    steps = steps_of(folder)
    while steps_of(folder) <= steps:  # training goes on
        assert sweep.poll() is None, sweep.communicate()[0]
        time.sleep(0.1)
    os.kill(sweep.pid, signal.SIGINT)
    output, _ = sweep.communicate(timeout=60)
    assert sweep.returncode == 130, output
    assert "interrupted with" in output  # in order: what is bound to leave at once after 10 s does not say so
    end(server, signal.SIGKILL)

    resumed = orchestrate("sweep", SMOKE, *options, home=home)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr  # every trial has its verdict
    assert "was recorded there before, so it goes on" in resumed.stdout
    assert "no report: " in resumed.stdout and "sync smoke" in resumed.stdout

    server = start_server(tmp_path, port)
    try:
        synced = invoke("sync", "smoke", *options[-2:], home=home)
        assert synced.returncode == 0, synced.stdout + synced.stderr
        second = invoke("sync", "smoke", *options[-2:], home=home)
        assert "nothing was sent" in second.stdout
    finally:
        end(server, signal.SIGTERM)
    with sqlite3.connect(tmp_path / "server.db") as database:
        for key, run_id in run_ids(folder).items():
            record, history = folder.trial(key).record(), folder.trial(key).history()
            due = [point for row in history for point in run_content.row_points(row)] + run_content.end_points(record)
            points = database.execute("SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = ?", (run_id,))
            assert Counter(points.fetchall()) == Counter(due)
    assert folder.report_file.exists()
    assert len(run_ids(folder)) == 4
