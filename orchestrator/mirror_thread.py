"""The thread that keeps MLflow up while trials run."""

from __future__ import annotations

import threading
import time

from orchestrator.errors import first_line
from orchestrator.mirror import Mirror


class MirrorThread(threading.Thread):
    """Syncs every few seconds, and backs off while MLflow does not answer: training never waits for it."""

    def __init__(self, mirror: Mirror, interval: float = 2.0):
        super().__init__(name="mirror", daemon=True)
        self.mirror, self.interval = mirror, interval
        self.trouble: str | None = None
        self._stop_asked = threading.Event()

    def run(self) -> None:
        pause = self.interval
        while not self._stop_asked.wait(pause):
            pause = self.interval if self.attempt() else min(pause * 2, 60)

    def attempt(self) -> bool:
        """One round; True if MLflow has everything that there was."""
        try:
            self.mirror.sync()
        except Exception as error:
            self.trouble = first_line(error)
            return False
        self.trouble = None
        return True

    def drain(self, attempts: int = 3) -> bool:
        """Stops the thread and sends the rest from here; True if all of it arrived."""
        self._stop_asked.set()
        self.join()
        for number in range(attempts):
            if self.attempt():
                return True
            time.sleep(2**number)
        return False
