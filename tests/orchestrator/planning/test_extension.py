"""More steps: a trial goes on from where the shorter one is, and ends as if it had been asked for at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.endings import assert_same, curves_of, weights_and_streams
from support.tiny import TINY, execution_of, run_some_steps, run_to_end

from orchestrator.planning.extension import extensions, set_up_extensions, with_extended_records
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.planning.reuse import with_reusable_records
from orchestrator.planning.staleness import changes_since_last_command
from orchestrator.store.json_files import write_json
from orchestrator.sweepfile import loader

PlanOf = Callable[..., Plan]


@pytest.fixture
def plan_of(tmp_path: Path) -> PlanOf:
    """Plans the tiny sweep with these values of settings."""

    def make(*overrides: str, home: str = "home") -> Plan:
        file = tmp_path / "tiny.yaml"
        file.write_text(TINY)
        return make_plan(loader.load(file, [*overrides]), tmp_path / home)

    return make


def keep_document(plan: Plan) -> None:
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    write_json(plan.folder.sweep_file, plan.to_document())


@pytest.mark.parametrize("schedule", ["warm_up=3", "lr=linear until=6"])
def test_a_schedule_that_ends_by_itself_goes_on(plan_of: PlanOf, schedule: str) -> None:
    settings = [f"trial.optimizer.schedule.{part}" for part in schedule.split()]
    short = plan_of(*settings)
    keep_document(short)
    run_to_end(short, short.trials[0])
    longer = set_up_extensions(plan_of("trial.steps=16", *settings))
    resumed = run_to_end(longer, longer.trials[0])
    assert [attempt.from_step for attempt in resumed.record.attempts] == [0, 8]
    assert resumed.record.verdict


@pytest.mark.parametrize("steps", [8, 5], ids=["finished", "interrupted"])
def test_it_ends_to_the_bit_as_if_asked_for_at_once(plan_of: PlanOf, steps: int) -> None:
    short = plan_of()
    keep_document(short)
    if steps == 8:
        run_to_end(short, short.trials[0])
    else:
        run_some_steps(short, short.trials[0], steps).suspend()

    planned = with_extended_records(plan_of("trial.steps=16"))
    assert (planned.trials[0].state, planned.trials[0].remaining) == ("interrupted", 16 - steps)
    assert not planned.folder.trial(planned.trials[0].key).folder.exists()
    longer = set_up_extensions(plan_of("trial.steps=16"))
    assert changes_since_last_command(longer)[0].startswith(
        f"1 trial is new because steps changed (8 -> 16), and trained from step {steps} on; the earlier results"
    )
    resumed = run_to_end(longer, longer.trials[0])
    assert [attempt.from_step for attempt in resumed.record.attempts] == [0, steps]
    at_once = plan_of("trial.steps=16", home="other")
    expected = run_to_end(at_once, at_once.trials[0]).folder
    assert_same(weights_and_streams(resumed.folder.checkpoint_file), weights_and_streams(expected.checkpoint_file))
    assert curves_of(resumed.folder.history_file) == curves_of(expected.history_file)
    verdicts = resumed.record.verdict, expected.record().verdict
    assert verdicts[0] == verdicts[1]
    assert {file.name for file in resumed.folder.folder.iterdir()} == {f.name for f in expected.folder.iterdir()}
    assert short.folder.trial(short.trials[0].key).record().status in ("finished", "interrupted")  # it stays
    assert set_up_extensions(longer) is longer


@pytest.mark.parametrize(
    ("settings", "obstacle"),
    [
        (
            ["stabilizers.instance_noise.std=0.1", "stabilizers.instance_noise.anneal=true"],
            "instance noise is annealed over all steps",
        ),
        (["optimizer.schedule.lr=cosine"], "optimizer.schedule goes over all steps"),
        (["optimizer.schedule.beta2=0.99"], "optimizer.schedule goes over all steps"),
        (["log_every=3"], "their last step is no multiple of log_every, 3"),
        (["evaluation.every=5"], "their last step is no multiple of evaluation.every, 5"),
    ],
)
def test_where_it_would_end_otherwise_it_starts_anew_and_that_is_said(
    plan_of: PlanOf, settings: list[str], obstacle: str
) -> None:
    settings = [f"trial.{setting}" for setting in settings]
    short = plan_of(*settings)
    keep_document(short)
    run_to_end(short, short.trials[0])
    longer = plan_of("trial.steps=16", *settings)
    assert set_up_extensions(longer) is longer
    assert changes_since_last_command(longer) == [
        f"1 trial is new because steps changed (8 -> 16), and trained from step 0 ({obstacle}); "
        "the earlier results are kept but leave this sweep"
    ]


def test_nothing_goes_on_with_fewer_steps_other_settings_or_without_a_checkpoint(plan_of: PlanOf) -> None:
    short = plan_of()
    keep_document(short)
    run_to_end(short, short.trials[0])
    assert extensions(plan_of("trial.steps=4")) == {}
    assert extensions(plan_of("trial.steps=16", "trial.batch_size=16")) == {}
    execution_of(short, short.trials[0]).folder.checkpoint_file.unlink()
    (extension,) = extensions(plan_of("trial.steps=16")).values()
    assert extension.obstacle == "their checkpoints are not in the home folder"


def test_plan_leaves_a_trial_that_another_sweep_has_finished_as_it_is(plan_of: PlanOf) -> None:
    short, other = plan_of(), plan_of("sweep=other", "trial.steps=16")
    for plan in (short, other):
        keep_document(plan)
        run_to_end(plan, plan.trials[0])
    planned, _ = with_reusable_records(plan_of("trial.steps=16"))
    assert with_extended_records(planned).trials[0].state == "finished"
