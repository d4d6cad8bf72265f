"""A goal, what was measured, and whether it was met."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """`measured`: as it is told; `met`: None where there is nothing to meet."""

    name: str
    measured: str
    goal: str
    met: bool | None

    def __str__(self) -> str:
        verdict = {True: "met", False: "NOT MET", None: ""}[self.met]
        return f"{self.name:<50}{self.measured:<36}{self.goal:<26}{verdict}".rstrip()
