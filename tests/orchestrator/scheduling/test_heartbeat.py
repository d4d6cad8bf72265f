"""The user is told of a trial that sends no reports, and in the end its worker is killed."""

from __future__ import annotations

from orchestrator.scheduling.heartbeat import Heartbeats


def test_silence_is_told_each_time_it_has_doubled_and_ends_with_a_report() -> None:
    heartbeats = Heartbeats(timeout=900)
    heartbeats.beat("a", 0.0)
    heartbeats.beat("b", 0.0)
    assert heartbeats.newly_silent(59.0) == {}
    heartbeats.beat("b", 59.0)
    assert heartbeats.newly_silent(60.0) == {"a": 60.0}
    assert heartbeats.newly_silent(100.0) == {}
    assert heartbeats.newly_silent(125.0) == {"a": 125.0, "b": 66.0}
    heartbeats.beat("a", 130.0)
    assert "a" not in heartbeats.newly_silent(180.0)


def test_a_trial_that_exceeds_the_timeout_is_named_once_and_one_that_has_ended_never() -> None:
    heartbeats = Heartbeats(timeout=900)
    for key in "abc":
        heartbeats.beat(key, 0.0)
    heartbeats.beat("b", 500.0)
    heartbeats.forget("c")
    assert heartbeats.timed_out(899.0) == {}
    assert heartbeats.timed_out(901.0) == {"a": 901.0}
    assert heartbeats.timed_out(950.0) == {}
    assert heartbeats.timed_out(1400.0) == {"b": 900.0}
