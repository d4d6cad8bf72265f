"""The points of a `sample:` in a sweep file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypedDict, get_args

import numpy as np
import numpy.typing as npt

from orchestrator.formatting import format_level
from orchestrator.space import Dimension, Space

Method = Literal["sobol", "random", "latin_hypercube"]
KEYS = ("count", "method", "seed")
"""Beside the dimensions."""
METHODS: tuple[Method, ...] = get_args(Method)


class SampleDocument(TypedDict):
    """What the points of a group were drawn from. dimensions: path of a setting -> how, such as {"uniform": [0, 1]}."""

    count: int
    method: str
    seed: int
    dimensions: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Sample:
    """Points that are drawn from a space. seed: of the draw. sources: path of a dimension -> where it is written."""

    space: Space
    count: int
    method: Method = "sobol"
    seed: int = 0
    sources: dict[str, str] = field(default_factory=dict, compare=False)

    @cached_property
    def points(self) -> list[dict[str, Any]]:
        """The settings of each point, in the order of the draw. Points that are equal after rounding stand once.

        The coordinates of a point are those of the settings in alphabetical order, so it does not matter in which order
        they are written.
        """
        drawn = unit_points(self.method, len(self.space.dimensions), self.count, self.seed)
        drawn = drawn[:, [sorted(self.space.paths).index(path) for path in self.space.paths]]
        different: dict[tuple[str, ...], dict[str, Any]] = {}
        for position in drawn:
            settings = self.space.settings_at(position)
            different.setdefault(_identity(self.space, settings), settings)
        return list(different.values())

    def dimension(self, path: str) -> Dimension:
        return self.space.dimensions[self.space.paths.index(path)]

    def number_of(self, settings: Mapping[str, Any]) -> int | None:
        """The number, from 1, of the point with these settings; None if it is not drawn."""
        return self._numbers.get(_identity(self.space, settings))

    @cached_property
    def _numbers(self) -> dict[tuple[str, ...], int]:
        return {_identity(self.space, point): number for number, point in enumerate(self.points, 1)}

    def to_document(self) -> SampleDocument:
        """As `sweep.json` keeps it."""
        return {
            "count": self.count,
            "method": self.method,
            "seed": self.seed,
            "dimensions": {dimension.path: dimension.to_document() for dimension in self.space.dimensions},
        }


def _identity(space: Space, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Values are compared as people write them, like the levels of a grid."""
    return tuple(format_level(settings[path]) for path in space.paths)


def unit_points(method: Method, dimensions: int, count: int, seed: int) -> npt.NDArray[np.float64]:
    """[count, dimensions] points in [0, 1): the same on every machine.

    sobol: a scrambled Sobol sequence (Owen 1998), the most even of the three; random: independent points. A larger
    count continues both, so it keeps the earlier points. latin_hypercube (McKay et al. 1979) spreads each dimension
    evenly, for exactly this count: another count draws all points anew.
    """
    from scipy.stats import qmc

    rng = np.random.default_rng(seed)
    if method == "random":
        return rng.random((count, dimensions))
    if method == "latin_hypercube":
        return np.asarray(qmc.LatinHypercube(dimensions, seed=rng).random(count))
    # all of a power of two, of which the first are taken: SciPy warns of other numbers
    return np.asarray(qmc.Sobol(dimensions, seed=rng).random_base2((count - 1).bit_length())[:count])
