"""What SIGINT and SIGTERM do to a command: the first leaves in order, the second at once.

Leaving in order is bounded: a signal may come while a library holds a lock that the way out needs (seen in imports).
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from orchestrator import shutdown_budgets

FINISHED, SOME_FAILED, INTERRUPTED = 0, 1, 130
"""Exit codes. 2 says that the request was wrong."""
LEFT = "interrupted; the same command goes on from here"
SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(SystemExit):
    """The user asked to leave. A SystemExit, so that nobody takes it for an error."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


class StopRequest:
    """Whether training shall stop. `reason`: what happened; None where the user asked for it. `code`: to exit with.

    `tell`: called with the reason, once.
    """

    def __init__(self, tell: Callable[[str], None] = lambda reason: None) -> None:
        self._tell = tell
        self.asked = False
        self.reason: str | None = None
        self.code = INTERRUPTED

    def ask(self, reason: str | None = None, code: int = INTERRUPTED) -> None:
        """The first one counts."""
        if not self.asked:
            self.asked, self.reason, self.code = True, reason, code
            if reason:
                self._tell(reason)


_asked = threading.Event()


def _handle(then: Callable[[], None]) -> Callable[[int, Any], None]:
    def handle(number: int, frame: Any) -> None:
        if _asked.is_set():
            leave_at_once(INTERRUPTED)
        _asked.set()
        then()

    return handle


def leave_on_signals() -> None:
    """From here on SIGINT and SIGTERM raise Interrupted.

    Also where SIGINT was ignored (a script's `orchestrate sweep FILE &` begins so) or blocked (so does a Ray job):
    `orchestrate stop` sends it.
    """

    def leave() -> None:
        raise Interrupted

    for number in SIGNALS:
        signal.signal(number, _handle(leave))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_exit_at_limit, daemon=True, name="shutdown-limit").start()


def _exit_at_limit() -> None:
    """Waits for one event, the first signal, so this is no `PeriodicThread`."""
    _asked.wait()
    time.sleep(shutdown_budgets.SHUTDOWN_LIMIT)
    print(f"\n{LEFT}", flush=True)
    leave_at_once(INTERRUPTED)


@contextmanager
def instead(then: Callable[[], None]) -> Iterator[None]:
    """Meanwhile the first of them does `then`."""
    before = {number: signal.signal(number, _handle(then)) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_children() -> None:
    """Kills what this command started, also what is stopped."""
    import psutil

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()


def leave_at_once(code: int) -> None:
    """As after kill -9, which the next command is prepared for, but with nothing left running."""
    end_children()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
