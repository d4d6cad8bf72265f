"""Keeps the command's home up to date with what workers push to an object store, for MLflow, the report, `status`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from orchestrator.errors import UserError
from orchestrator.formatting import count_of
from orchestrator.object_store.attempts import Attempts
from orchestrator.object_store.home_copy import CopiedFolder, StoredSweep
from orchestrator.object_store.s3 import explain
from orchestrator.object_store.worker_folder import write_file
from orchestrator.periodic import PeriodicThread
from orchestrator.planning.plan import Plan
from orchestrator.planning.repair import damaged_files
from orchestrator.store import disk_space
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

MAX_PARALLEL_TRANSFERS = 8
SECONDS_BETWEEN_PULLS = 1.0


def exchange_trials(sweep: StoredSweep, plan: Plan, note: Callable[[str], None]) -> Plan:
    """Pull what the object store knows of the plan's trials into the home, and push what only the home has.

    Returns the plan with the records that the home has now. Raises UserError.
    """
    exchange_evaluators(sweep, plan)
    with _store_errors_explained(sweep), ThreadPoolExecutor(MAX_PARALLEL_TRANSFERS) as pool:
        attempts = sweep.attempts()
        keys = [planned.key for planned in plan.trials]
        pulled = sum(pool.map(lambda key: _exchange(sweep.trial(key), attempts.get(key, {})), keys))
    if pulled:
        note(f"found {count_of(pulled, 'trial')} of {plan.sweep.name} in {sweep.object_store.uri}")
    return replace(plan, folder=sweep).with_current_records()


@contextmanager
def _store_errors_explained(sweep: StoredSweep) -> Iterator[None]:
    """In this context an OSError becomes a UserError about the object store, unless the disk is full."""
    try:
        yield
    except OSError as error:
        if disk_space.is_disk_full(error):
            raise
        store = sweep.object_store
        raise UserError(f"{store.uri} cannot be used: {explain(error, store.bucket)}") from None


def _exchange(folder: CopiedFolder, attempts: Attempts) -> bool:
    """Pull a trial, or push it if only the home has it; returns whether the object store had it.

    A finished trial whose copy is damaged is copied again, with its checkpoint if the objects are damaged too.
    """
    if not folder.pull(attempts):
        if folder.record().attempts:
            folder.push_all()
        return False
    record = folder.record()
    if record.status == TrialStatus.FINISHED and (damaged := damaged_files(folder, record)):
        for file in damaged:
            file.unlink(missing_ok=True)
        folder.pull(attempts)
        if damaged_files(folder, record):  # the objects are damaged too: the checkpoint makes them again
            folder.pull(attempts, checkpoints=True)
    return True


def exchange_evaluators(sweep: StoredSweep, plan: Plan) -> None:
    """Pull and push the classifiers that quality is measured with. Raises UserError.

    Trained on another processor a classifier has slightly other weights, and trials could not be compared.
    """
    with _store_errors_explained(sweep):
        stored = sweep.object_store.children("evaluators")
        for name in [f"{fingerprint}.pt" for fingerprint in plan.images]:
            file = sweep.home / "evaluators" / name
            if name in stored and not file.exists():
                write_file(file, sweep.object_store.read(f"evaluators/{name}"))
            elif file.exists() and name not in stored:
                sweep.object_store.write(f"evaluators/{name}", file.read_bytes())


class Puller:
    """Pulls a trial into the home whenever its worker reports that it saved more. A context manager with a thread.

    `note` gets one message when the object store does not answer; the trials are pulled when it answers again.
    """

    def __init__(self, sweep: StoredSweep, note: Callable[[str], None]):
        self.sweep, self.note = sweep, note
        self._saved: dict[str, tuple[int, int, str] | None] = {}
        self._pending_keys: set[str] = set()
        self._running: set[str] = set()
        self._is_failing = False
        self._keys_lock, self._pull_lock = threading.Lock(), threading.Lock()
        self._thread = PeriodicThread("puller", SECONDS_BETWEEN_PULLS, self._pull)

    def __enter__(self) -> Puller:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.end()  # without waiting for it: a pull may hang as long as the storage does not answer

    def on_report(self, report: TrialReport) -> None:
        """Take note of a trial's report; pull the trial soon if there may be something new."""
        if report.event is TrialEvent.SILENT:
            return
        if report.is_done:  # also after a loss or a retry: the trial is known to run again with its next report
            self._running.discard(report.key)
        else:
            self._running.add(report.key)
        if report.saved is None or self._saved.get(report.key) != report.saved:
            self._saved[report.key] = report.saved
            self._schedule({report.key})

    def is_running(self, key: str) -> bool:
        """Whether a worker has the trial. The lock of the copy does not say so."""
        return key in self._running

    def catch_up(self, keys: set[str]) -> None:
        """Pull these trials now, whatever their workers have reported."""
        self._schedule(keys)
        self._pull()

    def _schedule(self, keys: set[str]) -> None:
        with self._keys_lock:
            self._pending_keys |= keys

    def _pull(self) -> None:
        with self._pull_lock:
            with self._keys_lock:
                keys, self._pending_keys = self._pending_keys, set()
            with ThreadPoolExecutor(MAX_PARALLEL_TRANSFERS) as pool:
                errors = [error for error in pool.map(self._try_to_pull, keys) if error]
        if errors and not self._is_failing:
            self.note(f"{self.sweep.object_store.uri}: {errors[0]}; results appear here when the store answers again")
        self._is_failing = bool(errors)

    def _try_to_pull(self, key: str) -> str:
        """Why the trial could not be pulled, or ''."""
        try:
            self.sweep.trial(key).pull()
        except OSError as error:
            self._schedule({key})
            return explain(error, self.sweep.object_store.bucket)
        return ""
