"""History -> verdict. The rules are in `rules`; this is who tries them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gan_core import metric_names
from gan_core.verdict.names import VerdictName
from gan_core.verdict.reference_values import ReferenceValues
from gan_core.verdict.rules import RULES, Evidence
from gan_core.verdict.run import FinishedRun

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch

RULES_VERSION = 4
"""Increased when the same run may get another verdict."""


class Verdict(NamedTuple):
    """`since`: the step of the event (None if there was none). `evidence`: the numbers that the rules looked at."""

    name: VerdictName
    since: int | None
    reason: str
    evidence: Evidence


def judge(history: Sequence[Row], reference: ReferenceValues, diverged: tuple[int, str] | None = None) -> Verdict:
    """The verdict on a finished trial: that of the first rule that holds.

    history: rows as `Trainer` makes them, in order of steps. diverged: step and tensor, if training stopped at a value
    that is not finite.
    """
    run = FinishedRun(history, reference, diverged)
    evidence: dict[str, float | str | None] = {}
    for rule in RULES:
        finding = rule.find(run)
        evidence |= finding.evidence
        if finding.holds:
            return Verdict(rule.name, finding.since, finding.reason, evidence)
    return Verdict(VerdictName.STABLE, None, "no event", evidence)


def best_evaluation(history: Sequence[Row], evaluator: str) -> Row | None:
    """The row of the evaluation with the smallest Frechet distance, the first such; None without evaluations.

    The evaluation of the untrained generator, at step 0, does not count.
    """
    name = metric_names.frechet(evaluator)
    return min((row for row in history if name in row and row["step"] > 0), key=lambda row: row[name], default=None)
