"""The history of a run as the rules of the verdict look at it: its windows, and its evaluations one by one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from gan_core import metric_names
from gan_core.verdict.reference_values import ReferenceValues

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch

MIN_DIVERSITY = 0.5
MIN_DISTINCT_SHARE = 0.33
MIN_DISTINCT_SHARE_IN_FEATURES = 0.25
"""Of a number of distinct images by features alone, in which fewer are."""
MIN_RECALL = 0.05
MIN_MODES_SHARE = 0.5
MAX_CLASS_DIVERGENCE = 0.6
MIN_COVERAGE_SHARE = 0.08
FAR_COVERAGE_SHARE = 0.04
MIN_DENSITY_SHARE = 0.25
LEARNING_RATIO = 0.5
MIN_DENSITY_SHARE_OF_ONE_IMAGE, ONE_IMAGE = 0.5, 0.25
"""Samples are nearly one image if they are less diverse than ONE_IMAGE. A blob may lie among real images by luck."""

Series = list[tuple[int, float]]
"""(step, value) of one metric, in order of steps."""


@dataclass(frozen=True)
class Evaluation:
    """One evaluation of the generator.

    lack: how the samples lack variety, in words; "" if they do not. is_near_data: the samples cover enough of the real
    images, and are enough nearer to them than those of the untrained generator, for a generator that draws; True if
    nothing measured it. has_left_data: they cover so few that a generator that drew before does not draw any more.
    looks_real: most samples do. is_one_image: they are nearly one image; False if nothing measured it. frechet: at
    least that of held-out images, below which all generators are as good; None if nothing measured it.
    """

    step: int
    lack: str
    is_near_data: bool
    has_left_data: bool
    looks_real: bool
    is_one_image: bool
    frechet: float | None

    @property
    def draws(self) -> bool:
        """The samples are varied and like the data."""
        return not self.lack and self.is_near_data


@dataclass(frozen=True)
class FinishedRun:
    """A run that took all its steps, or diverged at the step and with the tensor in `diverged`."""

    rows: Sequence[Row]
    reference: ReferenceValues
    diverged: tuple[int, str] | None = None

    def series(self, metric: str) -> Series:
        return [(int(row["step"]), row[metric]) for row in self.rows if metric in row]

    @property
    def frechet(self) -> Series:
        """Frechet distance of the generator's own weights at each evaluation, before the first step too."""
        values = [(row, _value(row, metric_names.FRECHET, self.reference.evaluator)) for row in self.rows]
        return [(int(row["step"]), value) for row, value in values if value is not None]

    @cached_property
    def evaluations(self) -> list[Evaluation]:
        """All but that of the untrained generator. Of an imported run they may have the Frechet distance alone."""
        evaluator = self.reference.evaluator
        metrics = (metric_names.DIVERSITY_RATIO, metric_names.coverage(evaluator), metric_names.frechet(evaluator))
        untrained = next((distance for step, distance in self.frechet if step == 0), math.inf)
        return [
            _evaluation(row, self.reference, untrained)
            for row in self.rows
            if row["step"] > 0 and any(metric in row for metric in metrics)
        ]

    @cached_property
    def first_drawing(self) -> int | None:
        """The index of the first evaluation in which the generator draws; None if there is none."""
        return next((index for index, each in enumerate(self.evaluations) if each.draws), None)

    @cached_property
    def lost_variety(self) -> list[bool]:
        """For each evaluation: the samples lack variety, and this is a loss.

        It is one if the generator drew before, or if the samples look real. Blobs of a generator that has not begun to
        draw are alike, too.
        """
        first = len(self.evaluations) if self.first_drawing is None else self.first_drawing
        return [bool(each.lack) and (index > first or each.looks_real) for index, each in enumerate(self.evaluations)]

    @property
    def end_length(self) -> int:
        """How many evaluations are the end of the run: a quarter of them, and at least two if there are four."""
        count = len(self.evaluations)
        return max(1 if count < 4 else 2, count // 4)

    @property
    def images(self) -> float:
        """The number of images that the generator was trained on; infinite if that is not known."""
        name = metric_names.IMAGES_GENERATOR
        return next((row[name] for row in reversed(self.rows) if name in row), math.inf)


def geometric_mean(evaluations: Sequence[Evaluation]) -> float | None:
    """The geometric mean of the Frechet distances; None if there are none."""
    logs = [math.log(max(each.frechet, 1e-9)) for each in evaluations if each.frechet is not None]
    return math.exp(sum(logs) / len(logs)) if logs else None


def _evaluation(row: Row, reference: ReferenceValues, untrained: float) -> Evaluation:
    """untrained: the Frechet distance of the untrained generator; infinite if nothing measured it."""
    values = {name: _value(row, name, reference.evaluator) for name in _QUALITY}
    coverage, density, diversity = values[metric_names.COVERAGE], values[metric_names.DENSITY], _diversity(row)
    is_covering = coverage is not None and coverage >= MIN_COVERAGE_SHARE * reference.coverage
    frechet = values[metric_names.FRECHET]
    is_one_image = diversity is not None and diversity < ONE_IMAGE
    min_density = MIN_DENSITY_SHARE_OF_ONE_IMAGE if is_one_image else MIN_DENSITY_SHARE
    return Evaluation(
        step=int(row["step"]),
        lack=_lack(values, diversity, is_covering, reference),
        is_near_data=(coverage is None or is_covering) and (frechet or 0.0) <= LEARNING_RATIO * untrained,
        has_left_data=coverage is not None and coverage < FAR_COVERAGE_SHARE * reference.coverage,
        looks_real=density is not None and density >= min_density * reference.density,
        is_one_image=is_one_image,
        frechet=None if frechet is None else max(frechet, reference.frechet),
    )


_QUALITY = (
    metric_names.COVERAGE,
    metric_names.DENSITY,
    metric_names.DISTINCT_IMAGES,
    metric_names.DISTINCT,
    metric_names.RECALL,
    metric_names.MODES,
    metric_names.CLASS_DIVERGENCE,
    metric_names.FRECHET,
)


def _value(row: Row, metric: str, evaluator: str) -> float | None:
    """The value of the generator itself, not of its moving average."""
    name = metric_names.of_evaluator(metric, evaluator)
    return row.get(metric_names.raw(name), row.get(name))


def _diversity(row: Row) -> float | None:
    """Earlier versions measured the diversity of the average only; then there is none."""
    if metric_names.raw(metric_names.DIVERSITY_RATIO) in row:
        return row[metric_names.raw(metric_names.DIVERSITY_RATIO)]
    has_average = any(name.startswith(metric_names.raw("")) for name in row)
    return None if has_average else row.get(metric_names.DIVERSITY_RATIO)


def _lack(
    values: dict[str, float | None], diversity: float | None, is_covering: bool, reference: ReferenceValues
) -> str:
    """How the samples lack variety; "" if they do not."""
    if diversity is not None and diversity < MIN_DIVERSITY:
        return f"the samples are {diversity:.0%} as diverse as the data"
    distinct, least = values[metric_names.DISTINCT_IMAGES], MIN_DISTINCT_SHARE
    if distinct is None:
        distinct, least = values[metric_names.DISTINCT], MIN_DISTINCT_SHARE_IN_FEATURES
    if distinct is not None and distinct < least * reference.real_share:
        return f"{distinct:.1%} of the samples are distinct images, the others repeat them"
    modes = values[metric_names.MODES]
    if modes is not None and modes <= MIN_MODES_SHARE * (reference.expected_modes or 0.0):
        return f"the samples show {modes:.0f} classes, and as many real images {reference.expected_modes:.0f}"
    divergence = values[metric_names.CLASS_DIVERGENCE]
    if divergence is not None and reference.one_class and divergence > MAX_CLASS_DIVERGENCE * reference.one_class:
        share = divergence / reference.one_class
        return f"nearly all samples are of few classes (their divergence is {share:.0%} of that of a single class)"
    recall = values[metric_names.RECALL]
    if distinct is None and recall is not None and is_covering and recall < MIN_RECALL:
        return f"the samples leave out {1 - recall:.0%} of the real images"
    return ""
