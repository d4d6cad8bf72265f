"""Boundaries between stable and not, whose truth is known: P(stable) over the unit cube of two or three settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtr

Array = npt.NDArray[np.float64]
Shape = Callable[[Array, np.random.Generator], Array]
"""(points [points, settings], what moves it a little) -> distance from the boundary [points], positive inside."""
HARD, SOFT = 0.005, 0.03
"""Distance in which P(stable) goes from 50% to 84%, where a setting's range is 1."""


def _edge(points: Array, rng: np.random.Generator) -> Array:
    """Stable on one side of a slanted, bent line: a learning rate that may be the larger the larger lambda is."""
    slope, bend, at = rng.uniform(0.2, 0.6), rng.uniform(-0.15, 0.15), rng.uniform(0.4, 0.6)
    line = at + slope * (points[:, 1] - 0.5) + bend * np.sin(np.pi * points[:, 1:].sum(axis=1))
    return (line - points[:, 0]) / np.hypot(1, slope)


def _ridge(points: Array, rng: np.random.Generator) -> Array:
    """Stable along a slanted band from one side to the other."""
    slope, at, half = rng.uniform(0.3, 0.8), rng.uniform(0.4, 0.6), rng.uniform(0.12, 0.18)
    return half - np.abs(points[:, 0] - at - slope * (points[:, 1:].mean(axis=1) - 0.5)) / np.hypot(1, slope)


def _ellipse(points: Array, centre: Array, radii: Array) -> Array:
    scaled = np.linalg.norm((points - centre) / radii, axis=1)
    return (1 - scaled) * radii.mean()


def _island(points: Array, rng: np.random.Generator) -> Array:
    settings = points.shape[1]
    centre, radii = np.asarray(rng.uniform(0.35, 0.65, settings)), np.asarray(rng.uniform(0.2, 0.4, settings))
    return _ellipse(points, centre, radii * size_of(settings))


def _two_islands(points: Array, rng: np.random.Generator) -> Array:
    settings = points.shape[1]
    first, second = (np.asarray(rng.uniform(0.14, 0.24, settings)) * size_of(settings) for _ in range(2))
    moved = rng.uniform(-0.05, 0.05, (2, settings))
    return np.maximum(
        _ellipse(points, np.full(settings, 0.27) + moved[0], first),
        _ellipse(points, np.full(settings, 0.73) + moved[1], second),
    )


def size_of(settings: int) -> float:
    """With three settings an island of the same radius is a smaller part of the space."""
    return 1.0 if settings == 2 else 1.25


def _nearly_all(points: Array, rng: np.random.Generator) -> Array:
    """Unstable in one corner alone: about a twelfth of the space."""
    return np.linalg.norm(1 - points, axis=1) - rng.uniform(0.3, 0.36) * (1 if points.shape[1] == 2 else 1.5)


def _nearly_none(points: Array, rng: np.random.Generator) -> Array:
    return -_nearly_all(points, rng)


SHAPES: dict[str, Shape] = {
    "edge": _edge,
    "ridge": _ridge,
    "island": _island,
    "two islands": _two_islands,
    "nearly all stable": _nearly_all,
    "nearly none stable": _nearly_none,
}


@dataclass(frozen=True)
class Boundary:
    """shape: a name in SHAPES. seed: moves it a little, so that no design is lucky. softness: HARD, SOFT."""

    shape: str
    settings: int
    softness: float
    seed: int

    def probability(self, points: Array) -> Array:
        """[points] P(stable) at points [points, settings]."""
        return np.asarray(ndtr(SHAPES[self.shape](points, np.random.default_rng(self.seed)) / self.softness))

    def run(self, point: Array, number: int) -> float:
        """1 if run `number` there is stable, else 0."""
        return float(np.random.default_rng((self.seed, number)).random() < self.probability(point[None])[0])
