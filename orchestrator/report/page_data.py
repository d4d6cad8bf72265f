"""What the page's own scripts draw from: trials, their factors, and their curves, thinned and packed."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from gan_core import metric_names
from orchestrator.formatting import format_level, short_names
from orchestrator.report.data import Curve, RunData, SweepData, curve_titles

MAX_POINTS = 400_000
"""Points of all curves in one page: 2 MB. A trial's curve keeps at least 40 of them."""


def model(data: SweepData) -> dict[str, Any]:
    """{trials, metrics, axes}: see `_trial` and `_packed`; everything is plain JSON."""
    measured = {metric for run in data.runs for metric in run.history}
    titles = {metric: title for metric, title in curve_titles(data).items() if metric in measured}
    most = max(40, MAX_POINTS // max(1, len(data.runs) * len(titles)))
    axes: dict[bytes, int] = {}
    metrics = [
        {"title": title, "curves": [_packed(run.history.get(metric), most, axes) for run in data.runs]}
        for metric, title in titles.items()
    ]
    return {
        "trials": [_trial(run) for run in data.runs],
        "metrics": metrics,
        "axes": [_base64(steps) for steps in axes],
    }


def _trial(run: RunData) -> dict[str, Any]:
    names = short_names(list(run.factors))
    return {
        "name": run.name,
        "configuration": run.configuration,
        "group": run.group,
        "seed": run.seed,
        "confirms": run.confirms,
        "outcome": run.outcome,
        "stable": (run.verdict == "stable") if run.ended else None,
        "factors": {names[path]: format_level(level) for path, level in run.factors.items()},
        "final": run.quality(metric_names.FRECHET),
    }


def _packed(curve: Curve | None, most: int, axes: dict[bytes, int]) -> list[Any] | None:
    """[number of the axis, values in base64]: float32, little-endian; steps are uint32, each different axis once."""
    if curve is None:
        return None
    steps, values = thin(curve, most)
    axis = axes.setdefault(steps.astype("<u4").tobytes(), len(axes))
    return [axis, _base64(np.clip(values, -3e38, 3e38).astype("<f4").tobytes())]


def thin(curve: Curve, most: int) -> Curve:
    """At most `most` points of the curve (two and more), at even distances, with its ends."""
    steps, values = curve
    if len(steps) <= most:
        return curve
    kept = np.linspace(0, len(steps) - 1, most).round().astype(int)
    return steps[kept], values[kept]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
