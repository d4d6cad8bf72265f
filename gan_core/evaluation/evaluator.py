"""An `Evaluator` compares generated images with real ones, and has an id made from everything its numbers depend on.

The same images score differently with other features, other real images or another count. So the name of every metric
has the evaluator's id (`frechet/classifier-1a2b3c4d`): numbers of two evaluators never share a column.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from gan_core import metric_names
from gan_core.config.sections import FROM_FILE, MAX_COMPARED, EvaluationConfig
from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import evenly_spaced
from gan_core.evaluation.class_recall import class_recall
from gan_core.evaluation.distinctness import Compared, RepeatDistances, coarse_pixels, distinct_share
from gan_core.evaluation.features import Features
from gan_core.evaluation.frechet import Moments, Reference, distance_to, frechet_distance, moments
from gan_core.evaluation.frechet_infinity import MANY_DIMENSIONS, frechet_infinity
from gan_core.evaluation.kernel import kernel_distance
from gan_core.evaluation.manifold import manifold
from gan_core.evaluation.memorisation import MAX_VALUES, TrainingFeatures, memorisation
from gan_core.evaluation.modes import class_agreement, class_divergence, modes_covered
from gan_core.evaluation.tested_images import tested_images
from gan_core.evaluator_card import EvaluatorCard, EvaluatorIdentity
from gan_core.threads import one_thread

NEIGHBOURS = 5
IMAGES_AT_ONCE = 1024
"""Images that are copied at once: whole batches of those that `Features` makes, so that the result is the same."""
PROTOCOL = 1
"""Increased when something changes that no other field of an identity shows: latents, subsets, batch norm's mode."""
MIN_CLASSIFIER_ACCURACY = 0.9
"""A classifier with a lower test accuracy gives only rough values of modes and class agreement; users are told."""


@dataclass(frozen=True)
class Evaluator:
    """features: what images are compared in. vectors [compared, d] and moments: of the real images.

    repeat_distances: two samples that are at most so far apart count as the same image.
    labels [compared]: of `vectors`. histogram [classes]: of all real labels. Both are None without labels, and the
    histogram without a classifier, too. identity: everything that the numbers depend on.
    training: of training images, whichever part samples are compared with.
    reference: `moments` for many distances. equal_parts: as many training images as were held out, and those; None if
    too few were held out, or for very many features, of which each distance takes seconds.
    kept_out: the `count` of real images of the data's other part that were measured like samples, and their metrics.
    tested: name of each class of the classifier -> the number of test images that its accuracy is measured on.
    """

    features: Features
    vectors: Tensor
    moments: Moments
    repeat_distances: RepeatDistances
    labels: Tensor | None
    histogram: Tensor | None
    identity: EvaluatorIdentity
    training: TrainingFeatures
    reference: Reference
    equal_parts: tuple[Reference, Reference] | None
    kept_out: dict[str, float]
    tested: dict[str, int]

    @property
    def id(self) -> str:
        return id_of(self.identity)

    @property
    def expected_modes(self) -> float | None:
        """The expected number of classes in a random draw of as many real images as there are samples."""
        if self.histogram is None:
            return None
        chance_missing = (1 - self.histogram / self.histogram.sum()) ** self.identity["samples"]
        return float((1 - chance_missing).sum())

    @property
    def one_class(self) -> float | None:
        """The divergence from the data's classes if all samples are of the rarest class, in nats."""
        return None if self.histogram is None else float((self.histogram.sum() / self.histogram.min()).log())

    def measure(self, images: Tensor, requested: Tensor | None = None) -> dict[str, float]:
        """The metrics of `images` uint8 [N, C, H, W], by name with the id.

        requested [N]: the classes that the generator was asked for, if it takes classes.
        """
        scores = self._measure(images, requested)
        return {metric_names.of_evaluator(name, self.id): value for name, value in scores.items()}

    def _measure(self, images: Tensor, requested: Tensor | None) -> dict[str, float]:
        vectors, classes = self.features(images)
        chosen = evenly_spaced(len(vectors), MAX_COMPARED)
        compared = vectors[chosen]
        kernel, kernel_spread = kernel_distance(self.vectors, compared)
        overlap = manifold(self.vectors, compared, NEIGHBOURS)
        scores = {
            metric_names.FRECHET: frechet_distance(self.moments, moments(vectors)),
            metric_names.KERNEL: kernel,
            metric_names.KERNEL_SPREAD: kernel_spread,
            metric_names.PRECISION: overlap.precision,
            metric_names.RECALL: overlap.recall,
            metric_names.DENSITY: overlap.density,
            metric_names.COVERAGE: overlap.coverage,
            metric_names.DISTINCT_IMAGES: distinct_share(
                Compared(compared, coarse_pixels(images[chosen])), self.repeat_distances
            ),
        }
        if classes is not None and self.histogram is not None:
            scores[metric_names.MODES] = float(modes_covered(classes, len(self.histogram)))
            scores[metric_names.CLASS_DIVERGENCE] = class_divergence(classes, self.histogram)
            if requested is not None:
                scores[metric_names.CLASS_AGREEMENT] = class_agreement(classes, requested)
        if (infinite := frechet_infinity(self.reference, vectors, requested)) is not None:
            scores[metric_names.FRECHET_INFINITY] = infinite
        scores |= self._likeness_to_training(vectors)
        if self.equal_parts:
            to_training, to_held_out = (distance_to(part, moments(vectors)) for part in self.equal_parts)
            scores |= {metric_names.FRECHET_TO_TRAINING: to_training, metric_names.FRECHET_TO_HELD_OUT: to_held_out}
        if requested is not None:
            scores |= self._weakest_class(compared, requested[chosen])
        return scores

    def _likeness_to_training(self, vectors: Tensor) -> dict[str, float]:
        likeness = memorisation(self.training, vectors)
        return {metric_names.AUTHENTICITY: likeness.authenticity, metric_names.COPIED: likeness.copied}

    def _weakest_class(self, compared: Tensor, requested: Tensor) -> dict[str, float]:
        """The smallest recall of a class, and the number of that class; {} if each class has too few images."""
        if self.labels is None:
            return {}
        recalls = class_recall(self.vectors, self.labels, compared, requested, NEIGHBOURS)
        if not recalls:
            return {}
        weakest = min(recalls, key=lambda label: recalls[label])
        return {metric_names.CLASS_RECALL: recalls[weakest], metric_names.WEAKEST_CLASS: float(weakest)}

    def card(self) -> EvaluatorCard:
        """A description in plain values, for the record of a trial."""
        return {
            "id": self.id,
            **self.identity,
            "accuracy": self.features.accuracy,
            "kept_out": self.kept_out,
            "classes": None if self.histogram is None else len(self.histogram),
            "expected_modes": self.expected_modes,
            "one_class": self.one_class,
            "training": len(self.training.vectors),
            "tested": self.tested,
        }


