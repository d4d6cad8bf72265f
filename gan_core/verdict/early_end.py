"""When no more can be hoped for: the rule by which `stop_early` ends a run before its last step.

The numbers are twice the latest recoveries on record (docs/decisions/041-lost-runs-end-early.md).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from gan_core import metric_names
from gan_core.config.length_cautions import MIN_EVALUATIONS
from gan_core.verdict.judge import Verdict, judge
from gan_core.verdict.names import VerdictName
from gan_core.verdict.reference_values import ReferenceValues
from gan_core.verdict.run import Evaluation, FinishedRun

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch

LATEST_VARIETY = 192_000
"""Images after which a run on record had variety for the first time: no run on record did so later."""
LATEST_DRAWING = 281_600
"""Images after which the same run drew for the first time; no run on record did so later."""
PATIENCE = 2
"""How many times as long as the latest recovery on record a run may take to recover."""
MAX_IMAGES_WITHOUT_VARIETY = PATIENCE * LATEST_VARIETY
MAX_IMAGES_WITHOUT_DRAWING = PATIENCE * LATEST_DRAWING


class LostRule(NamedTuple):
    """A run is lost if its verdict so far is one of `verdicts` and no evaluation over `images` images in a row was
    `is_good`. missing: what it was without, in words.
    """

    verdicts: tuple[VerdictName, ...]
    images: int
    missing: str
    is_good: Callable[[Evaluation], bool]

    @property
    def condition(self) -> str:
        """In words."""
        return (
            f"Were it to end now, its verdict would be {' or '.join(self.verdicts)}, and G was trained on "
            f"{self.images:,} images or more {self.missing}, with {MIN_EVALUATIONS} evaluations or more on the way."
        )


LOST_RULES = (
    LostRule(
        (VerdictName.COLLAPSED,),
        MAX_IMAGES_WITHOUT_VARIETY,
        "without an evaluation whose samples had variety",
        lambda evaluation: not evaluation.lack,
    ),
    LostRule(
        (VerdictName.COLLAPSED, VerdictName.SATURATED),
        MAX_IMAGES_WITHOUT_DRAWING,
        "without an evaluation at which it drew",
        lambda evaluation: evaluation.draws,
    ),
)
"""One of them is enough. The report prints them."""


def why_lost(history: Sequence[Row], reference: ReferenceValues) -> str:
    """Why no more can be hoped for of the run, at its last evaluation; "" if that is not so.

    history: rows as `Trainer` makes them, in order of steps.
    """
    run = FinishedRun(history, reference)
    return _why_lost(run, len(run.evaluations))


def lost_step(history: Sequence[Row], reference: ReferenceValues) -> int | None:
    """The step of the first evaluation at which no more could be hoped for; None if there is none."""
    run = FinishedRun(history, reference)
    counts = range(1, len(run.evaluations) + 1)
    return next((run.evaluations[count - 1].step for count in counts if _why_lost(run, count)), None)


def _why_lost(run: FinishedRun, count: int) -> str:
    """As `why_lost`, at the evaluation that is the last of the first `count`."""
    evaluations, per_step = run.evaluations[:count], _images_per_step(run.rows)
    candidates = [
        (rule, images)
        for rule in LOST_RULES
        if (images := per_step * _steps_without(evaluations, rule.is_good)) >= rule.images
    ]
    if not candidates:
        return ""
    name = judge([row for row in run.rows if row["step"] <= evaluations[-1].step], run.reference).name
    return next((f"{images:,.0f} images {rule.missing}" for rule, images in candidates if name in rule.verdicts), "")


def ended_early(verdict: Verdict, step: int, steps: int, why: str) -> Verdict:
    """The verdict on a run that was ended at `step` of `steps`. why: as `why_lost` says; "" if it says so no more."""
    after = f", after {why}" if why else ""
    return verdict._replace(reason=f"ended early, at step {step:,} of {steps:,}{after}: {verdict.reason}")


def stopped(verdict: Verdict, step: int, steps: int, why: str) -> Verdict:
    """The verdict on a run that a schedule has stopped at `step` of `steps`: unfinished, whatever it would have been.

    It was stopped for its quality, so whether it would have stayed stable is not known. why: what the schedule says.
    """
    so_far = f"its verdict so far was {verdict.name}"
    reason = f"stopped by the schedule at step {step:,} of {steps:,}: {why}; {so_far}"
    return verdict._replace(name=VerdictName.UNFINISHED, since=None, reason=reason)


def _steps_without(evaluations: Sequence[Evaluation], is_good: Callable[[Evaluation], bool]) -> int:
    """Steps from the last good evaluation, or from the beginning, to the last one; 0 with few evaluations since."""
    good = [index for index, evaluation in enumerate(evaluations) if is_good(evaluation)]
    first_bad = good[-1] + 1 if good else 0
    if len(evaluations) - first_bad < MIN_EVALUATIONS:
        return 0
    return evaluations[-1].step - (evaluations[first_bad - 1].step if first_bad else 0)


def _images_per_step(rows: Sequence[Row]) -> float:
    """0 if it is not known: then nothing is lost."""
    name = metric_names.IMAGES_GENERATOR
    return next((row[name] / row["step"] for row in reversed(rows) if name in row and row["step"]), 0.0)
