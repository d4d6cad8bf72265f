"""The map of stability in slices that can be drawn: two settings across and up, all others at a value each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from orchestrator.formatting import format_level, short_names
from orchestrator.report.data import RunData, SweepData
from orchestrator.space import Ordered
from orchestrator.statistics.intervals import Array
from orchestrator.statistics.stability_map import StabilityMap, ordered, stability_map, to_units

PLACES = 41
"""Of a picture, in each direction."""
PARTS = 3
"""Parts of the range of a setting that is neither across nor up: a slice stands for each."""


class Trial(NamedTuple):
    """A run on the map, and its number in `SweepData.runs`."""

    number: int
    run: RunData


@dataclass(frozen=True)
class Slice:
    """fixed: value of each other setting, by path. trials: those in the same part of its range.

    stable: [up, across] P(stable); above_half: how probable it is that this is above 50%. distance: expected Frechet
    distance of a run that draws; None if too few drew.
    """

    fixed: dict[str, Any]
    trials: tuple[Trial, ...]
    stable: Array
    above_half: Array
    distance: Array | None


@dataclass(frozen=True)
class MapContent:
    """What the report shows of a map. names: path of a setting -> its short name. unended: trials that have not
    ended, with those that are not chosen yet."""

    map: StabilityMap
    trials: tuple[Trial, ...]
    names: dict[str, str]
    unended: int

    @property
    def across(self) -> Ordered:
        return ordered(self.map.space.dimensions[0])

    @property
    def up(self) -> Ordered:
        return ordered(self.map.space.dimensions[1])

    @property
    def xs(self) -> list[float]:
        return values_of(self.across)

    @property
    def ys(self) -> list[float]:
        return values_of(self.up)

    @property
    def options(self) -> list[list[Any]]:
        """The values at which there are slices, of each setting that is neither across nor up."""
        others = [ordered(each) for each in self.map.space.dimensions[2:]]
        return [[_value(each, number) for number in range(_count(each))] for each in others]

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """One for each combination of parts of the other settings: a single one of a map of two settings."""
        others = [ordered(each) for each in self.map.space.dimensions[2:]]
        return tuple(self._slice(numbers) for numbers in product(*(range(_count(each)) for each in others)))

    def _slice(self, numbers: Sequence[int]) -> Slice:
        others = [ordered(each) for each in self.map.space.dimensions[2:]]
        fixed = {each.path: _value(each, number) for each, number in zip(others, numbers, strict=True)}
        points = self.grid(np.linspace(0, 1, PLACES), np.linspace(0, 1, PLACES), fixed)
        belief = self.map.model.belief(points)
        stable = belief.probability().reshape(PLACES, PLACES)
        distance = self.map.surface.expected(points)[0].reshape(PLACES, PLACES) if self.map.surface else None
        units = [to_units(self.map.space, position) for position in self.map.points]
        inside = tuple(
            trial
            for trial, unit in zip(self.trials, units, strict=True)
            if all(
                int(place * _count(each)) == number or (place == 1 and number == _count(each) - 1)
                for place, each, number in zip(unit[2:], others, numbers, strict=True)
            )
        )
        return Slice(fixed, inside, stable, belief.above(0.5).reshape(PLACES, PLACES), distance)

    def grid(self, across: Array, up: Array, fixed: dict[str, Any]) -> Array:
        """[up * across, settings] the positions of a slice, row by row."""
        rest = [ordered(each).position_of(fixed[each.path]) for each in self.map.space.dimensions[2:]]
        x, y = np.meshgrid(across, up)
        return np.column_stack([x.ravel(), y.ravel(), *(np.full(x.size, position) for position in rest)])

    def label(self, part: Slice) -> str:
        """`n_critic=2, betas[0]=0.45`: what a slice fixes; "" if it fixes nothing."""
        return ", ".join(f"{self.names[path]}={format_level(value)}" for path, value in part.fixed.items())


def map_content(data: SweepData) -> MapContent | None:
    """None of a sweep that is no map, and as long as none of its trials has ended."""
    if data.explored is None or data.explored.kind != "map":
        return None
    runs = [Trial(number, run) for number, run in enumerate(data.runs) if not run.confirms]
    ended = tuple(trial for trial in runs if trial.run.has_ended)
    is_comparable = len({trial.run.evaluator.id for trial in ended if trial.run.evaluator}) == 1
    found = stability_map(data.explored.dimensions, [trial.run.to_result(is_comparable) for trial in ended])
    if found is None:
        return None
    return MapContent(found, ended, short_names(list(found.space.paths)), len(runs) + data.to_choose - len(ended))


def values_of(dimension: Ordered, places: int = PLACES) -> list[float]:
    """At even distances from one end of its scale to the other."""
    return [float(f"{dimension.exact(position):.6g}") for position in np.linspace(0, 1, places).tolist()]


def _count(dimension: Ordered) -> int:
    return PARTS if dimension.levels is None else min(PARTS, len(dimension.levels))


def _value(dimension: Ordered, part: int) -> Any:
    """In the middle of a part of the range."""
    return dimension.value_at((part + 0.5) / _count(dimension))
