"""An evaluator in plain values, for records and for MLflow. The evaluator itself: `gan_core.evaluation.evaluator`."""

from __future__ import annotations

from typing import TypedDict


class EvaluatorIdentity(TypedDict, total=False):
    """Everything that the numbers of an evaluator depend on.

    `features`: the kind of network. `weights`: hash of its weights. `data`: fingerprint of the data set. `split`: the
    part of it that samples are compared with, and `real`: the number of images in that part. `samples`: the number of
    generated images; `compared`: how many of them all pairwise distances are computed between.
    """

    features: str
    weights: str
    preprocessing: str
    data: str
    split: str
    real: int
    samples: int
    compared: int
    neighbours: int
    protocol: int


class EvaluatorCard(EvaluatorIdentity, total=False):
    """What a trial was measured with. Cards of earlier versions have fewer fields.

    `accuracy`: of a classifier, on test images. `kept_out`: the `count` of held-out real images that were measured like
    samples, and their metrics; {} if too few were held out. `classes`, `expected_modes`: number of classes in the data,
    and of those that as many real images show; None without a classifier. `one_class`: the divergence from the data's
    classes if all samples are of the rarest class, in nats. `training`: the number of training images that memorisation
    is looked for in. `tested`: name of each class -> the number of test images that `accuracy` is measured on.
    """

    id: str
    accuracy: float | None
    kept_out: dict[str, float]
    classes: int | None
    expected_modes: float | None
    one_class: float | None
    training: int
    tested: dict[str, int]
