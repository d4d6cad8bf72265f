"""The name of every metric, defined once: as it stands in histories, in records and in MLflow.

A name has the form `kind/subject`. The subject of a quality metric is the id of the evaluator that measured it
(`frechet/classifier-1a2b3c4d`), because numbers of two evaluators do not compare. These names are a file format: a name
that changes makes older runs unreadable.
"""

from __future__ import annotations

from collections.abc import Mapping

POSITION = ("step", "time")
"""The keys of a history row that say when it was measured; all other keys are metrics."""

# Losses, each with its weighted parts
LOSS_DISCRIMINATOR = "loss/discriminator"
LOSS_DISCRIMINATOR_REAL = "loss/discriminator_real"
LOSS_DISCRIMINATOR_FAKE = "loss/discriminator_fake"
LOSS_WASSERSTEIN = "loss/wasserstein"
LOSS_PAIRING = "loss/pairing"
LOSS_CLASS_REAL = "loss/class_real"
LOSS_CLASS_FAKE = "loss/class_fake"
LOSS_GENERATOR = "loss/generator"
LOSS_GENERATOR_ADVERSARIAL = "loss/generator_adversarial"
LOSS_GENERATOR_CLASS = "loss/generator_class"
LOSS_FEATURE_MATCHING = "loss/feature_matching"

# What the discriminator says of real and of generated images
SCORE_REAL = "score/real"
SCORE_FAKE = "score/fake"
ACCURACY_REAL = "accuracy/real"
ACCURACY_FAKE = "accuracy/fake"
ACCURACY_DISCRIMINATOR = "accuracy/discriminator"
"""Balanced accuracy: the mean of the accuracies on real and on generated images."""
ACCURACY_AUC = "accuracy/auc"
"""Area under the ROC curve."""
ACCURACY_CLASS_REAL = "accuracy/class_real"

# What stabilisers are at: the probability of adaptive augmentation, and the share of images that G learns from
ADA_PROBABILITY = "ada/probability"
TOP_K_SHARE = "top_k/share"

# Norms of all gradients and of all weights of a player
GRADIENT_NORM = "gradient_norm"
GRADIENT_NORM_DISCRIMINATOR = f"{GRADIENT_NORM}/discriminator"
GRADIENT_NORM_GENERATOR = f"{GRADIENT_NORM}/generator"
WEIGHT_NORM = "weight_norm"
WEIGHT_NORM_DISCRIMINATOR = f"{WEIGHT_NORM}/discriminator"
WEIGHT_NORM_GENERATOR = f"{WEIGHT_NORM}/generator"

# Images that a player was trained on so far, and real images a second
IMAGES_DISCRIMINATOR = "images/discriminator"
IMAGES_GENERATOR = "images/generator"
SPEED = "speed/images_per_second"

# Spread of the pixels: of the samples, and relative to that of the training images
DIVERSITY_SAMPLES = "diversity/samples"
DIVERSITY_RATIO = "diversity/ratio"

# Quality, without the evaluator's id: `of_evaluator` adds it
FRECHET = "frechet"
FRECHET_INFINITY = "frechet_infinity"
"""Extrapolated to infinitely many samples; it may be slightly negative."""
KERNEL = "kernel"
KERNEL_SPREAD = "kernel_spread"
PRECISION = "precision"
RECALL = "recall"
DENSITY = "density"
COVERAGE = "coverage"
DISTINCT_IMAGES = "distinct_images"
"""The effective number of distinct images among the samples, as a share of the samples."""
DISTINCT = "distinct"
"""The same by features alone. Earlier versions measured it, and imported runs may have it."""
MODES = "modes"
CLASS_DIVERGENCE = "class_divergence"
CLASS_AGREEMENT = "class_agreement"
CLASS_RECALL = "class_recall"
"""The smallest recall among the classes that the generator was asked for."""
WEAKEST_CLASS = "weakest_class"
"""The number of the class with that recall."""
AUTHENTICITY = "authenticity"
COPIED = "copied"
FRECHET_TO_TRAINING = "frechet_to_training"
FRECHET_TO_HELD_OUT = "frechet_to_held_out"
"""The Frechet distances to as many training images as were held out, and to those held out."""

# What the orchestrator adds
VERDICT_STABLE = "verdict/stable"
"""1 for a trial with the verdict `stable`, 0 for any other verdict."""
SYSTEM_GPU_UTILIZATION = "system/gpu_0_utilization_percentage"

TIME_DEPENDENT = ("time", "speed/", "system/")
"""Beginnings of the keys of a row whose values differ when the same step is trained again."""


def loss_of_penalty(penalty: str) -> str:
    """The unweighted value of the penalty `gradient_penalty`, `dragan`, `r1`, `r2`, `cr` or `bcr`."""
    return f"loss/{penalty}"


def system(reading: str) -> str:
    """A reading of the machine, which is called as MLflow calls it."""
    return f"system/{reading}"


def of_evaluator(metric: str, evaluator_id: str) -> str:
    return f"{metric}/{evaluator_id}"


def frechet(evaluator_id: str) -> str:
    return of_evaluator(FRECHET, evaluator_id)


def coverage(evaluator_id: str) -> str:
    return of_evaluator(COVERAGE, evaluator_id)


def distinct_images(evaluator_id: str) -> str:
    return of_evaluator(DISTINCT_IMAGES, evaluator_id)


def is_frechet(name: str) -> bool:
    """Whether `name` is the Frechet distance of some evaluator."""
    return name.startswith(f"{FRECHET}/")


def raw(metric: str) -> str:
    """A metric of the samples of the generator itself, in a trial that keeps the moving average of its weights."""
    return f"raw_{metric}"


def share(outcome: str) -> str:
    """The share of a sweep's trials with this verdict, or that failed."""
    return f"share/{outcome}"


def best(metric: str) -> str:
    """A quality metric at the best evaluation of the trial."""
    return f"best_{metric}"


def without_position(row: Mapping[str, float]) -> dict[str, float]:
    """The metrics of a history row, without its step and time."""
    return {name: value for name, value in row.items() if name not in POSITION}
