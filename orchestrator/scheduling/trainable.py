"""What runs in a worker: Tune's view of an `TrialExecution`. All durable state is in the trial's folder."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune

from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.error_text import last_line
from gan_core.evaluation.evaluator import Evaluator
from orchestrator.object_store import worker_folder
from orchestrator.store import temp_folder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.execution import TrialExecution
from orchestrator.trial.failure_policy import POLICIES, Action, Cause
from orchestrator.trial.trial_event import TrialEvent

SECONDS_ALONE = 30.0
"""After so long without a call a worker lets go of its trial. A command that lives calls again at once; Ray takes a
minute to notice that a node is cut off, and up to three more to end what runs there."""


def device_for(resources: dict[str, float]) -> torch.device:
    """What a trial that asked for these trains on; of a GPU's memory it cannot take more than its part."""
    if part := resources.get("GPU", 0):
        torch.cuda.set_per_process_memory_fraction(min(1.0, part))
        return torch.device("cuda")
    return torch.device("cpu")


class TrialTrainable(tune.Trainable):
    """A second of training at a time; actors go on from one trial to the next.

    Where no call follows, because this node is cut off, the trial's lock is given back for the worker that goes on
    with it elsewhere. Nothing is saved then: the write could hang until the storage is back, and undo what the other
    has written meanwhile. A call that comes after all goes on from the last checkpoint.
    """

    place: tempfile.TemporaryDirectory[str] | None = None
    """Of the trial that this process works on, where its files go to a storage."""

    def setup(self, config: dict[str, Any], images: dict[str, ImageSet], evaluators: dict[str, Evaluator]) -> None:
        self.task, self.images, self.evaluators = config["task"], images, evaluators
        self.execution: TrialExecution | None = None
        self.retries, self.preempted = 0, False
        self._alone: threading.Timer | None = None
        self._busy = threading.Lock()
        signal.signal(signal.SIGTERM, self._preempt)

    def step(self) -> dict[str, Any]:
        self._is_called()
        with self._busy:
            said = self._step()
            self._alone = threading.Timer(SECONDS_ALONE, self._let_go)
            self._alone.daemon = True
            self._alone.start()
        return said

    def _is_called(self) -> None:
        if self._alone is not None:
            self._alone.cancel()

    def _let_go(self) -> None:
        with self._busy:
            if self._alone is not threading.current_thread() or self.execution is None or self.execution.done:
                return  # a call has come meanwhile, or nothing is held
            self.task["lost"] = f"nothing was heard of the command for {SECONDS_ALONE:.0f} s"
            self.execution.abandon()
            self.execution = None

    def _step(self) -> dict[str, Any]:
        if self.execution is None:  # not in `setup`: Tune may yet give the trial to an actor that has just become free
            self.execution = self._begin()
        self.execution.advance(seconds=1.0, leave=lambda: self.preempted)
        if self.preempted and not self.execution.done:
            self.execution.suspend(Cause.PREEMPTION)
            ray.actor.exit_actor()
        said = self._result(self.execution)
        if self._may_try_again(self.execution):
            self.retries += 1
            self.execution = self._begin()
            said |= {"status": TrialEvent.RETRIED, "done": False}
        return said

    def _begin(self) -> TrialExecution:
        trial = TrialConfig.model_validate(self.task["config"])
        images, evaluator = self.images[self.task["fingerprint"]], self.evaluators[self.task["evaluation"]]
        execution = TrialExecution(
            self._folder(),
            trial,
            images,
            evaluator,
            self.task["system_metrics"],
            device_for(self.task["resources"]),
            node=ray.util.get_node_ip_address(),
        )
        execution.begin(self.task.get("lost", ""))
        return execution

    def _folder(self) -> TrialFolder:
        """Where the trial is worked on: in its own folder, or in one of this node that goes to the storage."""
        folder, storage = Path(self.task["folder"]), self.task.get("storage")
        if storage is None:
            return TrialFolder(folder)
        for orphan in temp_folder.orphans():  # of workers that were killed here
            shutil.rmtree(orphan, ignore_errors=True)
        if self.place:
            self.place.cleanup()
        self.place = tempfile.TemporaryDirectory(prefix=f"orchestrate-{os.getpid()}-")
        return worker_folder.on_this_node(folder, storage, Path(self.place.name))

    def _result(self, execution: TrialExecution) -> dict[str, Any]:
        record = execution.record
        return {
            "key": execution.folder.key,
            "gan_step": execution.step,
            "status": record.status,
            "verdict": record.verdict and record.verdict["name"],
            "so_far": execution.so_far,
            "latest": dict(execution.latest),
            "seconds": execution.active_seconds(),
            "cause": record.attempts[-1].outcome if record.status == TrialStatus.FAILED else None,
            "error": last_line(record.error or ""),
            "done": execution.done,
            "note": record.note or worker_folder.trouble_of(execution.folder),
            "saved": (len(record.attempts), record.step, record.status),
            "halt": execution.halt,
        }

    def _may_try_again(self, execution: TrialExecution) -> bool:
        if execution.record.status != TrialStatus.FAILED:
            return False
        policy = POLICIES[Cause(execution.record.attempts[-1].outcome)]
        return policy.action is Action.RETRY and self.retries < policy.most

    def _preempt(self, number: int, frame: Any) -> None:
        """SIGTERM: a trial that runs is saved by its next `step`; without one there is nothing to wait for."""
        if self.execution is None or self.execution.done:
            sys.exit(f"signal {number}")
        self.preempted = True

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.cleanup()
        self.setup(new_config)  # type: ignore[call-arg]  # Tune has bound the rest
        return True

    def cleanup(self) -> None:
        self._is_called()
        with self._busy:
            if self.execution is not None:
                self.execution.suspend()
