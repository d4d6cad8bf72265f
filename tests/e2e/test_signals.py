"""Signals to the command, its workers and Ray's own processes: what can be saved is saved, nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.commands import PLUGINS, SMOKE, orchestrate, start, trials
from support.endings import LONGER, assert_ended_like, wait_for_checkpoints
from support.families import BOUND, assert_gone, family_of, kill_ray, leave_in_phase
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
    process = start("sweep", SMOKE, *LONGER, "--patience", "0.3", home=tmp_path)
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

    family = family_of(process)
    os.kill(goes_on["process"], signal.SIGSTOP)
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


def test_the_end_of_ray_ends_the_command_with_a_clear_line(tmp_path: Path) -> None:
    """By its raylet. `test_upkeep.py` kills its gcs_server, and goes on."""
    process = start("sweep", SMOKE, *LONGER, "--workers", "1", home=tmp_path)
    wait_for_checkpoints(tmp_path, process, count=1)
    kill_ray(process, "raylet")


def test_in_every_phase_before_training_the_command_leaves_with_130_and_nothing_stays_behind(
    tmp_path: Path, one_trial: Callable[[str], Path]
) -> None:
    """`test_upkeep.py` ends one while it writes the report."""
    file, home = one_trial(""), tmp_path / "home"
    phases = {"loading the data": signal.SIGINT, "starting Ray": signal.SIGTERM, "opening MLflow": signal.SIGINT}
    for phase, number in phases.items():
        leave_in_phase(start("sweep", file, "--workers", "1", home=home), phase, number)


def test_a_trial_that_fails_is_tried_again_and_told_with_its_cause(tmp_path: Path) -> None:
    """A family from outside that raises when it is built. `test_real_ray.py` has one that ends its worker."""
    package = tmp_path / "package"
    info = package / "badly-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: badly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gan_core.families]\nraises = failing_families:raises")
    file = tmp_path / "bad.yaml"
    file.write_text(
        "sweep: bad\ntrial: {steps: 6, log_every: 2, batch_size: 8, model: {width: 4}, "
        "evaluation: {every: 3, samples: 80, features: random}}\ngroups:\n"
        + "".join(f"  - name: {name}\n    trial: {{model: {{family: {name}}}}}\n" for name in ("raises", "dcgan"))
    )
    home = tmp_path / "home"
    environment = os.environ | {"PYTHONPATH": f"{package}:{PLUGINS}:{os.environ.get('PYTHONPATH', '')}"}
    done = orchestrate("sweep", file, "--workers", "1", home=home, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    folders = {trial["group"]: home / "sweeps/bad/trials" / trial["key"] for trial in trials("bad", home)}
    raised, good = (json.loads((folders[name] / "record.json").read_text()) for name in ("raises", "dcgan"))
    assert good["status"] == "finished"
    assert [attempt["outcome"] for attempt in raised["attempts"]] == ["exception", "exception"]
    assert raised["error"].startswith("Traceback")
    assert "as badly as can be" in raised["error"]
