"""The record of a trial: its durable status, verdict, metrics and attempts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from orchestrator.store.trial_status import TrialStatus

if TYPE_CHECKING:
    pass


@dataclass
class Record:
    """What is known of a trial. `step`: the steps that its checkpoint and history hold.

    status: pending, running, finished, failed or interrupted; `damaged` if the file cannot be trusted, and then nothing
    else is known but `error`. verdict: gan_core.verdict's, as a mapping.
    applied: what training really ran with. evaluator: the card of what measured it. best: the evaluation with the
    smallest Frechet distance, with its step. attempts: {began, ended, from_step, to_step, host, process, device,
    outcome, message} of each, and a `note` where something was damaged, or the kind of device has changed; the outcome
    is running, finished, interrupted, or a `failures.Cause` with what was said of it. history: what history.jsonl is
    checked by.
    """

    key: str
    status: TrialStatus = TrialStatus.PENDING
    step: int = 0
    verdict: dict[str, Any] | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    applied: dict[str, Any] = field(default_factory=dict)
    evaluator: dict[str, Any] = field(default_factory=dict)
    best: dict[str, float] = field(default_factory=dict)
    environment: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    error: str | None = None
    attempts: list[dict[str, Any]] = field(default_factory=list)
    history: dict[str, Any] = field(default_factory=dict)

    @property
    def has_ended(self) -> bool:
        """Whether the trial has finished or failed: no worker is needed for it any more."""
        return self.status in (TrialStatus.FINISHED, TrialStatus.FAILED)

    def current_status(self, is_held: bool) -> TrialStatus:
        """The status; INTERRUPTED where the record says RUNNING although no process holds the sweep (`is_held`)."""
        return TrialStatus.INTERRUPTED if self.status == TrialStatus.RUNNING and not is_held else self.status

    @property
    def note(self) -> str:
        """What was damaged, or changed, and what was done about it, in the last attempt."""
        return str(self.attempts[-1].get("note", "")) if self.attempts else ""

    @property
    def device(self) -> str:
        """What its steps were trained on: `cpu`, or `cuda and cpu` where it went on on another kind of device."""
        follow = [*(attempt["from_step"] for attempt in self.attempts[1:]), float("inf")]
        kept = [one for one, next_from in zip(self.attempts, follow, strict=False) if next_from > one["from_step"]]
        kinds = list(dict.fromkeys(one["device"] for one in kept if "device" in one))
        return " and ".join(kinds) if len(kinds) > 1 else str(self.applied.get("device", ""))
