"""Which trial a search takes next: first it looks around, then for the best, then it tells the best few apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any

from orchestrator.planning.chosen_points import ChosenPoint, EndedPoint, sobol_start
from orchestrator.planning.optuna_points import next_settings, tpe
from orchestrator.space import Space
from orchestrator.statistics.candidates import (
    Candidate,
    candidates,
    most_promising,
    next_to_run,
    tried_settings,
)
from orchestrator.statistics.result import Result

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler

START = 10
"""Points of the Sobol sequence before the sampler begins: what Optuna's samplers draw at random by default."""
PROPOSALS = 8
"""Settings that the sampler proposes, of which the model of all runs takes one."""
TELLING_APART = 0.25
"""The part of the trials that goes to more seeds of the best few (docs/decisions/047-search.md)."""


@dataclass(frozen=True)
class SearchChooser:
    """Looks for the lowest Frechet distance among settings of which a share of `stable` runs, or more, is stable.

    seed: of the choosing. trials: how many it takes. The trial with a number has this number as its seed, so several
    trials of the same settings differ in it.
    """

    space: Space
    seed: int
    trials: int
    stable: float

    @property
    def looking(self) -> int:
        """How many trials look for settings, before the best few are told apart."""
        return self.trials - ceil(TELLING_APART * self.trials)

    def choose(self, number: int, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint]) -> ChosenPoint:
        """See `Chooser`."""
        if number < START or not ended:
            return sobol_start(self.space, self.seed, number)
        if number >= self.looking and (again := next_to_run(self._candidates(ended, pending), self.stable)):
            return ChosenPoint(again.tried.settings, number)
        proposed = [
            next_settings(self.space, self.stable, ended, pending, self.sampler(seed)) for seed in self._seeds(number)
        ]
        tried = tried_settings(results_of(ended))
        return ChosenPoint(most_promising(self.space, tried, proposed, self.stable), number)

    def _seeds(self, number: int) -> list[int]:
        """Of the samplers that propose a trial's settings: of each trial others, of 32 bits as Optuna takes them."""
        first = (self.seed * 1_000_003 + number) * PROPOSALS
        return [(first + proposal) % 2**32 for proposal in range(PROPOSALS)]

    def sampler(self, seed: int) -> BaseSampler:
        """Optuna's sampler: TPE, which `benchmarks/search.py` compares with a Gaussian process."""
        return tpe(seed)

    def _candidates(self, ended: Sequence[EndedPoint], pending: Sequence[ChosenPoint]) -> list[Candidate]:
        waiting = [(point.settings, None) for point in pending]
        return candidates(self.space, tried_settings([*results_of(ended), *waiting]))


def results_of(ended: Sequence[EndedPoint]) -> list[tuple[Mapping[str, Any], Result]]:
    """The settings of each point, with its result."""
    return [(each.point.settings, each.result) for each in ended]
