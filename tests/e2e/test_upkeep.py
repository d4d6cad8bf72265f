"""A day with a real sweep: looked at, stopped from another terminal, drawn from, gone on with, cleaned up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from support.commands import SMOKE, invoke, orchestrate, start, trials
from support.endings import LONGER, STEPS, wait_for_checkpoints

pytestmark = pytest.mark.e2e


def test_a_sweep_is_stopped_from_elsewhere_looked_at_gone_on_with_and_cleaned(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = start("sweep", SMOKE, *LONGER, "--quiet", home=home)
    wait_for_checkpoints(home, process, count=1)
    key = next(home.glob("sweeps/smoke/trials/*/checkpoint.pt")).parent.name

    refused = invoke("clean", "smoke", "--yes", home=home)
    assert refused.returncode == 2
    assert "orchestrate stop smoke" in refused.stderr

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
        assert f"saved    {trial['name']} at step {trial['step']} of {STEPS}" in stopped.stdout
    assert invoke("stop", "smoke", home=home).returncode == 2  # nothing runs any more

    logs = invoke("logs", "smoke", interrupted[0]["key"], home=home)
    assert logs.returncode == 0, logs.stderr
    assert f"to {interrupted[0]['step']}: interrupted" in logs.stdout
    assert f"orchestrate sweep {SMOKE} --set trial.steps={STEPS}" in logs.stdout
    file = tmp_path / "before.png"
    drawn = invoke("sample", "smoke", key, "--grid", "16", "--output", file, home=home)
    assert drawn.returncode == 0, drawn.stderr
    with Image.open(file) as picture:
        assert picture.size == (4 * 34 + 2, 4 * 34 + 2)

    planned = json.loads(invoke("plan", SMOKE, *LONGER, "--json", home=home).stdout)
    assert planned["expected_seconds"] > 0
    resumed = orchestrate("sweep", SMOKE, *LONGER, home=home)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    followed = invoke("logs", "smoke", key, "--follow", home=home)  # it has ended, and so does this
    assert f"to {STEPS}: finished" in followed.stdout

    cleaned = invoke("clean", "smoke", "--yes", home=home)
    assert cleaned.returncode == 0, cleaned.stderr
    assert "4 checkpoints of finished trials" in cleaned.stdout
    assert not list(home.glob("sweeps/smoke/trials/*/checkpoint.pt"))
    drawn = invoke("sample", "smoke", key, "--best", "--output", file, home=home)
    assert drawn.returncode == 0, drawn.stderr
    assert all(trial["status"] == "finished" for trial in trials("smoke", home))
    assert invoke("report", "smoke", home=home).returncode == 0
