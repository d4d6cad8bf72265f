"""The real command, while its MLflow server is killed and comes back."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from commands import SMOKE, orchestrate, start
from proxy import free_port, start_server

from orchestrator import description
from orchestrator.store import SweepFolder
from orchestrator.tracking import runs_of

pytestmark = pytest.mark.e2e


def end(server: subprocess.Popen[bytes], number: int) -> None:
    os.killpg(server.pid, number)
    server.wait(30)


def test_a_server_that_is_killed_in_the_middle_costs_nothing_that_sync_does_not_send(tmp_path: Path) -> None:
    home, port = tmp_path / "home", free_port()
    server = start_server(tmp_path, port)
    where = ("--tracking-uri", f"http://127.0.0.1:{port}")
    sweep = start("sweep", SMOKE, *where, home=home)
    folder = SweepFolder(home, "smoke")
    while not runs_of(folder):  # the mirror has begun
        assert sweep.poll() is None, sweep.communicate()[0]
        time.sleep(0.1)
    end(server, signal.SIGKILL)
    said, _ = sweep.communicate(timeout=300)
    assert sweep.returncode == 0, said  # every trial has its verdict
    assert "no report: " in said and "sync smoke" in said

    again: dict[str, Any] = {"home": home}
    resumed = orchestrate("sweep", SMOKE, *where, **again)  # the server is still away
    assert resumed.returncode == 0, resumed.stderr
    assert "was recorded there before, so it goes on" in resumed.stdout

    server = start_server(tmp_path, port)
    try:
        synced = orchestrate("sync", "smoke", *where, **again)
        assert synced.returncode == 0, synced.stdout + synced.stderr
        second = orchestrate("sync", "smoke", *where, **again)
        assert "nothing was sent" in second.stdout
    finally:
        end(server, signal.SIGTERM)
    with sqlite3.connect(tmp_path / "server.db") as database:
        for key, run_id in runs_of(folder).items():
            record, history = folder.trial(key).record(), folder.trial(key).history()
            due = [point for row in history for point in description.row_points(row)] + description.end_points(record)
            found = database.execute("SELECT key, value, timestamp, step FROM metrics WHERE run_uuid = ?", (run_id,))
            assert Counter(found.fetchall()) == Counter(due)
    assert folder.report_file.exists()
    assert len(runs_of(folder)) == 4
