"""One group of a sweep file: its factors and their combinations."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from orchestrator.sweepfile.settings import Layer
from orchestrator.sweepfile.yaml_source import Located


@dataclass
class Group:
    name: str
    path: str
    source: str
    layer: Layer
    grid: dict[str, list[Located]]
    zipped: dict[str, list[Located]]
    exclude: list[Layer]
    by_hand: list[Layer]

    def factors(self) -> list[str]:
        by_hand = [setting for layer in self.by_hand for setting in layer]
        return list(dict.fromkeys([*self.grid, *self.zipped, *by_hand]))

    def rows(self) -> int:
        return len(next(iter(self.zipped.values()))) if self.zipped else 1

    def count(self) -> int:
        if not self.grid and not self.zipped and self.by_hand:
            return len(self.by_hand)
        return math.prod(len(levels) for levels in self.grid.values()) * self.rows() + len(self.by_hand)

    def single_levels(self) -> Iterator[Layer]:
        """Every level once, which finds what is wrong with levels without their product."""
        swept = self.grid | self.zipped
        first = {setting: levels[0] for setting, levels in swept.items()}
        yield first
        for setting, levels in swept.items():
            yield from (first | {setting: level} for level in levels[1:])
        yield from self.by_hand

    def combinations(self, say: Callable[[str, str, str], None]) -> Iterator[Layer]:
        """Grid x zip without what is excluded, then the trials written by hand."""
        used = [False] * len(self.exclude)
        none_left = bool(self.exclude)
        if self.grid or self.zipped or not self.by_hand:
            for levels in itertools.product(*self.grid.values()):
                for row in range(self.rows()):
                    factors = dict(zip(self.grid, levels, strict=True))
                    factors |= {setting: values[row] for setting, values in self.zipped.items()}
                    hits = [
                        i
                        for i, layer in enumerate(self.exclude)
                        if all(factors[setting].value == located.value for setting, located in layer.items())
                    ]
                    for i in hits:
                        used[i] = True
                    if not hits:
                        none_left = False
                        yield factors
        for layer, was_used in zip(self.exclude, used, strict=True):
            if not was_used:
                first = next(iter(layer.values()))
                say(first.source, f"{self.path}.exclude", "matches no combination of the grid")
        if none_left and not self.by_hand:
            say(self.source, f"{self.path}.exclude", "leaves no trial in this group")
        yield from self.by_hand
