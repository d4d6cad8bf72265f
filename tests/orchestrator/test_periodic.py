"""The thread that repeats an action."""

from __future__ import annotations

import threading
import time

from orchestrator.periodic import PeriodicThread, call_within


def test_the_action_is_repeated_until_the_context_ends() -> None:
    third_call, calls = threading.Event(), list[float]()

    def action() -> None:
        calls.append(time.monotonic())
        if len(calls) == 3:
            third_call.set()

    began = time.monotonic()
    with PeriodicThread("test", 0.05, action) as thread:
        assert third_call.wait(60)
    assert not thread.is_alive()
    assert calls[0] - began >= 0.05, "the first call comes after the first interval"
    count = len(calls)
    time.sleep(0.2)
    assert len(calls) == count


def test_an_action_that_returns_true_ends_the_thread() -> None:
    calls = list[None]()

    def action() -> bool:
        calls.append(None)
        return len(calls) == 2

    with PeriodicThread("test", 0.001, action) as thread:
        thread.join(60)
        assert len(calls) == 2


def test_the_exit_does_not_wait_for_the_next_interval() -> None:
    began = time.monotonic()
    with PeriodicThread("test", 1000, lambda: None):
        pass
    assert time.monotonic() - began < 60


def test_the_exit_waits_for_an_action_that_runs() -> None:
    running, finished = threading.Event(), list[None]()

    def action() -> None:
        running.set()
        time.sleep(0.1)
        finished.append(None)

    with PeriodicThread("test", 0.001, action):
        assert running.wait(60)
    assert finished


def test_an_action_that_hangs_is_left_behind() -> None:
    release, finished = threading.Event(), list[None]()

    def action() -> None:
        release.wait(60)
        finished.append(None)

    call_within(0.05, action)
    assert not finished
    release.set()


def test_an_action_in_time_is_waited_for() -> None:
    finished = list[None]()
    call_within(60, lambda: finished.append(None))
    assert finished
