"""An `Evaluator` compares generated images with real ones, under an identity of its own.

The same images score differently under other features, other real images or another count. So every metric carries the
evaluator's id in its name (`frechet/classifier-1a2b3c4d`): numbers of two evaluators never share a column.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from gan_core import metric_names
from gan_core.config.sections import EvaluationConfig
from gan_core.data.datasets import ImageSet
from gan_core.data.pixels import spread
from gan_core.evaluation.features import Features
from gan_core.evaluation.frechet import Moments, frechet_distance, moments
from gan_core.evaluation.kernel import kernel_distance
from gan_core.evaluation.manifold import manifold
from gan_core.evaluation.modes import class_agreement, class_divergence, modes_covered
from gan_core.threads import one_thread

NEIGHBOURS = 5
MAX_COMPARED = 4096
"""Distances between all pairs (kernel, precision and recall) are taken of so many images at most."""
PROTOCOL = 1
"""Counted up when anything changes that no other field of an identity shows: latents, subsets, batch norm's mode."""
CLASSIFIER_FLOOR = 0.9
"""Below this test accuracy a classifier's modes and class agreement are called rough."""


@dataclass(frozen=True)
class Evaluator:
    """`vectors` [compared, d] and `moments`: of the real images. `histogram` [classes]: of the real labels, or None.

    `identity`: everything that the numbers depend on. `kept_out`: how many real images of the data's other part were
    measured in place of samples, and their metrics.
    """

    features: Features
    vectors: Tensor
    moments: Moments
    histogram: Tensor | None
    identity: dict[str, Any]
    kept_out: dict[str, float]

    @property
    def id(self) -> str:
        digest = hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()[:8]
        return f"{self.features.kind}-{digest}"

    @property
    def expected_modes(self) -> float | None:
        """How many classes as many real images as there are samples would show, on average."""
        if self.histogram is None:
            return None
        missing = (1 - self.histogram / self.histogram.sum()) ** self.identity["samples"]
        return float((1 - missing).sum())

    def measure(self, images: Tensor, asked: Tensor | None = None) -> dict[str, float]:
        """Metrics by name, with the id: of `images` uint8 [N, C, H, W]; `asked` [N]: the classes asked for."""
        return {metric_names.of_evaluator(name, self.id): value for name, value in self._measure(images, asked).items()}

    def _measure(self, images: Tensor, asked: Tensor | None) -> dict[str, float]:
        vectors, classes = self.features(images)
        some = vectors[spread(len(vectors), MAX_COMPARED)]
        distance, its_spread = kernel_distance(self.vectors, some)
        found = {
            metric_names.FRECHET: frechet_distance(self.moments, moments(vectors)),
            metric_names.KERNEL: distance,
            metric_names.KERNEL_SPREAD: its_spread,
            **manifold(self.vectors, some, NEIGHBOURS)._asdict(),
        }
        if classes is not None and self.histogram is not None:
            found[metric_names.MODES] = float(modes_covered(classes, len(self.histogram)))
            found[metric_names.CLASS_DIVERGENCE] = class_divergence(classes, self.histogram)
            if asked is not None:
                found[metric_names.CLASS_AGREEMENT] = class_agreement(classes, asked)
        return found

    def card(self) -> dict[str, Any]:
        """What is worth knowing of it: its id and identity, its classifier's test accuracy, and `kept_out`."""
        return {"id": self.id, **self.identity, "accuracy": self.features.accuracy, "kept_out": self.kept_out}


def build(config: EvaluationConfig, images: ImageSet, features: Features) -> Evaluator:
    """The evaluator of `images` (on the CPU) under `config`.

    The same on every machine with the same kind of processor, except with Inception, which one thread takes hours for.
    """
    with nullcontext() if features.kind == "inception" else one_thread():
        return _build(config, images, features)


def _build(config: EvaluationConfig, images: ImageSet, features: Features) -> Evaluator:
    parts = [(images.images, images.labels), (images.test_images, images.test_labels)]
    (real, labels), (others, other_labels) = parts if config.split == "train" else parts[::-1]
    compared = min(config.samples, MAX_COMPARED)
    everything = features(real).vectors
    identity = {
        "features": features.kind,
        "weights": features.weights_hash,
        "preprocessing": features.preprocessing,
        "data": images.fingerprint,
        "split": config.split,
        "real": len(real),
        "samples": config.samples,
        "compared": compared,
        "neighbours": NEIGHBOURS,
        "protocol": PROTOCOL,
    }
    histogram = None
    if features.kind == "classifier" and labels is not None:
        histogram = torch.bincount(labels, minlength=len(images.class_names)).double()
    made = Evaluator(features, everything[spread(len(real), compared)], moments(everything), histogram, identity, {})
    if len(others) <= max(features.dimensions, NEIGHBOURS):
        return made
    chosen = spread(len(others), config.samples)
    scores = made._measure(others[chosen], None if other_labels is None else other_labels[chosen])
    return replace(made, kept_out={"count": len(chosen), **scores})
