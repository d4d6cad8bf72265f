"""What the verdicts of imported runs cannot be judged from, in words: logs of other tools lack part of our metrics."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, log

from gan_core import metric_names
from gan_core.config.length_cautions import MIN_EVALUATIONS
from gan_core.verdict.judge import Verdict, judge
from gan_core.verdict.reference_values import HELD_OUT_COVERAGE, MAX_LOSS, ReferenceValues
from orchestrator.imports.imported_run import ImportedRun, evaluator_id

WASSERSTEIN = "wasserstein"
VARIETY = (
    metric_names.COVERAGE,
    metric_names.DISTINCT_IMAGES,
    metric_names.DISTINCT,
    metric_names.CLASS_DIVERGENCE,
    metric_names.MODES,
)
NUMERIC = ("loss/", "score/", "gradient_norm/", "weight_norm/")
"""Beginnings of metrics in which a value that is not finite is an event."""


def verdict_of(run: ImportedRun, classes: int | None) -> Verdict:
    """By the same rules as our own trials, as far as the history has what they need. classes: of the data."""
    reference = ReferenceValues(
        loss=run.loss,
        evaluator=evaluator_id(run.evaluator),
        classes=classes,
        expected_modes=classes,
        one_class=log(classes) if classes else None,
        max_loss=MAX_LOSS if run.loss and run.loss != WASSERSTEIN else inf,
    )
    return judge(run.history.rows, reference, run.history.diverged)


def what_is_not_judged(runs: Sequence[ImportedRun], classes: int | None) -> list[str]:
    """A sentence for each thing that the history of some runs says nothing about; [] if there is none."""
    found = [
        _sentence(runs, lambda run: not any(name.startswith(NUMERIC) for name in run.metrics), _NO_TRAINING),
        _sentence(runs, lambda run: _has_loss(run) and not run.loss, _LOSS_UNKNOWN),
        _sentence(runs, lambda run: _has_loss(run) and run.loss == WASSERSTEIN, _WASSERSTEIN),
        _sentence(runs, lambda run: not _measures(run), _NO_SAMPLES),
        _sentence(runs, lambda run: _measures(run) and not _has_variety(run, classes), _FRECHET_ALONE),
        _sentence(runs, lambda run: _has(run, metric_names.MODES) and not classes, _NO_CLASSES),
        _sentence(runs, lambda run: run.loss != WASSERSTEIN and not _shows_that_d_has_won(run), _NO_ACCURACY),
        _sentence(runs, lambda run: _has(run, metric_names.FRECHET) and not _is_untrained_measured(run), _NO_START),
        _sentence(runs, lambda run: _has(run, metric_names.COVERAGE), _NO_HELD_OUT),
        _sentence(runs, lambda run: metric_names.IMAGES_GENERATOR not in run.metrics, _NO_BATCH_SIZE),
        _sentence(runs, _has_few_evaluations, _FEW_EVALUATIONS),
    ]
    return [sentence for sentence in found if sentence]


_NO_TRAINING = "no loss, score or gradient: that training diverged cannot be seen"
_LOSS_UNKNOWN = (
    "no `loss:`, so D's loss has no known limit: a run counts as diverged only at a value that is not finite"
)
_WASSERSTEIN = (
    "a Wasserstein loss whose limit is not known: a run counts as diverged only at a value that is not finite, and "
    "never as saturated because D has won"
)
_NO_SAMPLES = "nothing measured the samples: collapsed, oscillating and unfinished are not judged"
_FRECHET_ALONE = (
    "no samples and no measure of their variety: collapse is judged by Frechet alone, and a run whose distance ends "
    "far above its best counts as oscillating, whatever the cause"
)
_NO_CLASSES = "no `classes:`: how many modes are missing is not judged"
_NO_ACCURACY = "no discriminator accuracy with G's loss: that D has won is not judged"
_NO_START = "no evaluation at step 0: whether G draws is not judged against the untrained G"
_NO_HELD_OUT = f"no held-out real images: a coverage of {HELD_OUT_COVERAGE:g} and a density of 1 are taken for theirs"
_NO_BATCH_SIZE = "no batch size: every run counts as trained on enough images"
_FEW_EVALUATIONS = f"fewer than {MIN_EVALUATIONS} evaluations: whether quality came and went is not judged"


def _sentence(runs: Sequence[ImportedRun], lacks: Callable[[ImportedRun], bool], text: str) -> str:
    """The text, and of how many runs it is; "" of none."""
    count = sum(map(lacks, runs))
    if not count:
        return ""
    return text if count == len(runs) else f"{text} ({count} of {len(runs)} runs)"


def _has(run: ImportedRun, metric: str) -> bool:
    return metric_names.of_evaluator(metric, evaluator_id(run.evaluator)) in run.metrics


def _has_loss(run: ImportedRun) -> bool:
    return metric_names.LOSS_DISCRIMINATOR in run.metrics


def _measures(run: ImportedRun) -> bool:
    """Whether the rules see an evaluation."""
    by_evaluator = any(_has(run, metric) for metric in (metric_names.COVERAGE, metric_names.FRECHET))
    return by_evaluator or metric_names.DIVERSITY_RATIO in run.metrics


def _has_variety(run: ImportedRun, classes: int | None) -> bool:
    known = [metric for metric in VARIETY if classes or metric != metric_names.MODES]
    return metric_names.DIVERSITY_RATIO in run.metrics or any(_has(run, metric) for metric in known)


def _shows_that_d_has_won(run: ImportedRun) -> bool:
    return {metric_names.ACCURACY_DISCRIMINATOR, metric_names.LOSS_GENERATOR} <= run.metrics


def _is_untrained_measured(run: ImportedRun) -> bool:
    name = metric_names.frechet(evaluator_id(run.evaluator))
    return any(row["step"] == 0 and name in row for row in run.history.rows)


def _has_few_evaluations(run: ImportedRun) -> bool:
    """Of a run that diverged nothing else is judged."""
    names = [metric_names.of_evaluator(m, evaluator_id(run.evaluator)) for m in ("frechet", "coverage")]
    measured = {metric_names.DIVERSITY_RATIO, *names}
    count = sum(row["step"] > 0 and bool(measured & row.keys()) for row in run.history.rows)
    return run.history.diverged is None and 0 < count < MIN_EVALUATIONS
