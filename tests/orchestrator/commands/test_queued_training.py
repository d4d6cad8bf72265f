"""What a command does with a sweep that trains until its question is answered, and what it leaves."""

from __future__ import annotations

from pathlib import Path

from support.until_answered import UNTIL, end_well, plan_of

from orchestrator.commands.queued_training import left_to_train, queue_of, with_confirmations
from orchestrator.planning.plan import Plan
from orchestrator.store.json_files import write_with_checksum
from orchestrator.store.trial_status import TrialStatus

BEST = "dcgan smoothing=0.1"


def train_to_the_end(folder: Path) -> Plan:
    """The plan with all trials that may be needed, of which the looks took fewer; its document is written."""
    plan = plan_of(folder)
    queue = queue_of(plan)
    assert queue
    while planned := queue.peek(1):
        queue.give(planned)
        end_well(plan, planned)
        queue.take_back(planned.key)
    assert queue.analysis.end == "answered"
    write_document(plan_of(folder))
    return plan_of(folder)


def so_far(plan: Plan) -> Plan:
    queue = queue_of(plan)
    assert queue
    return queue.plan_so_far()


def write_document(plan: Plan) -> None:
    write_with_checksum(plan.folder.sweep_file, so_far(plan).to_document())


def confirm(plan: Plan, count: int) -> Plan:
    return with_confirmations(plan, count, lambda text: None)


def confirming(plan: Plan) -> list[tuple[str, int, TrialStatus]]:
    return [(p.trial.configuration, p.trial.seed, p.state) for p in plan.trials if p.trial.confirms]


def test_an_answered_sweep_trains_what_confirms_its_best_and_no_seed_that_it_does_not_need(tmp_path: Path) -> None:
    plan = train_to_the_end(tmp_path)
    assert plan.unfinished, "seeds that it will never train"
    confirmed = confirm(plan, 1)
    assert confirming(confirmed) == [(BEST, seed, TrialStatus.PENDING) for seed in (8, 9, 10)]
    left = left_to_train(so_far(confirmed), queue_of(confirmed))
    assert [(p.trial.configuration, p.trial.seed) for p in left] == [(BEST, 8), (BEST, 9), (BEST, 10)]


def test_the_same_command_again_keeps_what_has_confirmed(tmp_path: Path) -> None:
    confirmed = confirm(train_to_the_end(tmp_path), 1)
    for planned in confirmed.trials:
        if planned.trial.confirms:
            end_well(confirmed, planned)
    write_document(confirmed)
    for count in (1, 0):
        again = confirm(plan_of(tmp_path), count)
        assert confirming(again) == [(BEST, seed, TrialStatus.FINISHED) for seed in (8, 9, 10)]
        assert confirming(so_far(again)) == confirming(again), "also in sweep.json, and so in the report"
        assert not left_to_train(so_far(again), queue_of(again))


def test_before_the_end_nothing_is_confirmed(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    for planned in so_far(plan).trials:
        end_well(plan, planned)
    plan = plan_of(tmp_path)
    assert not confirming(confirm(plan, 1))
    assert left_to_train(so_far(plan), queue_of(plan)) == so_far(plan).unfinished


def test_a_spent_budget_trains_nothing_though_trials_have_not_ended(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, UNTIL.replace("until: answered\n", "until: answered\nbudget: {worker_hours: 0.1}\n"))
    queue = queue_of(plan)
    assert queue and left_to_train(queue.plan_so_far(), queue)
    queue.budget.add_training(360)
    assert len(queue.plan_so_far().unfinished) == 4
    assert not left_to_train(queue.plan_so_far(), queue)
