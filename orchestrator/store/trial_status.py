"""The states of a trial and the ends of its attempts, as `record.json`, MLflow's tags and `--json` spell them."""

from __future__ import annotations

from enum import StrEnum


class TrialStatus(StrEnum):
    """The state of a trial, as its record keeps it.

    A trial whose process died still has the status RUNNING in its record; see `Record.current_status`.
    """

    PENDING = "pending"
    """It has no record yet."""
    RUNNING = "running"
    FINISHED = "finished"
    """It has a verdict."""
    FAILED = "failed"
    """It ended with an error. The next command tries it again."""
    INTERRUPTED = "interrupted"
    """It was stopped before its last step. The next command resumes it from its checkpoint."""
    DAMAGED = "damaged"
    """Its `record.json` cannot be trusted. Never written; the next command writes the record anew."""


class AttemptOutcome(StrEnum):
    """How an attempt ended, if not by an error. The outcomes of errors are `Cause`."""

    RUNNING = "running"
    """It has not ended, or its process died before it wrote its outcome."""
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


class Cause(StrEnum):
    """Why an attempt at a trial ended before its last step. Records hold these values as outcomes of attempts."""

    CONFIGURATION = "configuration"
    DIVERGENCE = "divergence"
    OUT_OF_MEMORY = "out of memory"
    LOST_WORKER = "lost"
    EXCEPTION = "exception"
    PREEMPTION = "preempted"
    DISK_FULL = "disk full"
