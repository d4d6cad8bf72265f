"""Sweeps that were disturbed, and how they must have ended: as the undisturbed one did."""

from __future__ import annotations

import json
import subprocess
import time
from collections import Counter
from pathlib import Path

import torch
from mlflow import MlflowClient

from gan_core import checkpoint
from support.commands import trials

LONGER = ("--set", "trial.steps=240", "--set", "trial.checkpoint_every=20", "--set", "trial.evaluation.every=120")
"""The smoke sweep with time to disturb it."""


def wait_for_checkpoints(home: Path, process: subprocess.Popen[str], count: int = 2) -> None:
    deadline = time.monotonic() + 120
    while len(list(home.glob("sweeps/smoke/trials/*/checkpoint.pt"))) < count:
        assert process.poll() is None, "the command ended before it was disturbed"
        assert time.monotonic() < deadline, "no checkpoint appeared"
        time.sleep(0.05)


def assert_ended_like(home: Path, reference: Path, uri: str = "") -> None:
    """Same weights, optimisers and streams; same curves, once each, on disk and in MLflow (at `uri`, else at home)."""
    found = trials("smoke", home)
    assert all(trial["status"] == "finished" for trial in found)
    client = MlflowClient(tracking_uri=uri or f"sqlite:///{home / 'mlflow.db'}")
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
