"""Signals to the command, its workers and Ray's own processes: what can be saved is saved, nothing stays behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from commands import SMOKE, orchestrate, start, trials
from endings import LONGER, assert_ended_like, wait_for_checkpoints

pytestmark = pytest.mark.e2e

BOUND = 60
"""Seconds that a busy machine may take; how long it takes on a quiet one stands in docs/reliability.md."""


def records(home: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text()) for file in sorted(home.glob("sweeps/*/trials/*/record.json"))]


def running(home: Path) -> list[dict[str, Any]]:
    return [record for record in records(home) if record["status"] == "running"]


def wait_until(true: Any, process: subprocess.Popen[str], what: str) -> None:
    deadline = time.monotonic() + 120
    while not true():
        assert process.poll() is None, f"the command ended before {what}"
        assert time.monotonic() < deadline, f"not seen: {what}"
        time.sleep(0.05)


def family_of(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """All that the command has started."""
    return psutil.Process(process.pid).children(recursive=True)


def assert_gone(processes: list[psutil.Process]) -> None:
    _, alive = psutil.wait_procs(processes, timeout=BOUND)
    assert not alive


def test_a_preempted_worker_saves_its_trial_and_a_stopped_one_does_not_hold_up_the_end(
    reference: Path, tmp_path: Path
) -> None:
    """SIGTERM to a worker: its trial goes on in another. SIGSTOP to one, then Ctrl-C: what can save saves."""
    process = start("sweep", SMOKE, *LONGER, home=tmp_path)
    wait_for_checkpoints(tmp_path, process)
    preempted = running(tmp_path)[0]
    os.kill(preempted["attempts"][-1]["process"], signal.SIGTERM)

    def goes_on() -> bool:
        attempts = json.loads(record_file.read_text())["attempts"]
        return len(attempts) == 2 and attempts[1]["from_step"] == attempts[0]["to_step"]

    record_file = tmp_path / "sweeps/smoke/trials" / preempted["key"] / "record.json"
    wait_until(goes_on, process, "the preempted trial going on where it was saved")
    assert json.loads(record_file.read_text())["attempts"][0]["outcome"] == "preempted"

    wait_until(lambda: len(running(tmp_path)) == 2, process, "two running trials")
    stopped = running(tmp_path)[0]
    family = family_of(process)
    os.kill(stopped["attempts"][-1]["process"], signal.SIGSTOP)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=BOUND)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert_gone(family)
    again = orchestrate("sweep", SMOKE, *LONGER, home=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert_ended_like(tmp_path, reference)


def test_a_silent_worker_is_killed_and_its_trial_goes_on(tmp_path: Path, reference: Path) -> None:
    process = start("sweep", SMOKE, *LONGER, "--patience", "0.3", home=tmp_path)
    wait_for_checkpoints(tmp_path, process)
    silent = running(tmp_path)[0]
    os.kill(silent["attempts"][-1]["process"], signal.SIGSTOP)
    output, _ = process.communicate(timeout=300)
    assert process.returncode == 0, output
    after = next(record for record in records(tmp_path) if record["key"] == silent["key"])
    lost = next(attempt for attempt in after["attempts"] if attempt["outcome"] == "lost")
    assert "nothing was heard" in lost["message"]
    assert after["attempts"][-1]["from_step"] >= 25  # from its checkpoint
    assert not psutil.pid_exists(silent["attempts"][-1]["process"])
    assert_ended_like(tmp_path, reference)


@pytest.mark.parametrize("name", ["gcs_server", "raylet"])
def test_the_end_of_ray_ends_the_command_with_a_clear_line(name: str, tmp_path: Path) -> None:
    process = start("sweep", SMOKE, *LONGER, home=tmp_path)
    wait_for_checkpoints(tmp_path, process)
    family = family_of(process)
    next(child for child in family if child.name() == name).kill()
    output, _ = process.communicate(timeout=BOUND)
    assert process.returncode == 1, output
    assert f"Ray's {name} has died; the same command goes on" in output
    assert "Traceback" not in output
    assert "core_worker" not in output
    assert_gone(family)  # that the same command goes on is chaos' promise


def test_in_every_phase_the_command_leaves_with_130_and_nothing_stays_behind(tmp_path: Path) -> None:
    phases = ("loading the data", "starting Ray", "opening MLflow", "writing the report")
    for phase, number in zip(phases, [signal.SIGINT, signal.SIGTERM] * 2, strict=True):
        process = start("sweep", SMOKE, home=tmp_path)
        assert process.stdout
        family: list[psutil.Process] = []
        seen = []
        for line in process.stdout:
            seen.append(line)
            if line.startswith(phase):
                family = family_of(process)
                os.kill(process.pid, number)
        assert process.wait(timeout=BOUND) == 130, "".join(seen)
        assert "interrupted; the same command goes on from here" in seen[-1]
        assert "Traceback" not in "".join(seen)
        assert_gone(family)
    assert all(trial["status"] == "finished" for trial in trials("smoke", tmp_path))
    done = orchestrate("sweep", SMOKE, home=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_trial_that_fails_is_tried_again_and_told_with_its_cause(tmp_path: Path) -> None:
    """A family from outside that raises when it is built, and one that ends its worker."""
    package = tmp_path / "package"
    info = package / "badly-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: badly\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gan_core.families]\nraises = badly:raises\ndies = badly:dies\n")
    (package / "badly.py").write_text(
        "import os, sys\nfrom gan_core.families import Family\n\n"
        "def raising(*settings):\n    raise RuntimeError('as badly as can be')\n\n"
        "def dying(*settings):\n    print('no such instruction', file=sys.stderr, flush=True)\n    os.abort()\n\n"
        "raises, dies = Family(raising, raising), Family(dying, dying)\n"
    )
    file = tmp_path / "bad.yaml"
    file.write_text(
        "sweep: bad\ntrial: {steps: 6, log_every: 2, batch_size: 8, model: {width: 4}, "
        "evaluation: {every: 3, samples: 80, features: random}}\ngroups:\n"
        + "".join(
            f"  - name: {name}\n    trial: {{model: {{family: {name}}}}}\n" for name in ("raises", "dcgan", "dies")
        )
    )
    home = tmp_path / "home"
    environment = os.environ | {"PYTHONPATH": f"{package}:{os.environ.get('PYTHONPATH', '')}"}
    done = orchestrate("sweep", file, home=home, env=environment)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    found = {trial["group"]: home / "sweeps/bad/trials" / trial["key"] for trial in trials("bad", home)}
    raised, good, died = (json.loads((found[name] / "record.json").read_text()) for name in ("raises", "dcgan", "dies"))
    assert good["status"] == "finished"
    assert [attempt["outcome"] for attempt in raised["attempts"]] == ["exception", "exception"]
    assert raised["error"].startswith("Traceback")
    assert "as badly as can be" in raised["error"]
    assert died["status"] == "failed"
    assert len(died["attempts"]) == 6
    assert {attempt["outcome"] for attempt in died["attempts"]} == {"lost"}
    assert "no such instruction" in died["error"]
    assert "its worker was lost 6 times" in done.stdout

    stopped = orchestrate(
        "sweep", file, "--fail-fast", "--set", "seeds=[1]", "--workers", "1", home=home, env=environment
    )
    assert stopped.returncode == 1
    assert "--fail-fast" in stopped.stdout
    assert [trial["status"] for trial in trials("bad", home)] == ["failed", "pending", "pending"]
