"""A sweep small enough to run in a test, and functions that run its trials without Ray."""

from __future__ import annotations

from pathlib import Path

from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import random_features
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.store.json_files import write_json
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.trial.execution import TrialExecution

TINY = """\
sweep: tiny
question: Is it small?
seeds: [0, 1]
trial:
  steps: 8
  log_every: 2
  checkpoint_every: 4
  batch_size: 8
  model.width: 4
  evaluation: {every: 4, samples: 80, features: random}
groups:
  - name: dcgan
    grid:
      stabilizers.label_smoothing: [0.0, 0.1]
"""


def tiny_with(settings: str) -> str:
    """The tiny sweep with one more line in `trial`."""
    return TINY.replace("trial:\n", f"trial:\n  {settings}\n")


EVALUATORS: dict[str, Evaluator] = {}
"""A cache, by `PlannedTrial.evaluation`."""


def execution_of(plan: Plan, planned: PlannedTrial, system_metrics: bool = False) -> TrialExecution:
    """A trial that has not begun, in its folder of the plan."""
    images = plan.images[planned.fingerprint]
    if planned.evaluation not in EVALUATORS:
        features = random_features(images.channels)
        EVALUATORS[planned.evaluation] = build(planned.config.evaluation, images, features)
    folder = plan.folder.trial(planned.key)
    evaluator, stop_early = EVALUATORS[planned.evaluation], plan.sweep.stop_early
    return TrialExecution(folder, planned.config, images, evaluator, system_metrics, stop_early=stop_early)


def run_some_steps(plan: Plan, planned: PlannedTrial, steps: int) -> TrialExecution:
    """A running trial that has taken this many steps."""
    execution = execution_of(plan, planned)
    execution.begin()
    for _ in range(steps):
        execution._take_step()
    return execution


def run_to_end(plan: Plan, planned: PlannedTrial) -> TrialExecution:
    execution = execution_of(plan, planned)
    execution.begin()
    execution.advance()
    return execution


FINISHED: dict[str, dict[Path, bytes]] = {}
"""The files of trials that have ended, by the trial's key: trained once a process.

So `finished_trial` is for tests that have not changed how a trial is trained, nor the clock.
"""


def finished_trial(plan: Plan, planned: PlannedTrial) -> TrialFolder:
    """A trial that has ended, for tests that train nothing themselves: its files are copied into its folder."""
    folder = plan.folder.trial(planned.key)
    assert not folder.folder.exists(), "it has begun: `run_to_end` goes on with it"
    if planned.key not in FINISHED:
        run_to_end(plan, planned)
        files = [file for file in folder.folder.rglob("*") if file.is_file()]
        FINISHED[planned.key] = {file.relative_to(folder.folder): file.read_bytes() for file in files}
        return folder
    for path, content in FINISHED[planned.key].items():
        file = folder.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    write_json(folder.config_file, planned.config.model_dump(mode="json"))  # it names folders of the home
    return folder


def stable_trial(plan: Plan, planned: PlannedTrial) -> TrialFolder:
    """A trial that has ended with the verdict `stable`, which so few steps do not get."""
    folder = finished_trial(plan, planned)
    record = folder.record()
    record.verdict = {"name": "stable", "since": None, "reason": "no event", "evidence": {}}
    folder.write_record(record)
    return folder