def build(config: EvaluationConfig, images: ImageSet, features: Features) -> Evaluator:
    """The evaluator of `images` (on the CPU) under `config`.

    It is the same on every machine with the same kind of processor: each batch of images is one thread's. Not with a
    network from a file, for whose large images all threads share a batch.
    """
    if features.kind in FROM_FILE:
        return _build(config, images, features)
    threads = torch.get_num_threads()
    with one_thread():
        return _build(config, images, features, threads)


def identity_of(config: EvaluationConfig, images: ImageSet, features: Features) -> EvaluatorIdentity:
    """Of the evaluator that `build` would make."""
    return {
        "features": features.kind,
        "weights": features.weights_hash,
        "preprocessing": features.preprocessing,
        "data": images.fingerprint,
        "split": config.split,
        "real": len(images.images if config.split == "train" else images.test_images),
        "samples": config.samples,
        "compared": min(config.samples, MAX_COMPARED),
        "neighbours": NEIGHBOURS,
        "protocol": PROTOCOL,
    }


def id_of(identity: EvaluatorIdentity) -> str:
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:8]
    return f"{identity['features']}-{digest}"


def _build(config: EvaluationConfig, images: ImageSet, features: Features, threads: int = 1) -> Evaluator:
    parts = [(images.images, images.labels), (images.test_images, images.test_labels)]
    (real, labels), (held_out, held_out_labels) = parts if config.split == "train" else parts[::-1]
    compared = evenly_spaced(len(real), min(config.samples, MAX_COMPARED))
    vectors = features(real, threads=threads).vectors
    of_real = moments(vectors)
    histogram = None
    if features.kind == "classifier" and labels is not None:
        histogram = torch.bincount(labels, minlength=len(images.class_names)).double()
    searched = evenly_spaced(len(images), MAX_VALUES // features.dimensions)
    of_training = vectors[searched] if config.split == "train" else _vectors(features, images.images, searched, threads)
    evaluator = Evaluator(
        features=features,
        vectors=vectors[compared],
        moments=of_real,
        repeat_distances=RepeatDistances.of(Compared(vectors[compared], _coarse_pixels(real, compared))),
        labels=None if labels is None else labels[compared],
        histogram=histogram,
        identity=identity_of(config, images, features),
        training=TrainingFeatures.of(of_training),
        reference=Reference.of(of_real),
        equal_parts=None,
        kept_out={},
        tested=tested_images(features, images),
    )
    if len(held_out) <= max(features.dimensions, NEIGHBOURS):
        return evaluator
    chosen = evenly_spaced(len(held_out), config.samples)
    scores = evaluator._measure(held_out[chosen], None if held_out_labels is None else held_out_labels[chosen])
    if config.split == "test":  # the images kept out are those of the training: none of them is authentic
        unseen = vectors[evenly_spaced(len(real), config.samples)]
        scores |= evaluator._likeness_to_training(unseen)
    equal_parts = None
    if features.dimensions < MANY_DIMENSIONS:
        count = min(len(real), len(held_out))
        some, others = (
            vectors[evenly_spaced(len(real), count)],
            _vectors(features, held_out, evenly_spaced(len(held_out), count), threads),
        )
        training, unseen = (some, others) if config.split == "train" else (others, some)
        equal_parts = Reference.of(moments(training)), Reference.of(moments(unseen))
    return replace(evaluator, equal_parts=equal_parts, kept_out={"count": len(chosen), **scores})


def _coarse_pixels(images: Tensor, chosen: Tensor) -> Tensor:
    """[chosen, 64 C] of these images, like `_vectors`."""
    return torch.cat([coarse_pixels(images[part]) for part in chosen.split(IMAGES_AT_ONCE)])


def _vectors(features: Features, images: Tensor, chosen: Tensor, threads: int) -> Tensor:
    """[chosen, dimensions] of these images, of which few are copied at a time: they may lie on disk."""
    return torch.cat([features(images[part], threads=threads).vectors for part in chosen.split(IMAGES_AT_ONCE)])
