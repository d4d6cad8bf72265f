"""A goal of a benchmark, the measured value, and whether the goal was met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class GoalResult:
    """One line of a benchmark's output. `measured`: the value with its unit; `met`: None if there is no goal."""

    name: str
    measured: str
    goal: str
    met: bool | None

    def __str__(self) -> str:
        verdict = {True: "met", False: "NOT MET", None: ""}[self.met]
        return f"{self.name:<58}{self.measured:<36}{self.goal:<26}{verdict}".rstrip()
