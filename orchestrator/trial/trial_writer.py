"""Writes the progress of a trial to its folder, in an order that a kill at any point does no harm to.

The checkpoint is the truth: it holds the weights and the rows of the history up to its step. `history.jsonl` and
`record.json`, which readers look at, are written after it. A kill in between leaves readers a step behind, and the
resumed trial writes both anew.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from gan_core import checkpoint, generator_file, metric_names
from gan_core.history import Row
from gan_core.training.trainer import Trainer
from orchestrator.store.history_log import HistoryLog
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.trial.best_generator import BestGenerator
from orchestrator.trial.restore import with_history
from orchestrator.trial.training_time import TrainingTime


class TrialWriter:
    """Use: `write_start` once; then `add_rows` of the history, and `commit` at each checkpoint.

    `record`: what `commit` brings up to date and writes. `latest`: the last value of each metric. All methods that
    write raise OSError.
    """

    def __init__(
        self, folder: TrialFolder, record: Record, history: HistoryLog, best: BestGenerator, time: TrainingTime
    ):
        self.folder, self.record, self.history, self.best, self.time = folder, record, history, best, time
        self.latest: Row = {}
        rows = history.rows()
        for row in rows:
            self.latest |= row
        best.update(rows)

    def write_start(self, step: int) -> None:
        """Writes the record of a trial that starts at `step` and has not trained yet in this attempt."""
        self.record.step, self.record.history, self.record.best = step, self.history.digest(), self.best.row
        if not self.best.row:
            self.folder.best_generator_file.unlink(missing_ok=True)
        self.folder.write_record(self.record)

    def add_rows(self, rows: list[Row]) -> None:
        """Appends rows to the history. They are on disk after the next `commit`."""
        for row in self.history.add(rows):
            self.latest |= row

    def commit(self, trainer: Trainer) -> None:
        """Makes everything up to the trainer's step durable."""
        self.save_best_generator(trainer)
        state = with_history(trainer.state_dict(), self.history)
        checkpoint.save(self.folder.checkpoint_file, state, self.folder.previous_checkpoint_file)
        self.write_history_and_record(trainer.step_count)

    def write_history_and_record(self, step: int) -> None:
        """`step`: the last one that they tell of."""
        self.time.count(self.record)
        self.history.write()
        self.record.history = self.history.digest()
        self.record.step, self.record.best = step, self.best.row
        self.record.metrics |= metric_names.without_position(self.latest)
        self.folder.write_record(self.record)

    def save_best_generator(self, trainer: Trainer) -> None:
        """Saves the best generator, if there is a new one since this was called last."""
        if self.best.unsaved_weights:
            _save_generator(self.folder.best_generator_file, trainer, self.best.unsaved_weights)
            self.best.unsaved_weights = None

    def save_last_generator(self, trainer: Trainer) -> None:
        _save_generator(self.folder.generator_file, trainer, trainer.eval_generator.state_dict())


def _save_generator(file: Path, trainer: Trainer, weights: dict[str, Tensor]) -> None:
    generator_file.save(file, trainer.config, trainer.images.channels, trainer.classes, weights)
