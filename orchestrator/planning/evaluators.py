"""Builds the evaluators of a sweep before training starts: one for each data set and evaluation config."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from filelock import FileLock

from gan_core.checkpoint import CheckpointError
from gan_core.config.sections import FROM_FILE, EvaluationConfig
from gan_core.data import datasets
from gan_core.data.preprocessing import DataError
from gan_core.evaluation import features
from gan_core.evaluation.evaluator import MIN_CLASSIFIER_ACCURACY, Evaluator
from gan_core.evaluation.evaluator_file import kept_or_built
from gan_core.evaluation.features import Features
from gan_core.evaluation.requirements import features_kind
from gan_core.files import remove_temporary
from orchestrator.errors import UserError, cannot_be_written
from orchestrator.planning.classifier_accuracy import accuracy_text, hardly_tested
from orchestrator.planning.plan import Plan
from orchestrator.store.trial_status import TrialStatus


def build_evaluators(
    plan: Plan, home: Path, on_phase: Callable[[str], None], note: Callable[[str], None], all_trials: bool = False
) -> dict[str, Evaluator]:
    """`PlannedTrial.evaluation` -> evaluator, for every unfinished trial, or for `all_trials`.

    `on_phase` is called before each phase that takes time, `note` with lines for the user. Classifiers and evaluators
    are kept in <home>/evaluators. Raises UserError if weights are missing or damaged, or if a trial that has begun was
    measured with another evaluator.
    """
    evaluators: dict[str, Evaluator] = {}
    for planned in [*plan.trials, *plan.expected] if all_trials else plan.to_train:
        if planned.evaluation not in evaluators:
            images = plan.images[planned.fingerprint]
            on_phase(f"preparing the evaluator of {images.name}")
            evaluator = _build(planned.config.evaluation, images, home)
            evaluators[planned.evaluation] = evaluator
            for line in _notes(evaluator, images):
                note(line)
    for planned in plan.trials:
        before = planned.record.evaluator.get("id")
        if planned.evaluation not in evaluators or before in (None, evaluators[planned.evaluation].id):
            continue
        current = evaluators[planned.evaluation].id
        if planned.state == TrialStatus.FINISHED:
            difference = f"was measured with {before}, not {current}"
            note(f"caution: {planned.trial.name} {difference}: their numbers cannot be compared")
        elif plan.folder.trial(planned.key).has_checkpoint():
            raise UserError(
                f"{planned.trial.name} was measured with {before} so far, and the evaluator is now {current}: its "
                "weights or its method changed. Put the weights back, or give the sweep another name"
            )
    return evaluators


def _build(config: EvaluationConfig, images: datasets.ImageSet, home: Path) -> Evaluator:
    kind = features_kind(config, images)
    cache = home.absolute() / "evaluators" / f"{images.fingerprint}.pt"
    try:
        if kind == "classifier":
            measured_in = _classifier(images, cache)
        elif kind == "inception":
            measured_in = features.inception_features(Path(config.weights or ""))
        elif kind == "dinov2":
            measured_in = features.dinov2_features(Path(config.weights or ""))
        else:
            measured_in = features.random_features(images.channels)
    except CheckpointError as error:
        raise UserError(f"{error}; delete the file to have the classifier trained again") from None
    except DataError as error:
        raise UserError(f"trial.{error.path}: {error}") from None
    return kept_or_built(config, images, measured_in, cache.parent)


def _classifier(images: datasets.ImageSet, cache: Path) -> Features:
    """The classifier in `cache`, trained if it is not there. If two sweeps start at once, one waits for the other.

    It is written as a whole, so a file that is there is read without the lock: the home may be another user's. Raises
    UserError if it has to be written and cannot.
    """
    if cache.exists():
        return features.classifier(images, cache)
    try:
        cache.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(cache.parent / "lock"):
            remove_temporary(cache.parent)  # half an evaluator of another command, too, which then does without
            return features.classifier(images, cache)
    except OSError as error:
        raise cannot_be_written(cache.parent, error) from None


def _notes(evaluator: Evaluator, images: datasets.ImageSet) -> list[str]:
    """What the user should know of an evaluator."""
    kind, accuracy = evaluator.features.kind, evaluator.features.accuracy
    if kind == "random":
        return [f"caution: {images.name} is measured in random features ({evaluator.id}); a classifier needs labels"]
    if kind in FROM_FILE:
        return []
    if accuracy is None:
        return [
            f"caution: the classifier of {images.name} ({evaluator.id}) could not be tested: no test image has a label"
        ]
    line = (
        f"evaluator of {images.name}: {evaluator.id}, a classifier that is {accuracy_text(accuracy, evaluator.tested)}"
    )
    if accuracy < MIN_CLASSIFIER_ACCURACY:
        line = f"caution: {line}; below {MIN_CLASSIFIER_ACCURACY:.0%}: classes covered and class agreement are rough"
    elif hardly_tested(evaluator.tested):
        line = f"caution: {line}: nothing says how well it knows such a class"
    return [line]
