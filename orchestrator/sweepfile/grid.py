"""One group of a sweep file: its factors and the combinations of their levels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from orchestrator.formatting import format_level
from orchestrator.sweepfile.sample import Sample
from orchestrator.sweepfile.settings import LocatedSettings
from orchestrator.sweepfile.yaml_source import LocatedValue


@dataclass
class Group:
    """A group, with `path` and `source` for messages.

    settings: under `trial`. grid, zipped: setting -> its levels. exclude: combinations to leave out. listed: the
    settings of each trial under `trials`. sample: the points that are drawn, if any.
    """

    name: str
    path: str
    source: str
    settings: LocatedSettings
    grid: dict[str, list[LocatedValue]]
    zipped: dict[str, list[LocatedValue]]
    exclude: list[LocatedSettings]
    listed: list[LocatedSettings]
    sample: Sample | None = None

    @property
    def sampled(self) -> tuple[str, ...]:
        """The settings that are drawn."""
        return self.sample.space.paths if self.sample else ()

    def factors(self) -> list[str]:
        """The settings that this group sweeps."""
        listed = [setting for settings in self.listed for setting in settings]
        return list(dict.fromkeys([*self.sampled, *self.grid, *self.zipped, *listed]))

    def zip_length(self) -> int:
        """Number of combinations of the zipped settings; 1 if there are none."""
        return len(next(iter(self.zipped.values()))) if self.zipped else 1

    def count(self) -> int:
        """Number of combinations before exclusions."""
        if not self._has_combinations():
            return len(self.listed)
        points = len(self.sample.points) if self.sample else 1
        return points * math.prod(len(levels) for levels in self.grid.values()) * self.zip_length() + len(self.listed)

    def _has_combinations(self) -> bool:
        return bool(self.grid or self.zipped or self.sample or not self.listed)

    def each_level_once(self) -> Iterator[LocatedSettings]:
        """Combinations that hold every level at least once: enough to find wrong levels without their product.

        Of a range, both ends: a limit of the setting lies beyond one of them, or breaks none of its values.
        """
        swept = self._ends() | self.grid | self.zipped
        first = {setting: levels[0] for setting, levels in swept.items()}
        yield first
        for setting, levels in swept.items():
            yield from (first | {setting: level} for level in levels[1:])
        yield from self.listed

    def combinations(self, report: Callable[[str, str, str], None]) -> Iterator[LocatedSettings]:
        """Points x grid x zip without the excluded combinations, point by point; then the listed trials.

        `report(source, path, message)` is called for an exclusion that excludes nothing, or everything.
        """
        used = [False] * len(self.exclude)
        all_excluded = bool(self.exclude)
        if self._has_combinations():
            for factors in self._product(self._drawn()):
                matches = self._matching(factors)
                for i in matches:
                    used[i] = True
                if not matches:
                    all_excluded = False
                    yield factors
        for excluded, was_used in zip(self.exclude, used, strict=True):
            if not was_used and not self._may_match(excluded):
                first = next(iter(excluded.values()))
                where = "the sample and the grid" if self.sample else "the grid"
                report(first.source, f"{self.path}.exclude", f"matches no combination of {where}")
        if all_excluded and not self.listed:
            report(self.source, f"{self.path}.exclude", "leaves no trial in this group")
        yield from self.listed

    def excluded_points(self) -> list[int]:
        """The numbers, from 0, of the points of which every combination is excluded."""
        return [
            number
            for number, point in enumerate(self._drawn())
            if self.exclude and all(self._matching(factors) for factors in self._product([point]))
        ]

    def other_combinations(self, most: int) -> Iterator[LocatedSettings]:
        """What another draw may hold: every combination of the levels of the sample with grid and zip.

        Without those that are excluded, or in which all levels were drawn. A range is at its first drawn value. None
        at all, if there are more than `most`.
        """
        if self.sample is None or not self.sample.points:
            return
        first = self.sample.points[0]
        leveled = {each.path: each.levels for each in self.sample.space.dimensions if each.levels is not None}
        if math.prod(map(len, leveled.values())) > most:
            return
        seen = {tuple(format_level(point[path]) for path in leveled) for point in self.sample.points}
        for levels in itertools.product(*leveled.values()):
            if tuple(map(format_level, levels)) not in seen:
                point = self._located({**first, **dict(zip(leveled, levels, strict=True))})
                yield from (factors for factors in self._product([point]) if not self._matching(factors))

    def _product(self, points: list[LocatedSettings]) -> Iterator[LocatedSettings]:
        """Each point with all combinations of grid and zip."""
        for point in points:
            for levels in itertools.product(*self.grid.values()):
                for position in range(self.zip_length()):
                    factors = point | dict(zip(self.grid, levels, strict=True))
                    yield factors | {setting: values[position] for setting, values in self.zipped.items()}

    def _drawn(self) -> list[LocatedSettings]:
        """The points; one without settings if nothing is drawn."""
        return list(map(self._located, self.sample.points)) if self.sample else [{}]

    def _located(self, point: dict[str, Any]) -> LocatedSettings:
        sources = self.sample.sources if self.sample else {}
        return {path: LocatedValue(value, sources[path]) for path, value in point.items()}

    def _ends(self) -> dict[str, list[LocatedValue]]:
        dimensions = self.sample.space.dimensions if self.sample else ()
        sources = self.sample.sources if self.sample else {}
        return {each.path: [LocatedValue(end, sources[each.path]) for end in each.ends] for each in dimensions}

    def _matching(self, factors: LocatedSettings) -> list[int]:
        """The numbers of the exclusions that leave out this combination."""
        return [
            i
            for i, excluded in enumerate(self.exclude)
            if all(factors[setting].value == located.value for setting, located in excluded.items())
        ]

    def _may_match(self, excluded: LocatedSettings) -> bool:
        """Whether another draw may hold what is excluded: then it is no mistake that this one does not."""
        possible = {each.path: each for each in (self.sample.space.dimensions if self.sample else ())}
        if not possible.keys() & excluded.keys():
            return False
        return all(
            possible[setting].contains(located.value)
            if setting in possible
            else any(located.value == level.value for level in (self.grid | self.zipped)[setting])
            for setting, located in excluded.items()
        )
