"""Trials whose workers were killed: which they are, and how their records say so."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator

import pytest
from support.tiny import run_some_steps, run_to_end

from orchestrator.planning.plan import Plan
from orchestrator.scheduling.failed_trials import give_up, killed_for_memory
from orchestrator.scheduling.shutdown import bounded_stop, kill_worker
from orchestrator.signals import StopRequest
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import Cause

MakePlan = Callable[[], Plan]

MONITOR = """1 worker(s) were killed due to the node running low on memory.
Selected to kill: (Actor(ab09): job ID=01, task name=A.__init__, required resources={{CPU: 1}}, pid={pid}, worker ID=f)
"""


def test_the_trial_that_rays_memory_monitor_killed_is_found_by_its_process(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    running = run_some_steps(plan, plan.trials[0], 5)
    ended = run_to_end(plan, plan.trials[1])
    folders = [plan.folder.trial(planned.key) for planned in plan.trials]
    killed = killed_for_memory(MONITOR.format(pid=os.getpid()), folders)
    assert [folder.key for folder in killed] == [running.folder.key]
    assert ended.folder.key != running.folder.key
    assert killed_for_memory(MONITOR.format(pid=1), folders) == []
    running.suspend()


def test_a_trial_is_given_up_with_its_cause_unless_it_ended_by_itself(tiny_plan: MakePlan) -> None:
    plan = tiny_plan()
    running = run_some_steps(plan, plan.trials[0], 5)
    running._leave()  # as if its worker had died here
    give_up(running.folder, Cause.LOST_WORKER, "Segmentation fault\nits worker was lost 6 times")
    record = running.folder.record()
    assert (record.status, record.step) == ("failed", 4)
    assert record.error == "Segmentation fault\nits worker was lost 6 times"
    assert record.attempts[-1].outcome == "lost"
    assert record.attempts[-1].message == "its worker was lost 6 times"
    ended = run_to_end(plan, plan.trials[1])
    before = ended.folder.record()
    give_up(ended.folder, Cause.LOST_WORKER, "its worker was lost 6 times")
    assert ended.folder.record() == before
    never = plan.folder.trial(plan.trials[2].key)
    give_up(never, Cause.LOST_WORKER, "No module named 'mine'")
    assert never.record().error == "No module named 'mine'"


@pytest.fixture
def stuck() -> Iterator[subprocess.Popen[bytes]]:
    """A process that never comes to an end."""
    process = subprocess.Popen(["sleep", "1000"])
    yield process
    process.kill()
    process.wait()


def run_by(plan: Plan, process: int, began_ms: float) -> TrialFolder:
    """The folder of a trial that is run by this process, since then."""
    execution = run_some_steps(plan, plan.trials[0], 1)
    execution._leave()
    record = execution.folder.record()
    record.attempts[-1].process, record.attempts[-1].began = process, began_ms
    execution.folder.write_record(record)
    return execution.folder


def test_a_stop_does_not_wait_for_a_worker_that_is_stuck(
    tiny_plan: MakePlan, stuck: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.shutdown_budgets.WORKER_GRACE_PERIOD", 0.1)
    folder = run_by(tiny_plan(), stuck.pid, 1000 * time.time() + 1000)
    stop = StopRequest()
    with bounded_stop(stop, [folder]):
        stop.request()
        assert stuck.wait(timeout=60) == -9


def test_a_process_that_began_after_the_attempt_is_another_and_lives_on(
    tiny_plan: MakePlan, stuck: subprocess.Popen[bytes]
) -> None:
    folder = run_by(tiny_plan(), stuck.pid, 1000 * time.time() - 60_000)
    kill_worker(folder)
    with pytest.raises(subprocess.TimeoutExpired):
        stuck.wait(timeout=0.5)


def test_a_trial_that_does_not_run_any_more_has_no_worker_to_kill(
    tiny_plan: MakePlan, stuck: subprocess.Popen[bytes]
) -> None:
    folder = run_by(tiny_plan(), stuck.pid, 1000 * time.time() + 1000)
    record = folder.record()
    record.status = "interrupted"
    folder.write_record(record)
    kill_worker(folder)
    with pytest.raises(subprocess.TimeoutExpired):
        stuck.wait(timeout=0.5)
