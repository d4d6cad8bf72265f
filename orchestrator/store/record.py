"""The record of a trial: its status, verdict, metrics and attempts, as `record.json` holds them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, NotRequired, TypedDict

from gan_core.evaluator_card import EvaluatorCard
from gan_core.training_settings import AppliedSettings
from gan_core.verdict.judge import RULES_VERSION, Verdict
from gan_core.verdict.rules import Evidence
from orchestrator.environment import Environment
from orchestrator.store.history_log import HistoryDigest
from orchestrator.store.trial_status import AttemptOutcome, Cause, TrialStatus

_OUTCOMES: dict[str, AttemptOutcome | Cause] = {outcome: outcome for outcome in (*AttemptOutcome, *Cause)}


@dataclass
class Attempt:
    """One attempt at a trial: a process that trained some of its steps.

    `began`, `ended`: milliseconds since 1970. `from_step`, `to_step`: the steps that it started from and came to.
    `host`, `process`, `node`: where it ran, `node` as Ray names it. `device`: `cpu` or `cuda`. `outcome`: text only
    where another version of this program wrote it; a `Cause` comes with `message`. `note`: which files were damaged, or
    that the kind of device changed. `unknown`: what another version of this program wrote into it.

    Fields that are None are not written.
    """

    began: int
    from_step: int
    host: str = ""
    process: int = 0
    device: str | None = None
    node: str | None = None
    outcome: AttemptOutcome | Cause | str = AttemptOutcome.RUNNING
    note: str | None = None
    ended: int | None = None
    to_step: int | None = None
    message: str | None = None
    unknown: dict[str, Any] = field(default_factory=dict)

    def close(
        self, outcome: AttemptOutcome | Cause, message: str, ended: int | None = None, to_step: int | None = None
    ) -> None:
        """Writes down how it ended. `ended` and `to_step` stay unknown where its process could not tell them."""
        self.outcome = outcome
        self.message = message or self.message
        self.ended = self.ended if ended is None else ended
        self.to_step = self.to_step if to_step is None else to_step

    def to_json(self) -> dict[str, Any]:
        known = {name: value for name, value in vars(self).items() if value is not None and name != "unknown"}
        return known | self.unknown

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Attempt:
        """Raises TypeError or ValueError for what is not an attempt."""
        names = {each.name for each in fields(cls)} - {"unknown"}
        known = {name: item for name, item in dict(value).items() if name in names}
        attempt = cls(**known, unknown={name: item for name, item in value.items() if name not in names})
        attempt.outcome = _OUTCOMES.get(attempt.outcome, attempt.outcome)
        return attempt


class RecordedVerdict(TypedDict):
    """A `gan_core.verdict.judge.Verdict` as a mapping. `rules`: their version; earlier versions did not write it."""

    name: str
    since: int | None
    reason: str
    evidence: Evidence
    rules: NotRequired[int]


def recorded(verdict: Verdict) -> RecordedVerdict:
    """A verdict by today's rules, as a record has it."""
    return {
        "name": verdict.name,
        "since": verdict.since,
        "reason": verdict.reason,
        "evidence": verdict.evidence,
        "rules": RULES_VERSION,
    }


@dataclass
class Record:
    """What is known of a trial.

    `status`: if it is DAMAGED, nothing else is known but `error`. `step`: the last step in the checkpoint and the
    history. `metrics`: the last value of each metric. `applied`: the settings that training really used. `evaluator`:
    the card of the evaluator that measured the trial. `best`: the row of the evaluation with the smallest Frechet
    distance. `environment`: versions and hardware of the last attempt. `seconds`: the training time of all attempts.
    `error`: the traceback of a failed trial. `history`: size and checksum of `history.jsonl`. `lost_at`: the step from
    which on no more could be hoped for, if the sweep ends such trials early: the trial was ended there, or ran on as an
    audit. `stopped_at`: the step at which a schedule has stopped it, if one has.
    """

    key: str
    status: TrialStatus = TrialStatus.PENDING
    step: int = 0
    verdict: RecordedVerdict | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    applied: AppliedSettings = field(default_factory=AppliedSettings)
    evaluator: EvaluatorCard = field(default_factory=EvaluatorCard)
    best: dict[str, float] = field(default_factory=dict)
    environment: Environment = field(default_factory=Environment)
    seconds: float = 0.0
    error: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    history: HistoryDigest | None = None
    lost_at: int | None = None
    stopped_at: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Without `lost_at` and `stopped_at` where there are none, so that an earlier version can read it."""
        values = vars(self) | {
            "attempts": [attempt.to_json() for attempt in self.attempts],
            "history": self.history.to_json() if self.history else {},
        }
        optional = ("lost_at", "stopped_at")
        return {name: value for name, value in values.items() if name not in optional or value is not None}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Record:
        """Raises TypeError, ValueError or KeyError for fields or values that this version does not know."""
        record = cls(**value)
        record.status = TrialStatus(record.status)
        record.attempts = [Attempt.from_json(attempt) for attempt in value.get("attempts", [])]
        record.history = HistoryDigest.from_json(value["history"]) if value.get("history") else None
        return record

    @property
    def has_ended(self) -> bool:
        """Whether the trial has finished or failed, so that no worker is needed for it any more."""
        return self.status in (TrialStatus.FINISHED, TrialStatus.FAILED)

    @property
    def ended_early(self) -> bool:
        """Whether the trial was ended before its last step because no more could be hoped for."""
        return self.status == TrialStatus.FINISHED and self.lost_at is not None and self.lost_at == self.step

    @property
    def stopped(self) -> bool:
        """Whether a schedule has stopped the trial before its last step: it is neither stable nor unstable."""
        return self.status == TrialStatus.FINISHED and self.stopped_at is not None

    @property
    def may_go_on(self) -> bool:
        """Whether the trial has finished before its last step, though it could train on from there."""
        return self.ended_early or self.stopped

    def before_its_early_end(self) -> Record:
        """The record of a trial that was ended early or stopped, as if it had been interrupted there."""
        return replace(self, status=TrialStatus.INTERRUPTED, verdict=None, lost_at=None, stopped_at=None)

    def current_status(self, is_held: bool) -> TrialStatus:
        """The status, or INTERRUPTED where the record says RUNNING although no process holds the sweep (`is_held`)."""
        return TrialStatus.INTERRUPTED if self.status == TrialStatus.RUNNING and not is_held else self.status

    @property
    def open_attempt(self) -> Attempt | None:
        """The last attempt, if its end is not written down."""
        last = self.attempts[-1] if self.attempts else None
        return last if last and last.outcome == AttemptOutcome.RUNNING else None

    @property
    def note(self) -> str:
        """What was damaged or has changed before the last attempt, and what was done about it."""
        return (self.attempts[-1].note or "") if self.attempts else ""

    @property
    def device(self) -> str:
        """The kinds of device that its steps were trained on: `cpu`, or `cuda and cpu` if it was resumed on another.

        Attempts whose steps were all trained again by a later one do not count.
        """
        next_starts = [*(attempt.from_step for attempt in self.attempts[1:]), float("inf")]
        pairs = zip(self.attempts, next_starts, strict=False)
        lasting = [attempt for attempt, next_start in pairs if next_start > attempt.from_step]
        kinds = list(dict.fromkeys(attempt.device for attempt in lasting if attempt.device is not None))
        return " and ".join(kinds) if len(kinds) > 1 else str(self.applied.get("device", ""))
