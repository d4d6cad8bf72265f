"""The home's copy of trials that live in an object store."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from pathlib import Path

from orchestrator.object_store.attempts import (
    CHECKPOINTS,
    GENERATORS,
    RECORD,
    Attempts,
    group_by_attempt,
    newest_attempt,
    object_prefix,
    trial_files,
)
from orchestrator.object_store.s3 import Object, ObjectStore
from orchestrator.object_store.worker_folder import WorkerFolder, write_file
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

SETTLED_NS = 2 * 10**9
"""Nanoseconds after which an object that is written again gets another time: most stores count whole seconds."""


class StoredSweep(SweepFolder):
    """A sweep of the command's home whose trials live in an object store: the home has a copy without the checkpoints.

    What the command itself writes into a record (a worker was lost too often) goes to the object store, too.
    """

    def __init__(self, home: Path, name: str, object_store: ObjectStore):
        super().__init__(home, name)
        self.object_store = object_store
        self.prefix = f"sweeps/{name}/trials"

    def trial(self, key: str) -> CopiedFolder:
        return CopiedFolder(self.folder / "trials" / key, self.object_store)

    def attempts(self) -> dict[str, Attempts]:
        """key -> its attempts, of every trial in the object store. Raises OSError."""
        objects: dict[str, dict[str, Object]] = {}
        for path, stored in self.object_store.objects(self.prefix).items():
            key, _, name = path.partition("/")
            objects.setdefault(key, {})[name] = stored
        return {key: group_by_attempt(of_trial) for key, of_trial in objects.items()}


class CopiedFolder(TrialFolder):
    """The copy of a trial's folder in the command's home."""

    def __init__(self, folder: Path, object_store: ObjectStore):
        super().__init__(folder)
        self.object_store, self.prefix = object_store, object_prefix(folder)

    def pull(self, attempts: Attempts | None = None, checkpoints: bool = False) -> bool:
        """Make the copy what the last attempt holds; returns whether there is one. Raises OSError.

        A trial that runs is copied without its generators, which nobody needs yet. `attempts`: if they are known.
        """
        if attempts is None:
            attempts = group_by_attempt(self.object_store.objects(self.prefix))
        last = newest_attempt(attempts)
        if last is None:
            return False
        files, prefix = attempts[last], f"{self.prefix}/{last}"
        record = self.object_store.read(f"{prefix}/{RECORD}")  # read first, written last: others may only be ahead
        left_out = {RECORD, *(() if checkpoints else CHECKPOINTS)}
        if _status_in(record) == TrialStatus.RUNNING:
            left_out.update(GENERATORS)
        for name in files.keys() - left_out:
            self._copy(name, files[name], prefix)
        for name in trial_files(self.folder):
            if name not in files and name not in CHECKPOINTS:
                (self.folder / name).unlink()
        write_file(self.record_file, record)
        return True

    def _copy(self, name: str, stored: Object, prefix: str) -> None:
        """Copy an object unless the copy is up to date: a copy gets the time of its object."""
        target = self.folder / name
        if target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == (stored.size, stored.written_ns):
            return
        is_settled = time.time_ns() - stored.written_ns > SETTLED_NS
        write_file(target, self.object_store.read(f"{prefix}/{name}"))
        os.utime(target, ns=(stored.written_ns,) * 2 if is_settled else (0, 0))

    def push_all(self) -> None:
        """Push what only this home holds to the object store, the checkpoint too. Raises OSError."""
        WorkerFolder(self.folder, self.object_store, self.prefix).push()

    def has_checkpoint(self) -> bool:
        attempts = group_by_attempt(self.object_store.objects(self.prefix))
        return any(name in attempts.get(newest_attempt(attempts) or "", ()) for name in CHECKPOINTS)

    def write_record(self, record: Record) -> None:
        super().write_record(record)
        with suppress(OSError):  # then the next command tries the trial again, as it would have done
            if last := newest_attempt(group_by_attempt(self.object_store.objects(self.prefix))):
                self.object_store.write(f"{self.prefix}/{last}/{RECORD}", self.record_file.read_bytes())


def _status_in(record: bytes) -> TrialStatus:
    try:
        return TrialStatus(json.loads(record)["status"])
    except (ValueError, KeyError, TypeError):
        return TrialStatus.DAMAGED
