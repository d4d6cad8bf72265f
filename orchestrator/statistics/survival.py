"""Kaplan-Meier curves: how many steps runs train until they diverge, collapse or have another event."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from orchestrator.statistics.clusters import clustered_interval
from orchestrator.statistics.intervals import Array
from orchestrator.statistics.result import Result


@dataclass(frozen=True)
class SurvivalCurve:
    """The share of runs without an event after each of `steps`, with its 95% interval.

    runs: number of runs. events: number of runs that had an event. The curve is a step function: between two steps it
    keeps the value of the earlier one. It begins at step 0, with 1 unless a run had its event there, and ends at the
    last step of the longest run. low, high: empty if all runs have one seed.
    """

    steps: list[int]
    surviving: list[float]
    low: list[float]
    high: list[float]
    runs: int
    events: int


def survival_curves(results: Sequence[Result], label: Callable[[Result], str]) -> dict[str, SurvivalCurve]:
    """The curve (Kaplan and Meier 1958) of the runs under each label, in order of appearance.

    Runs without an event are censored at their last step: those that ended well, unfinished ones, trials that failed,
    and those that were ended early. Intervals are Wilson's for as many runs as Greenwood's variance tells of (Rothman
    1978), less what runs that share a seed have in common, which leaving out one seed after the other shows (the
    jackknife over clusters, Lipsitz and Parzen 1996); see `clustered_interval`.
    """
    labelled: dict[str, list[Result]] = {}
    for result in results:
        labelled.setdefault(label(result), []).append(result)
    return {name: _curve(members) for name, members in labelled.items()}


def _curve(runs: Sequence[Result]) -> SurvivalCurve:
    ends = np.array([run.steps if run.event is None else run.event for run in runs])
    has_event = np.array([run.event is not None for run in runs])
    seeds = np.unique([run.seed for run in runs], return_inverse=True)[1]
    steps = np.unique([0, *ends])
    positions = np.searchsorted(steps, ends)
    ending, events = np.zeros((2, seeds.max() + 1, len(steps)))
    np.add.at(ending, (seeds, positions), 1)
    np.add.at(events, (seeds, positions), has_event)
    at_risk = ending.sum(axis=1, keepdims=True) - np.cumsum(ending, axis=1) + ending
    surviving = _kaplan_meier(events.sum(axis=0), at_risk.sum(axis=0))
    low = high = np.array([])
    if len(ending) > 1:
        without = _kaplan_meier(events.sum(axis=0) - events, at_risk.sum(axis=0) - at_risk)
        deviations = (len(ending) - 1) * (surviving - without)
        informative = _independent_runs(surviving, events.sum(axis=0), at_risk.sum(axis=0))
        low, high = clustered_interval(surviving, deviations, informative)
    shares = (surviving.tolist(), low.tolist(), high.tolist())
    return SurvivalCurve(steps.tolist(), *shares, len(runs), int(has_event.sum()))


def _kaplan_meier(events: Array, at_risk: Array) -> Array:
    """The share without an event after each step, along the last axis; it stays as it is where nobody is at risk."""
    return np.asarray(np.cumprod(1 - events / np.maximum(at_risk, 1), axis=-1), float)


def _independent_runs(surviving: Array, events: Array, at_risk: Array) -> Array:
    """The number of runs whose share would have Greenwood's variance. Before the first event it is the number still at
    risk, and after the last one, if that leaves no run, what it was before.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = np.cumsum(events / (at_risk * (at_risk - events)))
        runs = np.where(surviving < 1, (1 - surviving) / (surviving * relative), at_risk)
    last = int(np.count_nonzero(surviving)) - 1
    return np.where(surviving > 0, runs, runs[last] if last >= 0 else at_risk)
