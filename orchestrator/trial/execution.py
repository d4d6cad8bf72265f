"""One trial in its folder: starts or resumes it, trains for a while, and ends it with a verdict or an error.

What is on disk, and in which order it gets there, is the subject of `trial_writer`; the states that its record goes
through are that of `transitions`.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import torch
from filelock import FileLock

from gan_core import metric_names
from gan_core.config.trial import TrialConfig
from gan_core.data.datasets import ImageSet
from gan_core.evaluation.evaluator import Evaluator
from gan_core.history import Row
from gan_core.networks.kernel_choice import Kernels
from gan_core.training.applied_settings import differences
from gan_core.training.divergence import Diverged
from gan_core.training.trainer import Trainer
from gan_core.verdict.early_end import ended_early, lost_step, stopped, why_lost
from gan_core.verdict.judge import Verdict, judge
from gan_core.verdict.reference_values import ReferenceValues, reference_values
from orchestrator.store import disk_space
from orchestrator.store.json_files import write_json
from orchestrator.store.record import Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import AttemptOutcome, Cause, TrialStatus
from orchestrator.trial import pictures, transitions
from orchestrator.trial.audit import is_audit
from orchestrator.trial.best_generator import BestGenerator
from orchestrator.trial.device import TrialDevice, choose_device
from orchestrator.trial.restore import load_newest_checkpoint, open_history
from orchestrator.trial.training_time import TrainingTime
from orchestrator.trial.trial_writer import TrialWriter

if TYPE_CHECKING:
    from orchestrator.trial.system_metrics import SystemMeter


LOCK_TIMEOUT = 150
"""Seconds that another process may keep the trial's lock. NFS 4 frees the lock of a machine that died after 90 s."""


class SettingsNotApplied(RuntimeError):
    """Training ran with other settings than the configuration's."""


def _make_meter(device: torch.device) -> SystemMeter:
    from orchestrator.trial.system_metrics import SystemMeter

    return SystemMeter(device)


