"""`orchestrate train`: trains one trial in this process, from its first step, and prints its history as lines."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

from rich.console import Console

from gan_core import metric_names
from orchestrator.command_hints import orchestrate_command
from orchestrator.commands.data_lines import data_lines
from orchestrator.commands.trial_lookup import choose_trial
from orchestrator.console.output import say
from orchestrator.errors import cannot_be_written
from orchestrator.formatting import trial_label
from orchestrator.planning.evaluators import build_evaluators
from orchestrator.planning.plan import make_plan
from orchestrator.signals import FINISHED, SOME_FAILED
from orchestrator.store.kernel_file import KernelFile
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import make_home
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.sweepfile import loader
from orchestrator.trial.execution import TrialExecution

PRINTED_METRICS = {
    metric_names.LOSS_GENERATOR: "G loss",
    metric_names.LOSS_DISCRIMINATOR: "D loss",
    metric_names.ACCURACY_DISCRIMINATOR: "D accuracy",
    metric_names.SPEED: "images/s",
}


def train(file: Path, wanted: str, overrides: list[str], home: Path, console: Console) -> int:
    """Train the trial whose key, name or place is `wanted`; returns 0 if it has a verdict, 1 if it failed.

    Raises UserError.
    """
    plan = make_plan(loader.load(file, overrides), home)
    listing = orchestrate_command(f"plan {file}", home)
    possible = plan.trials or plan.expected[:1]  # of a map or a search that has not begun: the middle of its space
    chosen = choose_trial([planned.to_document() for planned in possible], wanted, listing)
    planned = next(planned for planned in possible if planned.key == chosen["key"])
    for line in data_lines(plan):
        say(console, line, word_wrap=True)
    trial_folder = TrialFolder(home.absolute() / "train" / planned.key)
    shutil.rmtree(trial_folder.folder, ignore_errors=True)
    unbegun = dataclasses.replace(planned, record=Record(planned.key))  # the sweep may have trained it already
    single_trial_plan = dataclasses.replace(plan, trials=[unbegun], expected=[])
    make_home(home)
    evaluators = build_evaluators(
        single_trial_plan, home, on_phase=lambda text: None, note=lambda text: say(console, text, word_wrap=True)
    )
    say(console, trial_label(planned.key, planned.trial.name))
    try:
        execution = TrialExecution(
            trial_folder,
            planned.config,
            plan.images[planned.fingerprint],
            evaluators[planned.evaluation],
            kernels=KernelFile(home.absolute()),
        )
        execution.begin()
    except OSError as error:
        raise cannot_be_written(trial_folder.folder, error) from None
    while not execution.done:
        execution.advance(seconds=2.0)
        row = execution.latest
        if metric_names.LOSS_GENERATOR in row:
            numbers = "  ".join(f"{title} {row[name]:.4g}" for name, title in PRINTED_METRICS.items())
            say(console, f"step {execution.step}/{planned.config.steps}  {numbers}", word_wrap=True)
    if execution.stop_reason:
        say(console, execution.stop_reason, word_wrap=True)
        return SOME_FAILED
    record = execution.record
    if record.verdict is None:
        say(console, f"failed\n{record.error}", word_wrap=True)
        return SOME_FAILED
    say(console, f"{record.verdict['name']}: {record.verdict['reason']}", word_wrap=True)
    say(console, f"files  {trial_folder.folder}")
    return FINISHED
