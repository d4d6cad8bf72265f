"""The first signal leaves in order, the second at once, and neither leaves a process behind."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from support.commands import COMMAND, program

from orchestrator import signals
from orchestrator.signals import StopRequest, handle_stop_signal_with


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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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


def test_a_closed_terminal_that_tells_twice_still_leaves_in_order() -> None:
    """The kernel sends SIGHUP, and so does the shell."""
    process, _ = started(stuck=True, bound=0.5)
    process.send_signal(signal.SIGHUP)
    assert process.stdout
    assert process.stdout.readline() == "in order\n"
    process.send_signal(signal.SIGHUP)
    assert process.stdout.readline().strip() == ""  # it goes on to its limit, with a line of its own
    assert process.stdout.readline() == "interrupted; the same command goes on from here\n"
    assert process.wait(timeout=60) == 130


def test_a_reader_that_goes_away_ends_the_command_in_order(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    process = subprocess.Popen(program("writes_until_stopped", saved), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 130, process.stderr.read()
    assert saved.exists()


@pytest.mark.parametrize("number", [None, signal.SIGINT], ids=["the reader goes away", "Ctrl-C"])
def test_a_stop_in_the_middle_of_a_print_is_no_error(number: signal.Signals | None) -> None:
    process = subprocess.Popen(program("prints_while_it_trains"), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout and process.stderr
    process.stdout.readline()
    if number:
        process.send_signal(number)
        process.stdout.read()
    else:
        process.stdout.close()
    assert (process.wait(timeout=60), process.stderr.read()) == (130, b"")


def test_a_terminal_that_is_closed_ends_the_command_in_order(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        program("writes_until_stopped", saved), start_new_session=True, preexec_fn=lambda: os.login_tty(theirs)
    )
    os.close(theirs)
    os.read(ours, 4)
    os.close(ours)
    assert process.wait(timeout=60) == 130
    assert saved.exists()


def test_under_nohup_it_goes_on_with_nobody_to_read(tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    process = subprocess.Popen(
        program("writes_until_stopped", saved),
        stdout=subprocess.PIPE,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert process.stdout
    process.stdout.readline()
    process.stdout.close()
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 130
    assert int(saved.read_text()) > 3


def test_a_command_that_only_shows_something_ends_quietly_with_its_reader(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"{COMMAND[0]}" status --home "{tmp_path}" | true; echo ${{PIPESTATUS[0]}}'],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("141\n", "")


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


def test_a_notebook_is_interrupted_by_the_second_signal_and_lives_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signals, "_is_command", threading.Event())
    monkeypatch.setattr(signals, "_first_signal", threading.Event())
    stopped = []

    def train() -> None:
        with handle_stop_signal_with(lambda: stopped.append(True)):
            signal.raise_signal(signal.SIGINT)
            assert stopped.pop(), "the first one lets training stop in order"
            signal.raise_signal(signal.SIGINT)

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            train()
        assert not stopped
