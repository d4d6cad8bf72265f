"""Workers that cannot save their trials in time are killed: a stop ends within seconds, whatever they do."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from orchestrator import shutdown_budgets
from orchestrator.periodic import PeriodicThread
from orchestrator.signals import StopRequest
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

SECONDS_BETWEEN_CHECKS = 0.2
"""The stop request is a plain flag, since the signal handler that sets it must not wait for a lock. So it is polled."""


@contextmanager
def bounded_stop(stop: StopRequest, folders: list[TrialFolder]) -> Iterator[None]:
    """Kills the workers on this machine whose trials still run when the grace period after a stop request is over.

    Workers on other machines are ended by Ray, which takes longer.
    """

    def kill_late_workers() -> bool:
        if stop.is_requested and not thread.ending.wait(shutdown_budgets.WORKER_GRACE_PERIOD):
            for folder in folders:
                kill_worker(folder)
        return stop.is_requested

    thread = PeriodicThread("bounded-stop", SECONDS_BETWEEN_CHECKS, kill_late_workers)
    with thread:
        yield


def kill_worker(folder: TrialFolder) -> None:
    """Kills the worker that runs the trial, if that is on this machine. Its trial goes on from its checkpoint."""
    record = folder.record()
    if record.status != TrialStatus.RUNNING or record.attempts[-1].host != platform.node():
        return
    with suppress(psutil.Error):
        process = psutil.Process(record.attempts[-1].process)
        if process.create_time() * 1000 <= record.attempts[-1].began:  # else the number is another's by now
            process.kill()
