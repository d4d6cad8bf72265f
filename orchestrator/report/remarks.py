"""What else the answer says of the runs: which repeat training images, and when the number of samples decides."""

from __future__ import annotations

from gan_core import metric_names
from gan_core.evaluation.memorisation_check import repeats_training_images
from orchestrator.planning.classifier_accuracy import hardly_tested
from orchestrator.report.data import RunData, SweepData
from orchestrator.report.leaderboard import Row

MAX_NAMED = 3
"""The most runs that a sentence names."""


def remarks(data: SweepData, rows: list[Row]) -> list[str]:
    """Sentences; [] if there is nothing to say. `rows`: the leaderboard."""
    return [*_memorisation_sentence(data), *_ranking_sentence(rows)]


def repeats(run: RunData) -> bool:
    """Whether the samples of the run at its end hold more copies of training images than chance explains."""
    copied = run.quality(metric_names.COPIED)
    if copied is None or run.evaluator is None or run.evaluator.training is None:
        return False  # an evaluator of an earlier version does not know how many held-out images are copies
    real = run.evaluator.kept_out
    if real is None or real.copied is None:
        return repeats_training_images(copied, run.evaluator.samples)
    return repeats_training_images(copied, run.evaluator.samples, real.copied, real.count)


def _memorisation_sentence(data: SweepData) -> list[str]:
    measured = [run for run in data.runs if run.quality(metric_names.COPIED) is not None]
    repeating = sorted(filter(repeats, measured), key=lambda run: -(run.quality(metric_names.COPIED) or 0.0))
    if not repeating:
        return []
    names = [f"{run.name} ({run.quality(metric_names.COPIED):.0%} of its samples)" for run in repeating[:MAX_NAMED]]
    more = [f"{len(repeating) - MAX_NAMED} more"] if len(repeating) > MAX_NAMED else []
    verb = "repeats" if len(repeating) == 1 else "repeat"
    return [f"{len(repeating)} of {len(measured)} runs {verb} training images: {', '.join(names + more)}."]


def _ranking_sentence(rows: list[Row]) -> list[str]:
    """If another configuration than the first would be the best with infinitely many samples.

    It must be as stable, measured by the same evaluator, and ahead there by more than it is behind here.
    """
    if not rows or not rows[0].stable.hits:
        return []
    rivals = [row for row in rows if (row.evaluator, row.stable.rate) == (rows[0].evaluator, rows[0].stable.rate)]
    known = [
        (extrapolated, row.final.mean, row.configuration)
        for row in rivals
        if row.final and (extrapolated := row.numbers[metric_names.FRECHET_INFINITY]) is not None
    ]
    if not known or known[0][2] != rows[0].configuration:
        return []
    (first, first_plain, first_name), (nearest, nearest_plain, nearest_name) = known[0], min(known)
    if first - nearest <= nearest_plain - first_plain:
        return []
    return [
        f"With infinitely many samples {nearest_name} would come before {first_name}: the extrapolated Frechet "
        f"distances are {nearest:.3g} and {first:.3g}."
    ]


def evaluator_cautions(runs: list[RunData]) -> list[str]:
    """A caution for each classifier that knows a class from hardly any test image."""
    cards = {run.evaluator.id: run.evaluator for run in runs if run.evaluator}
    return [
        f"of the test images of the classifier {card.id} only {few}: nothing says how well it knows such a class"
        for card in cards.values()
        if (few := hardly_tested(card.tested))
    ]
