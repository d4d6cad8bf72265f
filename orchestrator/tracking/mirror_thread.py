"""The thread that keeps MLflow up while trials run: training never waits for it, and the end waits only so long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_result, sleep_using_event, stop_after_delay, stop_when_event_set
from tenacity import wait_exponential as wait_longer

from gan_core.error_text import first_line
from orchestrator import shutdown_budgets
from orchestrator.periodic import PeriodicThread
from orchestrator.tracking.mirror import Mirror

LONGEST_PAUSE = 60.0
"""Seconds between two attempts while MLflow does not answer."""
LONGEST_CALL = 10.0
"""Seconds; see `tracking.client_for`."""
PATIENCE = 30.0
"""Seconds that the end of a sweep waits for an MLflow that takes nothing."""


class MirrorThread(PeriodicThread):
    """Syncs every `interval` seconds; where that fails, after pauses that double. At the end it syncs once more.

    Not used as a context manager: `drain` waits for MLflow only so long, and `abandon` hardly at all.
    """

    def __init__(self, mirror: Mirror, interval: float = 2.0, patience: float = PATIENCE):
        super().__init__("mirror", interval, self._sync_until_it_arrives)
        self.mirror, self.patience = mirror, patience
        self.trouble: str | None = None
        self._leaving = threading.Event()

    def _sync_until_it_arrives(self) -> None:
        Retrying(
            retry=retry_if_result(_failed),
            wait=wait_longer(self.seconds, max=LONGEST_PAUSE),
            stop=stop_when_event_set(self.ending),
            sleep=sleep_using_event(self.ending),
            retry_error_callback=_result,
        )(self.attempt)

    def run(self) -> None:
        super().run()
        Retrying(
            retry=retry_if_result(_failed),
            wait=wait_longer(min(1.0, self.seconds), max=8),
            stop=stop_after_delay(self.patience) | stop_when_event_set(self._leaving),
            sleep=sleep_using_event(self._leaving),
            retry_error_callback=_result,
        )(self.attempt)

    def attempt(self) -> bool:
        """One round; True if MLflow has everything that there was."""
        try:
            self.mirror.sync()
        except Exception as error:
            self.trouble = first_line(error)
            return False
        self.trouble = None
        return True

    def drain(self, hurry: bool = False, tell: Callable[[], None] = lambda: None) -> bool:
        """Lets the thread send the rest; True if all of it arrived.

        Waits while MLflow answers, however slowly, and `patience` seconds while it does not. `hurry`: waits
        MLFLOW_GRACE_PERIOD seconds in all. `tell` is called every 15 s. A call that hangs is left to the thread.
        """
        began = told = time.monotonic()
        self.end()
        while self.is_alive():
            self.join(0.1)
            now = time.monotonic()
            silent = now - max(began, self.mirror.last_answer())
            if (
                now - began > shutdown_budgets.MLFLOW_GRACE_PERIOD
                if hurry
                else silent > self.patience + 2 * LONGEST_CALL
            ):
                break
            if now - told > 15:
                told = now
                tell()
        self._leaving.set()
        if self.is_alive():
            self.trouble = self.trouble or "MLflow did not take everything in time"
            return False
        return self.trouble is None

    def abandon(self) -> None:
        """Marks the parent run as killed, if MLflow answers within a moment."""
        self.end()
        self._leaving.set()
        last_call = threading.Thread(target=self.mirror.abandon, daemon=True)  # a thread, because it may hang
        last_call.start()
        last_call.join(shutdown_budgets.MLFLOW_LAST_CALL)


def _failed(arrived: bool) -> bool:
    return not arrived


def _result(state: RetryCallState) -> bool:
    assert state.outcome
    return bool(state.outcome.result())
