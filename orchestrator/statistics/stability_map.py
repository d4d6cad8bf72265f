"""The map of a space of settings: where runs are stable, how good they are there, and how surely that is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from orchestrator.space import Choice, Dimension, Ordered, Space
from orchestrator.statistics.distance_surface import DistanceSurface, fit_distances
from orchestrator.statistics.intervals import Array
from orchestrator.statistics.result import Result
from orchestrator.statistics.stability_model import StabilityModel, fit

SURE = 0.95
"""What is called sure is at least so probable."""
LINES = (0.1, 0.5, 0.9)
"""The lines of P(stable)."""
WHOLE = 1024
"""Points that stand for the whole space, in 2 settings; with more settings more differ in each."""


class Shares(NamedTuple):
    """Parts of the space. stable: where P(stable) is expected to be 90% or more. surely: where that is sure. lost:
    where it is expected to be 10% or less. surely_lost: where that is sure. open: where it is not sure on which side of
    the 50% line it is."""

    stable: float
    surely: float
    lost: float
    surely_lost: float
    open: float


class Answer(NamedTuple):
    """Of a point: P(stable) with its 90% interval; the Frechet distance of a run that draws there with the interval in
    which 90% of such runs are, None if too few drew."""

    stable: float
    low: float
    high: float
    distance: tuple[float, float, float] | None


@dataclass(frozen=True)
class StabilityMap:
    """space: its dimensions in the order of coordinates, none a choice. results: the runs, at `points` [runs,
    settings] of the unit cube."""

    space: Space
    results: tuple[Result, ...]
    points: Array
    model: StabilityModel
    surface: DistanceSurface | None

    def at(self, settings: Mapping[str, Any]) -> Answer:
        """settings: a value within its range for each path of the space."""
        place = positions(self.space, [settings])
        belief = self.model.belief(place)
        stable = float(belief.probability()[0])
        low, high = (float(belief.quantile(part)[0]) for part in (1 - SURE, SURE))
        low, high = min(low, stable), max(high, stable)  # a rare bad case can pull the mean out of the interval
        distance = None
        if self.surface:
            middle, least, most = (float(values[0]) for values in self.surface.expected(place))
            distance = middle, least, most
        return Answer(stable, low, high, distance)

    def nearest(self, settings: Mapping[str, Any], count: int) -> list[tuple[Result, float]]:
        """The trials with the nearest settings, and how far each is: parts of a setting's range."""
        distances = np.linalg.norm(self.points - positions(self.space, [settings]), axis=1)
        return [(self.results[number], float(distances[number])) for number in np.argsort(distances)[:count]]

    @cached_property
    def whole(self) -> Array:
        """[points, settings] that stand for the whole space."""
        from scipy.stats import qmc  # a second of CPU, which a report without a map does not need

        return snapped(self.space, qmc.Sobol(len(self.space.dimensions), seed=0).random(WHOLE))

    @cached_property
    def shares(self) -> Shares:
        belief = self.model.belief(self.whole)
        above_half, expected = belief.above(0.5), belief.probability()
        return Shares(
            float(np.mean(expected >= LINES[-1])),
            float(np.mean(belief.above(LINES[-1]) >= SURE)),
            float(np.mean(expected <= LINES[0])),
            float(np.mean(belief.above(LINES[0]) <= 1 - SURE)),
            float(np.mean((above_half > 1 - SURE) & (above_half < SURE))),
        )

    @cached_property
    def safest(self) -> dict[str, Any]:
        """The settings at which P(stable) is high most surely."""
        lowest = self.model.belief(self.whole).quantile(1 - SURE)
        return self.space.settings_at(to_units(self.space, self.whole[int(np.argmax(lowest))]))

    @cached_property
    def best(self) -> dict[str, Any] | None:
        """The settings with the smallest expected distance among those that are stable with 90% or more."""
        is_stable = self.model.belief(self.whole).probability() >= LINES[-1]
        if self.surface is None or not is_stable.any():
            return None
        inside = self.whole[is_stable]
        return self.space.settings_at(to_units(self.space, inside[int(np.argmin(self.surface.expected(inside)[0]))]))


def stability_map(space: Space, results: Sequence[Result]) -> StabilityMap | None:
    """The map of a space without choices, from one run or more; None without any.

    A run that is unfinished did not get there, so it counts as not stable.
    """
    if not results:
        return None
    points = positions(space, [result.factors for result in results])
    drew = np.array([result.drew and bool(result.final) for result in results])
    distances = np.array([result.final for result in results if result.drew and result.final], dtype=float)
    stable = np.array([float(bool(result.stable)) for result in results])
    return StabilityMap(space, tuple(results), points, fit(points, stable), fit_distances(points[drew], distances))


def positions(space: Space, settings: Sequence[Mapping[str, Any]]) -> Array:
    """[settings, dimensions] in the unit cube, of a space without choices."""
    return np.array([space.position_of(values) for values in settings])


def snapped(space: Space, units: Array) -> Array:
    """[points, dimensions] the positions of the settings at points [points, dimensions] of the unit cube: of integers,
    their own places."""
    return positions(space, [space.settings_at(point) for point in units])


def to_units(space: Space, position: Array) -> list[float]:
    """The point of the unit cube whose settings have this position: of integers, in the middle of their parts."""
    units = []
    for dimension, value in zip(space.dimensions, position.tolist(), strict=True):
        levels = dimension.levels
        units.append(value if levels is None else (round(value * (len(levels) - 1)) + 0.5) / len(levels))
    return units


def ordered(dimension: Dimension) -> Ordered:
    """The dimension, which is no choice."""
    assert not isinstance(dimension, Choice)
    return dimension


def near_certain(share: float) -> str:
    """A share in percent that is not rounded to 0% or 100%."""
    return "<1%" if share < 0.01 else ">99%" if share > 0.99 else f"{share:.0%}"


def parts_of_space(shares: Shares) -> str:
    """How much of the space is stable, lost, and not known."""
    return (
        f"90% of runs or more are expected to be stable in {shares.stable:.0%} of the space ({shares.surely:.0%} for "
        f"sure), and 10% or fewer in {shares.lost:.0%} ({shares.surely_lost:.0%} for sure); in {shares.open:.0%} it is "
        "not known on which side of the 50% line a setting is"
    )
