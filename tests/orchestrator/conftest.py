"""A small sweep and its plan, on a home folder of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from orchestrator import spec
from orchestrator.execution import Execution
from orchestrator.plan import Plan, Planned, make_plan

TINY = """\
sweep: tiny
question: Is it small?
seeds: [0, 1]
trial: {steps: 8, log_every: 2, checkpoint_every: 4, batch_size: 8, model.width: 4, evaluation: {every: 4, samples: 16}}
groups:
  - name: dcgan
    grid:
      stabilizers.label_smoothing: [0.0, 0.1]
"""


@pytest.fixture
def tiny_plan(tmp_path: Path) -> Callable[[], Plan]:
    """Plans the tiny sweep anew each time it is called."""
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)
    return lambda: make_plan(spec.load(file), tmp_path / "home")


def execution_of(plan: Plan, planned: Planned) -> Execution:
    return Execution(plan.folder.trial(planned.key), planned.config, planned.fingerprint)


def run_to_end(plan: Plan, planned: Planned) -> Execution:
    execution = execution_of(plan, planned)
    execution.begin()
    execution.advance()
    return execution
