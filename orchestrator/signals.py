"""What SIGINT, SIGTERM and SIGHUP do to a command: the first starts an orderly exit, the second exits at once.

The orderly exit has a time limit: a signal may come while a library holds a lock that the exit needs (seen in imports).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from orchestrator import shutdown_budgets
from orchestrator.periodic import call_within

if TYPE_CHECKING:
    import psutil

FINISHED, SOME_FAILED, WRONG_REQUEST, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""
INTERRUPTED_MESSAGE = "interrupted; the same command goes on from here"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""SIGHUP: the terminal was closed. Under `nohup` it is ignored, and stays so."""
MAX_WRITE_SECONDS = 1.0
"""A last message is given up after this time: perhaps nobody reads the pipe that it is written to."""


class Interrupted(SystemExit):
    """The user sent a signal to end the command. A SystemExit, so that nobody takes it for an error."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


class StopRequest:
    """Whether training shall stop. `reason`: why; None if the user asked for it. `exit_code`: of the command then.

    `on_reason`: called with the reason, once, if there is one.
    """

    def __init__(self, on_reason: Callable[[str], None] = lambda reason: None) -> None:
        self._on_reason = on_reason
        self.is_requested = False
        self.reason: str | None = None
        self.exit_code = INTERRUPTED

    def request(self, reason: str | None = None, exit_code: int = INTERRUPTED) -> None:
        """Ask all trials to stop. Only the first call counts."""
        if not self.is_requested:
            self.is_requested, self.reason, self.exit_code = True, reason, exit_code
            if reason:
                self._on_reason(reason)


_first_signal = threading.Event()
_is_command = threading.Event()
"""Set in a process that is a command of ours. A notebook that calls `orch.sweep` is not: it must outlive a Ctrl-C."""
leaving_at_once = threading.Event()
"""Set when `exit_at_once` ends all processes: their ends are nothing to tell then."""


def _handler(action: Callable[[], None]) -> Callable[[int, Any], None]:
    def handle(number: int, frame: Any) -> None:
        if _first_signal.is_set():
            if number == signal.SIGHUP:  # comes from the terminal and from its shell
                return
            if not _is_command.is_set():
                raise KeyboardInterrupt
            exit_at_once(INTERRUPTED)
        _first_signal.set()
        action()

    return handle


def exit_on_signals() -> None:
    """From now on the first of `SIGNALS` raises Interrupted in the main thread.

    SIGINT counts even if it was ignored (as in a script's `orchestrate sweep FILE &`) or blocked (as in a Ray job),
    because `orchestrate stop` sends it.
    """

    def interrupt() -> None:
        raise Interrupted

    _is_command.set()
    for number in _handled_signals():
        signal.signal(number, _handler(interrupt))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_exit_at_limit, daemon=True, name="shutdown-limit").start()


def _handled_signals() -> list[signal.Signals]:
    """All of `SIGNALS`, but under `nohup` not SIGHUP."""
    is_nohup = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    return [number for number in SIGNALS if not (is_nohup and number == signal.SIGHUP)]


def _exit_at_limit() -> None:
    """Waits for one event, the first signal, so this is no `PeriodicThread`."""
    _first_signal.wait()
    time.sleep(shutdown_budgets.SHUTDOWN_LIMIT)
    call_within(MAX_WRITE_SECONDS, lambda: print(f"\n{INTERRUPTED_MESSAGE}", flush=True))
    exit_at_once(INTERRUPTED)


@contextmanager
def handle_stop_signal_with(action: Callable[[], None]) -> Iterator[None]:
    """In this context the first of `SIGNALS` calls `action`. The second ends a command, and interrupts a notebook."""
    before = {number: signal.signal(number, _handler(action)) for number in _handled_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if not _is_command.is_set():
            _first_signal.clear()


def children() -> list[psutil.Process]:
    """All processes that this one has started, and theirs."""
    import psutil

    return psutil.Process().children(recursive=True)


def kill_children(spared: Collection[psutil.Process] = ()) -> None:
    """Kill all processes that this one has started, also suspended ones. `spared`: those that are left alone."""
    import psutil

    for child in children():
        if child not in spared:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def exit_at_once(exit_code: int) -> None:
    """Leave everything as a `kill -9` would, which the next command is prepared for, but with no process left over."""
    leaving_at_once.set()
    kill_children()
    call_within(MAX_WRITE_SECONDS, flush_output)
    os._exit(exit_code)


def flush_output() -> None:
    """Whatever can still be written of what was printed: the disk may be full, or this may be within a print."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, RuntimeError, ValueError):
            stream.flush()
