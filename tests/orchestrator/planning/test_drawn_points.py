"""A sweep that draws goes on with a larger count, and says what becomes of points that are drawn anew."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.tiny import finished_trial

from orchestrator.planning.adaptive import comparisons_to_test
from orchestrator.planning.drawn_points import sample_lines
from orchestrator.planning.outcome import as_planned
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.staleness import changes_since_last_command
from orchestrator.store.json_files import write_json
from orchestrator.sweepfile import loader, sample
from orchestrator.sweepfile.model import UntilAnswered

SAMPLE = """
sweep: drawn
trial: {steps: 2, batch_size: 16, model: {width: 8}, evaluation: {every: 1, samples: 80}}
groups:
  - name: g
    sample:
      count: 3
      optimizer.lr: {log_uniform: [1e-5, 1e-1]}
      model.latent_dim: {integers: [10, 30], step: 10}
      stabilizers.instance_noise: {choice: [0.0, 0.1]}
"""


def plan_of(home: Path, *overrides: str) -> Plan:
    file = home / "drawn.yaml"
    file.write_text(SAMPLE)
    return make_plan(loader.load(file, list(overrides)), home)


def planned_before(home: Path, *overrides: str) -> Plan:
    """As a command leaves it that has finished the first trial."""
    plan = plan_of(home, *overrides)
    finished_trial(plan, plan.trials[0])
    write_json(plan.folder.sweep_file, plan.to_document())
    return plan


def test_a_larger_count_keeps_what_is_finished(tmp_path: Path) -> None:
    first = planned_before(tmp_path)
    more = plan_of(tmp_path, "groups.g.sample.count=8")
    assert [planned.key for planned in more.trials[:3]] == [planned.key for planned in first.trials]
    assert more.counts() == {"finished": 1, "pending": 7}
    assert changes_since_last_command(more) == []


def test_another_count_of_a_latin_hypercube_draws_all_points_anew_and_says_so(tmp_path: Path) -> None:
    method = "groups.g.sample.method=latin_hypercube"
    planned_before(tmp_path, method)
    assert changes_since_last_command(plan_of(tmp_path, method)) == []
    lines = changes_since_last_command(plan_of(tmp_path, method, "groups.g.sample.count=4"))
    assert lines[0] == (
        "caution: group g draws all its points anew: latin_hypercube spreads exactly 4 points and keeps none of the "
        "earlier 3; sobol and random keep them"
    )
    assert "1 trial of the last command leaves this sweep" in lines[1]


def test_another_space_is_named_as_the_cause(tmp_path: Path) -> None:
    planned_before(tmp_path)
    lines = changes_since_last_command(plan_of(tmp_path, "groups.g.sample.optimizer.lr={uniform: [0.1, 0.2]}"))
    assert lines[0] == "caution: group g draws all its points anew: dimensions of its sample changed"


def test_points_that_another_version_drew_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planned_before(tmp_path)
    monkeypatch.setattr(
        sample, "unit_points", lambda method, dimensions, count, seed: np.full((count, dimensions), 0.4)
    )
    lines = changes_since_last_command(plan_of(tmp_path))
    assert "though its sample is the same: another version of this program or of SciPy drew them" in lines[0]


def test_a_sweep_until_answered_tests_grids_within_points_alone(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, "until=answered", "seeds={first: 2, most: 3}", "groups.g.grid.batch_size=[16, 32]")
    first_seed = [as_planned(planned) for planned in plan.trials if planned.trial.seed == 0]
    compared = comparisons_to_test(first_seed, UntilAnswered(2, 3))
    assert [(each.comparison.factor, len(each.pairs)) for each in compared] == [("batch_size", 3)]


def test_the_plan_says_what_is_drawn(tmp_path: Path) -> None:
    assert sample_lines(plan_of(tmp_path).sweep.samples) == [
        "g draws 3 points (sobol): lr from 1e-5 to 0.1 (log), latent_dim from 10 to 30 by 10, noise of 0 or 0.1"
    ]
