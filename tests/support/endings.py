"""Checks that a sweep which was disturbed ended as the undisturbed one did."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from pathlib import Path

import torch
from mlflow import MlflowClient

from gan_core import checkpoint
from orchestrator.planning.evaluators import build_evaluators
from orchestrator.planning.plan import make_plan
from orchestrator.store.sweep_folder import make_home
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile import loader
from orchestrator.trial.execution import TrialExecution
from support.commands import SMOKE, trials
from support.waiting import wait_until

STEPS = {"dcgan": 160, "acgan": 80, "wgan-gp": 60}
"""Steps of the longer smoke sweep's groups: each of its trials trains for about as long."""
LONGER = (
    *(word for group, steps in STEPS.items() for word in ("--set", f"groups.{group}.trial.steps={steps}")),
    *("--set", "trial.checkpoint_every=20"),
    *("--set", "trial.evaluation.every=80"),
)
"""Options that make the smoke sweep long enough to be disturbed."""
ON_ONE_WORKER = (*LONGER, "--workers", "1")
"""For tests that need no trials side by side: a second worker costs more than it saves where tests share processors."""


def train_alone(home: Path) -> None:
    """Train the longer sweep's trials in this process, one after the other, without Ray or MLflow."""
    plan = make_plan(loader.load(SMOKE, [*LONGER[1::2]]), home)
    assert {planned.trial.group: planned.config.steps for planned in plan.trials} == STEPS
    make_home(home)
    evaluators = build_evaluators(plan, home, on_phase=lambda _: None, note=lambda _: None)
    for planned in plan.trials:
        evaluator = evaluators[planned.evaluation]
        trial = TrialExecution(
            plan.folder.trial(planned.key), planned.config, plan.images[planned.fingerprint], evaluator
        )
        trial.begin()
        trial.advance()
        assert trial.record.status == TrialStatus.FINISHED


def wait_for_checkpoints(home: Path, process: subprocess.Popen[str], count: int = 2) -> None:
    def have_begun() -> bool:
        return len(list(home.glob("sweeps/smoke/trials/*/checkpoint.pt"))) >= count

    wait_until(have_begun, f"{count} checkpoints", process=process)


def assert_ended_like(home: Path, reference: Path, uri: str = "") -> None:
    """The same weights, optimisers and random streams, and the same curves on disk and, each point once, in MLflow.

    `uri`: of MLflow; by default the one in `home`.
    """
    ended = trials("smoke", home)
    assert all(trial["status"] == "finished" for trial in ended)
    client = MlflowClient(tracking_uri=uri or f"sqlite:///{home / 'mlflow.db'}")
    for trial in ended:
        folder, expected = (base / "sweeps/smoke/trials" / trial["key"] for base in (home, reference))
        assert_same(weights_and_streams(folder / "checkpoint.pt"), weights_and_streams(expected / "checkpoint.pt"))
        curves = curves_of(folder / "history.jsonl")
        assert curves == curves_of(expected / "history.jsonl")
        for name in ("loss/generator", "accuracy/auc", "diversity/ratio"):
            sent = Counter((p.step, p.value) for p in client.get_metric_history(trial["run_id"], name))
            assert sent == Counter((step, value) for step, key, value in curves if key == name)


def weights_and_streams(file: Path) -> dict[str, object]:
    """A checkpoint without its history, whose times differ."""
    return {name: value for name, value in checkpoint.load(file).items() if name != "history"}


def curves_of(file: Path) -> list[tuple[float, str, float]]:
    """(step, metric, value) of every point in a history, without what depends on time."""
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    return [
        (row["step"], name, value)
        for row in rows
        for name, value in row.items()
        if name not in ("step", "time", "speed/images_per_second")
    ]


def assert_same(actual: object, expected: object) -> None:
    """Equal to the bit, in nested mappings, lists and tensors."""
    if isinstance(actual, dict) and isinstance(expected, dict):
        assert actual.keys() == expected.keys()
        for key in actual:
            assert_same(actual[key], expected[key])
    elif isinstance(actual, list | tuple) and isinstance(expected, list | tuple):
        assert len(actual) == len(expected)
        for actual_item, expected_item in zip(actual, expected, strict=True):
            assert_same(actual_item, expected_item)
    elif isinstance(actual, torch.Tensor) and isinstance(expected, torch.Tensor):
        assert torch.equal(actual, expected)
    else:
        assert actual == expected
