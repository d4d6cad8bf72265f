"""`orchestrate train`: one trial in this process, from the start, its history as lines."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from rich.console import Console

from orchestrator.command_hints import command
from orchestrator.commands.trial_lookup import choose_trial
from orchestrator.planning.evaluators import prepare
from orchestrator.planning.plan import make_plan
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import make_home
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.sweepfile import loader
from orchestrator.trial.execution import TrialExecution

SHOWN = {
    "loss/generator": "G loss",
    "loss/discriminator": "D loss",
    "accuracy/discriminator": "D accuracy",
    "speed/images_per_second": "images/s",
}


def train(file: Path, wanted: str, overrides: list[str], home: Path, console: Console) -> int:
    """Trains the trial called `wanted`; 0 with a verdict, 1 if it failed. Raises UserError."""
    plan = make_plan(loader.load(file, overrides), home)
    number, _ = choose_trial([planned.describe() for planned in plan.trials], wanted, command(f"plan {file}", home))
    planned = plan.trials[number - 1]
    folder = TrialFolder(home.absolute() / "train" / planned.key)
    shutil.rmtree(folder.folder, ignore_errors=True)
    anew = dataclasses.replace(planned, record=Record(planned.key))  # whatever the sweep has of it
    alone = dataclasses.replace(plan, trials=[anew])
    say = lambda line: console.print(line, highlight=False, markup=False)  # noqa: E731
    make_home(home)
    evaluators = prepare(alone, home, doing=lambda text: None, note=say)
    execution = TrialExecution(folder, planned.config, plan.images[planned.fingerprint], evaluators[planned.evaluation])
    console.print(planned.trial.name, highlight=False)
    execution.begin()
    while not execution.done:
        execution.advance(seconds=2.0)
        row = execution.latest
        if "loss/generator" in row:
            numbers = "  ".join(f"{title} {row[name]:.4g}" for name, title in SHOWN.items())
            console.print(f"step {execution.step}/{planned.config.steps}  {numbers}", highlight=False)
    if execution.halt:
        say(execution.halt)
        return 1
    record = execution.record
    if record.verdict is None:
        console.print(f"failed\n{record.error}", highlight=False, markup=False)
        return 1
    console.print(f"{record.verdict['name']}: {record.verdict['reason']}", highlight=False)
    console.print(f"files  {folder.folder}", highlight=False, soft_wrap=True)
    return 0
