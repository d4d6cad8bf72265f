"""One trial in its folder: starts or resumes it, trains for a while, saves, and writes the verdict.

What is durable is the checkpoint: it holds the history's rows up to its step. `history.jsonl` and the record, which
readers look at, follow it. A crash between them leaves readers a step behind; the resumed trial makes both anew.
"""

from __future__ import annotations

import copy
import io
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from filelock import FileLock
from PIL import Image

from gan_core import checkpoint, families, generator_file, metric_names, sampling
from gan_core.config.trial import TrialConfig
from gan_core.data import pixels
from gan_core.data.datasets import ImageSet
from gan_core.error_text import last_line
from gan_core.evaluation.evaluator import Evaluator
from gan_core.files import write_atomically
from gan_core.history import Row, now_ms
from gan_core.networks.build import classes_of
from gan_core.training.applied_settings import differences
from gan_core.training.divergence import Diverged
from gan_core.training.generator_evaluation import Snapshot
from gan_core.training.trainer import Trainer
from gan_core.verdict import Verdict, best, judge
from orchestrator import environment
from orchestrator.store import disk_space
from orchestrator.store.history_log import HistoryLog
from orchestrator.store.json_files import write_json
from orchestrator.store.record import Attempt, Record
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import Outcome, TrialStatus
from orchestrator.trial.failure_policy import Cause, classify, described
from orchestrator.trial.restore import newest_whole, on_device, open_ledger, with_history

if TYPE_CHECKING:
    from orchestrator.trial.system_metrics import SystemMeter


SECONDS_FOR_LOCK = 150
"""How long another process may keep the trial's lock: NFS 4 frees that of a machine that died after its lease, 90 s."""


class NotTrainedAsAsked(RuntimeError):
    """Training ran with something else than the configuration says."""


def choose_device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _gpu(device: torch.device) -> dict[str, str]:
    return {"gpu": torch.cuda.get_device_name(device)} if device.type == "cuda" else {}


def _meter(device: torch.device) -> SystemMeter:
    from orchestrator.trial.system_metrics import SystemMeter

    return SystemMeter(device)


