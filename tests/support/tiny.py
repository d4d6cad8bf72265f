"""A sweep small enough to run in a test, and functions that run its trials without Ray."""

from __future__ import annotations

from gan_core.evaluation.evaluator import Evaluator, build
from gan_core.evaluation.features import random_features
from orchestrator.planning.plan import Plan, PlannedTrial
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
    return TrialExecution(folder, planned.config, images, EVALUATORS[planned.evaluation], system_metrics)


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


def run_to_stable_end(plan: Plan, planned: PlannedTrial) -> TrialExecution:
    """To its end, with the verdict `stable`, which so few steps do not get."""
    execution = run_to_end(plan, planned)
    record = execution.folder.record()
    record.verdict = {"name": "stable", "since": None, "reason": "no event", "evidence": {}}
    execution.folder.write_record(record)
    return execution
