"""Workers that cannot save their trials in time are killed: a stop ends within seconds, whatever they do."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from orchestrator.signals import StopRequest
from orchestrator.store.trial_folder import TrialFolder

GRACE_PERIOD = 5.0
"""What a trial that is asked to stop has for its step and its checkpoint."""


@contextmanager
def bounded_stop(stop: StopRequest, folders: list[TrialFolder]) -> Iterator[None]:
    """Once a stop is asked, trials that are still running a while later lose their workers on this machine.

    Those on other machines are ended by Ray, more slowly.
    """
    over = threading.Event()

    def watch() -> None:
        while not stop.asked:
            if over.wait(0.2):
                return
        if not over.wait(GRACE_PERIOD):
            for folder in folders:
                kill_worker(folder)

    thread = threading.Thread(target=watch, daemon=True, name="bounded-stop")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def kill_worker(folder: TrialFolder) -> None:
    """Kills the worker that runs the trial, if that is on this machine. Its trial goes on from its checkpoint."""
    record = folder.record()
    if record.status != "running" or record.attempts[-1]["host"] != platform.node():
        return
    with suppress(psutil.Error):
        process = psutil.Process(record.attempts[-1]["process"])
        if process.create_time() * 1000 <= record.attempts[-1]["began"]:  # else the number is another's by now
            process.kill()
