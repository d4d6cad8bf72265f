"""The thread that keeps MLflow up to date while trials run, so that training never waits for MLflow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying, retry_if_result, sleep_using_event, stop_after_delay, stop_when_event_set
from tenacity import wait_exponential as exponential_backoff

from gan_core.error_text import first_line
from orchestrator import shutdown_budgets
from orchestrator.periodic import PeriodicThread, call_within
from orchestrator.tracking.client import REQUEST_TIMEOUT
from orchestrator.tracking.mirror import Mirror

MAX_BACKOFF = 60.0
"""Seconds between two attempts while MLflow does not answer."""
PATIENCE = 30.0
"""Seconds that the end of a sweep waits for an MLflow that does not answer."""
SECONDS_BETWEEN_MESSAGES = 15.0


class MirrorThread(PeriodicThread):
    """Syncs every `interval` seconds; after an error it waits twice as long each time. At the end it syncs once more.

    Not used as a context manager: `send_rest` waits for MLflow only so long, and `stop_as_killed` hardly at all.
    `error`: why the last sync failed, in a line; None if MLflow has everything.
    """

    def __init__(self, mirror: Mirror, interval: float = 2.0, patience: float = PATIENCE):
        super().__init__("mirror", interval, self._sync_until_success)
        self.mirror, self.patience = mirror, patience
        self.error: str | None = None
        self._must_leave = threading.Event()

    def _sync_until_success(self) -> None:
        Retrying(
            retry=retry_if_result(_failed),
            wait=exponential_backoff(self.seconds, max=MAX_BACKOFF),
            stop=stop_when_event_set(self.ending),
            sleep=sleep_using_event(self.ending),
            retry_error_callback=_result,
        )(self.try_sync)

    def run(self) -> None:
        super().run()
        Retrying(
            retry=retry_if_result(_failed),
            wait=exponential_backoff(min(1.0, self.seconds), max=8),
            stop=stop_after_delay(self.patience) | stop_when_event_set(self._must_leave),
            sleep=sleep_using_event(self._must_leave),
            retry_error_callback=_result,
        )(self.try_sync)

    def try_sync(self) -> bool:
        """Sync once; True if MLflow has everything that the folder held."""
        try:
            self.mirror.sync()
        except Exception as error:
            self.error = first_line(error)
            return False
        self.error = None
        return True

    def send_rest(self, hurry: bool = False, on_wait: Callable[[], None] = lambda: None) -> bool:
        """End the thread after it has sent the rest; True if all of it arrived.

        Waits while MLflow answers, however slowly, and `patience` seconds while it does not. `hurry`: waits
        MLFLOW_GRACE_PERIOD seconds in all. `on_wait` is called every 15 s. A request that hangs is left to the thread.
        """
        start = last_message = time.monotonic()
        self.end()
        while self.is_alive():
            self.join(0.1)
            now = time.monotonic()
            if self._is_overdue(start, now, hurry):
                break
            if now - last_message > SECONDS_BETWEEN_MESSAGES:
                last_message = now
                on_wait()
        self._must_leave.set()
        if self.is_alive():
            self.error = self.error or "MLflow did not take everything in time"
            return False
        return self.error is None

    def _is_overdue(self, start: float, now: float, hurry: bool) -> bool:
        if hurry:
            return now - start > shutdown_budgets.MLFLOW_GRACE_PERIOD
        seconds_without_answer = now - max(start, self.mirror.last_answer())
        return seconds_without_answer > self.patience + 2 * REQUEST_TIMEOUT

    def stop_as_killed(self) -> None:
        """End the thread at once and mark the parent run as killed, if MLflow answers within MLFLOW_LAST_CALL."""
        self.end()
        self._must_leave.set()
        call_within(shutdown_budgets.MLFLOW_LAST_CALL, self.mirror.mark_killed)


def _failed(success: bool) -> bool:
    return not success


def _result(state: RetryCallState) -> bool:
    assert state.outcome
    return bool(state.outcome.result())
