"""Verdicts of earlier versions: judged again by today's rules, from the histories."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gan_core import metric_names
from gan_core.data.dataset_card import DatasetCard
from gan_core.evaluator_card import EvaluatorCard
from gan_core.verdict.early_end import ended_early, why_lost
from gan_core.verdict.judge import RULES_VERSION, Verdict, judge
from gan_core.verdict.names import VerdictName
from gan_core.verdict.reference_values import reference_values
from orchestrator.formatting import count_of
from orchestrator.planning.plan import Plan
from orchestrator.planning.planned_trial import PlannedTrial
from orchestrator.store.json_files import DamagedFile
from orchestrator.store.record import recorded
from orchestrator.store.trial_status import TrialStatus

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch


def update_verdicts(plan: Plan, note: Callable[[str], None]) -> Plan:
    """The plan whose finished trials have verdicts by today's rules. Needs the lock of the sweep.

    A verdict stays as it is if the history is damaged, or lacks the number of distinct images as it is counted today:
    the report then says that older rules have judged. `note` gets a line if there was something to judge.
    Raises OSError.
    """
    judged, changes = 0, []
    for planned in plan.trials:
        before = planned.record.verdict
        if planned.state != TrialStatus.FINISHED or before is None or before.get("rules", 1) >= RULES_VERSION:
            continue
        if not _can_be_judged(planned):
            continue
        trial_folder = plan.folder.trial(planned.key)
        try:
            rows = trial_folder.written_rows(planned.record)
        except DamagedFile:
            continue
        verdict = verdict_of(planned, rows, plan.data[planned.fingerprint].card())
        planned.record.verdict = recorded(verdict)
        trial_folder.write_record(planned.record)
        judged += 1
        if verdict.name != before["name"]:
            changes.append(f"{planned.trial.name} was {before['name']}, now {verdict.name}")
    if judged:
        changed = "; ".join(changes) if changes else "no verdict changes"
        verb = "is" if judged == 1 else "are"
        note(f"{count_of(judged, 'trial')} of an earlier version {verb} judged again by today's rules: {changed}")
    return plan


def _can_be_judged(planned: PlannedTrial) -> bool:
    """Whether a finished trial has diverged, or has the number of distinct images; without reading its history."""
    counted = metric_names.distinct_images(planned.record.evaluator.get("id", "")) in planned.record.metrics
    return counted or _divergence(planned) is not None


def _divergence(planned: PlannedTrial) -> tuple[int, str] | None:
    """(step, tensor) of the first value that was not finite; None if all were."""
    evidence = planned.record.verdict["evidence"] if planned.record.verdict else {}
    step, tensor = evidence.get("step"), evidence.get("tensor")
    return (step, tensor) if isinstance(step, int) and isinstance(tensor, str) else None


def verdict_of(planned: PlannedTrial, rows: list[Row], data: DatasetCard) -> Verdict:
    """The verdict on a finished trial by today's rules."""
    card, before = with_classes(planned.record.evaluator, data), planned.record.verdict
    diverged = _divergence(planned)
    against = reference_values(planned.config, data["channels"], card)
    verdict = judge(rows, against, diverged)
    if planned.record.stopped and before:  # it stays what it is
        return Verdict(VerdictName.UNFINISHED, None, before["reason"], verdict.evidence)
    if not planned.record.ended_early:
        return verdict
    return ended_early(verdict, planned.record.step, planned.config.steps, why_lost(rows, against))


def with_classes(card: EvaluatorCard, data: DatasetCard) -> EvaluatorCard:
    """The card of an evaluator with the numbers of classes, which earlier versions left out."""
    if card.get("features") != "classifier" or "classes" in card:
        return card
    count = len(data["classes"])
    return card | {"classes": count, "expected_modes": float(count)}
