"""A trial of which nothing is heard is told of, and in the end loses its worker."""

from __future__ import annotations

from orchestrator.scheduling.heartbeat import Heartbeats


def test_silence_is_told_each_time_it_has_doubled_and_ends_with_a_word() -> None:
    silence = Heartbeats(patience=900)
    silence.heard("a", 0.0)
    silence.heard("b", 0.0)
    assert silence.to_tell(59.0) == {}
    silence.heard("b", 59.0)
    assert silence.to_tell(60.0) == {"a": 60.0}
    assert silence.to_tell(100.0) == {}
    assert silence.to_tell(125.0) == {"a": 125.0, "b": 66.0}
    silence.heard("a", 130.0)
    assert "a" not in silence.to_tell(180.0)


def test_who_exceeds_the_patience_is_named_once_and_who_has_ended_never() -> None:
    silence = Heartbeats(patience=900)
    for key in "abc":
        silence.heard(key, 0.0)
    silence.heard("b", 500.0)
    silence.forget("c")
    assert silence.to_kill(899.0) == {}
    assert silence.to_kill(901.0) == {"a": 901.0}
    assert silence.to_kill(950.0) == {}
    assert silence.to_kill(1400.0) == {"b": 900.0}
