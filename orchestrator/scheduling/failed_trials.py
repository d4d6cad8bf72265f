"""How the driver writes the end of a trial whose worker could not: lost too often, or killed to free memory."""

from __future__ import annotations

import re

from gan_core.error_text import last_line
from orchestrator.scheduling.trial_monitor import KILLED_FOR_MEMORY, TrialMonitor
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import Cause, TrialStatus
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport


def killed_for_memory(message: str, folders: list[TrialFolder]) -> list[TrialFolder]:
    """The trials of the workers that Ray's memory monitor names in its message."""
    processes = set(map(int, re.findall(r"\bpid=(\d+)", message)))
    killed = []
    for folder in folders:
        record = folder.record()
        if record.attempts and record.attempts[-1].process in processes and not record.has_ended:
            killed.append(folder)
    return killed


def end_killed_attempts(folders: list[TrialFolder], monitor: TrialMonitor) -> None:
    """End the attempts of workers that Ray killed for memory. A trial that had twice the usual resources has failed."""
    for folder in folders:
        if folder.key in monitor.double_share:
            give_up(folder, Cause.OUT_OF_MEMORY, KILLED_FOR_MEMORY)
            monitor.report(TrialReport(folder.key, event=TrialEvent.GIVEN_UP, error=KILLED_FOR_MEMORY))
        else:
            _end_attempt(folder, Cause.OUT_OF_MEMORY, KILLED_FOR_MEMORY)
            monitor.out_of_memory.add(folder.key)
            monitor.report(TrialReport(folder.key, event=TrialEvent.OUT_OF_MEMORY))


def end_attempts(folders: list[TrialFolder]) -> None:
    """End the attempts of workers that the kernel killed for memory. Their trials begin again with the next round."""
    for folder in folders:
        _end_attempt(folder, Cause.OUT_OF_MEMORY, KILLED_FOR_MEMORY)


def give_up(folder: TrialFolder, cause: Cause, error: str) -> None:
    """Write that the trial has failed with `error`, unless its worker has written its end before."""
    _end_attempt(folder, cause, last_line(error))
    record = folder.record()
    if not record.has_ended:
        record.status, record.error = TrialStatus.FAILED, error
        folder.folder.mkdir(parents=True, exist_ok=True)
        folder.write_record(record)


def _end_attempt(folder: TrialFolder, cause: Cause, message: str) -> None:
    record = folder.record()
    if record.open_attempt:
        record.open_attempt.close(cause, message)
        folder.write_record(record)
