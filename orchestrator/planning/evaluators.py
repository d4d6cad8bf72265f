"""The evaluators of a sweep: one for each data set and way of measuring, made ready before anything trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from gan_core.checkpoint import CheckpointError
from gan_core.config.sections import EvaluationConfig
from gan_core.data import datasets
from gan_core.data.preprocessing import DataError
from gan_core.evaluation import evaluator, features
from gan_core.evaluation.evaluator import MIN_CLASSIFIER_ACCURACY, Evaluator
from gan_core.evaluation.features import Features
from gan_core.evaluation.requirements import features_kind
from gan_core.files import remove_temporary
from orchestrator.errors import UserError
from orchestrator.planning.plan import Plan
from orchestrator.store.trial_status import TrialStatus


def build_evaluators(
    plan: Plan, home: Path, doing: Callable[[str], None], note: Callable[[str], None], everything: bool = False
) -> dict[str, Evaluator]:
    """`PlannedTrial.evaluation` -> evaluator, for every trial that is left to do, or for `everything`.

    `doing` is told what takes time, `note` what the user should know. Classifiers are kept in <home>/evaluators. Raises
    UserError if weights are missing or damaged, or are others than those that a trial began to be measured with.
    """
    found: dict[str, Evaluator] = {}
    for planned in plan.trials if everything else plan.unfinished:
        if planned.evaluation not in found:
            images = plan.images[planned.fingerprint]
            doing(f"preparing the evaluator of {images.name}")
            made = _prepare(planned.config.evaluation, images, home)
            found[planned.evaluation] = made
            for line in _what_to_know(made, images):
                note(line)
    for planned in plan.trials:
        before = planned.record.evaluator.get("id")
        if planned.evaluation not in found or before in (None, found[planned.evaluation].id):
            continue
        now = found[planned.evaluation].id
        if planned.state == TrialStatus.FINISHED:
            note(f"caution: {planned.trial.name} was measured with {before}, not {now}: their numbers stand apart")
        elif plan.folder.trial(planned.key).has_checkpoint():
            raise UserError(
                f"{planned.trial.name} was measured with {before} up to now, and the evaluator is {now}: its "
                "weights or its method changed. Put the weights back, or give the sweep another name"
            )
    return found


def _prepare(config: EvaluationConfig, images: datasets.ImageSet, home: Path) -> Evaluator:
    kind = features_kind(config, images)
    cache = home.absolute() / "evaluators" / f"{images.fingerprint}.pt"
    try:
        if kind == "classifier":
            chosen = _classifier(images, cache)
        elif kind == "inception":
            chosen = features.inception_features(datasets.user_path(config.weights or ""))
        else:
            chosen = features.random_features(images.channels)
    except CheckpointError as error:
        raise UserError(f"{error}; delete the file to have the classifier trained again") from None
    except DataError as error:
        raise UserError(f"trial.{error.path}: {error}") from None
    return evaluator.build(config, images, chosen)


def _classifier(images: datasets.ImageSet, cache: Path) -> Features:
    """Of two sweeps that start at once in a home folder one trains it, and the other waits for that."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(cache.parent / "lock"):
        remove_temporary(cache.parent)
        return features.classifier(images, cache)


def _what_to_know(made: Evaluator, images: datasets.ImageSet) -> list[str]:
    kind, accuracy = made.features.kind, made.features.accuracy
    if kind == "random":
        return [f"caution: {images.name} is measured in random features ({made.id}); a classifier needs labels"]
    if kind == "inception":
        return []
    if accuracy is None:
        return [f"caution: the classifier of {images.name} ({made.id}) could not be tested: no test image has a label"]
    line = f"evaluator of {images.name}: {made.id}, a classifier right on {accuracy:.1%} of the test images"
    if accuracy < MIN_CLASSIFIER_ACCURACY:
        line = f"caution: {line}, below {MIN_CLASSIFIER_ACCURACY:.0%}: classes covered and class agreement are rough"
    return [line]
