"""`orchestrate train`: one trial in this process, from the start, its history as lines."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from rich.console import Console

from orchestrator import spec
from orchestrator.errors import UserError
from orchestrator.evaluators import prepare
from orchestrator.execution import Execution
from orchestrator.plan import Plan, Planned, make_plan
from orchestrator.store import Record, TrialFolder

SHOWN = {
    "loss/generator": "G loss",
    "loss/discriminator": "D loss",
    "accuracy/discriminator": "D accuracy",
    "speed/images_per_second": "images/s",
}


def train(file: Path, wanted: str, overrides: list[str], home: Path, console: Console) -> int:
    """Trains the trial called `wanted`; 0 with a verdict, 1 if it failed. Raises UserError."""
    plan = make_plan(spec.load(file, overrides), home)
    planned = _choose(plan, wanted)
    folder = TrialFolder(home.absolute() / "train" / planned.key)
    shutil.rmtree(folder.folder, ignore_errors=True)
    anew = dataclasses.replace(planned, record=Record(planned.key))  # whatever the sweep has of it
    alone = dataclasses.replace(plan, trials=[anew])
    say = lambda line: console.print(line, highlight=False, markup=False)  # noqa: E731
    evaluators = prepare(alone, home, doing=lambda text: None, note=say)
    execution = Execution(folder, planned.config, plan.images[planned.fingerprint], evaluators[planned.evaluation])
    console.print(planned.trial.name, highlight=False)
    execution.begin()
    while not execution.done:
        execution.advance(seconds=2.0)
        row = execution.latest
        if "loss/generator" in row:
            numbers = "  ".join(f"{title} {row[name]:.4g}" for name, title in SHOWN.items())
            console.print(f"step {execution.step}/{planned.config.steps}  {numbers}", highlight=False)
    record = execution.record
    if record.verdict is None:
        console.print(f"failed\n{record.error}", highlight=False, markup=False)
        return 1
    console.print(f"{record.verdict['name']}: {record.verdict['reason']}", highlight=False)
    console.print(f"files  {folder.folder}", highlight=False, soft_wrap=True)
    return 0


def _choose(plan: Plan, wanted: str) -> Planned:
    for number, planned in enumerate(plan.trials, start=1):
        if wanted in (str(number), planned.key, planned.trial.name):
            return planned
    raise UserError(
        f"--trial {wanted}: no such trial; give a number from 1 to {len(plan.trials)}, or a name or key from "
        "`orchestrate plan`"
    )
