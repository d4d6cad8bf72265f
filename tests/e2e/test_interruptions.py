"""Asked for twice, then killed: the same command goes on and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
from support.commands import SMOKE, invoke, orchestrate, start, trials
from support.endings import LONGER, assert_ended_like, wait_for_checkpoints

pytestmark = pytest.mark.e2e


def test_a_second_command_is_refused_and_after_kill_9_the_same_one_ends_as_if_undisturbed(
    reference: Path, tmp_path: Path
) -> None:
    process = start("sweep", SMOKE, *LONGER, home=tmp_path)
    wait_for_checkpoints(tmp_path, process)
    os.kill(process.pid, signal.SIGSTOP)  # it holds its lock, and trains nothing in the meantime
    second = invoke("sweep", SMOKE, *LONGER, home=tmp_path)
    assert second.returncode == 2
    assert str(process.pid) in second.stderr

    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    killed = [trial for trial in trials("smoke", tmp_path) if trial["status"] == "interrupted"]
    assert killed
    resumed = orchestrate("sweep", SMOKE, *LONGER, home=tmp_path)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "resumable" in resumed.stdout
    for trial in killed:
        record = json.loads((tmp_path / "sweeps/smoke/trials" / trial["key"] / "record.json").read_text())
        assert record["attempts"][-1]["from_step"] >= trial["step"]  # not repeated, though that would end the same
    assert_ended_like(tmp_path, reference)