class TrialExecution:
    """Runs the trial of `folder`. Use: `begin`, `advance` until `done`, `suspend` to leave early.

    `system_metrics`: whether rows tell of this process and its machine too. `device`: by default a GPU where there is
    one. `node`: of Ray, where it is. `halt`: why no trial can go on; empty
    while there is no such reason.
    """

    def __init__(
        self,
        folder: TrialFolder,
        config: TrialConfig,
        images: ImageSet,
        evaluator: Evaluator,
        system_metrics: bool = False,
        device: torch.device | None = None,
        node: str | None = None,
    ):
        self.device, self.node = device or choose_device(), node
        self.folder, self.config, self.images, self.evaluator = folder, config, images, evaluator
        self.record = folder.record()
        self.latest: Row = {}
        self.so_far: str | None = None
        """The name of the verdict that it would get now, since its last evaluation."""
        self.halt = ""
        self._ledger: HistoryLog | None = None
        self._best: Row = {}
        self._best_weights: dict[str, Any] | None = None
        self._meter = _meter(self.device) if system_metrics else None
        # given back by another thread where a worker was forgotten
        self._lock = FileLock(folder.lock_file, timeout=SECONDS_FOR_LOCK, thread_local=False)
        self._trainer: Trainer | None = None
        self._counted = time.monotonic()
        self._active = 0.0

    @property
    def done(self) -> bool:
        return self.record.has_ended or bool(self.halt)

    @property
    def step(self) -> int:
        return self._trainer.step_count if self._trainer else self.record.step

    def active_seconds(self) -> float:
        """Seconds of training since this was asked last."""
        spent, self._active = self._active, 0.0
        return spent

    def begin(self, lost: str = "") -> None:
        """Takes the trial's lock and builds the trainer, from its newest whole checkpoint where there is one.

        `lost`: what is known of how an attempt that did not say its end came to it.
        """
        with self._halting_on_full_disk():
            self._begin(lost)

    def _begin(self, lost: str) -> None:
        self.folder.samples.mkdir(parents=True, exist_ok=True)
        self._lock.acquire()
        self.record = self.folder.record()  # another process may have written it while we waited for the lock
        if self.record.status == TrialStatus.FINISHED:
            self._lock.release()
            return
        before = copy.copy(self.record)
        if before.status == TrialStatus.DAMAGED:
            self.record = Record(self.folder.key)
        self._open_attempt(lost)
        try:
            self._start_or_resume(before)
        except Exception as error:
            self._fail(error)

    def _open_attempt(self, lost: str) -> None:
        write_json(self.folder.config_file, self.config.model_dump(mode="json"))
        self._close_attempt(Cause.LOST_WORKER, lost)
        attempt = Attempt(now_ms(), self.record.step, platform.node(), os.getpid(), self.device.type, self.node)
        self.record.attempts.append(attempt)
        self.record.status, self.record.error, self.record.verdict = TrialStatus.RUNNING, None, None
        self.record.environment = environment.describe() | _gpu(self.device)
        self.folder.write_record(self.record)

    def _start_or_resume(self, before: Record) -> None:
        """`before`: the record as the last attempt left it."""
        device = self.device
        if device.type == "cpu":
            torch.set_num_threads(1)
        trainer = Trainer(self.config, self.images, device, self.evaluator)
        found = newest_whole(self.folder, before)
        state, moved = on_device(found.state, self.config.seed, device) if found.state else (None, "")
        if found.note or moved:
            self.record.attempts[-1].note = "; ".join(filter(None, (found.note, moved)))
        if state:
            trainer.load_state_dict(state)
        self.folder.forget_past(trainer.step_count)
        if trainer.step_count == 0:
            self._save_real(self.images)
            self._save_snapshot(trainer.snapshot())
        self._trainer, self._ledger = trainer, open_ledger(self.folder, before, found.state)
        history = self._ledger.rows()
        for row in history:
            self.latest |= row
        self.record.step, self.record.applied = trainer.step_count, trainer.applied()
        self.record.history = self._ledger.digest()
        self.record.evaluator = self.evaluator.card()
        self._find_best(history)
        self.record.best = self._best
        if not self._best:
            self.folder.best_file.unlink(missing_ok=True)
        self.record.attempts[-1].from_step = trainer.step_count
        self.folder.write_record(self.record)

    def advance(self, seconds: float = float("inf"), leave: Callable[[], bool] = lambda: False) -> None:
        """Trains for about so long, to the end of the trial, or to the first step after which `leave` says so."""
        if self.done or self._trainer is None or self._ledger is None:
            return
        with self._halting_on_full_disk():
            self._advance(self._trainer, self._ledger, seconds, leave)

    def _advance(self, trainer: Trainer, ledger: HistoryLog, seconds: float, leave: Callable[[], bool]) -> None:
        self._counted = time.monotonic()
        deadline = self._counted + seconds
        try:
            if trainer.step_count >= self.config.steps:  # all that was missing was the record
                self._finish(self._judge())
            while not self.done and time.monotonic() < deadline and not leave():
                self._one_step(trainer)
        except Diverged as event:
            ledger.add(trainer.unfinished_window())
            self._end_diverged(trainer, event)
        except Exception as error:
            self._fail(error)
        self._count_time()

    def _end_diverged(self, trainer: Trainer, event: Diverged) -> None:
        try:
            self._prove_application(trainer)
        except NotTrainedAsAsked as error:
            self._fail(error)
        else:
            self._diverge(self._judge((event.step, event.tensor)))

    def _prove_application(self, trainer: Trainer) -> None:
        """Raises NotTrainedAsAsked where training ran with something else than was asked for."""
        self.record.applied = trainer.applied()
        if missing := differences(self.config, self.record.applied):
            raise NotTrainedAsAsked(f"not trained as asked: {'; '.join(missing)}")

    def _count_time(self) -> None:
        spent = time.monotonic() - self._counted
        self._counted += spent
        self._active += spent
        self.record.seconds += spent

    def _one_step(self, trainer: Trainer) -> None:
        assert self._ledger is not None
        progress = trainer.step()
        for row in progress.rows:
            if self._meter and metric_names.SPEED in row:  # the row of a window, not of an evaluation
                row |= self._meter.read()
        for row in self._ledger.add(progress.rows):
            self.latest |= row
        if progress.snapshot:
            self._save_snapshot(progress.snapshot)
            if self._find_best(progress.rows):
                self._best_weights = copy.deepcopy(trainer.eval_generator.state_dict())
        if trainer.step_count == self.config.steps:
            self._finish(self._judge())
            return
        if progress.snapshot:
            self.so_far = self._judge().name
        if trainer.step_count % self.config.checkpoint_every == 0:
            self._commit(trainer)

    def suspend(self, outcome: str = Outcome.INTERRUPTED) -> None:
        """Saves a running trial so that it goes on from here; a finished one is left as it is.

        `outcome`: how this attempt ends.
        """
        with self._halting_on_full_disk():
            if self._trainer is not None and self.record.status == TrialStatus.RUNNING:
                self._counted = time.monotonic()
                self.record.status = TrialStatus.INTERRUPTED
                self._close_attempt(outcome)
                self._commit(self._trainer)
            self._leave()

    def abandon(self) -> None:
        """Gives the trial's lock back and writes nothing: the trial stays as its last checkpoint left it."""
        self._leave()

    @contextmanager
    def _halting_on_full_disk(self) -> Iterator[None]:
        """A disk that takes nothing more is not the trial's failure: it stays as its last checkpoint left it."""
        try:
            yield
        except OSError as error:
            if not disk_space.is_full(error):
                raise
            self.halt = disk_space.explain(error, self.folder.folder)
            self._trainer = None
            self.record.status, self.record.verdict = TrialStatus.INTERRUPTED, None
            if self.record.attempts:
                self.record.attempts[-1].outcome = Outcome.RUNNING  # whatever it was about to be called
            self._close_attempt(Cause.DISK_FULL, self.halt)
            with suppress(OSError):  # else it says running, which without a process counts as interrupted too
                self.folder.write_record(self.record)
            self._leave()

    def _commit(self, trainer: Trainer) -> None:
        """Makes everything up to this step durable."""
        assert self._ledger is not None
        self._save_best()
        state = with_history(trainer.state_dict(), self._ledger)
        checkpoint.save(self.folder.checkpoint_file, state, self.folder.previous_file)
        self._write_progress(trainer.step_count)

    def _write_progress(self, step: int) -> None:
        assert self._ledger is not None
        self._count_time()
        self._ledger.write()
        self.record.history = self._ledger.digest()
        self.record.step, self.record.best = step, self._best
        self.record.metrics |= metric_names.without_position(self.latest)
        self.folder.write_record(self.record)

    def _finish(self, verdict: Verdict) -> None:
        """Ends a trial that took all its steps."""
        assert self._trainer is not None
        self._prove_application(self._trainer)
        self._save_generator(self.folder.generator_file, self._trainer.eval_generator.state_dict())
        self.record.status, self.record.verdict = TrialStatus.FINISHED, verdict._asdict()
        self._close_attempt(Outcome.FINISHED)
        self._commit(self._trainer)
        self.folder.prune()
        self._leave()

    def _diverge(self, verdict: Verdict) -> None:
        """Ends a trial at the step that was not finite; what came before is kept, of the weights only the best."""
        assert verdict.since is not None
        self.record.status, self.record.verdict = TrialStatus.FINISHED, verdict._asdict()
        self._close_attempt(Outcome.FINISHED)
        self._save_best()
        self._write_progress(verdict.since)
        self.folder.prune()
        self._leave()

    def _fail(self, error: BaseException) -> None:
        if disk_space.is_full(error):
            raise error
        text = described(error)
        self.record.status, self.record.error, self.record.verdict = TrialStatus.FAILED, text, None
        self._close_attempt(classify(error), last_line(text))
        try:
            self.folder.write_record(self.record)
        finally:
            self._leave()

    def _close_attempt(self, outcome: str, message: str = "") -> None:
        if self.record.open_attempt:
            self.record.open_attempt.close(outcome, message, ended=now_ms(), to_step=self.step)

    def _leave(self) -> None:
        self._trainer = None
        self._lock.release()

    def _judge(self, diverged: tuple[int, str] | None = None) -> Verdict:
        assert self._ledger is not None
        rows, loss = self._ledger.rows(), self.config.loss.name
        return judge(rows, loss, self.evaluator.id, self.evaluator.expected_modes, diverged)

    def _find_best(self, rows: list[Row]) -> bool:
        """Whether one of these rows is the best evaluation so far; the record has it once its weights are saved."""
        metric = metric_names.frechet(self.evaluator.id)
        found = best(rows, self.evaluator.id)
        if found is None or found[metric] >= self._best.get(metric, float("inf")):
            return False
        self._best = {name: value for name, value in found.items() if name != "time"}
        return True

    def _save_best(self) -> None:
        if self._best_weights:
            self._save_generator(self.folder.best_file, self._best_weights)
            self._best_weights = None

    def _save_generator(self, file: Path, state: dict[str, Any]) -> None:
        generator_file.save(file, self.config, self.images.channels, classes_of(self.config, self.images), state)

    def _save_snapshot(self, snapshot: Snapshot) -> None:
        save_png(self.folder.sample_file(snapshot.step), sampling.grid(snapshot.images, snapshot.columns))

    def _save_real(self, images: ImageSet) -> None:
        """Real images in the arrangement of the samples: a row a class where the model is asked for classes."""
        if families.labelled(self.config.model.family) and images.labels is not None:
            members = [(images.labels == c).nonzero()[:, 0] for c in range(len(images.class_names))]
            index = torch.cat([m[torch.arange(sampling.GRID_SIDE) % len(m)] for m in members if len(m)])
        else:
            index = pixels.spread(len(images), sampling.GRID_SIDE**2)
        save_png(self.folder.real_file, sampling.grid(images.images[index]))


def save_png(path: Path, picture: Any) -> None:
    """uint8 [H, W, 1 or 3] -> a PNG file."""
    image = Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture)
    content = io.BytesIO()
    image.save(content, format="PNG", optimize=True)
    write_atomically(path, content.getbuffer())
