"""A trial that trains nothing: what is left is what a sweep costs beside its training.

It writes what a trial writes at least (its configuration, its record twice, a short history) and reports as one that
trains does. No pictures, no weights: these cost bytes, which `orchestrator.planning.disk_estimate` estimates.
"""

from __future__ import annotations

import os
import platform
from random import Random
from typing import Any

from filelock import FileLock
from ray import tune

from gan_core import metric_names
from gan_core.config.trial import TrialConfig
from gan_core.evaluator_card import EvaluatorCard
from gan_core.history import Row, now_ms
from orchestrator import environment
from orchestrator.scheduling.trial_task import task_of
from orchestrator.store.history_log import HistoryLog
from orchestrator.store.json_files import write_json
from orchestrator.store.record import Attempt
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import AttemptOutcome, TrialStatus
from orchestrator.trial.trial_report import TrialReport

METRICS = (
    metric_names.LOSS_GENERATOR,
    metric_names.LOSS_DISCRIMINATOR,
    metric_names.ACCURACY_REAL,
    metric_names.ACCURACY_FAKE,
    metric_names.ACCURACY_DISCRIMINATOR,
    metric_names.ACCURACY_AUC,
    metric_names.GRADIENT_NORM_GENERATOR,
    metric_names.GRADIENT_NORM_DISCRIMINATOR,
    metric_names.DIVERSITY_RATIO,
    metric_names.SPEED,
)
"""The evaluator's Frechet distance is the eleventh."""


class EmptyTrial(tune.Trainable):
    """Takes the task and gives the results of `scheduling.trainable`. Reports once a `checkpoint_every`."""

    def setup(self, config: dict[str, Any], images: Any, evaluators: dict[str, Any]) -> None:
        self.task, self.evaluators, self.taken = task_of(config), evaluators, 0

    def step(self) -> dict[str, Any]:
        config = self.task.config
        self.taken += config.checkpoint_every
        done, latest = self.taken >= config.steps, dict[str, float]()
        folder = TrialFolder(self.task.folder)
        if done:
            folder.folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder.lock_file):
                latest = write(folder, config, self.evaluators[self.task.evaluator].card())
        report = TrialReport(
            folder.key,
            TrialStatus.FINISHED if done else TrialStatus.RUNNING,
            is_done=done,
            step=self.taken,
            verdict="stable" if done else None,
            verdict_so_far="stable",
            latest=latest,
            seconds=1e-3,
        )
        return {"report": report, "done": done}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.task, self.taken = task_of(new_config), 0
        return True


def write(folder: TrialFolder, config: TrialConfig, card: EvaluatorCard) -> Row:
    """The trial's files, from first to last; its last row."""
    began, generator = now_ms(), Random(folder.key)
    write_json(folder.config_file, config.model_dump(mode="json"))
    record = folder.record()
    record.attempts.append(Attempt(began, from_step=0, host=platform.node(), process=os.getpid()))
    record.status, record.environment = TrialStatus.RUNNING, environment.describe()
    record.applied, record.evaluator = {"precision": "float32", "device": "cpu"}, card
    folder.write_record(record)
    rows: list[Row] = [
        {
            "step": (i + 1) * config.log_every,
            "time": began + i,
            **{name: generator.random() for name in (*METRICS, metric_names.frechet(card["id"]))},
        }
        for i in range(config.steps // config.log_every)
    ]
    history = HistoryLog(folder.history_file)
    history.add(rows)
    history.write()
    record.history = history.digest()
    record.status, record.step, record.seconds = TrialStatus.FINISHED, config.steps, 1e-3
    record.metrics = metric_names.without_position(rows[-1])
    stable = generator.random() < 0.7
    record.verdict = {"name": "stable" if stable else "collapsed", "reason": "drawn", "since": None if stable else 500}
    record.attempts[-1].close(AttemptOutcome.FINISHED, "", now_ms(), record.step)
    folder.write_record(record)
    return rows[-1]
