"""What a sweep does about trials that fail in its workers, and about workers that are lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ray.exceptions import ActorDiedError, RayActorError

from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.trial_monitor import TrialMonitor
from orchestrator.signals import StopRequest
from orchestrator.store.trial_status import Cause, TrialStatus
from orchestrator.trial.trial_report import TrialReport

Reported = list[tuple[str, str]]


def monitor_of(reported: Reported, fail_fast: bool = False, **more: Any) -> TrialMonitor:
    settings = RunSettings(fail_fast=fail_fast)
    report = lambda report: reported.append((report.key, report.event or report.status))  # noqa: E731
    return TrialMonitor(
        settings, StopRequest(), report, stderr_tail=lambda message: "Fatal Python error: Segmentation fault", **more
    )


def failed(cause: str) -> TrialReport:
    return TrialReport("a", TrialStatus.FAILED, cause=Cause(cause), error="OSError: no")


def test_out_of_memory_is_kept_for_another_round_and_fails_in_that() -> None:
    reported: Reported = []
    first = monitor_of(reported, fail_fast=True)
    first.on_report(failed("out of memory"))
    assert first.out_of_memory == {"a"}
    assert not first.stop.is_requested
    second = monitor_of(reported, fail_fast=True, double_share=frozenset("a"))
    second.on_report(failed("out of memory"))
    assert second.out_of_memory == set()
    assert second.stop.is_requested
    assert reported == [("a", "out of memory"), ("a", "failed")]


@pytest.mark.parametrize("cause", ["exception", "configuration"])
def test_one_bad_trial_stops_a_sweep_only_where_that_was_asked_for(cause: str) -> None:
    monitor = monitor_of([])
    monitor.on_report(failed(cause))
    assert not monitor.stop.is_requested
    fast = monitor_of([], fail_fast=True)
    fast.on_report(failed(cause))
    assert fast.stop.reason
    assert fast.stop.exit_code == 1


def test_a_full_disk_stops_the_sweep_whether_the_worker_or_ray_tells_of_it() -> None:
    monitor = monitor_of([])
    monitor.on_report(TrialReport("a", TrialStatus.INTERRUPTED, stop_reason="the disk is full; make room"))
    assert "make room" in (monitor.stop.reason or "")
    other = monitor_of([])
    other.on_worker_lost("a", OSError(28, "No space left on device"))
    assert "No space left on device" in (other.stop.reason or "")


def test_a_lost_worker_is_not_the_trials_failure_until_it_was_the_last() -> None:
    reported: Reported = []
    monitor = monitor_of(reported, fail_fast=True)
    for _ in range(5):
        assert "died" in monitor.on_worker_lost("a", ActorDiedError())
    assert not monitor.stop.is_requested
    monitor.on_given_up("a", RayActorError("a", "no connection. Some common causes include: this and that"))
    assert monitor.stop.is_requested
    cause, text = monitor.given_up["a"]
    assert cause is Cause.LOST_WORKER
    lines = text.splitlines()
    assert lines[0] == "Fatal Python error: Segmentation fault"
    assert lines[-1].startswith("its worker was lost 6 times")
    assert "this and that" not in text
    assert reported == [("a", "lost")] * 5 + [("a", "given up")]


def test_a_trial_that_tune_gives_up_before_it_has_lost_enough_workers_begins_again_in_the_next_run() -> None:
    """Its worker was that of another trial, on a node that had just died, and was not set up for it yet."""
    reported: Reported = []
    monitor = monitor_of(reported)
    monitor.on_worker_lost("a", ActorDiedError())
    monitor.on_given_up("a", RayActorError("a", "temporarily unavailable"))
    assert (monitor.stranded, monitor.given_up, reported) == ({"a"}, {}, [("a", "lost")] * 2)
    later = monitor_of(reported, lost=monitor.lost)
    for _ in range(3):
        later.on_worker_lost("a", ActorDiedError())
    later.on_given_up("a", ActorDiedError())
    assert (later.stranded, list(later.given_up)) == (set(), ["a"]), "six in all: it is the trial that kills them"


def kills(number: int) -> Callable[[], bool]:
    """So many workers were killed for memory."""
    answers = iter([True] * number)
    return lambda: next(answers, False)


def test_after_a_kill_for_memory_fewer_trials_run_side_by_side() -> None:
    reported: Reported = []
    monitor = monitor_of(reported, was_killed_for_memory=kills(2), run_fewer=lambda: 4)
    assert "memory of its machine ran out" in monitor.on_worker_lost("a", ActorDiedError())
    monitor.on_given_up("b", ActorDiedError())  # while it was set up
    assert monitor.is_over
    assert (monitor.killed, monitor.given_up) == ({"a", "b"}, {})
    assert reported == [("a", "killed")]  # once for both


def test_a_trial_that_was_killed_for_memory_without_neighbours_gets_one_more_try() -> None:
    reported: Reported = []
    monitor = monitor_of(reported, was_killed_for_memory=kills(2))
    monitor.on_worker_lost("a", ActorDiedError())
    assert monitor.last_try == {"a"} and not monitor.is_over
    monitor.on_given_up("a", ActorDiedError())
    cause, text = monitor.given_up["a"]
    assert cause is Cause.OUT_OF_MEMORY
    assert "no other trial ran beside it" in text.splitlines()[-1]
    assert reported == [("a", "retried"), ("a", "given up")]


def test_a_worker_that_was_lost_otherwise_or_killed_for_its_silence_has_not_met_a_lack_of_memory() -> None:
    monitor = monitor_of([], was_killed_for_memory=kills(0))
    monitor.on_worker_lost("a", ActorDiedError())
    monitor.was_killed_for_memory = kills(1)
    monitor._killed_for_silence["b"] = "nothing was heard of it"
    monitor.on_worker_lost("b", ActorDiedError())
    assert not monitor.killed


def test_silent_trials_are_looked_for_once_a_second_not_at_each_event(monkeypatch: pytest.MonkeyPatch) -> None:
    now, checks = [1000.0], list[float]()
    monitor = TrialMonitor(RunSettings(heartbeat_timeout=60), StopRequest(), lambda report: None, lambda message: "")
    monkeypatch.setattr("orchestrator.scheduling.trial_monitor.time.monotonic", lambda: now[0])
    timed_out = monitor.heartbeats.timed_out
    monkeypatch.setattr(monitor.heartbeats, "timed_out", lambda at: checks.append(at) or timed_out(at))
    for tenth in range(31):
        now[0] = 1000 + tenth / 10
        monitor.check_heartbeats([])
    assert checks == [1000.0, 1001.0, 1002.0, 1003.0]
