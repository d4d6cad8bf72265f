"""Checks whether the data fit a trial's configuration, before anything is trained and without importing torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from gan_core import families
from gan_core.config.sections import EvaluationConfig
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import Described
from gan_core.data.preprocessing import DataError
from gan_core.evaluation import pretrained
from gan_core.evaluation.dimensions import dimensions_of


def check_data(config: TrialConfig, images: Described[Any]) -> None:
    """Raises DataError if the configuration needs labels or images that the data do not have."""
    if families.labelled(config.model.family) and images.labels is None:
        raise DataError("model.family", f"{config.model.family} needs labels and the data set {images.name} has none")
    if config.batch_size > len(images):
        raise DataError("batch_size", f"{config.batch_size} is more than the {len(images)} training images")


def features_kind(config: EvaluationConfig, images: Described[Any]) -> str:
    """`config.features`; `auto` becomes classifier if the images have labels of two or more classes, else random."""
    if config.features != "auto":
        return config.features
    return "classifier" if images.labels is not None and len(images.class_names) > 1 else "random"


def check_evaluation(config: TrialConfig, images: Described[Any]) -> None:
    """Raises DataError if these images cannot be evaluated as `config` says."""
    evaluation = config.evaluation
    kind = features_kind(evaluation, images)
    weights = None if evaluation.weights is None else Path(evaluation.weights)
    if weights is not None:
        pretrained.check(kind, weights)
    if kind == "classifier" and (images.labels is None or len(images.class_names) < 2):
        raise DataError(
            "evaluation.features",
            f"a classifier needs labels of at least 2 classes, but {images.name} lacks them; use random or inception",
        )
    labels = images.labels if evaluation.split == "train" else images.test_labels
    if kind == "classifier" and labels is not None:
        counts = np.bincount(np.asarray(labels), minlength=len(images.class_names)).tolist()
        if 0 in counts:
            name = images.class_names[counts.index(0)]
            raise DataError(
                "evaluation.features",
                f"the {evaluation.split} part has no image of class {name}, so a classifier cannot measure its modes; "
                "leave the class out with data.classes, or use evaluation.features: random",
            )
    dimensions = dimensions_of(kind, images, weights)
    min_images = dimensions + 1
    if evaluation.samples < min_images:
        reason = f"the covariance of {dimensions} features ({kind}) needs at least {min_images}"
        raise DataError("evaluation.samples", f"{evaluation.samples} generated images are too few; {reason}")
    is_train = evaluation.split == "train"
    real_images = len(images.images if is_train else images.test_images)
    if real_images < min_images:
        part = "training" if is_train else "test"
        text = f"{real_images} {part} images are too few; quality needs at least {min_images}"
        if weights is not None:
            raise DataError("evaluation.features", f"{text} in features of {kind}")
        if is_train:
            raise DataError(_setting_of_data(config), text)
        raise DataError("evaluation.split", f"{text}; use split: train, or more test images")


def _setting_of_data(config: TrialConfig) -> str:
    """The setting that decides how many images there are."""
    if config.data.classes is not None:
        return "data.classes"
    return "data.name" if config.data.path is None else "data.path"
