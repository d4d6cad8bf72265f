"""What happens to trials while Tune runs them, and what `failure_policy.POLICIES` wants done about it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import ray

from gan_core.error_text import last_line
from orchestrator.scheduling.heartbeat import Heartbeats
from orchestrator.scheduling.run_settings import RunSettings
from orchestrator.scheduling.trial_task import key_of
from orchestrator.signals import SOME_FAILED, StopRequest
from orchestrator.store.trial_status import Cause, TrialStatus
from orchestrator.trial.failure_policy import POLICIES, Action, classify
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import ReportTrial, TrialReport

KILLED_FOR_MEMORY = "its worker was killed because the memory of its machine ran out"
SECONDS_BETWEEN_CHECKS = 1.0
"""Heartbeats are not checked at each event, since each check looks at all running trials."""


@dataclass
class TrialMonitor:
    """What happened to trials, by key, since Tune was started.

    `stderr_tail`: Ray's message on a lost worker -> the end of what it wrote on stderr. `double_share`: trials that get
    twice the usual resources this time. `out_of_memory`: trials that shall get them the next time. `given_up`: the
    trials that Tune does not start again, with the cause and all that is known of it.

    `was_killed_for_memory`: whether the kernel has killed a worker for memory. Then `run_fewer` lets fewer trials run
    side by side and returns how many, 0 if there cannot be fewer; Tune's run `is_over`, and another one begins.
    `killed`: trials whose workers were killed so. One that had no neighbours gets `last_try`.

    `lost`: how often each trial has lost its worker, in all of Tune's runs. `stranded`: trials that Tune has ended
    although they may lose more: it starts no trial again that has lost its worker before this was set up, as that of
    another trial is on a node that has just died. They begin again in Tune's next run.
    """

    settings: RunSettings
    stop: StopRequest
    report: ReportTrial
    stderr_tail: Callable[[str], str]
    double_share: frozenset[str] = frozenset()
    out_of_memory: set[str] = field(default_factory=set)
    given_up: dict[str, tuple[Cause, str]] = field(default_factory=dict)
    was_killed_for_memory: Callable[[], bool] = lambda: False
    run_fewer: Callable[[], int] = lambda: 0
    killed: set[str] = field(default_factory=set)
    last_try: set[str] = field(default_factory=set)
    lost: Counter[str] = field(default_factory=Counter)
    stranded: set[str] = field(default_factory=set)
    is_over: bool = False

    def __post_init__(self) -> None:
        self.heartbeats = Heartbeats(self.settings.heartbeat_timeout)
        self._killed_for_silence: dict[str, str] = {}
        self._next_check = 0.0

    def on_start(self, key: str) -> None:
        self.heartbeats.beat(key, time.monotonic())

    def on_report(self, report: TrialReport) -> None:
        """A worker has reported."""
        if report.is_done:
            self.heartbeats.forget(report.key)
        else:
            self.heartbeats.beat(report.key, time.monotonic())
        if report.stop_reason:
            self.stop.request(report.stop_reason)
        if report.status == TrialStatus.FAILED and report.event is None:
            report = self._on_failure(report)
        self.report(report)

    def _on_failure(self, report: TrialReport) -> TrialReport:
        assert report.cause
        if POLICIES[report.cause].action is Action.RETRY_WITH_MORE_MEMORY and report.key not in self.double_share:
            self.out_of_memory.add(report.key)
            return replace(report, event=TrialEvent.OUT_OF_MEMORY)
        self._stop_if_needed(report.cause, report.error, has_ended=True)
        return report

    def on_complete(self, key: str) -> None:
        self.heartbeats.forget(key)

    def on_worker_lost(self, key: str, error: BaseException | None) -> str:
        """A worker was lost, and Tune starts its trial again; returns one line on how the worker ended."""
        cause, message = self._on_loss(key, error)
        if message == KILLED_FOR_MEMORY and self._make_room(key):
            return message
        self._stop_if_needed(cause, last_line(message), has_ended=False)
        event = TrialEvent.WORKER_LOST if cause is Cause.LOST_WORKER else TrialEvent.RETRIED
        self.report(TrialReport(key, event=event, error=last_line(message)))
        return last_line(message)

    def on_given_up(self, key: str, error: BaseException | None) -> None:
        """A worker was lost, and Tune does not start its trial again in this run."""
        cause, message = self._on_loss(key, error)
        if message == KILLED_FOR_MEMORY and self._make_room(key):
            return
        if cause is Cause.LOST_WORKER and self.lost[key] <= POLICIES[cause].max_retries:
            self.stranded.add(key)
            self.report(TrialReport(key, event=TrialEvent.WORKER_LOST, error=last_line(message)))
            return
        if message == KILLED_FOR_MEMORY:
            summary = f"{KILLED_FOR_MEMORY}, and no other trial ran beside it"
        elif cause is Cause.LOST_WORKER:
            summary = f"its worker was lost {self.lost[key]} times, the last time: {last_line(message)}"
        else:
            summary = f"its worker could not run it: {last_line(message)}"
        parts = (self.stderr_tail(str(error)), message, summary)
        self.given_up[key] = cause, "\n".join(part for part in parts if part)
        self._stop_if_needed(cause, summary, has_ended=True)
        self.report(TrialReport(key, event=TrialEvent.GIVEN_UP, error=summary))

    def _on_loss(self, key: str, error: BaseException | None) -> tuple[Cause, str]:
        self.heartbeats.forget(key)
        cause = classify(error) if error else Cause.LOST_WORKER
        silence = self._killed_for_silence.pop(key, None)
        if not silence and cause in (Cause.LOST_WORKER, Cause.EXCEPTION) and self.was_killed_for_memory():
            self.killed.add(key)
            return Cause.OUT_OF_MEMORY, KILLED_FOR_MEMORY
        self.lost[key] += cause is Cause.LOST_WORKER
        return cause, silence or _message_of(error)

    def _make_room(self, key: str) -> bool:
        """Let fewer trials run side by side, from Tune's next run on; False if this one ran alone."""
        if not self.is_over:  # else another trial was killed at the same time
            side_by_side = self.run_fewer()
            if not side_by_side:
                self.last_try.add(key)
                return False
            self.is_over = True
            self.report(TrialReport(key, event=TrialEvent.KILLED_FOR_MEMORY, side_by_side=side_by_side))
        return True

    def _stop_if_needed(self, cause: Cause, error: str, has_ended: bool) -> None:
        if POLICIES[cause].action is Action.STOP:
            self.stop.request(f"{error}; make room, and the same command goes on from here")
        elif has_ended and self.settings.fail_fast:
            self.stop.request(
                "a trial failed, and --fail-fast was asked for; the same command tries it again", exit_code=SOME_FAILED
            )

    def check_heartbeats(self, trials: list[Any]) -> None:
        """Report running trials that are silent, and kill the workers of those that are silent for too long."""
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + SECONDS_BETWEEN_CHECKS
        for key, seconds in self.heartbeats.newly_silent(now).items():
            timeout = self.heartbeats.timeout
            self.report(TrialReport(key, event=TrialEvent.SILENT, silent_seconds=seconds, heartbeat_timeout=timeout))
        late = self.heartbeats.timed_out(now)
        for trial in trials if late else []:
            key, actor = key_of(trial), trial.temporary_state.ray_actor
            if key in late and actor is not None:
                self._killed_for_silence[key] = f"no report from it for {late[key]:.0f} s, so its worker was killed"
                ray.kill(actor)


def _message_of(error: BaseException | None) -> str:
    """Ray's message on the end of a worker: the facts, without its list of possible reasons."""
    if error is None:
        return "its worker ended, and Ray does not say why"
    return str(error).split(" Some common causes include")[0]
