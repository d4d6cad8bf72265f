"""Chooses the trials of a map: where the boundary between stable and not is least known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import qmc

from orchestrator.planning.chosen_points import ChosenPoint, EndedPoint, sobol_start
from orchestrator.space import Space
from orchestrator.statistics.level_set import most_telling
from orchestrator.statistics.stability_map import positions, snapped, to_units
from orchestrator.statistics.stability_model import fit

START_PER_SETTING = 6
"""First trials, spread evenly, for each setting. With 4, the second of two islands is found late: after 40 trials the
error is then 0.060 of the space in the median of 6 of `benchmarks/map.py`, and 0.042 with 6."""
MIN_ENDED = 4
"""Fewest outcomes to choose from; until then trials are spread evenly, however many workers there are."""
PLACES = 1024
"""Points of the space from which the next one is chosen."""


@dataclass(frozen=True)
class MapChooser:
    """space: ordered dimensions. seed: of the choosing."""

    space: Space
    seed: int

    def choose(self, number: int, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint]) -> ChosenPoint:
        """See `Chooser`. A run that is unfinished counts as not stable."""
        if number < START_PER_SETTING * len(self.space.dimensions) or len(ended) < MIN_ENDED:
            return sobol_start(self.space, self.seed, number)
        points = positions(self.space, [each.point.settings for each in ended])
        stable = np.array([float(bool(each.result.stable)) for each in ended])
        waiting = positions(self.space, [point.settings for point in pending]) if pending else points[:0]
        units = qmc.Sobol(len(self.space.dimensions), seed=np.random.default_rng((self.seed, number))).random(PLACES)
        chosen = most_telling(fit(points, stable), waiting, snapped(self.space, units))
        return ChosenPoint(self.space.settings_at(to_units(self.space, chosen)), number)
