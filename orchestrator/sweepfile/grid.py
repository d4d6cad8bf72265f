"""One group of a sweep file: its factors and the combinations of their levels."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orchestrator.sweepfile.settings import LocatedSettings
from orchestrator.sweepfile.yaml_source import LocatedValue


@dataclass
class Group:
    """A group, with `path` and `source` for messages.

    settings: under `trial`. grid, zipped: setting -> its levels. exclude: combinations to leave out. listed: the
    settings of each trial under `trials`.
    """

    name: str
    path: str
    source: str
    settings: LocatedSettings
    grid: dict[str, list[LocatedValue]]
    zipped: dict[str, list[LocatedValue]]
    exclude: list[LocatedSettings]
    listed: list[LocatedSettings]

    def factors(self) -> list[str]:
        """The settings that this group sweeps."""
        listed = [setting for settings in self.listed for setting in settings]
        return list(dict.fromkeys([*self.grid, *self.zipped, *listed]))

    def zip_length(self) -> int:
        """Number of combinations of the zipped settings; 1 if there are none."""
        return len(next(iter(self.zipped.values()))) if self.zipped else 1

    def count(self) -> int:
        """Number of combinations before exclusions."""
        if not self.grid and not self.zipped and self.listed:
            return len(self.listed)
        return math.prod(len(levels) for levels in self.grid.values()) * self.zip_length() + len(self.listed)

    def each_level_once(self) -> Iterator[LocatedSettings]:
        """Combinations that hold every level at least once: enough to find wrong levels without their product."""
        swept = self.grid | self.zipped
        first = {setting: levels[0] for setting, levels in swept.items()}
        yield first
        for setting, levels in swept.items():
            yield from (first | {setting: level} for level in levels[1:])
        yield from self.listed

    def combinations(self, report: Callable[[str, str, str], None]) -> Iterator[LocatedSettings]:
        """Grid x zip without the excluded combinations, then the listed trials.

        `report(source, path, message)` is called for an exclusion that excludes nothing, or everything.
        """
        used = [False] * len(self.exclude)
        all_excluded = bool(self.exclude)
        if self.grid or self.zipped or not self.listed:
            for levels in itertools.product(*self.grid.values()):
                for position in range(self.zip_length()):
                    factors = dict(zip(self.grid, levels, strict=True))
                    factors |= {setting: values[position] for setting, values in self.zipped.items()}
                    matches = [
                        i
                        for i, excluded in enumerate(self.exclude)
                        if all(factors[setting].value == located.value for setting, located in excluded.items())
                    ]
                    for i in matches:
                        used[i] = True
                    if not matches:
                        all_excluded = False
                        yield factors
        for excluded, was_used in zip(self.exclude, used, strict=True):
            if not was_used:
                first = next(iter(excluded.values()))
                report(first.source, f"{self.path}.exclude", "matches no combination of the grid")
        if all_excluded and not self.listed:
            report(self.source, f"{self.path}.exclude", "leaves no trial in this group")
        yield from self.listed
