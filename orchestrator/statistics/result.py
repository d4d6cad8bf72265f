"""The input of all statistics: how a run ended."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import log
from typing import Any

from orchestrator.formatting import format_level


@dataclass(frozen=True)
class Result:
    """A run that ended.

    factors: path of a setting -> its level, as in the sweep file. stable: False also if the run failed; None if it is
    unfinished, which says nothing about its settings. steps: number of steps it trained. event: step at which it
    diverged, collapsed, ...; None if it had no such event within `steps`. final, best: quality as a Frechet distance
    (lower is better); None if the run diverged or failed. drew: its images at the end can be compared by their quality.
    A run that did not draw, and is not unfinished, is worse than any run that did.
    matched: what runs of a pair must share beside the seed and the other factors. sampled: the factors that were drawn:
    nearly every run has a level of its own, so they are no factors of pairs, but runs of a pair share them.
    stopped: a schedule ended it before its last step, so it is neither stable nor unstable: `stable` is None.
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
    matched: tuple[str, ...] = ()
    sampled: tuple[str, ...] = ()
    stopped: bool = False

    @cached_property
    def levels(self) -> dict[str, str]:
        """The levels as people write them; levels are compared by this text."""
        return {path: format_level(level) for path, level in self.factors.items()}

    @cached_property
    def point(self) -> tuple[str, ...]:
        """The levels of the factors that were drawn."""
        return tuple(self.levels[path] for path in self.sampled if path in self.levels)


ResponseVariable = Callable[[Result], float | None]
"""What is compared between runs; None for a run that does not have it."""


def stability(result: Result) -> float | None:
    """1 for a stable run and 0 for another; None for an unfinished one."""
    return None if result.stable is None else float(result.stable)


def log_distance(result: Result) -> float | None:
    """The natural logarithm of the Frechet distance at the end, of a run that drew."""
    return log(result.final) if result.drew and result.final is not None and result.final > 0 else None


def by_group(results: Iterable[Result]) -> dict[str, list[Result]]:
    """The results of each group, groups in order of appearance."""
    groups: dict[str, list[Result]] = {}
    for result in results:
        groups.setdefault(result.group, []).append(result)
    return groups
