"""Made outcomes of the trials of a sweep that trains until its question is answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from orchestrator.planning.adaptive import TrialId
from orchestrator.statistics.group_comparison import Member
from orchestrator.statistics.result import Result

LR, NOISE = "optimizer.lr", "stabilizers.instance_noise"
Outcome = Callable[[dict[str, Any], int], tuple[bool | None, float | None]]
"""(levels, seed) -> whether the run is stable, and its Frechet distance."""
GRID: list[dict[str, Any]] = [{LR: lr, NOISE: noise} for lr in (1, 2) for noise in (0, 0.1)]


def name_of(levels: dict[str, Any]) -> str:
    return " ".join(str(level) for level in levels.values())


def member(
    levels: dict[str, Any], seed: int, stable: bool | None, final: float | None, group: str = "g", evaluator: str = "e"
) -> Member:
    drew = stable is True
    name = name_of(levels) if group == "g" else f"{group} {name_of(levels)}".strip()
    result = Result(group, name, seed, levels, stable, 100, None if stable else 50, final, final, drew)
    return Member(result, levels, evaluator)


def planned(grid: list[dict[str, Any]] = GRID) -> list[Member]:
    return [member(levels, 0, True, 1.0, evaluator="") for levels in grid]


def trials(outcome: Outcome, seeds: int, grid: list[dict[str, Any]] = GRID) -> dict[TrialId, Member]:
    """All trials with so many seeds."""
    return {
        (name_of(levels), seed): member(levels, seed, *outcome(levels, seed))
        for levels in grid
        for seed in range(seeds)
    }
