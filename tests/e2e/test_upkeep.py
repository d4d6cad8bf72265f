"""A day with a real sweep: asked for twice, stopped from another terminal, drawn from, its Ray killed, gone on with,
stopped while it writes the report, cleaned.

It ends as if nothing had happened.
"""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.commands import SMOKE, invoke, start, trials
from support.endings import ON_ONE_WORKER, STEPS, assert_ended_like, wait_for_checkpoints
from support.families import frozen_trainers, kill_ray, leave_in_phase
from support.mirrors import with_database
from support.waiting import wait_until

pytestmark = pytest.mark.e2e


def records(home: Path) -> dict[str, dict[str, Any]]:
    files = home.glob("sweeps/smoke/trials/*/record.json")
    return {file.parent.name: json.loads(file.read_text()) for file in files}


def test_a_sweep_is_stopped_from_elsewhere_killed_gone_on_with_and_cleaned(reference: Path, tmp_path: Path) -> None:
    home = with_database(tmp_path / "home")
    process = start("sweep", SMOKE, *ON_ONE_WORKER, "--quiet", home=home)
    wait_for_checkpoints(home, process, count=1)
    key = next(home.glob("sweeps/smoke/trials/*/checkpoint.pt")).parent.name

    with frozen_trainers(process):
        refused = invoke("clean", "smoke", "--yes", home=home)
        second = invoke("sweep", SMOKE, *ON_ONE_WORKER, home=home)
    assert refused.returncode == 2
    assert "orchestrate stop smoke" in refused.stderr
    assert second.returncode == 2
    assert str(process.pid) in second.stderr

    stopped = invoke("stop", "smoke", home=home)
    assert stopped.returncode == 0, stopped.stderr
    assert f"asked process {process.pid}" in stopped.stdout
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "loading the data" not in output  # --quiet
    assert "interrupted with" in output
    interrupted = [trial for trial in trials("smoke", home) if trial["status"] == "interrupted"]
    assert interrupted
    for trial in interrupted:
        where = f"at step {trial['step']} of {trial['steps']}"
        assert f"saved    {trial['key'][:8]} {trial['name']} {where}" in stopped.stdout
    assert invoke("stop", "smoke", home=home).returncode == 2  # nothing runs any more

    logs = invoke("logs", "smoke", interrupted[0]["key"], home=home)
    assert logs.returncode == 0, logs.stderr
    assert f"to {interrupted[0]['step']}: interrupted" in logs.stdout
    assert f"orchestrate sweep {SMOKE} --set groups.dcgan.trial.steps={STEPS['dcgan']}" in logs.stdout
    file = tmp_path / "before.png"
    drawn = invoke("sample", "smoke", key, "--grid", "16", "--output", file, home=home)
    assert drawn.returncode == 0, drawn.stderr
    with Image.open(file) as picture:
        assert picture.size == (4 * 34 + 2, 4 * 34 + 2)

    planned = json.loads(invoke("plan", SMOKE, *ON_ONE_WORKER, "--json", home=home).stdout)
    assert planned["expected_seconds"] > 0
    stopped_at = {trial_key: record["step"] for trial_key, record in records(home).items()}
    process = start("sweep", SMOKE, *ON_ONE_WORKER, home=home)
    wait_until(
        lambda: any(record["step"] > stopped_at.get(key, 0) for key, record in records(home).items()),
        "a later checkpoint",
        process=process,
    )
    kill_ray(process, "gcs_server")
    killed = [trial for trial in trials("smoke", home) if trial["status"] == "interrupted"]
    assert killed

    output = leave_in_phase(start("sweep", SMOKE, *ON_ONE_WORKER, home=home), "writing the report", signal.SIGTERM)
    assert f"{len(killed)} interrupted" in output
    resumed = invoke("sweep", SMOKE, *ON_ONE_WORKER, home=home)  # trains nothing, so it runs without Ray
    assert resumed.returncode == 0 and "starting Ray" not in resumed.stdout, resumed.stdout + resumed.stderr
    for trial in killed:  # no step is repeated, though that would end the same
        assert records(home)[trial["key"]]["attempts"][-1]["from_step"] >= trial["step"]
    assert_ended_like(home, reference)
    followed = invoke("logs", "smoke", key, "--follow", home=home)  # it has ended, and so does this
    steps = next(trial["steps"] for trial in trials("smoke", home) if trial["key"] == key)
    assert f"to {steps}: finished" in followed.stdout

    cleaned = invoke("clean", "smoke", "--yes", home=home)
    assert cleaned.returncode == 0, cleaned.stderr
    assert "4 checkpoints of finished trials" in cleaned.stdout
    assert not list(home.glob("sweeps/smoke/trials/*/checkpoint.pt"))
    drawn = invoke("sample", "smoke", key, "--best", "--output", file, home=home)
    assert drawn.returncode == 0, drawn.stderr
    assert all(trial["status"] == "finished" for trial in trials("smoke", home))
    assert invoke("report", "smoke", home=home).returncode == 0
