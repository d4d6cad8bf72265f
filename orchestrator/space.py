"""A space of settings: its dimensions, and the way from the unit cube to settings and back.

Whoever draws points, or searches, works in the unit cube [0, 1)^d; trials get settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, exp, floor, log, log10, prod
from typing import Any

from orchestrator.formatting import format_level

DIGITS = 4
"""Significant digits of a drawn value, so that names and tables stay readable; a narrow range gets more."""


@dataclass(frozen=True)
class Interval:
    """A setting between two numbers, low < high; evenly in its logarithm if `is_log`, which needs low > 0."""

    path: str
    low: float
    high: float
    is_log: bool

    @property
    def levels(self) -> None:
        """It has no levels."""

    @property
    def ends(self) -> list[Any]:
        return [self.low, self.high]

    def value_at(self, position: float) -> float:
        """The value at a position in [0, 1], rounded: part of the definition, so that it is the same everywhere.

        A logarithmic value has DIGITS significant digits, another one the decimals that the width of the range has with
        so many digits. In a range that is narrow for its size, the digits count from where its ends differ.
        """
        exact, width = self.exact(position), self.high - self.low
        if self.is_log:
            rounded = float(f"{exact:.{DIGITS - 1 + max(0, -ceil(log10(width / self.high)))}e}")
        else:
            rounded = round(exact, DIGITS - 1 - floor(log10(width)))
        return min(max(rounded, self.low), self.high)

    def exact(self, position: float) -> float:
        """The value at a position in [0, 1], not rounded."""
        if self.is_log:
            return exp(log(self.low) + position * (log(self.high) - log(self.low)))
        return self.low + position * (self.high - self.low)

    def position_of(self, value: Any) -> float:
        """In [0, 1] for a value of the range."""
        if self.is_log:
            return (log(value) - log(self.low)) / (log(self.high) - log(self.low))
        return float((value - self.low) / (self.high - self.low))

    def contains(self, value: Any) -> bool:
        return _is_number(value) and self.low <= value <= self.high

    def to_document(self) -> dict[str, Any]:
        """As a sweep file has it."""
        return {"log_uniform" if self.is_log else "uniform": [self.low, self.high]}


@dataclass(frozen=True)
class Integers:
    """A setting with the whole numbers low, low + step, ..., high."""

    path: str
    low: int
    high: int
    step: int = 1

    @property
    def levels(self) -> Sequence[Any]:
        return range(self.low, self.high + 1, self.step)

    @property
    def ends(self) -> list[Any]:
        return [self.low, self.high]

    def value_at(self, position: float) -> int:
        """Each number has an equal part of [0, 1]."""
        return int(self.levels[min(int(position * len(self.levels)), len(self.levels) - 1)])

    def exact(self, position: float) -> float:
        """What stands at a position in [0, 1] of the scale, which need not be one of the numbers."""
        return self.low + position * (self.high - self.low)

    def position_of(self, value: Any) -> float:
        """From 0 for the lowest number to 1 for the highest."""
        return float((value - self.low) / (self.high - self.low))

    def contains(self, value: Any) -> bool:
        return _is_number(value) and value in self.levels

    def to_document(self) -> dict[str, Any]:
        return {"integers": [self.low, self.high], **({"step": self.step} if self.step != 1 else {})}


@dataclass(frozen=True)
class Choice:
    """A setting with one of some levels, which have no order."""

    path: str
    levels: tuple[Any, ...]

    @property
    def ends(self) -> list[Any]:
        return list(self.levels)

    def value_at(self, position: float) -> Any:
        """Each level has an equal part of [0, 1]."""
        return self.levels[min(int(position * len(self.levels)), len(self.levels) - 1)]

    def contains(self, value: Any) -> bool:
        return format_level(value) in map(format_level, self.levels)

    def to_document(self) -> dict[str, Any]:
        return {"choice": list(self.levels)}


Ordered = Interval | Integers
"""A dimension whose values have an order and distances."""
Dimension = Interval | Integers | Choice


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def dimension_of_document(path: str, document: Mapping[str, Any]) -> Dimension:
    """The dimension of which `document` is the `to_document`. Raises ValueError if it is of none."""
    match dict(document):
        case {"log_uniform": [int() | float() as low, int() | float() as high]} if 0 < low < high:
            return Interval(path, low, high, is_log=True)
        case {"uniform": [int() | float() as low, int() | float() as high]} if low < high:
            return Interval(path, low, high, is_log=False)
        case {"integers": [int() as low, int() as high], **more} if low < high and isinstance(more.get("step", 1), int):
            return Integers(path, low, high, max(1, more.get("step", 1)))
        case {"choice": [_, _, *_] as levels}:
            return Choice(path, tuple(levels))
    raise ValueError(f"{path} is no dimension of a space")


@dataclass(frozen=True)
class Space:
    """The dimensions, in the order of the coordinates of a point."""

    dimensions: tuple[Dimension, ...]

    @cached_property
    def paths(self) -> tuple[str, ...]:
        return tuple(dimension.path for dimension in self.dimensions)

    @property
    def size(self) -> int | None:
        """How many different points it holds; None if a dimension has no levels."""
        counts = [None if dimension.levels is None else len(dimension.levels) for dimension in self.dimensions]
        known = [count for count in counts if count is not None]
        return prod(known) if len(known) == len(counts) else None

    def position_of(self, settings: Mapping[str, Any]) -> list[float]:
        """Where settings are: the position of each ordered value in [0, 1]; of a choice 0 or 1 for each level."""
        where: list[float] = []
        for dimension in self.dimensions:
            value = settings[dimension.path]
            if isinstance(dimension, Choice):
                where += [float(format_level(level) == format_level(value)) for level in dimension.levels]
            else:
                where.append(dimension.position_of(value))
        return where

    def settings_at(self, point: Sequence[float]) -> dict[str, Any]:
        """The settings at a point of the unit cube, [dimensions]."""
        return {
            dimension.path: dimension.value_at(float(position))
            for dimension, position in zip(self.dimensions, point, strict=True)
        }
