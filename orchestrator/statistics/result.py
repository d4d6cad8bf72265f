"""The one kind of input: what became of a run that has ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from orchestrator.formatting import format_level

RunOutcome = Literal["stable", "final"]


@dataclass(frozen=True)
class Result:
    """One run.

    factors: path of a setting -> its level, as in the sweep file. stable: False where it diverged or failed, too.
    steps: how far it was followed. event: the step at which it diverged, collapsed, ...; None where nothing happened
    up to `steps`. final, best: quality as a Frechet distance (lower is better); None where the run diverged or failed.
    """

    group: str
    configuration: str
    seed: int
    factors: Mapping[str, Any]
    stable: bool
    steps: int
    event: int | None
    final: float | None
    best: float | None

    @cached_property
    def levels(self) -> dict[str, str]:
        """The factors' levels as people write them, which is how levels are told apart."""
        return {path: format_level(level) for path, level in self.factors.items()}

    def value(self, outcome: RunOutcome) -> float | None:
        """The outcome as a number; being stable is 1."""
        return float(self.stable) if outcome == "stable" else self.final


def by_group(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results of each group, groups in order of appearance."""
    found: dict[str, list[Result]] = {}
    for result in results:
        found.setdefault(result.group, []).append(result)
    return found
