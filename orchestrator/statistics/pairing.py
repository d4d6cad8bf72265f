"""Which runs differ in nothing but some factors, and the differences between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from orchestrator.formatting import format_level
from orchestrator.statistics.result import Result, RunOutcome

Levels = tuple[str, ...]


def level_of(result: Result, factor: str) -> str:
    """The level as people write it; "default" where the run does not set it."""
    return result.levels.get(factor) or format_level(None)


def varied_factors(results: Sequence[Result]) -> dict[str, dict[str, Any]]:
    """The factors that vary, each with its levels (as written -> as given), all in order of appearance.

    Of factors that move together (`zip:`) only the first: nothing tells what each of them does.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in _paths(results):
        levels: dict[str, Any] = {}
        for result in results:
            levels.setdefault(level_of(result, path), result.factors.get(path))
        if len(levels) > 1 and not any(_together(results, path, earlier) for earlier in found):
            found[path] = levels
    return found


def confounded_with(results: Sequence[Result], factor: str) -> tuple[str, ...]:
    """The other factors whose level changes exactly when this one's does."""
    return tuple(path for path in _paths(results) if path != factor and _together(results, path, factor))


def _paths(results: Sequence[Result]) -> list[str]:
    return list(dict.fromkeys(path for result in results for path in result.factors))


def _together(results: Sequence[Result], one: str, other: str) -> bool:
    levels = {(level_of(result, one), level_of(result, other)) for result in results}
    return len({a for a, _ in levels}) == len({b for _, b in levels}) == len(levels)


def blocks(
    results: Sequence[Result], factors: Sequence[str], varied: Iterable[str]
) -> list[tuple[int, dict[Levels, Result]]]:
    """Runs of one group that are alike in all but `factors`, the seed included: (seed, levels of `factors` -> run).

    `varied`: the group's factors, as `varied_factors` finds them.
    """
    rest = [path for path in varied if path not in factors]
    found: dict[tuple[int, Levels], dict[Levels, Result]] = {}
    for result in results:
        alike = (result.seed, tuple(level_of(result, path) for path in rest))
        found.setdefault(alike, {})[tuple(level_of(result, path) for path in factors)] = result
    return [(seed, block) for (seed, _), block in found.items()]


def complete_blocks(
    found: Sequence[tuple[int, dict[Levels, Result]]], wanted: Sequence[Levels]
) -> Iterator[tuple[int, list[Result]]]:
    """(seed, the runs at the wanted levels, in that order) of the blocks that have them all."""
    for seed, block in found:
        if all(levels in block for levels in wanted):
            yield seed, [block[levels] for levels in wanted]


def contrasts_by_seed(
    found: Sequence[tuple[int, dict[Levels, Result]]], weights: Mapping[Levels, int], outcome: RunOutcome
) -> list[list[float]]:
    """For each seed, the weighted sums of the outcome over the blocks in which every weighted run has it."""
    sums: dict[int, list[float]] = {}
    for seed, runs in complete_blocks(found, list(weights)):
        values = [run.value(outcome) for run in runs]
        known = [weight * value for weight, value in zip(weights.values(), values, strict=True) if value is not None]
        if len(known) == len(weights):
            sums.setdefault(seed, []).append(sum(known))
    return list(sums.values())
