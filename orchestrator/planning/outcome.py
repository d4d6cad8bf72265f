"""How a trial ended, as the statistics take it: from its record."""

from __future__ import annotations

from gan_core import metric_names
from gan_core.config.identity import effective_settings
from gan_core.verdict.names import DRAWING, VerdictName
from orchestrator.planning.plan import PlannedTrial
from orchestrator.statistics.group_comparison import Member
from orchestrator.statistics.result import Result
from orchestrator.store.record import Record
from orchestrator.store.trial_status import TrialStatus


def member_of(planned: PlannedTrial, record: Record) -> Member | None:
    """The trial's result with its settings, or None if it has not ended. A trial that failed is not stable."""
    if not record.has_ended:
        return None
    verdict = record.verdict["name"] if record.verdict and record.status == TrialStatus.FINISHED else ""
    evaluator = str(record.evaluator.get("id", ""))
    has_quality = verdict not in ("", VerdictName.DIVERGED)
    final, best = (
        record.metrics.get(metric_names.of_evaluator(name, evaluator)) if has_quality else None
        for name in (metric_names.FRECHET, metric_names.best(metric_names.FRECHET))
    )
    has_event = verdict not in ("", VerdictName.STABLE, VerdictName.UNFINISHED) and not record.ended_early
    since = record.verdict["since"] if record.verdict else None
    result = Result(
        planned.trial.group,
        planned.trial.configuration,
        planned.trial.seed,
        planned.trial.factors,
        stable=None if verdict == VerdictName.UNFINISHED else verdict == VerdictName.STABLE,
        steps=record.step,
        event=(record.step if since is None else since) if has_event else None,
        final=final,
        best=best,
        drew=verdict in DRAWING,
    )
    return Member(result, settings_of(planned), evaluator)


def settings_of(planned: PlannedTrial) -> dict[str, object]:
    """The settings that act in the trial, without its seed, as MLflow has them."""
    settings = {**effective_settings(planned.config), "data.fingerprint": planned.fingerprint}
    settings.pop("seed", None)
    return settings


def as_planned(planned: PlannedTrial) -> Member:
    """The trial as if it had ended well: says which trials are compared, before any has ended."""
    trial = planned.trial
    result = Result(trial.group, trial.configuration, trial.seed, trial.factors, True, 1, None, 1.0, 1.0, True)
    return Member(result, settings_of(planned))
