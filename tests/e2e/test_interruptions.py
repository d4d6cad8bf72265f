"""Killed, interrupted or robbed of a worker: the same command goes on and ends as if nothing had happened."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from commands import SMOKE, orchestrate, start, trials
from endings import LONGER, assert_ended_like, wait_for_checkpoints

pytestmark = pytest.mark.e2e


def test_after_kill_9_the_same_command_ends_as_if_undisturbed(reference: Path, tmp_path: Path) -> None:
    process = start("sweep", SMOKE, *LONGER, home=tmp_path)
    wait_for_checkpoints(tmp_path, process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert any(trial["status"] == "interrupted" for trial in trials("smoke", tmp_path))
    again = orchestrate("sweep", SMOKE, *LONGER, home=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "resumable" in again.stdout
    assert_ended_like(tmp_path, reference)


def test_a_second_command_on_the_same_sweep_says_who_holds_it(tmp_path: Path) -> None:
    process = start("sweep", SMOKE, *LONGER, home=tmp_path)
    try:
        wait_for_checkpoints(tmp_path, process, count=1)
        second = orchestrate("sweep", SMOKE, *LONGER, home=tmp_path)
        assert second.returncode == 2
        assert str(process.pid) in second.stderr
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
