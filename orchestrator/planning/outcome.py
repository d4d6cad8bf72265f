"""How a trial ended, as the statistics take it: from its record."""

from __future__ import annotations

from gan_core.config.identity import effective_settings
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.statistics.group_comparison import Member
from orchestrator.statistics.result import Result
from orchestrator.statistics.trial_end import TrialEnd
from orchestrator.store.record import Record
from orchestrator.store.trial_status import TrialStatus


def member_of(planned: PlannedTrial, record: Record) -> Member | None:
    """The trial's result with its settings, or None if it has not ended."""
    if not record.has_ended:
        return None
    end = end_of(record)
    return Member(end.result(planned.trial), settings_of(planned), end.evaluator)


def end_of(record: Record) -> TrialEnd:
    """How a trial ended. `record`: of a trial that did."""
    verdict = record.verdict if record.status == TrialStatus.FINISHED else None
    return TrialEnd(
        verdict["name"] if verdict else "",
        verdict["since"] if verdict else None,
        record.step,
        record.metrics,
        record.evaluator.get("id", ""),
        record.ended_early,
        record.stopped,
    )


def settings_of(planned: PlannedTrial) -> dict[str, object]:
    """The settings that act in the trial, without its seed.

    MLflow has the fingerprint of the data, too. Within a sweep it follows from these, and would be a second difference
    of trials that differ in `data.path` alone.
    """
    settings: dict[str, object] = {**effective_settings(planned.config)}
    settings.pop("seed", None)
    return settings


def as_planned(planned: PlannedTrial) -> Member:
    """The trial as if it had ended well: says which trials are compared, before any has ended."""
    trial = planned.trial
    names = (trial.group, trial.configuration, trial.seed, trial.factors)
    result = Result(*names, True, 1, None, 1.0, 1.0, True, sampled=trial.sampled)
    return Member(result, settings_of(planned))
