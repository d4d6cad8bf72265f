"""Which chooser a sweep has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from orchestrator.planning.chosen_points import Chooser, ChosenPoint, EndedPoint, sobol_start
from orchestrator.planning.search_chooser import SearchChooser
from orchestrator.space import Space
from orchestrator.sweepfile.model import Search, Sweep


def chooser_of(sweep: Sweep) -> Chooser:
    """The chooser of a sweep that maps or searches."""
    assert sweep.explores
    sample = sweep.explored_sample
    if isinstance(sweep.explores, Search):
        return SearchChooser(sample.space, sample.seed, sweep.explores.trials, sweep.explores.stable)
    return SobolChooser(sample.space, sample.seed, sweep.explores.trials)


@dataclass(frozen=True)
class SobolChooser:
    """Spreads the trials evenly, whatever they say."""

    space: Space
    seed: int
    trials: int

    def choose(self, number: int, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint]) -> ChosenPoint | None:
        return sobol_start(self.space, self.seed, number) if number < self.trials else None
