"""Which trial a free worker gets while a sweep is trained until its question is answered."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.tiny import TINY
from support.until_answered import ANSWER, UNTIL, end_well, fail, plan_of, write

from orchestrator.commands import queued_training
from orchestrator.planning.adaptive_queue import AdaptiveQueue
from orchestrator.planning.answer_words import end_line, labels, plan_end_line, progress_line
from orchestrator.planning.budget import Budget, clock_seconds
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.store.json_files import write_with_checksum
from orchestrator.store.record import Attempt, Record
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.model import UntilAnswered


def queue_of(plan: Plan) -> AdaptiveQueue:
    queue = queued_training.queue_of(plan)
    assert queue
    return queue


def trial(planned: PlannedTrial | None) -> tuple[float, int]:
    """(smoothing, seed)."""
    assert planned
    return planned.trial.factors["stabilizers.label_smoothing"], planned.trial.seed


def train(plan: Plan, queue: AdaptiveQueue, workers: int, limit: int = 100) -> list[tuple[float, int]]:
    """Train as so many workers do, which end in the order in which they began; at most so many trials."""
    begun, running = [], []
    for _ in range(limit):
        while len(running) < workers and (planned := queue.peek(workers)):
            queue.give(planned)
            running.append(planned)
            begun.append(trial(planned))
        if not running:
            break
        first = running.pop(0)
        end_well(plan, first)
        queue.take_back(first.key)
    return begun


def test_a_single_worker_trains_what_the_next_look_needs_and_nothing_else(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    begun = train(plan, queue, workers=1)
    assert queue.analysis.end == "answered"
    assert len(begun) == queue.analysis.trials < len(plan.trials)
    assert [seed for _, seed in begun] == sorted(seed for _, seed in begun)


def test_a_free_worker_takes_what_comes_after_the_next_look_and_it_counts(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    given = []
    for _ in range(5):
        planned = queue.peek(5)
        assert planned
        queue.give(planned)
        given.append(planned)
    assert [trial(planned)[1] for planned in given] == [0, 0, 1, 1, 2]
    for planned in given:
        end_well(plan, planned)
        queue.take_back(planned.key)
    assert queue.analysis.seeds == 2
    assert trial(queue.peek(5)) == (0.1, 2), "the other half of the third seed is there"


def test_workers_do_not_run_far_ahead_of_a_trial_that_takes_long(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, UNTIL.replace("most: 8", "most: 100"))
    queue = queue_of(plan)
    slow = queue.peek(2)
    assert slow
    queue.give(slow)
    begun = 0
    while planned := queue.peek(2):
        queue.give(planned)
        end_well(plan, planned)
        queue.take_back(planned.key)
        begun += 1
    assert begun == 3 + 4, "the rest of the first look, and two seeds more"
    assert not queue.is_empty and not queue.is_over


@pytest.mark.parametrize("killed_after", [1, 3, 4, 5])
def test_a_killed_sweep_that_goes_on_decides_the_same(tmp_path: Path, killed_after: int) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    plan = plan_of(whole)
    queue = queue_of(plan)
    train(plan, queue, workers=1)
    train(plan_of(killed), queue_of(plan_of(killed)), workers=2, limit=killed_after)
    resumed = plan_of(killed)
    resumed_queue = queue_of(resumed)
    train(resumed, resumed_queue, workers=2)
    same = ("seeds", "comparisons", "contest", "wanted", "trials", "end")
    assert all(getattr(resumed_queue.analysis, name) == getattr(queue.analysis, name) for name in same)


def test_finished_trials_of_a_fixed_sweep_count(tmp_path: Path) -> None:
    fixed = plan_of(tmp_path, TINY.replace("[0, 1]", "[0, 1, 2]"))
    for planned in fixed.trials:
        end_well(fixed, planned)
    queue = queue_of(plan_of(tmp_path))
    assert queue.analysis.seeds >= 3
    assert {seed for _, seed in queue.analysis.missing} == {queue.analysis.seeds}


def test_a_failed_trial_is_tried_again_by_the_next_command_only(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    planned = queue.peek(1)
    assert planned
    queue.give(planned)
    fail(plan, planned)
    queue.take_back(planned.key)
    second = queue.peek(1)
    assert second and second.key != planned.key
    assert trial(queue_of(plan_of(tmp_path)).peek(1)) == trial(planned)


def test_a_trial_that_tune_lost_is_given_away_again(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    lost, crowded = queue.peek(1), None
    assert lost
    queue.give(lost)
    queue.take_back(lost.key, has_result=False)
    crowded = queue.peek(1)
    assert crowded and crowded.key != lost.key, "not in the same run of Tune"
    queue.give(crowded)
    fail(plan, crowded)
    queue.take_back(crowded.key, has_result=False)
    assert queue.begin_round(again={crowded.key})
    assert {trial(planned) for planned in (lost, crowded)} == {(0.0, 0), (0.1, 0)}
    assert trial(queue.peek(1)) == trial(lost)
    assert not queue_of(plan).begin_round(), "it gave nothing away"


def test_the_plan_so_far_has_what_was_begun_and_at_the_end_what_has_ended(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    assert len(queue.plan_so_far().trials) == 4, "those of the first look"
    fifth = None
    for _ in range(5):
        fifth = queue.peek(5)
        assert fifth
        queue.give(fifth)
    assert len(queue.plan_so_far().trials) == 5
    queue.begin_round()
    train(plan, queue, workers=1)
    assert queue.is_over
    ended = queue.plan_so_far()
    assert len(ended.trials) == queue.analysis.trials
    assert ended.answer and ended.answer["end"] == "answered"
    assert end_line(ended.answer).startswith(f"answered after {len(ended.trials)} of at most 16 trials")
    assert progress_line(ended.answer).startswith(f"after {queue.analysis.seeds} seeds: ")


def test_no_trial_begins_after_the_budget(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, UNTIL.replace("until: answered\n", "until: answered\nbudget: {worker_hours: 0.05}\n"))
    queue = queue_of(plan)
    assert queue.peek(1)
    queue.budget.add_training(179)
    assert queue.peek(1)
    queue.budget.add_training(1)
    assert queue.is_over and queue.peek(1) is None
    answer = queue.plan_so_far().answer
    assert answer and end_line(answer).startswith("ended with its budget, after 0 of at most 16 trials")


def test_the_budget_buys_as_many_trials_as_the_same_time_has_bought() -> None:
    records = [Record("", seconds=60.0, attempts=[Attempt(0, 0, ended=60_000)]) for _ in range(4)]
    assert Budget(UntilAnswered(2, 6, worker_hours=1), records).buys(4) == 56
    assert Budget(UntilAnswered(2, 6, hours=0.1), records).buys(4) == 20, "all four in the same minute"
    assert Budget(UntilAnswered(2, 6, hours=0.1, worker_hours=5 / 60), records).buys(4) == 1
    assert Budget(UntilAnswered(2, 6, worker_hours=0.01), records).buys(4) == 0
    assert Budget(UntilAnswered(2, 6), records).buys(4) is None
    assert Budget(UntilAnswered(2, 6, hours=1)).buys(0) is None, "nothing has ended"


def test_after_a_look_a_line_says_what_is_settled_what_is_open_and_what_is_left(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    queue = queue_of(plan)
    train(plan, queue, workers=1, limit=4)
    answer = queue.plan_so_far().answer
    assert answer and not answer["end"]
    line = progress_line(answer)
    assert line.startswith("after 2 seeds: 0 shown, 0 small, 2 open (smoothing 0 to 0.1: stable runs; ")
    assert line.endswith("; at most 12 of 16 trials are left")
    assert progress_line(answer, 5).endswith("are left, and at this rate the budget buys 5 trials more")
    assert progress_line(answer, 50).endswith("the budget buys 12 trials more, all of them")


def test_a_killed_attempt_counts_once_and_so_does_the_one_after_it() -> None:
    """50 minutes that were killed, and 60 more a day later; then 100 minutes, and 10 that were killed."""
    minute, day = 60_000, 24 * 60 * 60_000
    killed_first = [Attempt(0, 0), Attempt(day, 4, ended=day + 60 * minute)]
    killed_last = [Attempt(0, 0, ended=100 * minute), Attempt(day, 4)]
    for attempts in (killed_first, killed_last, [Attempt(0, 0), Attempt(50 * minute, 4), Attempt(day, 4)]):
        assert clock_seconds([Record("", seconds=110 * 60.0, attempts=attempts)]) == 110 * 60
    closed = [Attempt(0, 0, ended=minute), Attempt(day, 4, ended=day + minute)]
    assert clock_seconds([Record("", seconds=99.0, attempts=closed)]) == 120
    assert clock_seconds([Record("", seconds=60.0, attempts=[*closed, Attempt(2 * day, 4)])]) == 120, (
        "nothing was saved"
    )


HOURS = "until: answered\nbudget: {hours: 0.1, worker_hours: 0.1}\n"
"""Six minutes; a trial takes one."""


def go_on(folder: Path, workers: int = 1, limit: int = 100) -> tuple[AdaptiveQueue, int]:
    """(queue of one command with this budget after it has ended, number of trials that it has trained)."""
    plan = plan_of(folder, UNTIL.replace("until: answered\n", HOURS))
    plan.folder.folder.mkdir(parents=True, exist_ok=True)
    queue = queue_of(plan)
    queue.on_change = lambda: write_with_checksum(plan.folder.sweep_file, queue.plan_so_far().to_document())
    return queue, len(train(plan, queue, workers, limit))


def test_trials_that_no_look_took_are_named_apart(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    for planned in plan.trials:
        end_well(plan, planned)
    queue = queue_of(plan_of(tmp_path))
    answer = queue.plan_so_far().answer
    assert answer and answer["looked_at"] == queue.analysis.trials < answer["trials"] == 16
    taken, more = answer["looked_at"], 16 - answer["looked_at"]
    assert f"after {taken} of at most 16 trials, {answer['seeds']} seeds ({more} more ended" in end_line(answer)


def test_nothing_is_said_of_the_best_while_no_run_is_stable(tmp_path: Path) -> None:
    text = UNTIL.replace(ANSWER, "")
    plan = plan_of(tmp_path, text)
    queue, bests = queue_of(plan), list[list[str] | None]()
    for seed, end in enumerate([fail, fail, end_well]):
        for planned in plan.trials:
            if planned.trial.seed == seed:
                queue.give(planned)
                end(plan, planned)
                queue.take_back(planned.key)
        answer = queue.plan_so_far().answer
        assert answer
        bests.append(answer["best"])
        assert ("can be the best" in progress_line(answer)) == (bests[-1] is not None)
    assert queue.analysis.seeds == 3
    assert bests[0] and bests[1] is None and bests[2], "the first is before the first look"


def test_a_label_names_its_group_where_a_factor_is_in_several_groups(tmp_path: Path) -> None:
    head, groups = UNTIL.split("groups:\n")
    second = groups.replace("name: ", "name: other_", 1).rstrip() + "\n    trial: {optimizer.lr: 0.5}\n"
    one, two = (
        queue_of(plan_of(tmp_path, f"{head}groups:\n{text}")).plan_so_far().answer for text in (groups, groups + second)
    )
    assert one and two
    assert labels(one) == ["smoothing 0 to 0.1: stable runs", "smoothing 0 to 0.1: images"]
    assert len(set(labels(two))) == 4 and labels(two)[0].endswith("): stable runs")


def test_what_is_open_is_counted_in_tests(tmp_path: Path) -> None:
    answer = queue_of(plan_of(tmp_path)).plan_so_far().answer
    assert answer and end_line({**answer, "end": "budget"}).endswith("2 of 2 tests are open")


def test_a_budget_counts_what_earlier_commands_have_trained(tmp_path: Path) -> None:
    queue, trained = go_on(tmp_path, limit=2)
    assert (trained, queue.budget.share_spent) == (2, 0), "its own training is told by the workers"
    again = queue_of(plan_of(tmp_path, UNTIL.replace("until: answered\n", HOURS)))
    assert again.budget.share_spent == pytest.approx(2 / 6), "of both commands together"
    assert again.buys() == 4


def test_where_no_trial_has_ended_within_the_budget_all_that_were_begun_stay_in_the_plan(tmp_path: Path) -> None:
    plan = plan_of(tmp_path, UNTIL.replace("until: answered\n", HOURS))
    plan.folder.folder.mkdir(parents=True)
    queue = queue_of(plan)
    for _ in range(5):  # one more than the first look needs
        planned = queue.peek(5)
        assert planned
        queue.give(planned)
        attempt = Attempt(0, 0, ended=360_000, outcome="interrupted")
        write(plan, Record(planned.key, TrialStatus.INTERRUPTED, 4, seconds=360.0, attempts=[attempt]))
    write_with_checksum(plan.folder.sweep_file, queue.plan_so_far().to_document())
    again = queue_of(plan_of(tmp_path, plan.sweep.text))
    assert again.is_over
    assert [planned.state for planned in again.plan_so_far().trials] == 5 * [TrialStatus.INTERRUPTED]
    assert plan_end_line(again.plan_so_far()).startswith("the budget was spent before any trial ended; ")


def test_what_a_fixed_sweep_has_trained_does_not_spend_the_budget(tmp_path: Path) -> None:
    fixed = plan_of(tmp_path, TINY)
    fixed.folder.folder.mkdir(parents=True)
    write_with_checksum(fixed.folder.sweep_file, fixed.to_document())
    for planned in fixed.trials:
        end_well(fixed, planned, seconds=3600)
    queue, trained = go_on(tmp_path, limit=1)
    assert (queue.analysis.seeds, trained, queue.budget.seconds) == (2, 1, 0)
    again = queue_of(plan_of(tmp_path, UNTIL.replace("until: answered\n", HOURS)))
    assert again.budget.share_spent == pytest.approx(1 / 6)
    assert again.buys() == 5, "at the rate of its own trial"


def test_a_copy_from_another_sweep_does_not_spend_the_budget(tmp_path: Path) -> None:
    go_on(tmp_path, limit=1)
    plan = plan_of(tmp_path)
    end_well(plan, plan.trials[-1], seconds=3600)  # it came between two commands
    queue, _ = go_on(tmp_path, limit=0)
    assert queue.budget.share_spent == pytest.approx(1 / 6)


def test_of_a_trial_that_a_fixed_sweep_has_begun_only_the_rest_spends_the_budget(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    began = Attempt(0, 0, ended=3_600_000, outcome="interrupted")
    write(plan, Record(plan.trials[0].key, TrialStatus.INTERRUPTED, 4, seconds=3600.0, attempts=[began]))
    go_on(tmp_path, limit=1)
    ended = Record(plan.trials[0].key, TrialStatus.FINISHED, 8, seconds=3780.0)
    ended.attempts = [began, Attempt(9_000_000, 4, ended=9_180_000)]
    write(plan, ended)
    again = queue_of(plan_of(tmp_path, UNTIL.replace("until: answered\n", HOURS)))
    assert again.budget.seconds == 180
    assert again.budget.share_spent == pytest.approx(3 / 6)


def test_a_document_that_does_not_say_what_was_begun_has_begun_all_its_trials(tmp_path: Path) -> None:
    queue, _ = go_on(tmp_path, limit=1)
    so_far = queue.plan_so_far()
    document = so_far.to_document()
    del document["answer"]["begun"]
    write_with_checksum(so_far.folder.sweep_file, document)
    again = queue_of(plan_of(tmp_path, UNTIL.replace("until: answered\n", HOURS)))
    assert again.budget.share_spent == pytest.approx(1 / 6)


def test_time_in_which_several_trials_ran_counts_once() -> None:
    times = [(0, 10_000), (5_000, 12_000), (20_000, 30_000), (21_000, 22_000)]
    records = [Record("", attempts=[Attempt(began, 0, ended=ended)]) for began, ended in times]
    killed = Record("killed", seconds=5.0, attempts=[Attempt(40_000, 0)])
    assert clock_seconds([*records, killed]) == 12 + 10 + 5


def test_two_data_sets_are_compared_by_the_setting_that_names_them(tmp_path: Path) -> None:
    for name, value in (("a", 0), ("b", 100)):
        images = np.arange(200, dtype=np.uint8)[:, None, None] + np.full((200, 32, 32), value, np.uint8)
        np.savez(tmp_path / f"{name}.npz", images=images)
    group = "  - name: {0}\n    trial: {{data: {{name: npz, path: {0}.npz}}}}\n"
    head = UNTIL[: UNTIL.index("groups:")].replace("stabilizers.label_smoothing", "data.path")
    plan = plan_of(tmp_path, f"{head}groups:\n{group.format('a')}{group.format('b')}")
    (compared,) = queue_of(plan).analysis.comparisons
    assert compared.comparison.factor == "data.path"
