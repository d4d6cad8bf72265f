"""Blocks of runs that differ in chosen factors only, and contrasts within these blocks."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.formatting import format_level
from orchestrator.statistics.result import ResponseVariable, Result

Levels = tuple[str, ...]
"""One level of each chosen factor, as people write it."""
Block = dict[Levels, Result]
"""Runs that are equal in all but the chosen factors, by the levels of these."""


def level_of(result: Result, factor: str) -> str:
    """The run's level of the factor as people write it; "default" if the run does not set it."""
    return result.levels.get(factor) or format_level(None)


def varied_factors(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """The factors that vary, each with its levels (text -> value), all in order of appearance.

    Those that are drawn are left out: nearly every run has a level of its own.
    Confounded factors (swept together under `zip:`) are represented by the first, as their effects cannot be separated.
    """
    factors: dict[str, dict[str, Any]] = {}
    for path in _paths(results):
        levels: dict[str, Any] = {}
        for result in results:
            levels.setdefault(level_of(result, path), result.factors.get(path))
        if len(levels) > 1 and not any(_are_confounded(results, path, earlier) for earlier in factors):
            factors[path] = levels
    return factors


def confounded_with(results: Sequence[Result], factor: str) -> tuple[str, ...]:
    """The other factors whose level changes exactly when the level of `factor` does."""
    return tuple(path for path in _paths(results) if path != factor and _are_confounded(results, path, factor))


def _paths(results: Sequence[Result]) -> list[str]:
    drawn = {path for result in results for path in result.sampled}
    return list(dict.fromkeys(path for result in results for path in result.factors if path not in drawn))


def _are_confounded(results: Sequence[Result], factor: str, other: str) -> bool:
    levels = {(level_of(result, factor), level_of(result, other)) for result in results}
    return len({a for a, _ in levels}) == len({b for _, b in levels}) == len(levels)


def blocks(results: Sequence[Result], factors: Sequence[str], varied: Iterable[str]) -> list[tuple[int, Block]]:
    """(seed, block) for the runs of one group that share the seed, `matched`, and all levels except those of `factors`.

    `varied`: the group's factors, as `varied_factors` returns them.
    """
    other_factors = [path for path in varied if path not in factors]
    by_seed_and_levels: dict[tuple[int, Levels, tuple[str, ...]], Block] = {}
    for result in results:
        key = (result.seed, tuple(level_of(result, path) for path in other_factors), (*result.matched, *result.point))
        by_seed_and_levels.setdefault(key, {})[tuple(level_of(result, path) for path in factors)] = result
    return [(seed, block) for (seed, _, _), block in by_seed_and_levels.items()]


def complete_blocks(
    blocks: Sequence[tuple[int, Block]], wanted: Sequence[Levels]
) -> Iterator[tuple[int, list[Result]]]:
    """(seed, runs at the `wanted` levels, in that order) for each block that has a run at all of them."""
    for seed, block in blocks:
        if all(levels in block for levels in wanted):
            yield seed, [block[levels] for levels in wanted]


def contrasts_by_seed(
    blocks: Sequence[tuple[int, Block]], weights: Mapping[Levels, int], outcome: ResponseVariable
) -> list[list[float]]:
    """For each seed, the weighted sums of the outcome, one for each block in which all weighted runs have it."""
    sums: dict[int, list[float]] = {}
    for seed, runs in complete_blocks(blocks, list(weights)):
        values = [outcome(run) for run in runs]
        known = [weight * value for weight, value in zip(weights.values(), values, strict=True) if value is not None]
        if len(known) == len(weights):
            sums.setdefault(seed, []).append(sum(known))
    return list(sums.values())
