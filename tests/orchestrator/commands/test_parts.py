"""A sweep in parts: every trial is trained once, whoever begins late, dies or comes back."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import cast

import pytest
from filelock import FileLock
from rich.console import Console
from support.waiting import wait_until

from orchestrator.commands.parts import Member, share, train_confirming
from orchestrator.commands.sweep_options import Part, SweepOptions
from orchestrator.console.progress import make_display
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan, make_plan
from orchestrator.scheduling.sweep_runner import SweepRunner
from orchestrator.signals import StopRequest
from orchestrator.store.sweep_lock import hold, is_running, refuse_if_held, trained_parts
from orchestrator.store.trial_status import TrialStatus
from orchestrator.sweepfile.loader import read

TEXT = "sweep: s\nseeds: [0, 1, 2, 3, 4]\ntrial: {steps: 2}\ngroups:\n  - name: g\n"


@dataclass
class Ends:
    """In place of a runner with Ray: it ends each trial that it gets, `failing` ones as failed."""

    failing: set[str] = field(default_factory=set)
    trained: list[str] = field(default_factory=list)

    def train(self, plan: Plan) -> None:
        for planned in plan.unfinished:
            folder = plan.folder.trial(planned.key)
            folder.samples.mkdir(parents=True, exist_ok=True)
            record = folder.record()
            record.status = TrialStatus.FAILED if planned.key in self.failing else TrialStatus.FINISHED
            folder.write_record(record)
            self.trained.append(planned.key)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    made = make_plan(read(TEXT, "s.yaml", []), tmp_path)
    made.folder.folder.mkdir(parents=True)
    return made


@pytest.fixture
def notes() -> list[str]:
    return []


def train(plan: Plan, number: int, count: int, notes: list[str], failing: set[str] | None = None) -> list[str]:
    """What the command of this part trains."""
    runner = Ends(failing or set())
    Member(plan.folder, Part(number, count), notes.append).train(plan, cast("SweepRunner", runner), StopRequest())
    return runner.trained


def test_the_parts_are_all_trials_each_once(plan: Plan) -> None:
    keys = [planned.key for number in (1, 2, 3) for planned in share(plan, number, 3)]
    assert sorted(keys) == sorted(planned.key for planned in plan.trials)
    assert [len(share(plan, number, 3)) for number in (1, 2, 3)] == [2, 2, 1]


def test_whoever_is_first_trains_what_the_others_have_not_begun(plan: Plan, notes: list[str]) -> None:
    assert len(train(plan, 2, 3, notes)) == 5
    assert notes == ["part 2 of 3:", "part 3 of 3:", "part 1 of 3:"]
    assert train(plan, 1, 3, notes) == []


def test_a_part_that_another_command_trains_is_left_to_it(plan: Plan, notes: list[str]) -> None:
    with FileLock(plan.folder.folder / "part-3.lock"):
        trained = train(plan, 2, 3, notes)
    assert sorted(trained) == sorted(p.key for number in (1, 2) for p in share(plan, number, 3))


def test_the_first_part_waits_for_the_others_and_takes_over_from_one_that_dies(
    plan: Plan, notes: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.commands.parts.SECONDS_BETWEEN_LOOKS", 0.05)
    lock = FileLock(plan.folder.folder / "part-2.lock", thread_local=False)
    lock.acquire()
    trained: list[str] = []
    first = threading.Thread(target=lambda: trained.extend(train(plan, 1, 2, notes)))
    first.start()
    wait_until(lambda: notes[-1:] == ["waiting for 2 trials of other parts"], "the first part waiting", 60)
    first.join(1.0)
    assert first.is_alive()
    lock.release()
    first.join(30.0)
    assert not first.is_alive() and len(trained) == 5


def test_a_trial_that_failed_is_tried_again_by_its_own_part_alone(plan: Plan, notes: list[str]) -> None:
    failing = {share(plan, 2, 2)[0].key}
    assert len(train(plan, 2, 2, notes, failing)) == 5
    assert train(plan, 1, 2, notes, failing) == []
    assert train(plan, 2, 2, notes) == [*failing]


def test_while_a_part_is_trained_no_other_command_runs_or_cleans_the_sweep(plan: Plan) -> None:
    with FileLock(plan.folder.part_lock(2)):
        assert is_running(plan.folder)
        with pytest.raises(UserError, match="trained in parts, and other commands train 2"), hold(plan.folder):
            pass
        with pytest.raises(UserError, match="trained in parts"):
            refuse_if_held(plan.folder)
        with hold(plan.folder, beside_parts=True):
            pass
    with hold(plan.folder):
        assert is_running(plan.folder)
    assert not is_running(plan.folder)


def test_commands_that_divide_the_sweep_in_another_way_are_refused(plan: Plan, notes: list[str]) -> None:
    options, display = SweepOptions(plan.folder.home, "sqlite://"), make_display(Console(quiet=True), quiet=True)
    second, first = (Member(plan.folder, Part(number, 2), notes.append) for number in (2, 1))
    second.complete(plan, options, display)  # and holds its part's lock
    with pytest.raises(UserError, match="another number of parts"):
        Member(plan.folder, Part(2, 3), notes.append).complete(plan, options, display)
    other = replace(plan, trials=plan.trials[1:])
    with pytest.raises(UserError, match="other trials"):
        Member(plan.folder, Part(1, 2), notes.append).complete(other, options, display)
    first.complete(plan, options, display)
    assert trained_parts(plan.folder) == [1, 2]
    Member(plan.folder, Part(2, 2), notes.append).complete(plan, options, display)
    assert notes[-1] == "another command trains part 2, which had not begun; this one helps it"


def test_runs_that_confirm_the_best_belong_to_no_part_and_are_trained_at_last(plan: Plan) -> None:
    confirming = replace(plan.trials[0], trial=replace(plan.trials[0].trial, confirms=True))
    with_it = replace(plan, trials=[*plan.trials[1:], confirming])
    assert confirming not in [*share(with_it, 1, 2), *share(with_it, 2, 2)]
    runner = Ends()
    train_confirming(with_it, cast("SweepRunner", runner), StopRequest())
    assert runner.trained == [confirming.key]


def test_a_command_that_only_looks_whether_a_part_is_trained_does_not_keep_it_from_its_own(
    plan: Plan, notes: list[str]
) -> None:
    look = FileLock(plan.folder.part_lock(2), thread_local=False)
    look.acquire()
    threading.Timer(0.2, look.release).start()
    assert train(plan, 2, 2, notes)[0] == share(plan, 2, 2)[0].key
