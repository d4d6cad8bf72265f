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
    by_attempt,
    files_of,
    newest,
    object_prefix,
)
from orchestrator.object_store.s3 import Object, ObjectStore
from orchestrator.object_store.worker_folder import WorkerFolder, write_file
from orchestrator.store.record import Record
from orchestrator.store.sweep_folder import SweepFolder
from orchestrator.store.trial_folder import TrialFolder
from orchestrator.store.trial_status import TrialStatus

SETTLED = 2 * 10**9
"""Nanoseconds after which an object that is written again says so: its time has whole seconds."""


class StoredSweep(SweepFolder):
    """A sweep of the command's home whose trials live in a storage: the home has a copy, without the checkpoints.

    What the command itself writes into a record (a worker was lost too often) goes to the storage, too.
    """

    def __init__(self, home: Path, name: str, storage: ObjectStore):
        super().__init__(home, name)
        self.storage = storage
        self.prefix = f"sweeps/{name}/trials"

    def trial(self, key: str) -> CopiedFolder:
        return CopiedFolder(self.folder / "trials" / key, self.storage)

    def attempts(self) -> dict[str, Attempts]:
        """key -> its attempts, of every trial that the storage knows. Raises OSError."""
        objects: dict[str, dict[str, Object]] = {}
        for path, one in self.storage.objects(self.prefix).items():
            key, _, rest = path.partition("/")
            objects.setdefault(key, {})[rest] = one
        return {key: by_attempt(found) for key, found in objects.items()}


class CopiedFolder(TrialFolder):
    """The copy of a trial's folder in the command's home."""

    def __init__(self, folder: Path, storage: ObjectStore):
        super().__init__(folder)
        self.storage, self.prefix = storage, object_prefix(folder)

    def pull(self, attempts: Attempts | None = None, checkpoints: bool = False) -> bool:
        """Makes the copy what the last attempt holds; whether there is one. Raises OSError.

        A trial that runs is copied without its generators, which nobody needs yet. `attempts`: if they are known.
        """
        if attempts is None:
            attempts = by_attempt(self.storage.objects(self.prefix))
        last = newest(attempts)
        if last is None:
            return False
        files, place = attempts[last], f"{self.prefix}/{last}"
        record = self.storage.read(f"{place}/{RECORD}")  # read first and written last: the others may only be ahead
        left_out = {RECORD, *(() if checkpoints else CHECKPOINTS)}
        if _status(record) == TrialStatus.RUNNING:
            left_out.update(GENERATORS)
        for name in files.keys() - left_out:
            self._copy(name, files[name], place)
        for name in files_of(self.folder):
            if name not in files and name not in CHECKPOINTS:
                (self.folder / name).unlink()
        write_file(self.record_file, record)
        return True

    def _copy(self, name: str, one: Object, place: str) -> None:
        """Copies have the time of what they copy, by which they are known to be up to date."""
        target = self.folder / name
        if target.exists() and (target.stat().st_size, target.stat().st_mtime_ns) == (one.size, one.written):
            return
        settled = time.time_ns() - one.written > SETTLED
        write_file(target, self.storage.read(f"{place}/{name}"))
        os.utime(target, ns=(one.written,) * 2 if settled else (0, 0))

    def push_all(self) -> None:
        """Takes what only this home holds to the storage, its checkpoint too. Raises OSError."""
        WorkerFolder(self.folder, self.storage, self.prefix).push()

    def has_checkpoint(self) -> bool:
        attempts = by_attempt(self.storage.objects(self.prefix))
        return any(name in attempts.get(newest(attempts) or "", ()) for name in CHECKPOINTS)

    def write_record(self, record: Record) -> None:
        super().write_record(record)
        with suppress(OSError):  # then the next command tries the trial again, as it would have done
            if last := newest(by_attempt(self.storage.objects(self.prefix))):
                self.storage.write(f"{self.prefix}/{last}/{RECORD}", self.record_file.read_bytes())


def _status(record: bytes) -> str:
    try:
        return str(json.loads(record)["status"])
    except (ValueError, KeyError, TypeError):
        return TrialStatus.DAMAGED
