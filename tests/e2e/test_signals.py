"""Signals to the command and its workers: what can be saved is saved, nothing stays behind.

Ray's own processes are killed in `test_upkeep.py` (its gcs_server) and `test_object_storage.py` (its raylet).
"""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.commands import SMOKE, orchestrate, start
from support.endings import LONGER, assert_ended_like, wait_for_checkpoints
from support.families import BOUND, assert_gone, family_of, leave_in_phase
from support.mirrors import with_database
from support.waiting import wait_until

pytestmark = pytest.mark.e2e


def records(home: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted(home.glob("sweeps/*/trials/*/record.json"))]


def running(home: Path) -> list[dict[str, Any]]:
    return [record for record in records(home) if record["status"] == "running"]


def test_workers_that_are_preempted_silent_or_stopped_cost_their_trials_nothing(
    reference: Path, tmp_path: Path
) -> None:
    """SIGTERM to a worker: its trial is saved and goes on in another. SIGSTOP to one: it is killed for its silence, and
    its trial goes on. SIGSTOP to one, then the terminal is closed: SIGHUP to all that runs in it. Ray stays until the
    other trial is saved, and the command does not wait for the stopped one."""
    process = start("sweep", SMOKE, *LONGER, "--patience", "0.3", home=with_database(tmp_path))
    wait_for_checkpoints(tmp_path, process)
    wait_until(lambda: len(running(tmp_path)) == 2, "two running trials", process=process)
    preempted, silent = running(tmp_path)
    os.kill(silent["attempts"][-1]["process"], signal.SIGSTOP)
    os.kill(preempted["attempts"][-1]["process"], signal.SIGTERM)

    def attempts(record: dict[str, Any]) -> list[dict[str, Any]]:
        file = tmp_path / "sweeps/smoke/trials" / record["key"] / "record.json"
        return json.loads(file.read_text())["attempts"]  # type: ignore[no-any-return]

    wait_until(lambda: len(attempts(silent)) == 2, "the silent trial in another worker", process=process)
    lost, goes_on = attempts(silent)
    assert lost["outcome"] == "lost" and "no report from it" in lost["message"]
    wait_until(lambda: not psutil.pid_exists(lost["process"]), "the end of the silent worker", process=process)
    wait_until(lambda: attempts(silent)[1]["from_step"] > 0, "going on from its checkpoint", process=process)

    os.kill(goes_on["process"], signal.SIGSTOP)
    family = family_of(process)
    os.killpg(process.pid, signal.SIGHUP)
    output, _ = process.communicate(timeout=BOUND)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert_gone(family)
    resumed = orchestrate("sweep", SMOKE, *LONGER, home=tmp_path)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    first, second = attempts(preempted)[:2]
    assert first["outcome"] == "preempted"
    assert second["from_step"] == first["to_step"] >= 20
    assert_ended_like(tmp_path, reference)


def test_in_every_phase_before_training_the_command_leaves_with_130_and_nothing_stays_behind(
    tmp_path: Path, one_trial: Callable[[str], Path]
) -> None:
    """`test_upkeep.py` ends one while it writes the report."""
    file, home = one_trial(""), tmp_path / "home"
    phases = {"loading the data": signal.SIGINT, "starting Ray": signal.SIGTERM, "opening MLflow": signal.SIGINT}
    for phase, number in phases.items():
        leave_in_phase(start("sweep", file, "--workers", "1", home=home), phase, number)
