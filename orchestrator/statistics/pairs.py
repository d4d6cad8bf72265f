"""What is compared in a pair of runs; None where one of them does not have it."""

from __future__ import annotations

from math import inf

from orchestrator.statistics.result import Result, log_distance, stability


def stable_difference(before: Result, after: Result) -> float | None:
    """1 if only the second run is stable, -1 if only the first one is, else 0."""
    return _difference(stability(before), stability(after))


def log_ratio(before: Result, after: Result) -> float | None:
    """The logarithm of the ratio of their Frechet distances, of runs that both drew."""
    return _difference(log_distance(before), log_distance(after))


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def win(before: Result, after: Result) -> float | None:
    """1 if the second run has the better images, 0 if the first one has, 0.5 for a tie.

    A run that did not draw is worse than any that did. None if one of them is unfinished or not measured.
    """
    first, second = distance_or_infinity(before), distance_or_infinity(after)
    return None if first is None or second is None else (second < first) + 0.5 * (second == first)


def distance_or_infinity(result: Result) -> float | None:
    """The Frechet distance at the end; infinity if the run did not draw. None if it is unfinished or not measured."""
    if result.stable is None:
        return None
    return result.final if result.drew else inf
