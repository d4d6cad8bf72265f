"""The points of a run -> the rows of its history, under the report's names: a pure function."""

from __future__ import annotations

import math
from collections.abc import Mapping as NamesMapping
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from gan_core import metric_names
from orchestrator.imports.mapping import QUALITY_METRICS, TRAINING_METRICS
from orchestrator.imports.source_run import Point

if TYPE_CHECKING:
    from gan_core.history import Row  # which needs torch

MAX_ROWS = 1_000
"""Rows of training metrics that are kept of a run: longer histories are averaged over windows of equal length, as our
own trials average theirs. MLflow and the report would take minutes for millions of points."""
LARGEST = 1e300
"""Beyond it a value counts as infinite: MLflow's databases keep infinity as the largest number."""


class History(NamedTuple):
    """rows: in order of steps. diverged: the step and the metric of the first value of training that is not finite; no
    row is after it. left_out: quality metric -> number of its values that were not finite. window: values of a training
    metric that were averaged into one; 1 if none were. first_ms, last_ms: since 1970. last_step: of the source, also
    after a divergence.
    """

    rows: list[Row]
    diverged: tuple[int, str] | None
    left_out: dict[str, int]
    window: int
    first_ms: int
    last_ms: int
    last_step: int


def history(
    series: NamesMapping[str, Sequence[Point]], evaluator: str, batch_size: int | None, default_ms: int
) -> History:
    """series: metric of the report, without the evaluator -> points whose positions are steps. evaluator: its id.

    Of a step that has several values the last one counts. batch_size: images of a step, if they are known.
    default_ms: the time of points without one.
    """
    by_step = {metric: _by_step(points) for metric, points in series.items()}
    diverged = min(
        (
            (step, metric)
            for metric, points in by_step.items()
            if metric in TRAINING_METRICS
            for step, point in points.items()
            if not _is_finite(point.value)
        ),
        default=None,
    )
    last = math.inf if diverged is None else diverged[0]
    rows: dict[int, Row] = {}
    left_out: dict[str, int] = {}
    window = 1
    for metric, points in by_step.items():
        counting = [(step, point) for step, point in points.items() if step <= last]
        finite = [(step, point) for step, point in counting if _is_finite(point.value)]
        is_training = metric in TRAINING_METRICS
        if not is_training and len(finite) < len(counting):
            left_out[metric] = len(counting) - len(finite)
        size = max(1, math.ceil(len(finite) / MAX_ROWS)) if is_training else 1
        window = max(window, size)
        name = metric_names.of_evaluator(metric, evaluator) if metric in QUALITY_METRICS else metric
        for start in range(0, len(finite), size):
            chunk = finite[start : start + size]
            step, end = chunk[-1]
            row = rows.setdefault(step, {"step": step, "time": default_ms})
            row[name] = sum(point.value for _, point in chunk) / len(chunk)
            row["time"] = end.time_ms if end.time_ms is not None else row["time"]
    ordered = [rows[step] for step in sorted(rows)]
    for row in ordered:
        _add_accuracy(row)
    if ordered and batch_size:
        ordered[-1][metric_names.IMAGES_GENERATOR] = ordered[-1]["step"] * batch_size
    times = [int(row["time"]) for row in ordered] or [default_ms]
    last_step = max((step for points in by_step.values() for step in points), default=0)
    return History(ordered, diverged, left_out, window, min(times), max(times), last_step)


def _by_step(points: Sequence[Point]) -> dict[int, Point]:
    """In order of steps."""
    last = {round(point.position): point for point in points}
    return dict(sorted(last.items()))


def _is_finite(value: float) -> bool:
    return math.isfinite(value) and abs(value) < LARGEST


def _add_accuracy(row: Row) -> None:
    """D's balanced accuracy, where both of its parts were logged."""
    both = metric_names.ACCURACY_REAL in row and metric_names.ACCURACY_FAKE in row
    if both and metric_names.ACCURACY_DISCRIMINATOR not in row:
        parts = row[metric_names.ACCURACY_REAL], row[metric_names.ACCURACY_FAKE]
        row[metric_names.ACCURACY_DISCRIMINATOR] = sum(parts) / 2
