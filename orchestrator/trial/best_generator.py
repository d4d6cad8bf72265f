"""The best evaluation of a trial so far, and the weights that it measured."""

from __future__ import annotations

import copy

from torch import Tensor, nn

from gan_core import metric_names
from gan_core.history import Row
from gan_core.verdict.judge import best_evaluation


class BestGenerator:
    """Use: `update` with new rows; if one of them is the best, `keep` the generator until its weights are saved.

    `row`: the evaluation with the smallest Frechet distance, without its time; empty before the first one.
    `unsaved_weights`: those of its generator, until the next checkpoint saves them.
    """

    def __init__(self, evaluator_id: str):
        self.row: Row = {}
        self.unsaved_weights: dict[str, Tensor] | None = None
        self._evaluator_id = evaluator_id
        self._metric = metric_names.frechet(evaluator_id)

    def update(self, rows: list[Row]) -> bool:
        """Whether one of these rows is better than all before it."""
        row = best_evaluation(rows, self._evaluator_id)
        if row is None or row[self._metric] >= self.row.get(self._metric, float("inf")):
            return False
        self.row = {name: value for name, value in row.items() if name != "time"}
        return True

    def keep(self, generator: nn.Module) -> None:
        """Copies the weights, which training goes on to change."""
        self.unsaved_weights = copy.deepcopy(generator.state_dict())
