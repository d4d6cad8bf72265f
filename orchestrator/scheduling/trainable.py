"""What runs in a worker: Tune's view of a `TrialExecution`. All durable state is in the trial's folder."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
import torch
from ray import tune

from gan_core.data.datasets import ImageSet
from gan_core.error_text import last_line
from gan_core.evaluation.evaluator import Evaluator
from orchestrator.object_store import worker_folder
from orchestrator.scheduling.trial_task import task_of
from orchestrator.store import temp_folder
from orchestrator.store.kernel_file import KernelFile
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import Cause, TrialStatus
from orchestrator.trial.device import TrialDevice
from orchestrator.trial.execution import TrialExecution
from orchestrator.trial.failure_policy import POLICIES, Action
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

SECONDS_PER_CALL = 1.0
"""Seconds of training between two reports."""
SECONDS_WITHOUT_CALL = 30.0
"""After so long without a call a worker gives up its trial. A command that lives calls again at once; Ray takes a
minute to notice that a node is cut off, and up to three more to end what runs there."""


def device_for(resources: dict[str, float]) -> torch.device:
    """The device of a trial that requested these resources; of a GPU's memory it can take no more than its fraction."""
    if fraction := resources.get("GPU", 0):
        torch.cuda.set_per_process_memory_fraction(min(1.0, fraction))
        return torch.device("cuda")
    return torch.device("cpu")


class TrialTrainable(tune.Trainable):
    """Trains for a second per call of `step`. Tune reuses the worker for one trial after another.

    If no call follows, because this node is cut off, the trial's lock is released for the worker that goes on with it
    elsewhere. Nothing is saved then: the write could hang until the storage is back, and overwrite what the other
    worker has written in the meantime. A call that comes after all goes on from the last checkpoint.
    """

    scratch: tempfile.TemporaryDirectory[str] | None = None
    """Where this process works on its trial, if the trial lives in an object store."""

    def setup(self, config: dict[str, Any], images: dict[str, ImageSet], evaluators: dict[str, Evaluator]) -> None:
        """`images`, `evaluators`: by the names that the task has for them."""
        self.task, self.images, self.evaluators = task_of(config), images, evaluators
        self.execution: TrialExecution | None = None
        self.retries, self.preempted = 0, False
        self._abandon_timer: threading.Timer | None = None
        self._busy = threading.Lock()
        signal.signal(signal.SIGTERM, self._preempt)

    def step(self) -> dict[str, Any]:
        self._cancel_timer()
        with self._busy:
            report = self._train()
            self._abandon_timer = threading.Timer(SECONDS_WITHOUT_CALL, self._abandon)
            self._abandon_timer.daemon = True
            self._abandon_timer.start()
        return {"report": report, "done": report.is_done}

    def _cancel_timer(self) -> None:
        if self._abandon_timer is not None:
            self._abandon_timer.cancel()

    def _abandon(self) -> None:
        with self._busy:
            if self._abandon_timer is not threading.current_thread():
                return  # a call has come meanwhile
            if self.execution is not None and not self.execution.done:
                message = f"no call from the command for {SECONDS_WITHOUT_CALL:.0f} s"
                self.task = replace(self.task, lost=message)
                self.execution.abandon()
                self.execution = None

    def _train(self) -> TrialReport:
        if self.execution is None:  # not in `setup`: Tune may yet give the trial to a worker that has just become free
            self.execution = self._begin()
        execution, known = self.execution, self.execution.evaluated_step
        if self.task.is_scheduled:
            execution.end_if_stopped()

        def should_stop() -> bool:
            return self.preempted or (self.task.is_scheduled and execution.evaluated_step > known)

        execution.advance(seconds=SECONDS_PER_CALL, should_stop=should_stop)
        if self.preempted and not self.execution.done:
            self.execution.suspend(Cause.PREEMPTION)
            ray.actor.exit_actor()
        report = self._report(self.execution)
        if self._may_retry(report.cause):
            self.retries += 1
            self.execution = self._begin()
            report = replace(report, event=TrialEvent.RETRIED, is_done=False)
        return report

    def _begin(self) -> TrialExecution:
        execution = TrialExecution(
            self._folder(),
            self.task.config,
            self.images[self.task.dataset],
            self.evaluators[self.task.evaluator],
            self.task.system_metrics,
            TrialDevice(device_for(self.task.resources), ray.util.get_node_ip_address()),
            self.task.stop_early,
            KernelFile(self.task.home),
        )
        execution.begin(self.task.lost)
        return execution

    def _folder(self) -> TrialFolder:
        """Where the trial is worked on: in its own folder, or in one on this node whose content goes to the store."""
        if self.task.store_uri is None:
            return TrialFolder(self.task.folder)
        for orphan in temp_folder.orphaned_folders():  # of workers that were killed on this node
            shutil.rmtree(orphan, ignore_errors=True)
        if self.scratch:
            self.scratch.cleanup()
        self.scratch = tempfile.TemporaryDirectory(prefix=f"orchestrate-{os.getpid()}-")
        return worker_folder.fetch_trial(self.task.folder, self.task.store_uri, Path(self.scratch.name))

    def _report(self, execution: TrialExecution) -> TrialReport:
        record = execution.record
        has_failed = record.status == TrialStatus.FAILED
        return TrialReport(
            key=execution.folder.key,
            status=record.status,
            is_done=execution.done,
            step=execution.step,
            verdict=record.verdict["name"] if record.verdict else None,
            verdict_so_far=execution.verdict_so_far,
            latest=dict(execution.latest),
            seconds=execution.unreported_seconds(),
            cause=Cause(record.attempts[-1].outcome) if has_failed else None,
            error=last_line(record.error or ""),
            note=record.note or worker_folder.sync_error_of(execution.folder),
            saved=(len(record.attempts), record.step, record.status),
            stop_reason=execution.stop_reason,
            ended_early=record.ended_early,
            stopped=record.stopped,
            evaluated_step=execution.evaluated_step,
        )

    def _may_retry(self, cause: Cause | None) -> bool:
        return (
            cause is not None and POLICIES[cause].action is Action.RETRY and self.retries < POLICIES[cause].max_retries
        )

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
        self._cancel_timer()
        with self._busy:
            if self.execution is not None:
                self.execution.suspend()
