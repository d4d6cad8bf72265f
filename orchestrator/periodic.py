"""Threads that repeat an action every so many seconds, or that may take only so long for one."""

from __future__ import annotations

import threading
from collections.abc import Callable


class PeriodicThread(threading.Thread):
    """Calls `action` every `seconds`, for the first time after that time, until it returns True or `end` is called.

    A context manager: starts on entry; on exit it ends and waits for an action that runs. Where the exit must not wait
    for the action, call `start` and `end` instead. A daemon: an action that hangs does not keep the process alive.
    `ending`: set once the thread shall end; a long action may wait for it.
    """

    def __init__(self, name: str, seconds: float, action: Callable[[], bool | None]):
        super().__init__(name=name, daemon=True)
        self.seconds, self.action = seconds, action
        self.ending = threading.Event()

    def run(self) -> None:
        while not self.ending.wait(self.seconds):
            if self.action():
                return

    def end(self) -> None:
        self.ending.set()

    def __enter__(self) -> PeriodicThread:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.end()
        self.join()


def call_within(seconds: float, action: Callable[[], object]) -> None:
    """Call `action` in another thread and wait for its end, but only so long: then it is left behind, as a daemon."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(seconds)
