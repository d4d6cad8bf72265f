"""The states of a trial: how its record changes when an attempt begins, and in each way that an attempt ends.

Only the record in memory is changed. `execution` says when it is written.
"""

from __future__ import annotations

import os
import platform

from gan_core.error_text import last_line
from gan_core.history import now_ms
from gan_core.verdict.judge import Verdict
from orchestrator import environment
from orchestrator.store.record import Attempt, Record, recorded
from orchestrator.store.trial_status import AttemptOutcome, Cause, TrialStatus
from orchestrator.trial.device import TrialDevice, gpu_name
from orchestrator.trial.failure_policy import classify, traceback_of


def begin(record: Record, trial_device: TrialDevice) -> None:
    """A new attempt runs in this process. What the last one came to, a verdict or an error, does not count any more."""
    attempt = Attempt(now_ms(), record.step, platform.node(), os.getpid(), trial_device.device.type, trial_device.node)
    record.attempts.append(attempt)
    record.status, record.error, record.verdict = TrialStatus.RUNNING, None, None
    record.lost_at, record.stopped_at = None, None
    record.environment = environment.describe() | gpu_name(trial_device.device)


def finish(record: Record, verdict: Verdict, step: int) -> None:
    record.status = TrialStatus.FINISHED
    record.verdict = recorded(verdict)
    close_attempt(record, AttemptOutcome.FINISHED, step)


def interrupt(record: Record, outcome: AttemptOutcome | Cause, step: int) -> None:
    record.status = TrialStatus.INTERRUPTED
    close_attempt(record, outcome, step)


def fail(record: Record, error: BaseException, step: int) -> None:
    text = traceback_of(error)
    record.status, record.error, record.verdict = TrialStatus.FAILED, text, None
    close_attempt(record, classify(error), step, last_line(text))


def stop_on_full_disk(record: Record, reason: str, step: int) -> None:
    """The trial can be resumed. If its end was set already, it was not written, so it does not count."""
    record.status, record.verdict = TrialStatus.INTERRUPTED, None
    if record.attempts:
        record.attempts[-1].outcome = AttemptOutcome.RUNNING
    close_attempt(record, Cause.DISK_FULL, step, reason)


def close_attempt(record: Record, outcome: AttemptOutcome | Cause, step: int, message: str = "") -> None:
    """Ends the last attempt at `step`, unless its end is written down already."""
    if record.open_attempt:
        record.open_attempt.close(outcome, message, ended=now_ms(), to_step=step)
