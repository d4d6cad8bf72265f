"""A few steps tell what a step takes, and leave no trace of a trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from gan_core.training.divergence import Diverged
from gan_core.training.trainer import Progress, Trainer
from orchestrator.planning import pilot
from orchestrator.planning.plan import Plan
from orchestrator.planning.runtime_estimate import PILOT, TimedTrial, estimate_runtime

MakePlan = Callable[[], Plan]


def test_the_first_trial_of_each_group_is_timed(tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pilot, "SECONDS_A_GROUP", 0.0)
    plan, notes = tiny_plan(), list[str]()
    other = replace(plan.trials[3], trial=replace(plan.trials[3].trial, group="another"))
    plan = replace(plan, trials=[*plan.trials[:3], other])
    timed = pilot.time_groups(plan, plan.folder.home, notes.append)
    assert [measured.config for measured in timed] == [plan.trials[0].config, other.config]
    assert all(measured.slowness > 0 for measured in timed)
    assert sum("ms a step" in line for line in notes) == 2
    assert not plan.folder.folder.exists()
    trained_before = [TimedTrial(planned.config, 100.0) for planned in plan.trials]
    expected = estimate_runtime(plan, [*timed, *trained_before], workers=1)
    assert expected is not None and expected.sources == {PILOT: 4}
    assert expected == estimate_runtime(plan, timed, workers=1)


def test_a_trial_that_diverges_at_once_tells_no_time(tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch) -> None:
    def diverge(trainer: Trainer) -> Progress:
        raise Diverged(1, "weight")

    plan = tiny_plan()
    trainer = Trainer(plan.trials[0].config, next(iter(plan.images.values())))
    monkeypatch.setattr(Trainer, "step", diverge)
    assert pilot.time_steps(trainer) is None


def test_a_trial_that_evaluates_at_every_step_is_timed_and_ends(
    tiny_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny_plan()
    config = plan.trials[0].config
    often = config.model_copy(update={"evaluation": config.evaluation.model_copy(update={"every": 1})})
    monkeypatch.setattr(pilot, "SECONDS_A_GROUP", 0.0)
    trainer = Trainer(often, next(iter(plan.images.values())))
    assert pilot.time_steps(trainer) is not None
    assert trainer.step_count < often.steps
