"""The first signal leaves in order, the second at once, and neither leaves a process behind."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable

import psutil
import pytest
from support.commands import program

from orchestrator.signals import StopRequest


def started(stuck: bool, bound: float = 100, **more: object) -> tuple[subprocess.Popen[str], psutil.Process]:
    process = subprocess.Popen(
        program("leaves_on_signals", str(bound), *["stuck"] * stuck),
        stdout=subprocess.PIPE,
        text=True,
        **more,  # type: ignore[call-overload]
    )
    assert process.stdout
    return process, psutil.Process(int(process.stdout.readline()))


def ignoring() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def blocking() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("began", [None, ignoring, blocking], ids=["terminal", "script", "Ray job"])
def test_the_first_signal_leaves_in_order(number: signal.Signals, began: Callable[[], object] | None) -> None:
    process, child = started(stuck=False, preexec_fn=began)
    process.send_signal(number)
    output, _ = process.communicate(timeout=60)
    assert (process.returncode, output) == (130, "in order\n")
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()


def test_the_second_signal_leaves_at_once_and_takes_stopped_children_along() -> None:
    process, child = started(stuck=True)
    child.suspend()
    process.send_signal(signal.SIGINT)
    assert process.stdout
    assert process.stdout.readline() == "in order\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 130
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()


def test_leaving_in_order_is_bounded_where_a_lock_is_in_the_way() -> None:
    process, child = started(stuck=True, bound=0.5)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert output.endswith("interrupted; the same command goes on from here\n")
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running()


def test_the_first_reason_to_stop_counts() -> None:
    reasons: list[str] = []
    stop = StopRequest(reasons.append)
    stop.request("the disk is full")
    stop.request()
    assert stop.is_requested
    assert stop.reason == "the disk is full"
    assert stop.exit_code == 130
    assert reasons == ["the disk is full"]
