"""Values of drawn settings in a few ranges, for tables and charts that show levels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from orchestrator.formatting import format_level
from orchestrator.space import Choice, Ordered, Space
from orchestrator.statistics.result import Result

BINS = 3
"""Of the range of a setting, equally long on its scale: low, middle, high."""
MAX_LEVELS = 5
"""A setting with no more levels than these keeps them."""


def bin_labels(dimension: Ordered) -> list[str]:
    """The names of its ranges, from the lowest: `1e-5 to 2.2e-4`."""
    edges = [format_level(_two_digits(dimension.exact(edge / BINS))) for edge in range(BINS + 1)]
    return [f"{low} to {high}" for low, high in pairwise(edges)]


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")


def bin_number(dimension: Ordered, value: float) -> int:
    return min(int(dimension.position_of(value) * BINS), BINS - 1)


def is_binned(dimension: object) -> bool:
    """Whether its values are too many to be shown as levels."""
    return isinstance(dimension, Ordered) and (dimension.levels is None or len(dimension.levels) > MAX_LEVELS)


def with_bins(runs: Sequence[Result], space: Space) -> list[Result]:
    """The runs with a range as the level of each drawn setting that has many values, ranges in their order.

    They are no longer points: their drawn settings are factors like others.
    """
    binned = {each.path: each for each in space.dimensions if isinstance(each, Ordered) and is_binned(each)}
    return [
        replace(
            run,
            sampled=(),
            factors={
                path: bin_labels(binned[path])[bin_number(binned[path], value)] if path in binned else value
                for path, value in run.factors.items()
            },
        )
        for run in runs
    ]


def level_order(space: Space, path: str) -> list[str]:
    """The levels of a drawn setting as people write them, in order."""
    dimension = space.dimensions[space.paths.index(path)]
    if isinstance(dimension, Ordered) and is_binned(dimension):
        return bin_labels(dimension)
    assert isinstance(dimension, Choice) or dimension.levels is not None
    return list(map(format_level, dimension.levels or ()))
