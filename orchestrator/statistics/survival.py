"""How long runs last: Kaplan-Meier curves of the time to divergence, collapse or any other event."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from orchestrator.statistics.intervals import share
from orchestrator.statistics.result import Result


@dataclass(frozen=True)
class Curve:
    """The share of `runs` runs without an event after each of `steps`, with 95% intervals; `events` had one.

    Between two steps it is that of the earlier one. It begins at step 0, with 1 unless a run had its event there, and
    ends where the last run was left.
    """

    steps: list[int]
    surviving: list[float]
    low: list[float]
    high: list[float]
    runs: int
    events: int


def survival(results: Sequence[Result], label: Callable[[Result], str]) -> dict[str, Curve]:
    """The curve (Kaplan and Meier 1958) of the runs under each label, in order of appearance.

    Runs without an event are censored at their last step. Intervals are log-log (Kalbfleisch and Prentice 1980). Where
    the share is 1 or 0 these do not exist, and Wilson's of the runs that were still followed stands in. All take
    runs as independent: where seeds of several configurations share a curve, and with it their luck, they are somewhat
    narrow.
    """
    labelled: dict[str, list[Result]] = {}
    for result in results:
        labelled.setdefault(label(result), []).append(result)
    return {name: _curve(members) for name, members in labelled.items()}


def _curve(runs: Sequence[Result]) -> Curve:
    from scipy.stats import CensoredData, ecdf

    events = [run.event for run in runs if run.event is not None]
    found = ecdf(CensoredData(events, right=[run.steps for run in runs if run.event is None])).sf
    with warnings.catch_warnings():  # says that intervals at 0 and 1 are undefined
        warnings.simplefilter("ignore", RuntimeWarning)
        interval = found.confidence_interval(0.95, method="log-log")
    curve = Curve([], [], [], [], len(runs), len(events))
    if found.quantiles[0] > 0:
        for values in (curve.surviving, curve.low, curve.high):
            values.append(1.0)
        curve.steps.append(0)
    for step, rate, low, high in zip(
        found.quantiles, found.probabilities, interval.low.probabilities, interval.high.probabilities, strict=True
    ):
        if rate in (0, 1):
            followed = sum((run.steps if run.event is None else run.event) >= step for run in runs)
            _, _, low, high = share(followed if rate else 0, followed)
            high = min([high, *curve.high[-1:]])  # the last of many runs says nothing new of the others
        for values, value in zip((curve.surviving, curve.low, curve.high), (rate, low, high), strict=True):
            values.append(float(value))
        curve.steps.append(int(step))
    return curve
