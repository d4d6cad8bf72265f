"""What the driver learns about a trial: from its worker after each call, or from an event that the driver saw."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from orchestrator.store.trial_status import Cause, TrialStatus
from orchestrator.trial.trial_event import TrialEvent


@dataclass(frozen=True)
class TrialReport:
    """One report about the trial `key`. A report with an `event` comes from the driver, or of a retry in the worker.

    is_done: no worker has the trial after this report. step: the trial's training step. verdict: the name of its
    verdict, at the end; verdict_so_far: the one that it would get now. latest: the last value of each metric. seconds:
    of training since the report before. cause, error: why it failed, `error` as one line. note: what was damaged, or
    why its object store is out of date. saved: (attempts, step, status) of what the worker has written last, None if
    that is unknown. stop_reason: why no trial can go on (the disk is full), or ''. ended_early: before its last step,
    since no more could be hoped for; stopped: a schedule has stopped it. evaluated_step: of the last evaluation in this
    attempt. silent_seconds, heartbeat_timeout: of the event SILENT. side_by_side: how many trials run at once after the
    event KILLED_FOR_MEMORY.
    """

    key: str
    status: TrialStatus = TrialStatus.RUNNING
    event: TrialEvent | None = None
    is_done: bool = True
    step: int = 0
    verdict: str | None = None
    verdict_so_far: str | None = None
    latest: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    cause: Cause | None = None
    error: str = ""
    note: str = ""
    saved: tuple[int, int, str] | None = None
    stop_reason: str = ""
    ended_early: bool = False
    stopped: bool = False
    evaluated_step: int = 0
    silent_seconds: float = 0.0
    heartbeat_timeout: float = 0.0
    side_by_side: int = 0


ReportTrial = Callable[[TrialReport], None]
"""Called with each report, by the thread that runs Tune."""
