"""Trials that are chosen one after another, each from how the ones before it ended.

A map and a search choose so. Points are numbered from 0. Point number n is chosen as soon as the first n - lag + 1
points have ended (`lag` of them need none), from these alone: others that have ended by chance as well are taken for
points that still run. So what is chosen depends on no clock, and a killed sweep goes on as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.space import Space
from orchestrator.statistics.result import Result
from orchestrator.sweepfile.sample import unit_points


@dataclass(frozen=True)
class ChosenPoint:
    """Settings that were chosen, by path, all of the space; and the seed of their trial."""

    settings: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class EndedPoint:
    """A chosen point whose trial has ended. A result that is not stable, or unfinished, did not get there."""

    point: ChosenPoint
    result: Result


class Chooser(Protocol):
    """Says which trial comes next."""

    def choose(self, number: int, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint]) -> ChosenPoint:
        """The trial with this number, from 0.

        ended: the first points, in their order. pending: those after them, before this one. A pure function of its
        arguments and of the chooser's fields: the same on every machine, and after any kill.
        """


def sobol_start(space: Space, seed: int, number: int) -> ChosenPoint:
    """Point `number` of the space's Sobol sequence: spread evenly, before there is anything to choose from.

    The same sequence as the one from which a `sample:` draws. seed: of the choosing; the trial's seed is its number.
    """
    position = unit_points("sobol", len(space.dimensions), number + 1, seed)[number]
    order = sorted(space.paths)
    return ChosenPoint(space.settings_at([position[order.index(path)] for path in space.paths]), number)
