"""The input of all statistics: how a run ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from orchestrator.formatting import format_level

RunOutcome = Literal["stable", "final"]
"""What is compared between runs: whether they are stable, or their quality at the end."""


@dataclass(frozen=True)
class Result:
    """A run that ended.

    factors: path of a setting -> its level, as in the sweep file. stable: False also if the run failed; None if it is
    unfinished, which says nothing about its settings. steps: number of steps it trained. event: step at which it
    diverged, collapsed, ...; None if it had no such event within `steps`. final, best: quality as a Frechet distance
    (lower is better); None if the run diverged or failed. drew: its images at the end can be compared by their quality.
    A run that did not draw, and is not unfinished, is worse than any run that did.
    """

    group: str
    configuration: str
    seed: int
    factors: Mapping[str, Any]
    stable: bool | None
    steps: int
    event: int | None
    final: float | None
    best: float | None
    drew: bool

    @cached_property
    def levels(self) -> dict[str, str]:
        """The levels as people write them; levels are compared by this text."""
        return {path: format_level(level) for path, level in self.factors.items()}

    def value(self, outcome: RunOutcome) -> float | None:
        """The outcome as a number; 1.0 for a stable run. None if there is none, or if the run is unfinished."""
        if self.stable is None:
            return None
        return float(self.stable) if outcome == "stable" else self.final


def by_group(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results of each group, groups in order of appearance."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    return groups
