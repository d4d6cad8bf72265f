"""What a sweep does about trials that fail in its workers, and about workers that are lost."""

from __future__ import annotations

from typing import Any

import pytest
from ray.exceptions import ActorDiedError, RayActorError

from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.trial_monitor import TrialMonitor
from orchestrator.signals import StopRequest
from orchestrator.trial.failure_policy import Cause

Said = list[tuple[str, str]]


def a_round(said: Said, fail_fast: bool = False, **more: Any) -> TrialMonitor:
    settings = RunSettings(fail_fast=fail_fast)
    report = lambda key, result: said.append((key, result["status"]))  # noqa: E731
    return TrialMonitor(
        settings, StopRequest(), report, last_words=lambda message: "Fatal Python error: Segmentation fault", **more
    )


def failed(cause: str) -> dict[str, Any]:
    return {"status": "failed", "cause": cause, "error": "OSError: no", "done": True, "halt": ""}


def test_out_of_memory_is_kept_for_another_round_and_fails_in_that() -> None:
    said: Said = []
    first = a_round(said, fail_fast=True)
    first.heard("a", failed("out of memory"))
    assert first.crowded == {"a"}
    assert not first.stop.asked
    second = a_round(said, fail_fast=True, roomier=frozenset("a"))
    second.heard("a", failed("out of memory"))
    assert second.crowded == set()
    assert second.stop.asked
    assert said == [("a", "crowded"), ("a", "failed")]


@pytest.mark.parametrize("cause", ["exception", "configuration"])
def test_one_bad_trial_stops_a_sweep_only_where_that_was_asked_for(cause: str) -> None:
    one = a_round([])
    one.heard("a", failed(cause))
    assert not one.stop.asked
    fast = a_round([], fail_fast=True)
    fast.heard("a", failed(cause))
    assert fast.stop.reason
    assert fast.stop.code == 1


def test_a_full_disk_stops_the_sweep_whether_the_worker_or_ray_tells_of_it() -> None:
    one = a_round([])
    one.heard("a", {"status": "interrupted", "done": True, "halt": "the disk is full; make room"})
    assert "make room" in (one.stop.reason or "")
    other = a_round([])
    other.worker_lost("a", OSError(28, "No space left on device"))
    assert "No space left on device" in (other.stop.reason or "")


def test_a_lost_worker_is_not_the_trials_failure_until_it_was_the_last() -> None:
    said: Said = []
    one = a_round(said, fail_fast=True)
    for _ in range(5):
        assert "died" in one.worker_lost("a", ActorDiedError())
    assert not one.stop.asked
    one.worker_lost_for_good("a", RayActorError("a", "no connection. Some common causes include: this and that"))
    assert one.stop.asked
    cause, text = one.given_up["a"]
    assert cause is Cause.LOST_WORKER
    lines = text.splitlines()
    assert lines[0] == "Fatal Python error: Segmentation fault"
    assert lines[-1].startswith("its worker was lost 6 times")
    assert "this and that" not in text
    assert said == [("a", "lost")] * 5 + [("a", "given up")]


def test_silent_trials_are_looked_for_once_a_second_not_at_each_event(monkeypatch: pytest.MonkeyPatch) -> None:
    now, looks = [1000.0], list[float]()
    happening = TrialMonitor(RunSettings(patience=60), StopRequest(), lambda key, result: None, lambda said: "")
    monkeypatch.setattr("orchestrator.scheduling.trial_monitor.time.monotonic", lambda: now[0])
    real = happening.silence.to_kill
    monkeypatch.setattr(happening.silence, "to_kill", lambda at: looks.append(at) or real(at))
    for tenth in range(31):
        now[0] = 1000 + tenth / 10
        happening.look_for_silence([])
    assert looks == [1000.0, 1001.0, 1002.0, 1003.0]
