"""What a worker needs to know to run a trial: sent by the driver as the value `task` of Tune's configuration.

Tune wants dictionaries and takes nested ones apart, so the task stays one value: `{"task": TrialTask(...)}`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gan_core.config.trial import TrialConfig
from orchestrator.scheduling.placement import Placement


@dataclass(frozen=True)
class TrialTask:
    """One trial for a worker.

    folder: the trial's folder in the command's home. dataset, evaluator: their keys among what all workers were sent.
    resources: what the trial requests from Ray; node: Ray's id of the node it must run on, if it must. store_uri: the
    object store that the trial lives in, if it does not live in `folder`. lost: how its last worker ended, if the
    worker could not write that into the record. stop_early: whether the trial ends once no more can be hoped for.
    is_scheduled: whether it may be stopped at an evaluation, so that it reports each. home: the command's, if nodes
    share it.
    """

    folder: Path
    config: TrialConfig
    dataset: str
    evaluator: str
    resources: dict[str, float]
    system_metrics: bool = False
    store_uri: str | None = None
    node: str | None = None
    lost: str = ""
    stop_early: bool = False
    is_scheduled: bool = False
    home: Path | None = None

    @property
    def key(self) -> str:
        return self.folder.name


def as_config(task: TrialTask) -> dict[str, Any]:
    """Tune's configuration of the trial."""
    return {"task": task}


def task_of(config: dict[str, Any]) -> TrialTask:
    """The task in Tune's configuration of a trial."""
    task = config["task"]
    assert isinstance(task, TrialTask)
    return task


def key_of(trial: Any) -> str:
    """The trial's key, of Tune's object for it."""
    return task_of(trial.config).key


def update_task(trial: Any, **changes: Any) -> None:
    """Change the task that Tune's trial is started with from now on."""
    trial.config.update(as_config(replace(task_of(trial.config), **changes)))


def place_trial(trial: Any, placement: Placement) -> None:
    update_task(trial, resources=placement.resources, node=placement.node)
