"""Histories of runs, made by hand, as the verdict looks at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from gan_core import metric_names
from gan_core.history import Row
from gan_core.verdict.reference_values import ReferenceValues

EVALUATOR = "classifier-1a2b3c4d"
CLASSES = 10


def against(**others: Any) -> ReferenceValues:
    """The reference of data with ten classes, whose held-out images cover 0.8 with a density of 1."""
    values: dict[str, Any] = {"loss": "bce", "evaluator": EVALUATOR, "classes": CLASSES, "one_class": log(CLASSES)}
    return ReferenceValues(**values | {"expected_modes": 10.0, "coverage": 0.8, "density": 1.0} | others)


def evaluation(step: int, frechet: float, state: Mapping[str, float], evaluator: str = EVALUATOR) -> Row:
    """An evaluation; `state`: the metrics that differ from those of a generator that draws well."""
    metrics = {
        "coverage": 0.5,
        "density": 0.6,
        "recall": 0.6,
        "distinct_images": 0.98,
        "modes": 10.0,
        "class_divergence": 0.1,
    }
    metrics |= {"frechet": frechet} | {name: value for name, value in state.items() if name != "diversity"}
    row: Row = {"step": step, "diversity/ratio": state.get("diversity", 0.9)}
    return row | {f"{name}/{evaluator}": value for name, value in metrics.items()}


BLOBS = {
    "coverage": 0.0,
    "density": 0.05,
    "recall": 0.0,
    "distinct_images": 0.01,
    "modes": 1.0,
    "class_divergence": 2.3,
}
"""What a generator that has not begun to draw is measured as, its samples all alike."""
NOISE = {
    "coverage": 0.01,
    "density": 0.0,
    "recall": 0.0,
    "distinct_images": 0.99,
    "modes": 8.0,
    "class_divergence": 1.1,
}
REPEATS = {
    "coverage": 0.2,
    "density": 1.1,
    "recall": 0.01,
    "distinct_images": 0.04,
    "modes": 10.0,
    "class_divergence": 0.2,
}
"""20 real images, repeated."""


def history(*states: Mapping[str, float], frechet: Sequence[float] = (), images: float = 25_600.0) -> list[Row]:
    """The untrained generator, then an evaluation every 100 steps: `states`, {} where the generator draws well.

    images: that the generator was trained on, in all.
    """
    distances = list(frechet) or [50.0] * len(states)
    rows = [evaluation(0, 450.0, BLOBS | {"diversity": 0.01})]
    for number, (state, distance) in enumerate(zip(states, distances, strict=True), start=1):
        rows.append({"step": 100 * number, metric_names.IMAGES_GENERATOR: images * number / len(states)})
        rows.append(evaluation(100 * number, distance, state))
    return rows


def windows(accuracies: Sequence[float], losses: Sequence[float]) -> list[Row]:
    """A window every 10 steps."""
    return [
        {"step": 10 * (i + 1), "accuracy/discriminator": accuracy, "loss/generator": loss}
        for i, (accuracy, loss) in enumerate(zip(accuracies, losses, strict=True))
    ]


def quarters(accuracy: float, before: float, after: float) -> list[Row]:
    """Eight windows: the last quarter is the last two, from step 70."""
    return windows([0.5] * 6 + [accuracy] * 2, [9.0] * 4 + [before] * 2 + [after] * 2)
