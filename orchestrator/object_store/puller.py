"""The command's side of a storage: its home is kept up with what workers push, for MLflow, the report and `status`."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from orchestrator.errors import UserError
from orchestrator.object_store.attempts import Attempts
from orchestrator.object_store.home_copy import CopiedFolder, StoredSweep
from orchestrator.object_store.s3 import reason
from orchestrator.object_store.worker_folder import write_file
from orchestrator.periodic import PeriodicThread
from orchestrator.planning.plan import Plan
from orchestrator.planning.repair import damaged_files
from orchestrator.store import disk_space
from orchestrator.store.trial_status import TrialStatus
from orchestrator.trial.trial_event import TrialEvent
from orchestrator.trial.trial_report import TrialReport

AT_ONCE = 8
SECONDS_BETWEEN_PULLS = 1.0


def begin(sweep: StoredSweep, plan: Plan, note: Callable[[str], None]) -> Plan:
    """The plan with what the storage knows of its trials, now in the home as well; what only the home has goes there.

    Raises UserError.
    """
    exchange_evaluators(sweep, plan)
    with _answering(sweep), ThreadPoolExecutor(AT_ONCE) as pool:
        known = sweep.attempts()
        looked = [(sweep.trial(planned.key), known.get(planned.key, {})) for planned in plan.trials]
        pulled = sum(pool.map(lambda one: _exchange(*one), looked))
    if pulled:
        note(f"found {pulled} trial{'s' * (pulled != 1)} of {plan.sweep.name} in {sweep.storage.uri}")
    return replace(plan, folder=sweep).with_current_records()


@contextmanager
def _answering(sweep: StoredSweep) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if disk_space.is_full(error):
            raise
        raise UserError(f"{sweep.storage.uri} cannot be used: {reason(error, sweep.storage.bucket)}") from None


def _exchange(place: CopiedFolder, attempts: Attempts) -> bool:
    """Whether the storage had the trial. A finished one whose copy is damaged is copied anew, with its checkpoint."""
    if not place.pull(attempts):
        if place.record().attempts:
            place.push_all()
        return False
    record = place.record()
    if record.status == TrialStatus.FINISHED and (damaged := damaged_files(place, record)):
        for file in damaged:
            file.unlink(missing_ok=True)
        place.pull(attempts)
        if damaged_files(place, record):  # there too: the checkpoint makes them again
            place.pull(attempts, checkpoints=True)
    return True


def exchange_evaluators(sweep: StoredSweep, plan: Plan) -> None:
    """Classifiers that quality is measured with: another processor may train another one. Raises UserError."""
    with _answering(sweep):
        there = sweep.storage.folders("evaluators")
        for name in [f"{fingerprint}.pt" for fingerprint in plan.images]:
            file = sweep.home / "evaluators" / name
            if name in there and not file.exists():
                write_file(file, sweep.storage.read(f"evaluators/{name}"))
            elif file.exists() and name not in there:
                sweep.storage.write(f"evaluators/{name}", file.read_bytes())


class Puller:
    """Pulls a trial whenever its worker says that it made more durable. A context manager; its thread pulls.

    `note` is told once when the storage does not answer; what is outstanding is pulled when it does.
    """

    def __init__(self, sweep: StoredSweep, note: Callable[[str], None]):
        self.sweep, self.note = sweep, note
        self._saved: dict[str, tuple[int, int, str] | None] = {}
        self._due: set[str] = set()
        self._running: set[str] = set()
        self._silent = False
        self._asking, self._pulling = threading.Lock(), threading.Lock()
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
            self._ask({report.key})

    def is_running(self, key: str) -> bool:
        """Whether a worker has it; the lock of the copy says nothing."""
        return key in self._running

    def catch_up(self, keys: set[str]) -> None:
        """Pulls these now, whatever was heard of them."""
        self._ask(keys)
        self._pull()

    def _ask(self, keys: set[str]) -> None:
        with self._asking:
            self._due |= keys

    def _pull(self) -> None:
        with self._pulling:
            with self._asking:
                due, self._due = self._due, set()
            with ThreadPoolExecutor(AT_ONCE) as pool:
                troubles = [trouble for trouble in pool.map(self._try, due) if trouble]
        if troubles and not self._silent:
            self.note(f"{self.sweep.storage.uri}: {troubles[0]}; what is stored is seen here once that is over")
        self._silent = bool(troubles)

    def _try(self, key: str) -> str:
        try:
            self.sweep.trial(key).pull()
        except OSError as error:
            self._ask({key})
            return reason(error, self.sweep.storage.bucket)
        return ""
