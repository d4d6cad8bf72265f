"""The data that the page's own scripts draw from: trials, their factors, and their curves, thinned and packed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from gan_core import metric_names
from orchestrator.formatting import format_level, short_names
from orchestrator.report.data import Curve, RunData, SweepData, curve_titles
from orchestrator.report.held_out_baseline import Baseline, baselines
from orchestrator.report.value_bins import bin_labels, bin_number, is_binned
from orchestrator.space import Interval, Ordered, Space

MAX_POINTS = 400_000
"""Points of all curves in one page: 2 MB."""
MIN_POINTS_PER_CURVE = 40
MAX_FLOAT32 = 3e38

PackedCurve = tuple[int, str]
"""(number of its axis in `axes`, values as float32, little-endian, in base64)."""


class TrialModel(TypedDict):
    """`stable`: None if the trial has not ended or is unfinished. `shown`: whether it has curves. `factors`: short name
    -> level. `ranges`, `values`: short name of a drawn setting with many values -> the range of its value, and the
    value. `final`: the Frechet distance. It, `modes` and `recall` are None if several evaluators measured the group:
    they cannot be compared.
    """

    name: str
    configuration: str
    group: str
    seed: int
    confirms: bool
    outcome: str
    stable: bool | None
    shown: bool
    factors: dict[str, str]
    ranges: dict[str, str]
    values: dict[str, float]
    final: float | None
    modes: float | None
    recall: float | None


class MetricModel(TypedDict):
    """`curves`: in the order of the trials; None for a trial without this metric, or that is not shown. `baseline`: see
    `baselines`.
    """

    title: str
    baseline: Baseline | None
    curves: list[PackedCurve | None]


class Scale(TypedDict):
    """Of a drawn setting with many values. `ranges`: the names of its ranges, in order. `low`, `high`: its ends."""

    ranges: list[str]
    log: bool
    low: float
    high: float


class PageModel(TypedDict):
    """`scales`: group -> short name of a drawn setting with many values -> its scale. `axes`: the steps of curves as
    uint32, little-endian, in base64. Curves with the same steps share one.
    """

    trials: list[TrialModel]
    metrics: list[MetricModel]
    axes: list[str]
    scales: dict[str, dict[str, Scale]]


def page_model(data: SweepData, shown: Sequence[int] | None = None) -> PageModel:
    """Plain JSON, without NaN. `shown`: the numbers of the trials that have curves; None: all."""
    drawn = frozenset(range(len(data.runs)) if shown is None else shown)
    measured = {metric for run in data.runs for metric in run.history}
    titles = {metric: title for metric, title in curve_titles(data).items() if metric in measured}
    points_per_curve = max(MIN_POINTS_PER_CURVE, MAX_POINTS // max(1, len(drawn) * len(titles)))
    axes: dict[bytes, int] = {}
    of_real_images = baselines(data)
    evaluators: dict[str, set[str]] = {group: set() for group in data.groups}
    for run in data.runs:
        evaluators[run.group] |= {run.evaluator.id} if run.evaluator else set()
    metrics: list[MetricModel] = [
        {
            "title": title,
            "baseline": of_real_images.get(metric),
            "curves": [
                _packed(run.history.get(metric) if number in drawn else None, points_per_curve, axes)
                for number, run in enumerate(data.runs)
            ],
        }
        for metric, title in titles.items()
    ]
    return {
        "trials": [
            _trial(run, number in drawn, len(evaluators[run.group]) <= 1, _binned(data, run))
            for number, run in enumerate(data.runs)
        ],
        "metrics": metrics,
        "axes": [_base64(steps) for steps in axes],
        "scales": {run.group: _scales(run, _binned(data, run)) for run in data.runs if _binned(data, run)},
    }


def _binned(data: SweepData, run: RunData) -> dict[str, Ordered]:
    """Path -> dimension of each drawn setting of the run that has too many values to be shown as levels."""
    space = data.spaces.get(run.group, Space(()))
    return {
        each.path: each
        for each in space.dimensions
        if isinstance(each, Ordered) and is_binned(each) and each.path in run.sampled
    }


def _scales(run: RunData, binned: dict[str, Ordered]) -> dict[str, Scale]:
    names = short_names(list(run.factors))
    return {
        names[path]: {
            "ranges": bin_labels(each),
            "log": isinstance(each, Interval) and each.is_log,
            "low": float(each.low),
            "high": float(each.high),
        }
        for path, each in binned.items()
    }


def _trial(run: RunData, is_shown: bool, is_comparable: bool, binned: dict[str, Ordered]) -> TrialModel:
    names = short_names(list(run.factors))
    return {
        "name": run.name,
        "configuration": run.configuration,
        "group": run.group,
        "seed": run.seed,
        "confirms": run.confirms,
        "outcome": run.outcome,
        "stable": run.to_result().stable if run.has_ended else None,
        "shown": is_shown,
        "factors": {names[path]: format_level(level) for path, level in run.factors.items()},
        "ranges": {names[path]: bin_labels(d)[bin_number(d, run.factors[path])] for path, d in binned.items()},
        "values": {names[path]: float(run.factors[path]) for path in binned},
        "final": run.quality(metric_names.FRECHET) if is_comparable else None,
        "modes": run.quality(metric_names.MODES) if is_comparable else None,
        "recall": run.quality(metric_names.RECALL) if is_comparable else None,
    }


def _packed(curve: Curve | None, max_points: int, axes: dict[bytes, int]) -> PackedCurve | None:
    """`axes`: bytes of an axis -> its number; new axes are added."""
    if curve is None:
        return None
    steps, values = thin(curve, max_points)
    axis = axes.setdefault(steps.astype("<u4").tobytes(), len(axes))
    return axis, _base64(np.clip(values, -MAX_FLOAT32, MAX_FLOAT32).astype("<f4").tobytes())


def thin(curve: Curve, max_points: int) -> Curve:
    """At most `max_points` (2 or more) points of the curve, at even distances, with its first and its last."""
    steps, values = curve
    if len(steps) <= max_points:
        return curve
    chosen = np.linspace(0, len(steps) - 1, max_points).round().astype(int)
    return steps[chosen], values[chosen]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
