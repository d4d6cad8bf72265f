"""Evaluators in files, so that the features of the real images are computed once: those of MNIST take 13 s of CPU.

A file serves the code that wrote it. After a change of `gan_core.evaluation` or of torch the evaluator is built again.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import torch

from gan_core import checkpoint
from gan_core.config.sections import EvaluationConfig
from gan_core.data import pixels
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.distinctness import RepeatDistances
from gan_core.evaluation.evaluator import Evaluator, build, id_of, identity_of
from gan_core.evaluation.features import Features
from gan_core.evaluation.frechet import Moments, Reference
from gan_core.evaluation.memorisation import TrainingFeatures
from gan_core.evaluation.tested_images import tested_images


def kept_or_built(config: EvaluationConfig, images: ImageSet, features: Features, folder: Path) -> Evaluator:
    """The evaluator that `build` makes, from its file in `folder`. Built, and written there, if there is none.

    A file that is damaged or of other code is written anew; one that cannot be written is done without.
    """
    identity = identity_of(config, images, features)
    file = folder / f"{id_of(identity)}.pt"
    with suppress(OSError, checkpoint.CheckpointError):
        content = checkpoint.load(file)
        if content.get("code") == _code():
            return _evaluator(content["numbers"], identity, images, features)
    evaluator = build(config, images, features)
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint.save(file, {"code": _code(), "numbers": _numbers(evaluator)})
    return evaluator


@cache
def _code() -> str:
    """A hash of what decides the numbers of an evaluator of an identity: this package, `pixels` and torch."""
    modules = [*sorted(Path(__file__).parent.glob("*.py")), Path(pixels.__file__)]
    content = b"".join(module.read_bytes() for module in modules) + torch.__version__.encode()
    return hashlib.sha256(content).hexdigest()[:16]


def _numbers(evaluator: Evaluator) -> dict[str, Any]:
    """What takes long to compute, in tensors and plain values."""
    return {
        "vectors": evaluator.vectors,
        "moments": tuple(evaluator.moments),
        "repeat_distances": tuple(evaluator.repeat_distances),
        "labels": evaluator.labels,
        "histogram": evaluator.histogram,
        "training": tuple(evaluator.training),
        "reference": tuple(evaluator.reference),
        "equal_parts": evaluator.equal_parts and tuple(tuple(part) for part in evaluator.equal_parts),
        "kept_out": evaluator.kept_out,
    }


def _evaluator(numbers: dict[str, Any], identity: Any, images: ImageSet, features: Features) -> Evaluator:
    parts = numbers["equal_parts"]
    made = {
        "moments": Moments(*numbers["moments"]),
        "repeat_distances": RepeatDistances(*numbers["repeat_distances"]),
        "training": TrainingFeatures(*numbers["training"]),
        "reference": Reference(*numbers["reference"]),
        "equal_parts": parts and tuple(Reference(*part) for part in parts),
    }
    return Evaluator(features=features, identity=identity, tested=tested_images(features, images), **numbers | made)
