"""Killed, interrupted or robbed of a worker: the same command goes on and ends as if nothing had happened."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
import torch
from commands import SMOKE, orchestrate, start, trials
from mlflow import MlflowClient

from gan_core import checkpoint

pytestmark = pytest.mark.e2e

LONGER = ("--set", "trial.steps=400", "--set", "trial.checkpoint_every=25", "--set", "trial.evaluation.every=200")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The longer sweep, undisturbed."""
    home = tmp_path_factory.mktemp("reference")
    done = orchestrate("sweep", SMOKE, *LONGER, home=home)
    assert done.returncode == 0, done.stdout + done.stderr
    return home


def wait_for_checkpoints(home: Path, process: subprocess.Popen[str], count: int = 2) -> None:
    deadline = time.monotonic() + 120
    while len(list(home.glob("sweeps/smoke/trials/*/checkpoint.pt"))) < count:
        assert process.poll() is None, "the command ended before it was disturbed"
        assert time.monotonic() < deadline, "no checkpoint appeared"
        time.sleep(0.05)


def assert_ended_like(home: Path, reference: Path) -> None:
    """Same weights, optimisers and streams; same curves, once each, on disk and in MLflow."""
    found = trials("smoke", home)
    assert all(trial["status"] == "finished" for trial in found)
    client = MlflowClient(tracking_uri=f"sqlite:///{home / 'mlflow.db'}")
    for trial in found:
        mine, theirs = (base / "sweeps/smoke/trials" / trial["key"] for base in (home, reference))
        assert_same(*(weights_and_streams(folder / "checkpoint.pt") for folder in (mine, theirs)))
        curves = [curves_of(folder / "history.jsonl") for folder in (mine, theirs)]
        assert curves[0] == curves[1]
        for name in ("loss/generator", "accuracy/auc", "diversity/ratio"):
            sent = Counter((p.step, p.value) for p in client.get_metric_history(trial["run_id"], name))
            assert sent == Counter((step, value) for step, key, value in curves[0] if key == name)


def weights_and_streams(file: Path) -> dict[str, object]:
    """A checkpoint without its rows, whose times differ."""
    return {name: value for name, value in checkpoint.load(file).items() if name != "history"}


def curves_of(file: Path) -> list[tuple[float, str, float]]:
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        (row["step"], name, value)
        for row in rows
        for name, value in row.items()
        if name not in ("step", "time", "speed/images_per_second")
    ]


def assert_same(one: object, other: object) -> None:
    if isinstance(one, dict) and isinstance(other, dict):
        assert one.keys() == other.keys()
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    elif isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        assert torch.equal(one, other)
    else:
        assert one == other


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


def test_ctrl_c_saves_leaves_with_130_and_goes_on(reference: Path, tmp_path: Path) -> None:
    process = start("sweep", SMOKE, *LONGER, home=tmp_path)
    wait_for_checkpoints(tmp_path, process)
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "the same command goes on" in output
    records = [trial for trial in trials("smoke", tmp_path) if trial["status"] == "interrupted"]
    assert records
    again = orchestrate("sweep", SMOKE, *LONGER, home=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert_ended_like(tmp_path, reference)


def test_a_lost_worker_costs_only_the_work_since_its_checkpoint(reference: Path, tmp_path: Path) -> None:
    process = start("sweep", SMOKE, *LONGER, home=tmp_path)
    wait_for_checkpoints(tmp_path, process)
    records = [json.loads(file.read_text()) for file in tmp_path.glob("sweeps/smoke/trials/*/record.json")]
    running = [record for record in records if record["status"] == "running"]
    os.kill(running[0]["attempts"][0]["process"], signal.SIGKILL)
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert "starts again from its checkpoint" in output
    after = json.loads((tmp_path / "sweeps/smoke/trials" / running[0]["key"] / "record.json").read_text())
    assert after["attempts"][0]["outcome"] == "lost"
    assert after["attempts"][-1]["from_step"] >= 25
    assert "Traceback" not in output
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