class TrialExecution:
    """Runs the trial of `folder`. Use: `begin`, `advance` until `done`, `suspend` to leave early.

    `system_metrics`: whether rows also hold readings of this process and its machine. `trial_device`: by default a GPU
    of this machine if there is one. `stop_early`: whether the trial ends once no more can be hoped for, unless it is an
    audit. `kernels`: see `Trainer`.

    `verdict_so_far`: the verdict that the trial would get now, since its last evaluation, at `evaluated_step` (0: none
    in this attempt). `stop_reason`: why no trial
    can go on, because the disk is full; '' otherwise.
    """

    def __init__(
        self,
        folder: TrialFolder,
        config: TrialConfig,
        images: ImageSet,
        evaluator: Evaluator,
        system_metrics: bool = False,
        trial_device: TrialDevice | None = None,
        stop_early: bool = False,
        kernels: Kernels | None = None,
    ):
        self.trial_device = trial_device or TrialDevice(choose_device())
        self.folder, self.config, self.images, self.evaluator = folder, config, images, evaluator
        self._kernels = kernels
        self.record = folder.record()
        self.verdict_so_far: str | None = None
        self.evaluated_step = 0
        self.stop_reason = ""
        self._stops_early, self._is_audit = stop_early, stop_early and is_audit(folder.key)
        self._meter = _make_meter(self.device) if system_metrics else None
        # not thread_local: another thread gives the lock back if the driver is no longer heard
        self._lock = FileLock(folder.lock_file, timeout=LOCK_TIMEOUT, thread_local=False)
        self._time = TrainingTime()
        self._trainer: Trainer | None = None
        self._writer: TrialWriter | None = None

    @property
    def device(self) -> torch.device:
        return self.trial_device.device

    @property
    def done(self) -> bool:
        """Whether the trial has ended, or cannot go on because the disk is full."""
        return self.record.has_ended or bool(self.stop_reason)

    @property
    def step(self) -> int:
        return self._trainer.step_count if self._trainer else self.record.step

    @property
    def latest(self) -> Row:
        """The last value of each metric."""
        return self._writer.latest if self._writer else {}

    def unreported_seconds(self) -> float:
        """Seconds of training since the last call of this method."""
        return self._time.take_unreported()

    # The beginning

    def begin(self, earlier_error: str = "") -> None:
        """Takes the trial's lock and builds the trainer, from the newest whole checkpoint if there is one.

        `earlier_error`: what is known about the end of the last attempt, if it did not write its end down.
        """
        with self._stopping_on_full_disk():
            self._begin(earlier_error)

    def _begin(self, earlier_error: str) -> None:
        self.folder.samples.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        self.record = self.folder.record()  # another process may have written it while we waited for the lock
        if self.record.status == TrialStatus.FINISHED:
            self._lock.release()
            return
        before = copy.copy(self.record)
        if before.status == TrialStatus.DAMAGED:
            self.record = Record(self.folder.key)
        self._open_attempt(earlier_error)
        try:
            self._start_or_resume(before)
        except Exception as error:
            self._fail(error)

    def _open_attempt(self, earlier_error: str) -> None:
        write_json(self.folder.config_file, self.config.model_dump(mode="json"))
        transitions.close_attempt(self.record, Cause.LOST_WORKER, self.step, earlier_error)
        transitions.begin(self.record, self.trial_device)
        self.folder.write_record(self.record)

    def _start_or_resume(self, before: Record) -> None:
        """`before`: the record as the last attempt left it."""
        if self.device.type == "cpu":
            torch.set_num_threads(1)
        trainer = Trainer(self.config, self.images, self.device, self.evaluator, kernels=self._kernels)
        restored = load_newest_checkpoint(self.folder, before, self.config.seed, self.device)
        attempt = self.record.attempts[-1]
        attempt.note = restored.note or None
        if restored.state:
            trainer.load_state_dict(restored.state)
        self.folder.delete_past(trainer.step_count)
        if trainer.step_count == 0:
            pictures.save_real_images(self.folder, self.images, self.config.model.family)
            pictures.save_samples(self.folder, trainer.snapshot())
        history = open_history(self.folder, before, restored.state)
        self._writer = TrialWriter(self.folder, self.record, history, BestGenerator(self.evaluator.id), self._time)
        self._trainer = trainer
        self.record.applied, self.record.evaluator = trainer.applied(), self.evaluator.card()
        attempt.from_step = trainer.step_count
        self._writer.write_start(trainer.step_count)
        if trainer.step_count:  # the last attempt may have died between its last checkpoint and an early end
            self._time.start()
            self._end_if_lost()
            self.end_if_stopped()

    # Training

    def advance(self, seconds: float = float("inf"), should_stop: Callable[[], bool] = lambda: False) -> None:
        """Trains for about `seconds`, to the end of the trial, or to the first step after which `should_stop()`."""
        if self.done or self._trainer is None or self._writer is None:
            return
        with self._stopping_on_full_disk():
            self._advance(self._trainer, self._writer, seconds, should_stop)

    def _advance(self, trainer: Trainer, writer: TrialWriter, seconds: float, should_stop: Callable[[], bool]) -> None:
        self._time.start()
        deadline = time.monotonic() + seconds
        try:
            if trainer.step_count >= self.config.steps:  # the last attempt died between its last checkpoint and its end
                self._finish(self._judge())
            while not self.done and time.monotonic() < deadline and not should_stop():
                self._take_step()
        except Diverged as event:
            writer.history.add(trainer.unfinished_window())
            self._check_and_finish_diverged(trainer, event)
        except Exception as error:
            self._fail(error)
        self._time.count(self.record)

    def _take_step(self) -> None:
        """Trains one step and saves what is due after it."""
        trainer, writer = self._trainer, self._writer
        assert trainer is not None and writer is not None
        progress = trainer.step()
        for row in progress.rows:
            if self._meter and metric_names.SPEED in row:  # the row of a window, not of an evaluation
                row |= self._meter.read()
        writer.add_rows(progress.rows)
        if progress.snapshot:
            pictures.save_samples(self.folder, progress.snapshot)
            if writer.best.update(progress.rows):
                writer.best.keep(trainer.eval_generator)
        if trainer.step_count == self.config.steps:
            self._finish(self._judge())
            return
        if progress.snapshot:
            self.verdict_so_far, self.evaluated_step = self._judge().name, trainer.step_count
            self._end_if_lost()
            self.end_if_stopped()
        if not self.done and trainer.step_count % self.config.checkpoint_every == 0:
            writer.commit(trainer)

    def _judge(self, diverged: tuple[int, str] | None = None) -> Verdict:
        """`diverged`: the step and the tensor that was not finite."""
        assert self._writer is not None
        return judge(self._writer.history.rows(), self._reference_values(), diverged)

    def _reference_values(self) -> ReferenceValues:
        return reference_values(self.config, self.images.channels, self.evaluator.card())

    def _check_applied(self, trainer: Trainer) -> None:
        """Raises SettingsNotApplied if training did not run with the settings of the configuration."""
        self.record.applied = trainer.applied()
        if missing := differences(self.config, self.record.applied):
            raise SettingsNotApplied(f"not trained as asked: {'; '.join(missing)}")

    # An early end

    def _end_if_lost(self) -> None:
        """Ends the trial if no more can be hoped for since its last evaluation."""
        assert self._writer is not None
        if not self._stops_early or self._is_audit or self.step >= self.config.steps:
            return
        if why := why_lost(self._writer.history.rows(), self._reference_values()):
            self.record.lost_at = self.step
            self._finish(ended_early(self._judge(), self.step, self.config.steps, why))

    def end_if_stopped(self) -> None:
        """Ends the trial if a schedule has said that it shall end at this step or before. Raises OSError."""
        if self.done or self._trainer is None or self.step >= self.config.steps:
            return
        if (stop := self.folder.stop()) and self.step >= stop[0]:
            self.record.stopped_at = self.step
            self._finish(stopped(self._judge(), self.step, self.config.steps, stop[1]))

    def _note_audit(self) -> None:
        """Notes in the record at which step an audit would have been ended."""
        assert self._writer is not None
        lost = lost_step(self._writer.history.rows(), self._reference_values()) if self._is_audit else None
        if lost is not None and lost < self.config.steps:
            self.record.lost_at = lost

    # The end

    def suspend(self, outcome: AttemptOutcome | Cause = AttemptOutcome.INTERRUPTED) -> None:
        """Saves a running trial so that it is resumed from this step, and gives its lock back.

        `outcome`: how this attempt ends. A trial that has ended stays as it is.
        """
        with self._stopping_on_full_disk():
            if self._trainer is not None and self._writer is not None and self.record.status == TrialStatus.RUNNING:
                self._time.start()
                transitions.interrupt(self.record, outcome, self.step)
                self._writer.commit(self._trainer)
            self._leave()

    def abandon(self) -> None:
        """Gives the trial's lock back and writes nothing: the trial stays as its last checkpoint left it."""
        self._leave()

    def _finish(self, verdict: Verdict) -> None:
        """Ends a trial that took all its steps, or is ended early."""
        assert self._trainer is not None and self._writer is not None
        self._check_applied(self._trainer)
        self._writer.save_last_generator(self._trainer)
        self._set_verdict(verdict)
        self._writer.commit(self._trainer)
        self.folder.prune()
        self._leave()

    def _check_and_finish_diverged(self, trainer: Trainer, event: Diverged) -> None:
        try:
            self._check_applied(trainer)
        except SettingsNotApplied as error:
            self._fail(error)
        else:
            self._finish_diverged(self._judge((event.step, event.tensor)))

    def _finish_diverged(self, verdict: Verdict) -> None:
        """Ends a trial at the step that was not finite. Of its weights only those of the best evaluation are saved."""
        assert verdict.since is not None and self._trainer is not None and self._writer is not None
        self._set_verdict(verdict)
        self._writer.save_best_generator(self._trainer)
        self._writer.write_history_and_record(verdict.since)
        self.folder.prune()
        self._leave()

    def _set_verdict(self, verdict: Verdict) -> None:
        self._note_audit()
        transitions.finish(self.record, verdict, self.step)

    def _fail(self, error: BaseException) -> None:
        if disk_space.is_disk_full(error):
            raise error
        transitions.fail(self.record, error, self.step)
        try:
            self.folder.write_record(self.record)
        finally:
            self._leave()

    @contextmanager
    def _stopping_on_full_disk(self) -> Iterator[None]:
        """A full disk is not the trial's failure: the trial stays as its last checkpoint left it."""
        try:
            yield
        except OSError as error:
            if not disk_space.is_disk_full(error):
                raise
            self.stop_reason = disk_space.describe_full_disk(error, self.folder.folder)
            self._trainer = None
            transitions.stop_on_full_disk(self.record, self.stop_reason, self.step)
            with suppress(OSError):  # else it stays RUNNING, which counts as interrupted without a process
                self.folder.write_record(self.record)
            self._leave()

    def _leave(self) -> None:
        self._trainer = None
        self._lock.release()
